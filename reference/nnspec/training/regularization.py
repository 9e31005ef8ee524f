r"""Penalties on the size of parameters, the proximal step of L1, and a bound on the norms of a kernel's columns.

Examples:
    >>> import jax.numpy as jnp
    >>> params = {"kernel": jnp.array([[3.0], [-4.0]]), "bias": jnp.array([9.0])}
    >>> print(penalized(params, lambda x: l2_penalty(x, strength=0.5)))
    6.25
    >>> print(soft_threshold(jnp.array([0.3, -2.0]), threshold=0.5))
    [ 0.  -1.5]
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nnspec.checking import NonNegative, checked

__all__ = ["elastic_net_penalty", "l1_penalty", "l2_penalty", "max_norm", "penalized", "soft_threshold"]


@checked
@jax.jit
def l1_penalty(x: Float[Array, "*shape"], *, strength: NonNegative) -> Float[Array, ""]:
    r"""Add up the absolute values of parameters.

    With $\lambda$ = ``strength``: $\lambda \sum_i |x_i|$   [penalty.value][]

    Args:
        x: parameters, any float dtype.
        strength: at least 0, in units of the loss per unit of a parameter.

    Returns:
        A scalar of the dtype of ``x``.

    Raises:
        ValueError: ``strength`` is negative.

    Source: Tibshirani 1996, equation 2.
    """
    return (strength * jnp.sum(jnp.abs(_wide(x)))).astype(x.dtype)


@checked
@jax.jit
def l2_penalty(x: Float[Array, "*shape"], *, strength: NonNegative) -> Float[Array, ""]:
    r"""Add up half the squares of parameters, so that the gradient is strength times parameter.

    With $\lambda$ = ``strength``: $\frac12 \lambda \sum_i x_i^2$   [penalty.value][], [l2-penalty.factor][]

    Args:
        x: parameters, any float dtype.
        strength: at least 0, in units of the loss per squared unit of a parameter.

    Returns:
        A scalar of the dtype of ``x``.

    Raises:
        ValueError: ``strength`` is negative.

    Source: Hoerl and Kennard 1970.
    """
    w = _wide(x)
    return (strength / 2 * jnp.sum(w * w)).astype(x.dtype)


@checked
def elastic_net_penalty(x: Float[Array, "*shape"], *, l1: NonNegative, l2: NonNegative) -> Float[Array, ""]:
    r"""Add up absolute values and half the squares, with a strength for each.

    $l_1 \sum_i |x_i| + \frac12 l_2 \sum_i x_i^2$   [penalty.value][]

    Args:
        x: parameters, any float dtype.
        l1: strength of the absolute values, at least 0.
        l2: strength of the squares, at least 0.

    Returns:
        A scalar of the dtype of ``x``.

    Raises:
        ValueError: ``l1`` or ``l2`` is negative.

    Source: Zou and Hastie 2005, equation 3.
    """
    return l1_penalty(x, strength=l1) + l2_penalty(x, strength=l2)


@checked
@jax.jit
def soft_threshold(x: Float[Array, "*shape"], *, threshold: NonNegative) -> Float[Array, "*shape"]:
    r"""Move every parameter towards zero, and not beyond it.

    With $\tau$ = ``threshold``: $\mathrm{sign}(x) \max(|x| - \tau, 0)$   [soft-threshold.value][]

    Args:
        x: parameters, any float dtype.
        threshold: at least 0, in units of the parameters; rate times strength for the proximal step of L1.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``threshold`` is negative.

    Source: Donoho and Johnstone 1994.
    """
    tau = jnp.asarray(threshold, x.dtype)
    return jnp.where(jnp.abs(x) <= tau, 0, x - jnp.where(x < 0, -tau, tau))


@checked
@jax.jit
def max_norm(kernel: Float[Array, "in out"], *, limit: NonNegative) -> Float[Array, "in out"]:
    r"""Shorten the weights into each unit to a largest norm.

    With $c$ = ``limit`` and $n_j$ the norm of column $j$: $k_{ij} \min(1, c/n_j)$   [max-norm.value][]

    Args:
        kernel: weights, one column a unit.
        limit: largest norm of a column, at least 0, in units of the weights.

    Returns:
        Same shape and dtype as ``kernel``.

    Raises:
        ValueError: ``limit`` is negative.

    Source: Srivastava et al. 2014, section 5.1.
    """
    k = _wide(kernel)
    c = jnp.asarray(limit, k.dtype)
    largest = jnp.max(jnp.abs(k), axis=0, keepdims=True, initial=0)
    scale = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1)  # squares neither overflow nor vanish
    n = scale * jnp.sqrt(jnp.sum((k / scale) ** 2, axis=0, keepdims=True))
    return jnp.where(n <= c, k, k * (c / jnp.where(n <= c, 1, n))).astype(kernel.dtype)


def _wide(x: Array) -> Array:
    """Half precision as float32, in which long sums keep their digits and squares do not overflow."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


@checked
def penalized(params: Any, penalty: Callable[[Array], Array], *, mask: Any = None) -> Float[Array, ""]:
    """Add a penalty up over the chosen arrays of a tree   [penalty.mask][].

    Args:
        params: any tree of arrays of float dtypes.
        penalty: of one array, such as `l2_penalty` with its strength.
        mask: a tree of booleans like ``params``: which arrays count. By default those with two axes or more.

    Returns:
        The sum, a scalar.

    Raises:
        ValueError: ``mask`` is another tree than ``params``.

    Source: Goodfellow, Bengio and Courville 2016, section 7.1.
    """
    chosen = jax.tree.map(lambda x: jnp.ndim(x) >= 2, params) if mask is None else mask
    if jax.tree.structure(chosen) != jax.tree.structure(params):
        raise ValueError(
            f"penalized: mask is another tree than the parameters: {jax.tree.structure(chosen)}; one for each array"
        )
    terms = jax.tree.map(lambda x, counts: penalty(x) if counts else jnp.zeros((), x.dtype), params, chosen)
    return jax.tree.reduce(jnp.add, terms, jnp.zeros(()))
