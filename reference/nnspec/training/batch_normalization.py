r"""Batch norm: every feature at one size over a batch, in training and in use, as functions and as a Flax module.

Statistics are taken in float32 or float64, over all axes but the last and in two passes: the mean first, then the mean
square of what is left.
"""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from nnspec.checking import NonNegative, Requirement, checked
from nnspec.training._moments import moments, weighted, wide

__all__ = [
    "BatchNorm",
    "Share",
    "batch_norm",
    "batch_norm_collected",
    "batch_norm_eval",
    "batch_norm_layer",
    "batch_norm_statistics",
    "batch_norm_update",
    "masked_batch_norm",
]

Share = Annotated[float, Requirement("at least 0 and at most 1", lambda value: 0 <= value <= 1)]


@checked
@jax.jit
def batch_norm(
    x: Float[Array, "*batch features"],
    scale: Float[Array, "features"] | None = None,
    bias: Float[Array, "features"] | None = None,
    *,
    epsilon: NonNegative = 1e-5,
) -> Float[Array, "*batch features"]:
    r"""Bring each feature to mean 0 and variance 1 over the batch, then scale and shift it.

    With $\gamma$ = ``scale``, $\beta$ = ``bias``, $\varepsilon$ = ``epsilon``, and $\mu$ and $v$ the mean and the
    variance of a feature: $y = \gamma \odot (x - \mu) / \sqrt{v + \varepsilon} + \beta$   [batch-norm.value][]

    Args:
        x: activations, any float dtype; all axes but the last are the batch.
        scale: one factor for each feature; ones if it is left out.
        bias: one shift for each feature; zeros if it is left out.
        epsilon: added to the variance, in units of x squared; zero or positive.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``epsilon`` is negative; scale or bias have another number of features.

    Source: Ioffe and Szegedy 2015, algorithm 1.
    """
    mean, variance = moments(wide(x), tuple(range(x.ndim - 1)))
    return _normalized(x, mean, variance, scale, bias, epsilon)


@checked
@jax.jit
def batch_norm_eval(
    x: Float[Array, "*batch features"],
    mean: Float[Array, "features"],
    variance: Float[Array, "features"],
    scale: Float[Array, "features"] | None = None,
    bias: Float[Array, "features"] | None = None,
    *,
    epsilon: NonNegative = 1e-5,
) -> Float[Array, "*batch features"]:
    r"""Normalize each feature by given statistics, then scale and shift it.

    With $m$ = ``mean``, $s$ = ``variance``, $\gamma$ = ``scale``, $\beta$ = ``bias``, $\varepsilon$ = ``epsilon``:
    $y = \gamma \odot (x - m) / \sqrt{s + \varepsilon} + \beta$   [batch-norm-eval.value][]

    Args:
        x: activations, any float dtype, any number of leading axes.
        mean: the running mean of each feature.
        variance: the running variance of each feature, zero or positive.
        scale: one factor for each feature; ones if it is left out.
        bias: one shift for each feature; zeros if it is left out.
        epsilon: added to the variance, in units of x squared; zero or positive.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``epsilon`` is negative; an array has another number of features than ``x``.

    Source: Ioffe and Szegedy 2015, algorithm 2.
    """
    return _normalized(x, wide(mean), wide(variance), scale, bias, epsilon)


@checked
@jax.jit(static_argnames="running_variance")
def batch_norm_update(
    x: Float[Array, "*batch features"],
    mean: Float[Array, "features"],
    variance: Float[Array, "features"],
    *,
    decay: Share = 0.9,
    running_variance: Literal["unbiased", "biased"] = "unbiased",
) -> tuple[Float[Array, "features"], Float[Array, "features"]]:
    r"""Move the running statistics towards those of a batch.

    With $\rho$ = ``decay``, and $\mu$ and $v$ the statistics of the $n$ values of a feature:
    $m \leftarrow \rho m + (1 - \rho) \mu$ and $s \leftarrow \rho s + (1 - \rho) \frac{n}{n - 1} v$
    [batch-norm-update.variance][]

    Args:
        x: activations, any float dtype; all axes but the last are the batch.
        mean: the running mean of each feature.
        variance: the running variance of each feature, zero or positive.
        decay: the weight of the old value, 0 to 1; with (k - 1)/k at batch k the statistics are plain averages.
        running_variance: whether the variance of the batch divides by n - 1 or by n. One value has no unbiased
            variance: it counts as 0.

    Returns:
        The new mean and the new variance, in the dtypes of the old ones.

    Raises:
        ValueError: ``decay`` is no share; the batch is empty; an array has another number of features than ``x``.

    Source: Ioffe and Szegedy 2015, algorithm 2, for the unbiased variance.
    """
    if not x.size and x.shape[-1]:
        raise ValueError(f"batch_norm_update: x has the shape {x.shape}, must hold at least one example")
    mu, v = moments(wide(x), tuple(range(x.ndim - 1)))
    n = x.size // max(x.shape[-1], 1)
    if running_variance == "unbiased":
        v = v * (n / max(n - 1, 1))
    new_mean = decay * wide(mean) + (1 - decay) * mu
    new_variance = decay * wide(variance) + (1 - decay) * v
    return new_mean.astype(mean.dtype), new_variance.astype(variance.dtype)


