"""What the losses share: half precision made wide, weights of the examples, and the reduction to one number."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array

Reduction = Literal["none", "mean", "sum"]


def wide(x: Array) -> Array:
    """Half precision as float32."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def weighted(loss: Array, weights: Array | None) -> tuple[Array, Array | None]:
    """The losses times their weights, 0 where the weight is, and what a mean of them divides by."""
    if weights is None:
        return loss, None
    w = weights.astype(loss.dtype)
    return jnp.where(w == 0, 0, w * jnp.where(w == 0, 0, loss)), jnp.sum(w)


def reduced(loss: Array, reduction: str, dtype: jnp.dtype, count: Array | int | None = None) -> Array:
    """The losses, their sum, or the sum over the count; a mean over nothing is 0."""
    if reduction == "none":
        return loss.astype(dtype)
    total = jnp.sum(loss)
    if reduction == "sum":
        return total.astype(dtype)
    n = jnp.asarray(loss.size if count is None else count, loss.dtype)
    return jnp.where(n == 0, 0, total / jnp.where(n == 0, 1, n)).astype(dtype)
