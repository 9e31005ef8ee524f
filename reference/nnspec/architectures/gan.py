r"""Two networks that are trained against each other.

The losses take logits, and give one number for each sample. Half precision is computed in float32 and rounded once.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from nnspec.architectures._turns import check_made, stepped
from nnspec.checking import NonNegative, checked
from nnspec.elementary import softplus
from nnspec.entries import between_0_and_1, held

__all__ = [
    "Players", "discriminator_loss", "gan_step", "gan_value", "generator_loss", "gradient_penalty", "jensen_shannon",
    "players", "points_between", "simultaneous_gan_step",
]  # fmt: skip

DiscriminatorKind = Literal["logistic", "least-squares", "hinge", "wasserstein"]
GeneratorKind = Literal["minimax", "non-saturating", "least-squares", "hinge", "wasserstein"]


@checked
@partial(jax.jit, static_argnames="kind")
def discriminator_loss(
    real: Float[Array, "*batch"], fake: Float[Array, "*batch"], *, kind: DiscriminatorKind
) -> Float[Array, "*batch"]:
    r"""Give what the discriminator pays for the logits of a real and of a made sample.

    With $r$ = ``real``, $f$ = ``fake``: $\ell_D = \mathrm{softplus}(-r) + \mathrm{softplus}(f)$ where ``kind`` is
    ``logistic``   [discriminator-loss.value][], [gan.extremes][]

    Args:
        real: logits of real samples, any float dtype.
        fake: logits of made samples, the same shape.
        kind: ``logistic``, ``least-squares``, ``hinge`` or ``wasserstein``, for a critic whose output has no bounds.

    Returns:
        One loss for each pair.

    Raises:
        ValueError: the shapes differ; there is no such kind.

    Source: Goodfellow and others 2014; Mao and others 2017; Lim and Ye 2017; Arjovsky, Chintala and Bottou 2017.
    """
    r, f = _wide(real), _wide(fake)
    if kind == "logistic":
        loss = softplus(-r) + softplus(f)
    elif kind == "least-squares":
        loss = ((r - 1) ** 2 + f**2) / 2
    elif kind == "hinge":
        loss = _above_0(1 - r) + _above_0(1 + f)
    else:
        loss = f - r
    return loss.astype(real.dtype)


@checked
@partial(jax.jit, static_argnames="kind")
def generator_loss(fake: Float[Array, "*batch"], *, kind: GeneratorKind) -> Float[Array, "*batch"]:
    r"""Give what the generator pays for the logit of a sample that it made.

    With $f$ = ``fake``: $\ell_G = \mathrm{softplus}(-f)$ where ``kind`` is ``non-saturating``, and
    $-\mathrm{softplus}(f)$ where it is ``minimax``   [generator-loss.value][], [generator-loss.saturation][]

    Args:
        fake: the discriminator's logits of made samples, any float dtype.
        kind: ``minimax``, ``non-saturating``, ``least-squares``, ``hinge`` or ``wasserstein``.

    Returns:
        One loss for each sample.

    Raises:
        ValueError: there is no such kind.

    Source: Goodfellow and others 2014, section 3; Mao and others 2017; Lim and Ye 2017; Arjovsky and others 2017.
    """
    f = _wide(fake)
    if kind == "minimax":
        loss = -softplus(f)
    elif kind == "non-saturating":
        loss = softplus(-f)
    else:
        loss = (f - 1) ** 2 / 2 if kind == "least-squares" else -f
    return loss.astype(fake.dtype)


@checked
def gradient_penalty(
    x: Float[Array, "batch features"], *, critic: Callable[[Array], Array], target: NonNegative
) -> Float[Array, "batch"]:
    r"""Give what the slope of a critic at each point is off its target.

    With $g$ the gradient of ``critic`` at a point, $t$ = ``target``: $(|g| - t)^2$   [gradient-penalty.value][],
    [gradient-penalty.no-slope][]

    Args:
        x: the points, any float dtype; in training between real and made samples.
        critic: takes one point and gives one number; it must have second derivatives.
        target: the length that a slope should have, in units of the critic over those of ``x``.

    Returns:
        One penalty for each point.

    Raises:
        ValueError: ``target`` is negative.
        TypeError: the critic gives something other than one number, or its gradient has no gradient.

    Source: Gulrajani and others 2017, equation 3.
    """
    g = jax.vmap(jax.grad(critic))(x)
    _check_second(critic, jax.ShapeDtypeStruct(x.shape[1:], x.dtype))
    square = jnp.sum(g * g, -1)
    flat = square == 0  # the root has no derivative there
    length = jnp.where(flat, 0, jnp.sqrt(jnp.where(flat, 1, square)))
    return (length - jnp.asarray(target, length.dtype)) ** 2


@checked
def points_between(
    real: Float[Array, "batch *features"], fake: Float[Array, "batch *features"], key: Array
) -> Float[Array, "batch *features"]:
    r"""Draw a point between each real sample and a made one, where `gradient_penalty` asks for the slope.

    With $\epsilon$ uniform from 0 to 1, one for each pair: $\epsilon\, x + (1 - \epsilon)\, \tilde x$
    [points-between.uniform][]

    Args:
        real: real samples $x$, any float dtype.
        fake: made samples $\tilde x$, the same shape.
        key: where the places are drawn from.

    Returns:
        One point for each pair, in the dtype of ``real``.

    Source: Gulrajani and others 2017, section 4.
    """
    x, made = _wide(real), _wide(fake)
    epsilon = jax.random.uniform(key, (len(x),) + (1,) * (x.ndim - 1), x.dtype)
    return (epsilon * x + (1 - epsilon) * made).astype(real.dtype)


@checked
@held(d=between_0_and_1, p=between_0_and_1, q=between_0_and_1)
@jax.jit
def gan_value(
    d: Float[Array, "*batch points"], p: Float[Array, "*batch points"], q: Float[Array, "*batch points"]
) -> Float[Array, "*batch"]:
    r"""Give the value of the game for a discriminator, where the distributions are known.

    $V = \sum p \log d + q \log(1 - d)$   [gan-value.value][], [gan-value.optimum][]

    Probabilities outside [0, 1] are refused where they are known.

    Args:
        d: the probability that the discriminator gives for *real*, at each point.
        p: the distribution of the real samples, any float dtype.
        q: that of the made ones.

    Returns:
        The value, in nats, at most $2\,\mathrm{JSD}(p, q) - \log 4$.

    Source: Goodfellow and others 2014, equation 3.
    """
    wide = [_wide(part) for part in (d, p, q)]
    return jnp.sum(_p_log(wide[1], wide[0]) + _p_log(wide[2], 1 - wide[0]), -1).astype(d.dtype)


@checked
@held(p=between_0_and_1, q=between_0_and_1)
@jax.jit
def jensen_shannon(p: Float[Array, "*batch points"], q: Float[Array, "*batch points"]) -> Float[Array, "*batch"]:
    r"""Give how far two distributions are apart.

    $\mathrm{JSD} = \frac12 \sum p \log \frac{2p}{p + q} + q \log \frac{2q}{p + q}$   [jensen-shannon.form][],
    [jensen-shannon.ends][]

    Probabilities outside [0, 1] are refused where they are known.

    Args:
        p: a distribution over the last axis, any float dtype.
        q: another one.

    Returns:
        The divergence in nats, from 0 to log 2.

    Source: Lin 1991, equation 4.1.
    """
    a, b = _wide(p), _wide(q)
    total = jnp.where(a + b == 0, 1, a + b)
    return jnp.sum((_p_log(a, 2 * a / total) + _p_log(b, 2 * b / total)) / 2, -1).astype(p.dtype)


class Players(NamedTuple):
    """The two networks of a game and the states of their optimizers.

    Attributes:
        generator: its weights, a tree of arrays.
        discriminator: its weights.
        generator_state: of the optimizer that steps the generator.
        discriminator_state: of the other one.
    """

    generator: Any
    discriminator: Any
    generator_state: Any
    discriminator_state: Any


Optimizers = tuple[optax.GradientTransformation, optax.GradientTransformation]


def players(generator: Any, discriminator: Any, optimizers: Optimizers) -> Players:
    """Make the start of a game: each optimizer holds the weights of its own network   [gan-step.apart][].

    Args:
        generator: weights, a tree of arrays.
        discriminator: weights.
        optimizers: of the generator and of the discriminator.

    Returns:
        The weights and the new states.

    Raises:
        TypeError: a leaf of a tree is no array, which the optimizer says.

    Source: Goodfellow and others 2014, algorithm 1.
    """
    return Players(generator, discriminator, optimizers[0].init(generator), optimizers[1].init(discriminator))


def gan_step(
    game: Players,
    real: Array,
    noise: tuple[Array, Array],
    *,
    generate: Callable[[Any, Array], Array],
    discriminate: Callable[[Any, Array], Array],
    optimizers: Optimizers,
    losses: tuple[DiscriminatorKind, GeneratorKind] = ("logistic", "non-saturating"),
) -> tuple[Players, tuple[Array, Array]]:
    r"""Step the discriminator, then the generator against what the discriminator has become.

    The mean of $\ell_D$ over the batch, then that of $\ell_G$   [gan-step.apart][], [gan-step.order][]

    Args:
        game: as `players` makes it.
        real: a batch of real samples.
        noise: what the generator makes samples of in the first half, and in the second.
        generate: makes samples of weights and noise.
        discriminate: gives logits of weights and samples, one for each.
        optimizers: of the generator and of the discriminator.
        losses: the kinds of `discriminator_loss` and `generator_loss`.

    Returns:
        The game after both steps, and the two losses before them.

    Raises:
        ValueError: there is no such kind of loss; made samples have another shape than real ones.

    Source: Goodfellow and others 2014, algorithm 1, with one step of the discriminator.
    """

    def told_apart(discriminator: Any) -> Array:
        fake = generate(game.generator, noise[0])
        check_made("gan_step", fake, real)
        logits = discriminate(discriminator, real), discriminate(discriminator, fake)
        return discriminator_loss(*logits, kind=losses[0]).mean()

    discriminator, discriminator_state, first = stepped(
        optimizers[1], told_apart, game.discriminator, game.discriminator_state
    )

    def passed_off(generator: Any) -> Array:
        logits = discriminate(discriminator, generate(generator, noise[1]))
        return generator_loss(logits, kind=losses[1]).mean()

    generator, generator_state, second = stepped(optimizers[0], passed_off, game.generator, game.generator_state)
    return Players(generator, discriminator, generator_state, discriminator_state), (first, second)


def simultaneous_gan_step(
    game: Players,
    real: Array,
    noise: Array,
    *,
    generate: Callable[[Any, Array], Array],
    discriminate: Callable[[Any, Array], Array],
    optimizers: Optimizers,
    losses: tuple[DiscriminatorKind, GeneratorKind] = ("logistic", "non-saturating"),
) -> tuple[Players, tuple[Array, Array]]:
    r"""Step both players at once, each against what the other was before.

    The means of $\ell_D$ and of $\ell_G$ over the batch, at the same weights of both networks
    [simultaneous-gan-step.value][], [simultaneous-gan-step.spiral][]

    Args:
        game: as `players` makes it.
        real: a batch of real samples.
        noise: what the generator makes samples of, for both losses.
        generate: makes samples of weights and noise.
        discriminate: gives logits of weights and samples, one for each.
        optimizers: of the generator and of the discriminator.
        losses: the kinds of `discriminator_loss` and `generator_loss`.

    Returns:
        The game after the step, and the two losses before it.

    Raises:
        ValueError: there is no such kind of loss; made samples have another shape than real ones.

    Source: Mescheder, Geiger and Nowozin 2018, section 2.
    """

    def told_apart(discriminator: Any) -> Array:
        fake = generate(game.generator, noise)
        check_made("simultaneous_gan_step", fake, real)
        logits = discriminate(discriminator, real), discriminate(discriminator, fake)
        return discriminator_loss(*logits, kind=losses[0]).mean()

    def passed_off(generator: Any) -> Array:
        logits = discriminate(game.discriminator, generate(generator, noise))
        return generator_loss(logits, kind=losses[1]).mean()

    discriminator, discriminator_state, first = stepped(
        optimizers[1], told_apart, game.discriminator, game.discriminator_state
    )
    generator, generator_state, second = stepped(optimizers[0], passed_off, game.generator, game.generator_state)
    return Players(generator, discriminator, generator_state, discriminator_state), (first, second)


def _check_second(critic: Callable[[Array], Array], point: jax.ShapeDtypeStruct) -> None:
    """Refuse a critic that could not be trained by its penalty, before anybody trains it; nothing is computed."""
    try:
        jax.eval_shape(jax.grad(lambda x: jnp.sum(jax.grad(critic)(x))), point)
    except (TypeError, ValueError, NotImplementedError) as reason:
        name, why = getattr(critic, "__qualname__", repr(critic)), str(reason).splitlines()[0]
        raise TypeError(
            f"gradient_penalty: the gradient of critic {name} has no gradient ({why}); "
            "make it of functions that JAX differentiates twice"
        ) from None


def _wide(x: Array) -> Array:
    """Half precision as float32."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _above_0(x: Array) -> Array:
    """The maximum with 0, whose slope at 0 is 0."""
    return jnp.where(x <= 0, 0, x)


def _p_log(p: Array, x: Array) -> Array:
    """The product p log(x), 0 where p is, whatever x is there."""
    none = p == 0
    return jnp.where(none, 0, p * jnp.log(jnp.where(none, 1, x)))