@checked
@jax.jit(static_argnames=("average", "running_variance"))
def batch_norm_statistics(
    x: Float[Array, "steps *batch features"],
    *,
    average: Literal["exponential", "cumulative"] = "exponential",
    decay: Share,
    running_variance: Literal["unbiased", "biased"] = "unbiased",
) -> tuple[Float[Array, "steps features"], Float[Array, "steps features"]]:
    r"""Collect the running statistics of a new layer over several batches.

    With $m_0 = 0$, $s_0 = 1$ and $\rho_k$ = ``decay``, or $(k - 1)/k$ for the plain average of all batches:
    $m_k = \rho_k m_{k - 1} + (1 - \rho_k) \mu_k$, and the variance likewise   [batch-norm-statistics.average][]

    Args:
        x: the batches, any float dtype, along the first axis; all other axes but the last are the batch.
        average: whether each batch has the weight 1 - decay, or all batches weigh alike.
        decay: the weight of the old value in the exponential average, 0 to 1.
        running_variance: whether the variance of a batch divides by n - 1 or by n.

    Returns:
        The mean and the variance after each batch, in the dtype of ``x``.

    Raises:
        ValueError: ``decay`` is no share; the batches are empty.

    Source: Ioffe and Szegedy 2015, algorithm 2, for the unbiased variance.
    """
    h = wide(x)
    k = jnp.arange(len(x), dtype=h.dtype)
    weights = k / (k + 1) if average == "cumulative" else jnp.full(len(x), decay, h.dtype)

    def step(state: tuple[Array, Array], of_batch: tuple[Array, Array]) -> tuple[tuple[Array, Array], tuple]:
        seen, weight = of_batch
        state = batch_norm_update(seen, *state, decay=weight, running_variance=running_variance)
        return state, state

    start = jnp.zeros(x.shape[-1], h.dtype), jnp.ones(x.shape[-1], h.dtype)
    mean, variance = jax.lax.scan(step, start, (h, weights))[1]
    return mean.astype(x.dtype), variance.astype(x.dtype)


@checked
@jax.jit(static_argnames="statistics_dtype")
def batch_norm_collected(
    x: Float[Array, "steps *batch features"],
    *,
    decay: Share,
    statistics_dtype: Literal["float32", "input"] = "float32",
) -> tuple[Float[Array, "features"], Float[Array, "features"]]:
    r"""Tell the running statistics that a new layer has after several batches, in the dtype in which it keeps them.

    $m_k = \rho\, m_{k - 1} + (1 - \rho)\, \mu_k$, rounded to that dtype at each step
    [batch-norm-collected.statistics-dtype][]

    Args:
        x: the batches, any float dtype, along the first axis; all other axes but the last are the batch.
        decay: the weight of the old value, $\rho$, 0 to 1.
        statistics_dtype: of half precision, whether they are kept in float32 or in the dtype of the batches.

    Returns:
        The mean and the unbiased variance after the last batch.

    Raises:
        ValueError: ``decay`` is no share; the batches are empty.

    Source: Ioffe and Szegedy 2015, algorithm 2.
    """
    kept = wide(x).dtype if statistics_dtype == "float32" else x.dtype

    def step(state: tuple[Array, Array], batch: Array) -> tuple[tuple[Array, Array], None]:
        return batch_norm_update(batch, *state, decay=decay), None

    return jax.lax.scan(step, (jnp.zeros(x.shape[-1], kept), jnp.ones(x.shape[-1], kept)), x)[0]


@checked
def batch_norm_layer(
    x: Float[Array, "*batch features"],
    mean: Float[Array, "features"] | None = None,
    variance: Float[Array, "features"] | None = None,
    *,
    mode: Literal["train", "eval"] = "train",
    epsilon: NonNegative,
) -> Float[Array, "*batch features"]:
    r"""Normalize by the batch in training, and by the running statistics otherwise.

    [batch-norm-layer.value][], [batch-norm-layer.mode][]

    Args:
        x: activations, any float dtype; all axes but the last are the batch.
        mean: the running mean of each feature, if there is one.
        variance: the running variance of each feature, zero or positive, if there is one.
        mode: train, or eval, by the running statistics.
        epsilon: added to the variance, in units of x squared; zero or positive.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``epsilon`` is negative; an array has another number of features than ``x``; the mode is eval
            and there are no running statistics.

    Source: Ioffe and Szegedy 2015, algorithms 1 and 2.
    """
    if mode == "train":
        return batch_norm(x, epsilon=epsilon)
    if mean is None or variance is None:
        raise ValueError("batch_norm_layer: in eval mode mean and variance must be given, got None; train first")
    return batch_norm_eval(x, mean, variance, epsilon=epsilon)


