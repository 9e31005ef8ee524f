r"""Dropout: numbers set to zero at random in training, and what is kept made larger, so that the mean stays.

A function is handed its key, and a key gives one mask. The modules hold a stream of keys, and take a new one from it at
every call.
"""

from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Key

from nnspec.checking import Requirement, checked

__all__ = ["Dropout", "FeatureDropout", "dropout", "feature_dropout", "repeated_dropout"]

DropoutRate = Annotated[float, Requirement("from 0 to 1", lambda rate: 0 <= rate <= 1)]


@checked
def dropout(
    x: Float[Array, "*shape"], key: Key[Array, ""], *, rate: DropoutRate, train: bool = True
) -> Float[Array, "*shape"]:
    r"""Set entries to zero with a probability, each by itself, and divide what is kept by that of keeping it.

    With $p$ = ``rate`` and $m$ a mask of zeros and ones, $P(m = 0) = p$: $y = m\,x / (1 - p)$   [dropout.scale][]

    Args:
        x: any float dtype, any shape.
        key: of the mask; the same key gives the same one.
        rate: probability to be dropped, from 0 to 1, a plain number.
        train: without training the result is ``x``.

    Returns:
        Same shape and dtype as ``x``; a dropped entry is 0, whatever it was.

    Raises:
        ValueError: ``rate`` is below 0, above 1 or NaN.

    Source: Srivastava et al. 2014, section 10.
    """
    return _dropped(x, key, x.shape, float(rate)) if train else x


@checked
def feature_dropout(
    x: Float[Array, "batch *places features"], key: Key[Array, ""], *, rate: DropoutRate, train: bool = True
) -> Float[Array, "batch *places features"]:
    r"""Drop each feature of each example at all places or at none: of all steps of a sequence, or all pixels.

    With $p$ = ``rate``, $b$ an example, $s$ a place and $f$ a feature: $y_{bsf} = m_{bf}\,x_{bsf} / (1 - p)$
    [feature-dropout.shared][]

    Args:
        x: any float dtype; examples along the first axis, features along the last.
        key: of the mask; the same key gives the same one.
        rate: probability to be dropped, from 0 to 1, a plain number.
        train: without training the result is ``x``.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``rate`` is below 0, above 1 or NaN; ``x`` has no axis of examples or of features.

    Source: Tompson et al. 2015, section 3.2; Gal and Ghahramani 2016.
    """
    shared = (x.shape[0], *[1] * (x.ndim - 2), x.shape[-1])
    return _dropped(x, key, shared, float(rate)) if train else x


@checked
def repeated_dropout(
    x: Float[Array, "*shape"], key: Key[Array, ""], *, rate: DropoutRate
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    r"""Call one layer twice in training: each call draws a mask of its own   [repeated-dropout.independent][].

    Args:
        x: any float dtype, any shape.
        key: where the layer's keys come from.
        rate: probability to be dropped, from 0 to 1.

    Returns:
        The results of the two calls.

    Raises:
        ValueError: ``rate`` is below 0, above 1 or NaN.

    Source: Srivastava et al. 2014, section 4: a mask for each presentation of each example.
    """
    layer = Dropout(rate, rngs=nnx.Rngs(dropout=key))
    return layer(x), layer(x)


def _dropped(x: Array, key: Array, shape: tuple[int, ...], p: float) -> Array:
    """The array with a mask of a shape that is broadcast to its own; at the ends there is nothing to draw."""
    if p == 0:
        return x
    if p == 1:  # 1 - p is 0, and the gradient of 1/0 is NaN behind any mask
        return jnp.zeros_like(x)
    return _masked(x, key, p, 1 / (1 - p), shape=shape)  # in float64, before a program rounds p


@partial(jax.jit, static_argnames="shape")
def _masked(x: Array, key: Array, p: Array, s: Array, *, shape: tuple[int, ...]) -> Array:
    """What is kept, times s = 1 / (1 - p), one program for all rates."""
    m = jax.random.uniform(key, shape) >= p  # in float32: half precision has too few numbers
    return jnp.where(m, x * s, 0)  # of a division the compiler makes this product in some dtypes alone


class Dropout(nnx.Module):
    r"""A layer of dropout, which draws from a stream of keys at every call and can be told that training is over.

    Args:
        rate: probability to be dropped, from 0 to 1.
        rngs: where the keys come from, the stream ``dropout``.

    Examples:
        >>> layer = Dropout(0.5, rngs=nnx.Rngs(dropout=0))
        >>> x = jnp.ones(1000)
        >>> bool((layer(x) == layer(x)).all())
        False
        >>> layer.eval()
        >>> bool((layer(x) == x).all())
        True
    """

    @checked
    def __init__(self, rate: DropoutRate, *, rngs: nnx.Rngs) -> None:
        self.rate, self.deterministic = rate, False
        self.rngs = rngs["dropout"].fork()

    @checked
    def __call__(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Apply `dropout` with the next key, or hand on ``x`` where ``deterministic`` is set."""
        return x if self.deterministic else dropout(x, self.rngs(), rate=self.rate)


class FeatureDropout(nnx.Module):
    r"""The same layer for whole features: one mask for all places of an example.

    Args:
        rate: probability to be dropped, from 0 to 1.
        rngs: where the keys come from, the stream ``dropout``.

    Examples:
        >>> layer = FeatureDropout(0.5, rngs=nnx.Rngs(dropout=0))
        >>> y = layer(jnp.ones((4, 10, 3)))
        >>> bool((y == y[:, :1]).all())
        True
    """

    @checked
    def __init__(self, rate: DropoutRate, *, rngs: nnx.Rngs) -> None:
        self.rate, self.deterministic = rate, False
        self.rngs = rngs["dropout"].fork()

    @checked
    def __call__(self, x: Float[Array, "batch *places features"]) -> Float[Array, "batch *places features"]:
        """Apply `feature_dropout` with the next key, or hand on ``x`` where ``deterministic`` is set."""
        return x if self.deterministic else feature_dropout(x, self.rngs(), rate=self.rate)
