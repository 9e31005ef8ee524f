r"""Initialization: what the parameters of a network start with.

Each function is an initializer as JAX and Flax take them, of a key, a shape and a dtype. Half precision is drawn in
float32 and rounded once, so that no entry lies beyond a rounded bound.

Examples:
    >>> import jax
    >>> from flax import nnx
    >>> he_uniform(jax.random.key(0), (400, 800)).shape
    (400, 800)
    >>> layer = nnx.Linear(4, 2, kernel_init=he_normal, rngs=nnx.Rngs(0))
"""

import functools
import math
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from nnspec.checking import Finite, NonNegative, Positive, checked

__all__ = [
    "constant_init",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal_init",
    "truncated_normal_init",
    "uniform_init",
    "variance_scaling",
    "zeros_init",
]

Dtype = str | type | np.dtype
Tails = Literal["normal", "truncated", "uncorrected"]
Fans = Literal["in", "out", "average"]
CUT = 2.0  # deviations at which a truncated distribution is cut off
CUT_DEVIATION = 0.8796256610342398  # the deviation of a standard normal distribution that is cut off there


@checked
def zeros_init(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32) -> Array:
    """Make an array of zeros, as biases start.

    [zeros-init.value][]

    Args:
        key: not used; every initializer takes one.
        shape: of the array, any.
        dtype: a float dtype.

    Returns:
        An array of this shape and dtype.

    Source: the usual start of a bias.
    """
    return jnp.zeros(shape, dtype)


@checked
def constant_init(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32, *, value: Finite) -> Array:
    """Make an array of one number.

    [constant-init.value][]

    Args:
        key: not used; every initializer takes one.
        shape: of the array, any.
        dtype: a float dtype.
        value: the number, in units of the parameter.

    Returns:
        An array of this shape and dtype.

    Raises:
        ValueError: ``value`` is not finite.

    Source: Gers 2000, for the bias of a forget gate.
    """
    return jnp.full(shape, value, dtype)


@checked
def uniform_init(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32, *, bound: NonNegative) -> Array:
    r"""Draw uniformly between minus the bound and the bound.

    With $b$ = ``bound``: $w \sim \mathcal U(-b, b)$   [init.distribution][]

    Args:
        key: of JAX's generator.
        shape: of the array, any.
        dtype: a float dtype.
        bound: at least 0, in units of the parameter.

    Returns:
        An array of this shape and dtype.

    Raises:
        ValueError: ``bound`` is negative or not finite.

    Source: the definition of the distribution.
    """
    return _uniform(key, shape, dtype, bound)


@checked
def normal_init(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32, *, deviation: NonNegative) -> Array:
    r"""Draw from a normal distribution of mean 0.

    With $\sigma$ = ``deviation``: $w \sim \mathcal N(0, \sigma^2)$   [init.distribution][]

    Args:
        key: of JAX's generator.
        shape: of the array, any.
        dtype: a float dtype.
        deviation: at least 0, in units of the parameter.

    Returns:
        An array of this shape and dtype.

    Raises:
        ValueError: ``deviation`` is negative or not finite.

    Source: the definition of the distribution.
    """
    return _normal(key, shape, dtype, deviation)


@checked
def truncated_normal_init(
    key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32, *, deviation: NonNegative, bound: Positive
) -> Array:
    r"""Draw from a normal distribution of mean 0 that is cut off at the bound.

    With $\sigma$ = ``deviation``, $b$ = ``bound`` and $u$ uniform between 0 and 1:
    $w = \sigma \Phi^{-1}(\Phi(-b/\sigma) + u (1 - 2 \Phi(-b/\sigma)))$   [init.distribution][]

    Args:
        key: of JAX's generator.
        shape: of the array, any.
        dtype: a float dtype.
        deviation: at least 0, that of the distribution before it is cut off, in units of the parameter.
        bound: positive, in the same units.

    Returns:
        An array of this shape and dtype; its variance is less than that of the whole distribution.

    Raises:
        ValueError: ``deviation`` is negative, ``bound`` is not positive, or one is not finite.

    Source: the definition of the distribution.
    """
    return _truncated(key, shape, dtype, deviation, bound)