@checked
@jax.jit
def masked_batch_norm(
    x: Float[Array, "*batch features"],
    mask: Bool[Array, "*batch"],
    scale: Float[Array, "features"] | None = None,
    bias: Float[Array, "features"] | None = None,
    *,
    epsilon: NonNegative,
) -> Float[Array, "*batch features"]:
    r"""Normalize a batch with padding by the statistics of what takes part.

    With $\gamma$ = ``scale``, $\beta$ = ``bias``, $\varepsilon$ = ``epsilon``, and $\mu$ and $v$ the mean and the
    variance of a feature where the mask is true: $y = \gamma \odot (x - \mu) / \sqrt{v + \varepsilon} + \beta$
    [masked-batch-norm.value][]

    Args:
        x: activations, any float dtype; all axes but the last are the batch.
        mask: true where a vector takes part. Where none does, mean and variance count as 0.
        scale: one factor for each feature; ones if it is left out.
        bias: one shift for each feature; zeros if it is left out.
        epsilon: added to the variance, in units of x squared; zero or positive.

    Returns:
        Same shape and dtype as ``x``; the padding is normalized by the same statistics.

    Raises:
        ValueError: ``epsilon`` is negative; the mask does not fit; scale or bias have another number of features.

    Source: Ioffe and Szegedy 2015, algorithm 1, for the examples that take part.
    """
    axes, h = tuple(range(x.ndim - 1)), wide(x)
    taken = mask[..., None]
    t = jnp.maximum(jnp.sum(mask), 1)
    mean = jnp.sum(jnp.where(taken, h, 0), axes) / t
    variance = jnp.sum(jnp.where(taken, (h - mean) ** 2, 0), axes) / t
    return _normalized(x, mean, variance, scale, bias, epsilon)


class BatchNorm(nnx.Module):
    r"""A batch norm that holds its scale and shift, and the statistics that it collects in training.

    The statistics start with mean 0 and variance 1.

    Args:
        features: length of the last axis of the input.
        decay: the weight of the old running statistics, 0 to 1.
        epsilon: added to the variance; zero or positive.
        use_scale: whether there is a scale.
        use_bias: whether there is a shift.

    Examples:
        >>> layer = BatchNorm(1, decay=0.75, epsilon=1.0)
        >>> print(layer(jnp.array([[1.0], [1.0], [1.0], [5.0]]), train=True)[:, 0])
        [-0.5 -0.5 -0.5  1.5]
        >>> print(layer.mean[...], layer.variance[...])
        [0.5] [1.75]
    """

    @checked
    def __init__(
        self,
        features: int,
        *,
        decay: Share = 0.9,
        epsilon: NonNegative = 1e-5,
        use_scale: bool = True,
        use_bias: bool = True,
    ) -> None:
        if features < 1:
            raise ValueError(f"BatchNorm: features is {features}, must be at least 1")
        self.decay, self.epsilon = decay, epsilon
        self.scale = nnx.Param(jnp.ones(features)) if use_scale else nnx.data(None)
        self.bias = nnx.Param(jnp.zeros(features)) if use_bias else nnx.data(None)
        self.mean, self.variance = nnx.BatchStat(jnp.zeros(features)), nnx.BatchStat(jnp.ones(features))

    @checked
    def __call__(self, x: Float[Array, "*batch features"], *, train: bool) -> Float[Array, "*batch features"]:
        """Normalize by the batch and collect its statistics in training; by what was collected otherwise."""
        scale = None if self.scale is None else self.scale[...]
        bias = None if self.bias is None else self.bias[...]
        mean, variance = self.mean[...], self.variance[...]
        if not train:
            return batch_norm_eval(x, mean, variance, scale, bias, epsilon=self.epsilon)
        seen = jax.lax.stop_gradient(x)
        self.mean[...], self.variance[...] = batch_norm_update(seen, mean, variance, decay=self.decay)
        return batch_norm(x, scale, bias, epsilon=self.epsilon)


def _normalized(
    x: Array, mean: Array, variance: Array, scale: Array | None, bias: Array | None, epsilon: float
) -> Array:
    return weighted((wide(x) - mean) / jnp.sqrt(variance + epsilon), scale, bias).astype(x.dtype)
