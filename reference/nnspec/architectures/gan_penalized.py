r"""Two networks against each other, where the critic is held by a penalty on its slope."""

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array

from nnspec.architectures._turns import check_made, stepped
from nnspec.architectures.gan import (
    Optimizers,
    Players,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    points_between,
)
from nnspec.checking import NonNegative, checked

__all__ = ["penalized_gan_step"]


@checked
def penalized_gan_step(
    game: Players,
    real: Array,
    noise: Array,
    key: Array,
    *,
    generate: Callable[[Any, Array], Array],
    discriminate: Callable[[Any, Array], Array],
    optimizers: Optimizers,
    strength: NonNegative,
    target: NonNegative = 1.0,
) -> tuple[Players, tuple[Array, Array]]:
    r"""Step the critic once for each batch, by the Wasserstein loss with a penalty, then the generator.

    With $\lambda$ = ``strength`` and the slope $g$ at points between real and made samples: the mean of
    $f - r + \lambda\,(|g| - t)^2$, then that of $-f$   [penalized-gan-step.value][], [penalized-gan-step.apart][]

    Args:
        game: as `players` makes it.
        real: a batch of real samples for each step of the critic, [steps, batch, ...].
        noise: what the generator makes samples of, for each step of the critic and once more for its own,
            [steps + 1, batch, ...].
        key: of the points between samples; it is split, one for each step.
        generate: makes samples of weights and noise.
        discriminate: the critic; it gives a number of weights and samples, one for each, and has second derivatives.
        optimizers: of the generator and of the critic.
        strength: of the penalty, at least 0.
        target: the length that a slope should have, at least 0.

    Returns:
        The game after all steps, and the losses before them: of the critic, one for each step, and of the generator.

    Raises:
        ValueError: noise is not one batch more than the real samples; made samples have another shape than real ones;
            ``strength`` or ``target`` is negative.
        TypeError: the gradient of the critic has no gradient.

    Source: Gulrajani and others 2017, algorithm 1.
    """
    if len(noise) != len(real) + 1 or len(real) == 0:
        counts = f"{len(noise)} batches of noise for {len(real)} of real samples"
        raise ValueError(f"penalized_gan_step: {counts}; give at least 1, and 1 more of noise")

    def critic_loss(critic: Any, samples: Array, noise: Array, key: Array) -> Array:
        made = generate(game.generator, noise)
        check_made("penalized_gan_step", made, samples)
        loss = discriminator_loss(discriminate(critic, samples), discriminate(critic, made), kind="wasserstein")
        points = points_between(samples, made, key).reshape(len(samples), -1)

        def at_one_point(x: Array) -> Array:
            return discriminate(critic, x.reshape(1, *samples.shape[1:]))[0]

        return (loss + strength * gradient_penalty(points, critic=at_one_point, target=target)).mean()

    def step(carry: tuple, batch: tuple) -> tuple:
        critic, state, loss = stepped(optimizers[1], lambda critic: critic_loss(critic, *batch), *carry)
        return (critic, state), loss

    batches = real, noise[:-1], jax.random.split(key, len(real))
    (critic, critic_state), losses = jax.lax.scan(step, (game.discriminator, game.discriminator_state), batches)

    def passed_off(generator: Any) -> Array:
        return generator_loss(discriminate(critic, generate(generator, noise[-1])), kind="wasserstein").mean()

    generator, generator_state, last = stepped(optimizers[0], passed_off, game.generator, game.generator_state)
    return Players(generator, critic, generator_state, critic_state), (losses, last)
