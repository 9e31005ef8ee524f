"""What is proven of the step with a penalty: it is Algorithm 1 by hand, and each optimizer moves its own network."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from altered import changed

from nnspec.architectures.gan import gradient_penalty, players, points_between
from nnspec.architectures.gan_penalized import penalized_gan_step

STEPS, BATCH, RATE, STRENGTH, TARGET = 3, 5, 0.05, 2.0, 0.5
KEY = jax.random.key(11)


def draws(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


REAL, NOISE = 1 + draws(0, STEPS, BATCH, 2, 3), draws(1, STEPS + 1, BATCH, 4)
GENERATOR = {"kernel": draws(2, 4, 6)}
CRITIC = {"kernel": draws(3, 6, 7) / 2, "read": draws(4, 7)}


def generate(weights, noise):
    return jnp.tanh(noise @ weights["kernel"]).reshape(-1, 2, 3)


def discriminate(weights, x):
    return jnp.tanh(x.reshape(len(x), -1) @ weights["kernel"]) @ weights["read"]


HOW = {"generate": generate, "discriminate": discriminate, "strength": STRENGTH, "target": TARGET}


def leaves_out_the_penalty(*given, **how):
    """Has the loss alone, whose critic runs away."""
    return changed(penalized_gan_step, "(loss + strength * ", "(loss + 0 * ")(*given, **how)


def asks_at_made_samples(*given, **how):
    """Asks for the slope at made samples, and not between."""
    return changed(penalized_gan_step, "points_between(samples, made, key)", "made")(*given, **how)


def detaches_the_slope(*given, **how):
    """Hands the penalty over as a number."""
    old = "gradient_penalty(points, critic=at_one_point, target=target)"
    return changed(penalized_gan_step, old, f"jax.lax.stop_gradient({old})")(*given, **how)


def steps_the_critic_on_one_batch(*given, **how):
    """Steps the critic on the first batch each time."""
    old = "batches = real, noise[:-1],"
    return changed(penalized_gan_step, old, "batches = real[:1].repeat(len(real), 0), noise[:1].repeat(len(real), 0),")(
        *given, **how
    )


def answers_to_the_first_critic(*given, **how):
    """Steps the generator against the critic of before its steps."""
    return changed(penalized_gan_step, "discriminate(critic, generate(", "discriminate(game.discriminator, generate(")(
        *given, **how
    )


def steps_the_generator_on_known_noise(*given, **how):
    """Makes the generator's samples of noise that the critic has seen."""
    return changed(penalized_gan_step, "generate(generator, noise[-1])", "generate(generator, noise[0])")(*given, **how)


@pytest.mark.statement(
    "penalized-gan-step.value", of=penalized_gan_step,
    mutants=[
        leaves_out_the_penalty, asks_at_made_samples, detaches_the_slope, steps_the_critic_on_one_batch,
        answers_to_the_first_critic, steps_the_generator_on_known_noise,
    ],
)  # fmt: skip
def test_step_is_the_algorithm_by_hand(implementation):
    optimizers = (optax.sgd(RATE), optax.sgd(RATE))
    start = players(GENERATOR, CRITIC, optimizers)
    game, (losses, last) = implementation(start, REAL, NOISE, KEY, optimizers=optimizers, **HOW)

    def stepped(w, g):
        return jax.tree.map(lambda a, b: a - RATE * b, w, g)

    critic, wanted = CRITIC, []
    for real, noise, key in zip(REAL, NOISE, jax.random.split(KEY, STEPS), strict=False):
        fake = generate(GENERATOR, noise)
        between = points_between(real, fake, key).reshape(BATCH, 6)

        def loss(w, real=real, fake=fake, between=between):
            slopes = gradient_penalty(between, critic=lambda x: discriminate(w, x[None])[0], target=TARGET)
            return (discriminate(w, fake) - discriminate(w, real)).mean() + STRENGTH * slopes.mean()

        value, g = jax.value_and_grad(loss)(critic)
        critic = stepped(critic, g)
        wanted.append(value)
    own, g = jax.value_and_grad(lambda w: -discriminate(critic, generate(w, NOISE[-1])).mean())(GENERATOR)

    for name in CRITIC:
        np.testing.assert_allclose(game.discriminator[name], critic[name], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(game.generator["kernel"], stepped(GENERATOR, g)["kernel"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(losses, jnp.stack(wanted), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last, own, rtol=1e-4, atol=1e-5)


def decays_the_generator(game, *given, **how):
    """Holds the generator in the critic's optimizer, too, which moves weights whose gradient is 0."""
    game, losses = penalized_gan_step(game, *given, **how)
    return game._replace(generator=jax.tree.map(lambda w: w * (1 - 1e-3), game.generator)), losses


def trains_the_critic_as_well(game, *given, **how):
    """Takes the generator's gradient for the critic, too: one optimizer over both networks."""
    after, losses = penalized_gan_step(game, *given, **how)
    return after._replace(discriminator=jax.tree.map(lambda w: w - 1e-3, after.discriminator)), losses


@pytest.mark.statement(
    "penalized-gan-step.apart",
    of=penalized_gan_step,
    mutants=[decays_the_generator, trains_the_critic_as_well],
)
def test_a_player_that_stands_still_keeps_its_weights_bit_for_bit(implementation):
    still, moves = optax.set_to_zero(), optax.adamw(RATE)
    for optimizers, kept, own in (((still, moves), "generator", GENERATOR), ((moves, still), "discriminator", CRITIC)):
        start = players(GENERATOR, CRITIC, optimizers)
        game, _ = implementation(start, REAL, NOISE, KEY, optimizers=optimizers, **HOW)

        other = "generator" if kept == "discriminator" else "discriminator"
        assert all(np.array_equal(getattr(game, kept)[name], own[name]) for name in own)
        assert not np.array_equal(getattr(game, other)["kernel"], getattr(start, other)["kernel"])


def test_errors():
    optimizers = (optax.sgd(RATE), optax.sgd(RATE))
    start = players(GENERATOR, CRITIC, optimizers)
    for message, real, noise, given in (
        ("3 batches of noise for 3 of real samples", REAL, NOISE[1:], {}),
        ("1 batches of noise for 0 of real samples", REAL[:0], NOISE[:1], {}),
        (r"made samples have shape \(5, 2, 3\), real ones \(4, 2, 3\)", REAL[:, :4], NOISE, {}),
        ("strength must be zero or positive", REAL, NOISE, {"strength": -1.0}),
    ):
        with pytest.raises(ValueError, match=message) as found:
            penalized_gan_step(start, real, noise, KEY, optimizers=optimizers, **(HOW | given))
        assert "\n" not in str(found.value)
