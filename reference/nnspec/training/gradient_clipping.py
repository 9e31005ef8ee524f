r"""Gradient clipping: by value, by the norm of each array, by the norm of all arrays together.

Each is a function of a tree of gradients and can be differentiated. Where squares overflow or vanish, a power of 2 is
divided out before they are taken, so that a gradient is clipped however large or small it is.
"""

import functools
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from nnspec.checking import Requirement, checked
from nnspec.stepping import check_parameters

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value"]

Limit = Annotated[float, Requirement("zero or positive", lambda value: value >= 0)]  # infinite: nothing is clipped


@checked
def clip_by_value(gradients: Any, *, limit: Limit) -> Any:
    r"""Bring every entry to between minus the limit and the limit.

    With $c$ = ``limit``: $y = \min(\max(g, -c), c)$   [clip-by-value.value][]

    Args:
        gradients: any tree of arrays of float dtypes.
        limit: at least 0, in units of the gradient; may be infinite.

    Returns:
        A tree of the same arrays, clipped.

    Raises:
        ValueError: ``limit`` is negative or NaN; there is no array.
        TypeError: an array is of no float dtype.

    Source: Mikolov 2012, section 3.2.2.
    """
    check_parameters("clip_by_value", gradients)
    return _within(gradients, limit)


@checked
def clip_by_norm(gradients: Any, *, limit: Limit) -> Any:
    r"""Shorten every array so that its own norm is at most the limit.

    With $c$ = ``limit`` and $n_i$ the norm of array $i$: $y_i = g_i \min(1, c/n_i)$   [clip.scaled][]

    Args:
        gradients: any tree of arrays of float dtypes.
        limit: at least 0, in units of the gradient; may be infinite.

    Returns:
        A tree of the same arrays, clipped; an array with an infinite entry becomes NaN.

    Raises:
        ValueError: ``limit`` is negative or NaN; there is no array.
        TypeError: an array is of no float dtype.

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1, on each array.
    """
    check_parameters("clip_by_norm", gradients)
    return _shortened_each(gradients, limit)


@checked
def clip_by_global_norm(gradients: Any, *, limit: Limit) -> Any:
    r"""Shorten all arrays by one factor so that their common norm is at most the limit.

    With $c$ = ``limit`` and $n$ the norm of all entries: $y_i = g_i \min(1, c/n)$   [clip.scaled][]

    Args:
        gradients: any tree of arrays of float dtypes.
        limit: at least 0, in units of the gradient; may be infinite.

    Returns:
        A tree of the same arrays, clipped; with an infinite entry anywhere all become NaN.

    Raises:
        ValueError: ``limit`` is negative or NaN; there is no array.
        TypeError: an array is of no float dtype.

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1.
    """
    check_parameters("clip_by_global_norm", gradients)
    arrays, structure = jax.tree.flatten(gradients)
    return jax.tree.unflatten(structure, _shortened(arrays, limit))


@jax.jit
def _within(gradients: Any, c: Any) -> Any:
    """Every entry between -c and c. Not by a minimum, which has half of the derivative at a tie."""
    return jax.tree.map(lambda g: jnp.where(jnp.abs(g) <= c, g, (jnp.sign(g) * c).astype(g.dtype)), gradients)


@jax.jit
def _shortened_each(gradients: Any, c: Any) -> Any:
    """Every array times min(1, c/n), with n its own norm."""
    return jax.tree.map(lambda g: _shortened([g], c)[0], gradients)


@jax.jit
def _shortened(arrays: list[Array], c: Any) -> list[Array]:
    """The arrays times min(1, c/n), with n their common norm."""
    g = [x.astype(jnp.float32) if x.dtype.itemsize < 4 else x for x in arrays]
    one = jnp.ones([], jnp.result_type(*g))
    squares = _sum_of_squares(g, one)
    limits = jnp.finfo(squares.dtype)
    usual = (limits.tiny / limits.eps**2 <= squares) & (squares <= limits.max)  # none overflowed, and none is missed
    squares, m = jax.lax.cond(usual, lambda: (squares, one), lambda: _rare(g))
    s = jnp.sqrt(jnp.where(squares == 0, 1, squares))  # the root has no derivative at 0
    factor = jnp.where(jnp.isfinite(s), c / s, jnp.nan)
    return [
        # NaN is not within the limit
        jnp.where(m * s <= c, x, (y / m.astype(y.dtype) * factor.astype(y.dtype)).astype(x.dtype))
        for x, y in zip(arrays, g, strict=True)
    ]


def _rare(g: list[Array]) -> tuple[Array, Array]:
    """The sum of squares where some are too large or too small for the dtype, over m squared; and m."""
    m = _divisor(g)
    return _sum_of_squares(g, m), m


def _sum_of_squares(g: list[Array], m: Array) -> Array:
    """The sum of the squares of all entries over m."""
    return functools.reduce(jnp.add, [jnp.sum((x / m.astype(x.dtype)) ** 2) for x in g])


def _divisor(arrays: list[Array]) -> Array:
    """A power of 2 near the largest entry: dividing by it rounds nothing, and its inverse is a normal number too."""
    largest = functools.reduce(jnp.maximum, [jnp.max(jnp.abs(x), initial=0) for x in arrays])
    dtype = jnp.finfo(largest.dtype)
    normal = jnp.clip(largest, dtype.tiny, 1 / dtype.tiny)
    # of the root, which XLA computes once: anything cheaper it would repeat, with the search, for each array
    root = jax.lax.reduce_precision(jnp.sqrt(normal), dtype.nexp, mantissa_bits=0)
    return jax.lax.stop_gradient(root * root)