@checked
def lecun_uniform(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32) -> Array:
    r"""Draw uniformly with the variance 1/fan-in.

    With the fan-in $n$: $w \sim \mathcal U(-\sqrt{3/n}, \sqrt{3/n})$   [init.variance][]

    Args:
        key: of JAX's generator.
        shape: [*window, in, out].
        dtype: a float dtype.

    Returns:
        An array of this shape and dtype.

    Raises:
        ValueError: the shape has less than two axes, or a length of 0.

    Source: LeCun et al. 1998, section 4.6.
    """
    return _uniform(key, shape, dtype, math.sqrt(3 / _fans("lecun_uniform", shape)[0]))


@checked
def lecun_normal(
    key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32, *, tails: Tails = "normal"
) -> Array:
    r"""Draw from a normal distribution with the variance 1/fan-in.

    With the fan-in $n$: $w \sim \mathcal N(0, 1/n)$   [init.variance][]

    Args:
        key: of JAX's generator.
        shape: [*window, in, out].
        dtype: a float dtype.
        tails: ``normal``; ``truncated`` at two deviations and widened; ``uncorrected``, not widened.

    Returns:
        An array of this shape and dtype.

    Raises:
        ValueError: the shape has less than two axes, or a length of 0.

    Source: LeCun et al. 1998, section 4.6.
    """
    return _tailed(key, shape, dtype, math.sqrt(1 / _fans("lecun_normal", shape)[0]), tails)


@checked
def glorot_uniform(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32) -> Array:
    r"""Draw uniformly with the variance 2/(fan-in + fan-out).

    With the fans $n$ and $m$: $w \sim \mathcal U(-\sqrt{6/(n+m)}, \sqrt{6/(n+m)})$   [init.variance][]

    Args:
        key: of JAX's generator.
        shape: [*window, in, out].
        dtype: a float dtype.

    Returns:
        An array of this shape and dtype.

    Raises:
        ValueError: the shape has less than two axes, or a length of 0.

    Source: Glorot and Bengio 2010, equation 16.
    """
    return _uniform(key, shape, dtype, math.sqrt(6 / sum(_fans("glorot_uniform", shape))))


@checked
def glorot_normal(
    key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32, *, tails: Tails = "normal"
) -> Array:
    r"""Draw from a normal distribution with the variance 2/(fan-in + fan-out).

    With the fans $n$ and $m$: $w \sim \mathcal N(0, 2/(n+m))$   [init.variance][]

    Args:
        key: of JAX's generator.
        shape: [*window, in, out].
        dtype: a float dtype.
        tails: ``normal``; ``truncated`` at two deviations and widened; ``uncorrected``, not widened.

    Returns:
        An array of this shape and dtype.

    Raises:
        ValueError: the shape has less than two axes, or a length of 0.

    Source: Glorot and Bengio 2010, equation 12.
    """
    return _tailed(key, shape, dtype, math.sqrt(2 / sum(_fans("glorot_normal", shape))), tails)


@checked
def he_uniform(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32) -> Array:
    r"""Draw uniformly with the variance 2/fan-in, for layers of ReLU.

    With the fan-in $n$: $w \sim \mathcal U(-\sqrt{6/n}, \sqrt{6/n})$   [init.variance][]

    Args:
        key: of JAX's generator.
        shape: [*window, in, out].
        dtype: a float dtype.

    Returns:
        An array of this shape and dtype.

    Raises:
        ValueError: the shape has less than two axes, or a length of 0.

    Source: He et al. 2015, section 2.2.
    """
    return _uniform(key, shape, dtype, math.sqrt(6 / _fans("he_uniform", shape)[0]))


@checked
def he_normal(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32, *, tails: Tails = "normal") -> Array:
    r"""Draw from a normal distribution with the variance 2/fan-in, for layers of ReLU.

    With the fan-in $n$: $w \sim \mathcal N(0, 2/n)$   [init.variance][]

    Args:
        key: of JAX's generator.
        shape: [*window, in, out].
        dtype: a float dtype.
        tails: ``normal``; ``truncated`` at two deviations and widened; ``uncorrected``, not widened.

    Returns:
        An array of this shape and dtype.

    Raises:
        ValueError: the shape has less than two axes, or a length of 0.

    Source: He et al. 2015, section 2.2.
    """
    return _tailed(key, shape, dtype, math.sqrt(2 / _fans("he_normal", shape)[0]), tails)


