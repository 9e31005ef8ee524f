"""What batch norm and group norm share: mean and variance in two passes, in float32 at least."""

import jax.numpy as jnp
from jaxtyping import Array


def wide(x: Array) -> Array:
    """Take float32 at least, as squares of half precision overflow and its sums stop growing."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def moments(h: Array, axes: tuple[int, ...], *, keepdims: bool = False) -> tuple[Array, Array]:
    """Mean first, then the mean square of what is left: one pass loses all digits beside a large mean."""
    mean = jnp.mean(h, axes, keepdims=True)
    variance = jnp.mean((h - mean) ** 2, axes, keepdims=keepdims)
    return (mean if keepdims else jnp.squeeze(mean, axes)), variance


def weighted(y: Array, scale: Array | None, bias: Array | None) -> Array:
    """Scale, then shift, each feature; what is left out does nothing."""
    y = y if scale is None else y * scale
    return y if bias is None else y + bias
