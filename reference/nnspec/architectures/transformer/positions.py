r"""Where each token stands: rows of sines and cosines, turned pairs of features, and rows that are learned.

Angles are computed in float32 or float64, whatever the dtype of the tokens: in half precision neighbouring positions
beyond 256 would be one number.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from nnspec.checking import Positive, checked

__all__ = ["LearnedPositions", "learned_positions", "rotary_positions", "sinusoidal_positions"]

Order = Literal["interleaved", "halves"]


@checked
def sinusoidal_positions(
    positions: Int[Array, "time"], *, features: int, base: Positive = 10000.0, order: Order = "interleaved"
) -> Float[Array, "time features"]:
    r"""Make a row of sines and cosines for each position.

    With $p$ a position, $d$ = ``features``, $b$ = ``base`` and $\theta_{p,i} = p\, b^{-2i/d}$:
    $y_{p,2i} = \sin \theta_{p,i}$ and $y_{p,2i+1} = \cos \theta_{p,i}$   [sinusoidal-positions.value][]

    Args:
        positions: counted from 0.
        features: how many sines and cosines together; even.
        base: of the wavelengths, which go from 2 pi towards 2 pi times the base.
        order: ``interleaved`` puts sine and cosine of a pair beside each other, ``halves`` all sines first.

    Returns:
        Numbers from -1 to 1 in float32.

    Raises:
        ValueError: ``features`` is odd or below 2; ``base`` is not positive.

    Source: Vaswani et al. 2017, section 3.5.
    """
    return _waves(positions, _frequencies("sinusoidal_positions", features, base, jnp.float32), order)


@checked
def rotary_positions(
    x: Float[Array, "*batch time features"],
    positions: Int[Array, "time"] | None = None,
    *,
    base: Positive = 10000.0,
    pairs: Order = "interleaved",
) -> Float[Array, "*batch time features"]:
    r"""Turn each pair of features of a token by the angle of its position.

    With $p$ a position, $d$ the number of features, $b$ = ``base`` and $\theta_{p,i} = p\, b^{-2i/d}$:
    $y_{2i} = x_{2i} \cos \theta_{p,i} - x_{2i+1} \sin \theta_{p,i}$ and
    $y_{2i+1} = x_{2i} \sin \theta_{p,i} + x_{2i+1} \cos \theta_{p,i}$   [rotary-positions.value][]

    Args:
        x: queries or keys of one head, any float dtype, any number of leading axes.
        positions: where the tokens stand, counted from 0; 0, 1, 2 and so on if they are left out.
        base: of the angles; the last pair turns by nearly 1 / base a position.
        pairs: ``interleaved`` pairs features 2i and 2i + 1, ``halves`` features i and i + d/2.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: the number of features is odd; ``base`` is not positive; there are not as many positions as tokens.

    Source: Su et al. 2021, equations 14 and 15.
    """
    wide = jnp.promote_types(x.dtype, jnp.float32)
    return _turned(x, positions, _frequencies("rotary_positions", x.shape[-1], base, wide), pairs)


@checked
def learned_positions(
    x: Float[Array, "*batch time features"], table: Float[Array, "length features"]
) -> Float[Array, "*batch time features"]:
    r"""Add the row of its position to each token.

    With $W$ = ``table``: $y_p = x_p + W_p$   [learned-positions.value][]

    Args:
        x: tokens, any float dtype, any number of leading axes.
        table: a row of parameters for each position; at least as many as there are tokens.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: there are more tokens than rows.

    Source: Gehring et al. 2017, section 3.1.
    """
    time = x.shape[-2]
    if time > len(table):
        raise ValueError(f"learned_positions: x has {time} tokens, but the table has rows for {len(table)} only")
    return x + table[:time].astype(x.dtype)


class LearnedPositions(nnx.Module):
    r"""A table of positions that learns; its rows start as normal draws with deviation 0.02.

    Args:
        length: the number of positions.
        features: the number of features of a token.
        rngs: where the first draws come from.

    Examples:
        >>> layer = LearnedPositions(512, 8, rngs=nnx.Rngs(0))
        >>> layer(jnp.zeros((2, 5, 8))).shape
        (2, 5, 8)
    """

    def __init__(self, length: int, features: int, *, rngs: nnx.Rngs) -> None:
        for name, value in (("length", length), ("features", features)):
            if value < 1:
                raise ValueError(f"LearnedPositions: {name} is {value}, must be at least 1")
        self.table = nnx.Param(0.02 * jax.random.normal(rngs.params(), (length, features)))

    @checked
    def __call__(self, x: Float[Array, "*batch time features"]) -> Float[Array, "*batch time features"]:
        """Apply `learned_positions` to a batch."""
        return learned_positions(x, self.table[...])


def _frequencies(name: str, features: int, base: float, dtype: jnp.dtype) -> Array:
    """The angle of every pair at position 1."""
    if features < 2 or features % 2:
        raise ValueError(f"{name}: features is {features}, must be an even number: each is one of a pair")
    return jnp.asarray(base ** -(np.arange(0, features, 2) / features), dtype)


@partial(jax.jit, static_argnames="order")
def _waves(positions: Array, frequencies: Array, order: str) -> Array:
    theta = positions[:, None].astype(frequencies.dtype) * frequencies
    return _laid(jnp.sin(theta), jnp.cos(theta), order)


@partial(jax.jit, static_argnames="pairs")
def _turned(x: Array, positions: Array | None, frequencies: Array, pairs: str) -> Array:
    at = jnp.arange(x.shape[-2]) if positions is None else positions
    theta = at[:, None].astype(frequencies.dtype) * frequencies
    sine, cosine = jnp.sin(theta), jnp.cos(theta)
    first, second = _parts(x.astype(frequencies.dtype), pairs)
    return _laid(first * cosine - second * sine, first * sine + second * cosine, pairs).astype(x.dtype)


def _parts(x: Array, order: str) -> tuple[Array, Array]:
    """The first and the second features of all pairs."""
    half = x.shape[-1] // 2
    return (x[..., :half], x[..., half:]) if order == "halves" else (x[..., ::2], x[..., 1::2])


def _laid(first: Array, second: Array, order: str) -> Array:
    """Both parts of all pairs as one row."""
    if order == "halves":
        return jnp.concatenate([first, second], -1)
    return jnp.stack([first, second], -1).reshape(*first.shape[:-1], 2 * first.shape[-1])