@checked
def variance_scaling(
    key: jax.Array,
    shape: tuple[int, ...],
    dtype: Dtype = jnp.float32,
    *,
    scale: Positive,
    fans: Fans,
    distribution: Literal["normal", "truncated", "uniform"],
) -> Array:
    r"""Draw with a variance that is a number over the fan-in, the fan-out or their mean.

    With $s$ = ``scale`` and $n$ by ``fans``: $\mathrm{E}[w] = 0,\; \mathrm{E}[w^2] = s/n$   [variance-scaling.law][]

    Args:
        key: of JAX's generator.
        shape: [*window, in, out].
        dtype: a float dtype.
        scale: positive; 1 is LeCun's, 2 He's with the fan-in, 1 Glorot's with the mean.
        fans: ``in``; ``out``, which keeps the size of gradients; ``average`` of both.
        distribution: ``normal``; ``truncated`` at two deviations and widened; ``uniform``.

    Returns:
        An array of this shape and dtype.

    Raises:
        ValueError: the shape has less than two axes, or a length of 0; ``scale`` is not positive; a word is unknown.

    Source: He et al. 2015, section 2.2, has the fan-in and the fan-out; Glorot and Bengio 2010, equation 12, both.
    """
    fan_in, fan_out = _fans("variance_scaling", shape)
    n = {"in": fan_in, "out": fan_out, "average": (fan_in + fan_out) / 2}[fans]
    if distribution == "uniform":
        return _uniform(key, shape, dtype, jnp.sqrt(3 * scale / n))
    return _tailed(key, shape, dtype, jnp.sqrt(scale / n), distribution)


# ---- draws


def _fans(name: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs an output is a sum of, and how many outputs an input goes into."""
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"{name}: shape {shape} has no fans; give it [*window, in, out], no length 0")
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def _wide(dtype: Dtype) -> np.dtype:
    """The dtype that is drawn in."""
    return jnp.promote_types(dtype, jnp.float32)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _uniform(key: jax.Array, shape: tuple[int, ...], dtype: Dtype, bound: float | Array) -> Array:
    """Uniform draws; rounding keeps the order, so that none passes the rounded bound."""
    u = jax.random.uniform(key, shape, _wide(dtype), -1, 1)
    return (bound * u).astype(dtype)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _normal(key: jax.Array, shape: tuple[int, ...], dtype: Dtype, deviation: float | Array) -> Array:
    """Draw from a normal distribution of this deviation, in float32 at least."""
    return (deviation * jax.random.normal(key, shape, _wide(dtype))).astype(dtype)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _truncated(
    key: jax.Array, shape: tuple[int, ...], dtype: Dtype, deviation: float | Array, bound: float | Array
) -> Array:
    """Normal draws within the bound, by the inverse error function of a uniform number that is never -1 nor 1."""
    wide = _wide(dtype)
    edge = jnp.asarray(bound, wide) / deviation / math.sqrt(2)
    most = jnp.minimum(jax.lax.erf(edge), 1 - jnp.finfo(wide).eps)
    u = jax.random.uniform(key, shape, wide, -1, 1)
    w = math.sqrt(2) * deviation * jax.lax.erf_inv(u * most)
    return jnp.where(deviation == 0, 0, jnp.clip(w, -bound, bound)).astype(dtype)


def _tailed(key: jax.Array, shape: tuple[int, ...], dtype: Dtype, deviation: float | Array, tails: Tails) -> Array:
    """Normal draws, or cut off at two deviations, with this deviation or with that before the cut."""
    if tails == "normal":
        return _normal(key, shape, dtype, deviation)
    wide = deviation / (CUT_DEVIATION if tails == "truncated" else 1)
    return _truncated(key, shape, dtype, wide, CUT * wide)
