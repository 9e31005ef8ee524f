r"""Mini-batch gradient descent: the gradient of some examples in the place of that of all.

The step itself is `nnspec.components.optimization.gradient_descent`.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from nnspec.checking import checked

__all__ = ["mini_batch_gradient"]


@checked
def mini_batch_gradient(
    gradients: Float[Array, "examples *parameters"],
    indices: Int[Array, "batch"],
    *,
    combine: Literal["mean", "sum"] = "mean",
) -> Float[Array, "*parameters"]:
    r"""Combine the gradients of the examples of a batch.

    With $i_1, \ldots, i_B$ = ``indices`` and $g_i$ = row $i$ of ``gradients``: $g = \frac1B \sum_k g_{i_k}$
    [mini-batch-gradient.combine][]

    Args:
        gradients: a row for each example, any float dtype.
        indices: which rows, from 0 to less than their number; a row named twice counts twice.
        combine: their mean or their sum.

    Returns:
        A gradient of the shape of one row. Where the indices are traced, one that is out of range makes it NaN.

    Raises:
        ValueError: there are no indices, or one is out of range and not traced.

    Source: Goodfellow et al. 2016, algorithm 8.1.
    """
    N = len(gradients)
    if indices.shape[0] == 0:
        raise ValueError("mini_batch_gradient: indices are empty; the mean of nothing is no gradient")
    if not isinstance(indices, Tracer):
        outside = [i for i in np.asarray(indices).tolist() if not 0 <= i < N]
        if outside:
            fix = "; leave out the -1 of a short batch" if -1 in outside else ""
            raise ValueError(f"mini_batch_gradient: indices must be from 0 to {N - 1}, got {outside[0]}{fix}")
    return _combined(gradients, indices, combine)


@partial(jax.jit, static_argnames="combine")
def _combined(gradients: Array, indices: Array, combine: str) -> Array:
    """The mean or the sum of the rows; half precision is added in float32."""
    N, B = len(gradients), len(indices)
    inside = jnp.where(indices < 0, N, indices)  # jnp.take counts negative ones from the end
    chosen = jnp.take(gradients, inside, axis=0, mode="fill", fill_value=jnp.nan)  # [batch, *parameters]
    g = chosen.astype(jnp.promote_types(chosen.dtype, jnp.float32)).sum(0)
    return (g / B if combine == "mean" else g).astype(gradients.dtype)
