r"""Batch gradient descent: the mean gradient over all examples, at once or accumulated piece by piece.

The step itself is `nnspec.components.optimization.gradient_descent`.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nnspec import tables
from nnspec.checking import Requirement, checked

__all__ = ["batch_gradient", "mean_gradient"]

Count = Annotated[int, Requirement("at least 1", lambda count: count >= 1)]


@checked
def mean_gradient(loss: Callable, params: Any, data: tuple, *, chunk: Count) -> Any:
    r"""Average the gradients of all examples, of which some are handled at a time.

    With $c$ = ``chunk`` and $\ell_i$ the loss of example $i$:
    $g = \frac1N \big( \sum_{i \le c} \nabla \ell_i + \sum_{c < i \le 2c} \nabla \ell_i + \cdots \big)$
    [mean-gradient.chunks][]

    Args:
        loss: ``loss(params, *data)``, one number for each example.
        params: the parameters, any tree of float arrays.
        data: arrays with the examples along their first axis.
        chunk: how many examples are handled at a time, at least 1; memory grows with it, and not with the data.

    Returns:
        The gradient of the mean loss, a tree as the parameters are; sums are at least float32.

    Raises:
        ValueError: ``chunk`` is less than 1, or there are no examples.

    Source: the gradient of a sum is the sum of the gradients.
    """
    N = len(data[0])
    if N == 0:
        raise ValueError("mean_gradient: data has no examples; the mean of nothing is no gradient")
    c = min(chunk, N)

    def total(params: Any, *part: Array) -> Array:
        return loss(params, *part).sum()

    def add(g: Any, start: Any, size: int) -> Any:
        part = [jax.lax.dynamic_slice_in_dim(a, start, size) for a in data]
        return jax.tree.map(lambda s, new: s + new.astype(s.dtype), g, jax.grad(total)(params, *part))

    g = jax.tree.map(lambda p: jnp.zeros(p.shape, jnp.promote_types(p.dtype, jnp.float32)), params)
    g = jax.lax.fori_loop(0, N // c, lambda i, g: add(g, i * c, c), g)
    if N % c:
        g = add(g, N - N % c, N % c)
    return jax.tree.map(lambda s, p: (s / N).astype(p.dtype), g, params)


@checked
@partial(jax.jit, static_argnames="chunk")
def batch_gradient(
    x: Float[Array, "examples in_features"], labels: Float[Array, "examples outputs"], weights: dict, *, chunk: Count
) -> dict[str, Array]:
    r"""Average the gradients of half the squared error of a linear layer over all examples.

    With $W, b$ = ``weights`` and $r_i = x_i W + b - y_i$: $g_W = \frac1N \sum_i x_i^\top r_i$ and
    $g_b = \frac1N \sum_i r_i$   [batch-gradient.mean][], [batch-gradient.chunks][]

    Args:
        x: the data, any float dtype.
        labels: $y$, the numbers to predict.
        weights: ``kernel`` [in, outputs] and ``bias`` [outputs].
        chunk: how many examples are handled at a time, at least 1.

    Returns:
        The gradients for ``kernel`` and ``bias``.

    Raises:
        ValueError: ``chunk`` is less than 1, there are no examples, or the shapes do not fit.
        TypeError: an array is of no float dtype.

    Source: Goodfellow et al. 2016, section 8.1.3.
    """
    tables.check("batch_gradient", weights, {"kernel": "in_features outputs", "bias": "outputs"}, x=x)
    tables.check_floating("batch_gradient", weights)
    if weights["bias"].shape[0] != labels.shape[1]:
        raise ValueError(f"batch_gradient: labels have outputs={labels.shape[1]}, bias {weights['bias'].shape[0]}")

    def loss(weights: dict, x: Array, labels: Array) -> Array:
        r = x @ weights["kernel"] + weights["bias"] - labels  # [examples, outputs]
        return (r**2).sum(-1) / 2

    return mean_gradient(loss, weights, (x, labels), chunk=chunk)
