"""Half precision inside a step, and the scale of the loss; what `nnspec.training.loop_precision` promises."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from nnspec.training.loop_precision import LARGEST, MixedPrecision

__all__: list[str] = []

FIRST = 2.0**15  # the scale for float16, whose largest number is nearly 2^16


class LossScale(NamedTuple):
    """The scale of the loss, and the steps without an overflow since it last moved."""

    factor: Array
    since: Array


def start_of_scale(precision: MixedPrecision | None, weights: Any) -> Any:
    """The scale of the first step; nothing where there is none."""
    if precision is None:
        return ()
    for x in jax.tree.leaves(weights):
        if jnp.finfo(x.dtype).bits < 32:
            raise ValueError(f"fit: mixed precision keeps weights in float32, got {x.dtype}; hand over float32")
    scale = precision.loss_scale
    if scale is None:
        if precision.dtype == "bfloat16":
            return ()
        scale = FIRST
    return LossScale(jnp.float32(scale), jnp.int32(0))


def lowered(tree: Any, precision: MixedPrecision | None) -> Any:
    """The floating arrays of a tree in half precision."""
    return tree if precision is None else jax.tree.map(lambda x: _cast(x, precision.dtype), tree)


def raised(tree: Any, like: Any, precision: MixedPrecision | None) -> Any:
    """The arrays in the dtypes of others."""
    return tree if precision is None else jax.tree.map(lambda x, old: _cast(x, old.dtype), tree, like)


def _cast(x: Any, dtype: Any) -> Any:
    return x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x


def scaled(mean: Array, scale: Any) -> Array:
    """The mean whose gradient is taken."""
    return mean if scale == () else mean * scale.factor


def unscaled(g: Any, scale: Any) -> Any:
    """The gradient of the mean itself."""
    return g if scale == () else jax.tree.map(lambda x: x / scale.factor.astype(x.dtype), g)


def moved(scale: Any, finite: Array, period: int | None) -> tuple[Array, LossScale]:
    """Whether a gradient that is not finite may be the scale's fault; and the next scale."""
    factor, since = scale
    if period is None:
        return jnp.array(False), scale
    overflow = finite[0] & ~finite[1:].all() & (factor > 1)
    since = jnp.where(overflow, 0, since + 1)
    grows = since >= period
    larger, smaller = jnp.minimum(factor * 2, LARGEST), jnp.maximum(factor / 2, 1)
    factor = jnp.where(overflow, smaller, jnp.where(grows, larger, factor))
    return overflow, LossScale(factor, jnp.where(grows, 0, since))
