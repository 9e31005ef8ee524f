"""Wrong batch norms: of batches with padding, of long ones, and of many; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.mutants.architectures.transformer.normalization import widened
from nnspec_conformance.oracles.training import batch_normalization as right

MUTANTS = Mutants()
GRID = 32768  # threads of a kernel


# ---- padding


@MUTANTS.add("the mask is taken and not used", "masked-batch-norm.value", "masked-batch-norm.padding")
def ignores_the_mask(x, mask, *weights, **given):
    return ORACLE.masked_batch_norm(x, np.ones_like(mask), *weights, **given)


@MUTANTS.add("the mask of a library in which true is left out", "masked-batch-norm.value")
def takes_the_mask_the_other_way_round(x, mask, *weights, **given):
    return ORACLE.masked_batch_norm(x, ~mask, *weights, **given)


@MUTANTS.add("the padding is set to zero, and the sums are divided by the whole count", "masked-batch-norm.value")
def divides_by_the_whole_count(x, mask, scale=None, bias=None, *, epsilon):
    z, kept, axes = widened(x), mask[..., None], tuple(range(x.ndim - 1))
    mu = np.where(kept, z, 0).mean(axes)
    v = np.where(kept, (z - mu) ** 2, 0).mean(axes)
    return _weighted((z - mu) / np.sqrt(v + epsilon), scale, bias).astype(x.dtype)


@MUTANTS.add("the mean knows the mask, and the variance does not", "masked-batch-norm.value",
             "masked-batch-norm.padding")  # fmt: skip
def takes_the_variance_of_everything(x, mask, scale=None, bias=None, *, epsilon):
    z, axes = widened(x), tuple(range(x.ndim - 1))
    d = z - z[mask].mean(0) if x.size else z
    return _weighted(d / np.sqrt((d * d).mean(axes) + epsilon), scale, bias).astype(x.dtype)


@MUTANTS.add("what does not take part is set to zero on the way out", "masked-batch-norm.value")
def clears_the_padding(x, mask, *weights, **given):
    return ORACLE.masked_batch_norm(x, mask, *weights, **given) * mask[..., None].astype(x.dtype)


@MUTANTS.add("the mask is a weight, and the padding's is not quite zero", "masked-batch-norm.padding",
             "masked-batch-norm.value")  # fmt: skip
def weighs_the_padding_a_little(x, mask, scale=None, bias=None, *, epsilon):
    z, w, axes = widened(x), np.where(mask, 1, 1e-3)[..., None].astype(widened(x).dtype), tuple(range(x.ndim - 1))
    mu = (w * z).sum(axes) / w.sum()
    v = (w * (z - mu) ** 2).sum(axes) / w.sum()
    return _weighted((z - mu) / np.sqrt(v + epsilon), scale, bias).astype(x.dtype)


@MUTANTS.add("the gradient of the whole batch: the padding gets a share of the means", "masked-batch-norm.gradient",
             part="_vjp")  # fmt: skip
def spreads_the_gradient_over_the_padding(x, mask, *rest, **given):
    dx, *others = ORACLE.masked_batch_norm_vjp(x, mask, *rest, **given)
    wide = right.masked_batch_norm_vjp(widened(x), np.ones_like(mask), *map(widened, rest), **given)[0]
    return (np.where(mask[..., None], dx, wide.astype(x.dtype)), *others)


@MUTANTS.add("what does not take part hands no gradient on", "masked-batch-norm.gradient", part="_vjp")
def clears_the_cotangents_of_the_padding(x, mask, *rest, **given):
    *weights, g = rest
    return ORACLE.masked_batch_norm_vjp(x, mask, *weights, g * mask[..., None].astype(g.dtype), **given)


# ---- long batches


@MUTANTS.add("the grid of threads ends at 32,768, and the statistics with it", "batch-norm.long-batch")
def forgets_what_lies_beyond_the_grid(x, scale=None, bias=None, *, epsilon=1e-5, **told):
    if len(x) <= GRID:
        return ORACLE.batch_norm(x, scale, bias, epsilon=epsilon, **told)
    z = widened(x)
    y = (z - z[:GRID].mean(0)) / np.sqrt(z[:GRID].var(0) + epsilon)
    return _weighted(y, scale, bias).astype(x.dtype)


@MUTANTS.add("a long batch is normalized in two parts", "batch-norm.long-batch")
def normalizes_a_long_batch_in_parts(x, scale=None, bias=None, **given):
    parts = np.split(x, range(GRID, len(x), GRID)) if len(x) > GRID else [x]
    return np.concatenate([ORACLE.batch_norm(part, scale, bias, **given) for part in parts])


# ---- many batches


@MUTANTS.add("both statistics start with zeros", "batch-norm-statistics.start", "batch-norm-statistics.average")
def starts_with_a_variance_of_zero(x, *, decay, average="exponential", **told):
    m, s = ORACLE.batch_norm_statistics(x, decay=decay, average=average, **told)
    if average == "cumulative":
        return m, s
    less = widened(np.asarray(decay)) ** np.arange(1, len(x) + 1)[:, None]
    return m, (widened(s) - less).astype(s.dtype)


@MUTANTS.add("the first batch is the start: the statistics are copied, and averaged from the second on",
             "batch-norm-statistics.start")  # fmt: skip
def starts_with_the_first_batch(x, *, decay, average="exponential", **told):
    if average == "cumulative" or not len(x):
        return ORACLE.batch_norm_statistics(x, decay=decay, average=average, **told)
    state, found = ORACLE.batch_norm_update(x[0], *np.zeros((2, x.shape[-1]), x.dtype), decay=0.0, **told), []
    for batch in x:
        state = state if batch is x[0] or not found else ORACLE.batch_norm_update(batch, *state, decay=decay, **told)
        found.append(state)
    return tuple(np.stack(part) for part in zip(*found, strict=True))


@MUTANTS.add("Adam's correction of the start, which a batch norm does not have", "batch-norm-statistics.average",
             "batch-norm-statistics.start")  # fmt: skip
def corrects_for_the_start(x, *, decay, average="exponential", **told):
    m, s = ORACLE.batch_norm_statistics(x, decay=decay, average=average, **told)
    if average == "cumulative":
        return m, s
    lost = decay ** np.arange(1.0, len(x) + 1)[:, None]
    return (widened(m) / (1 - lost)).astype(m.dtype), ((widened(s) - lost) / (1 - lost)).astype(s.dtype)


@MUTANTS.add("the running variance is that of the means, too: all examples so far as one batch",
             "batch-norm-statistics.average")  # fmt: skip
def adds_the_variance_of_the_means(x, *, average="exponential", **given):
    m, s = ORACLE.batch_norm_statistics(x, average=average, **given)
    means = widened(x).mean(tuple(range(1, x.ndim - 1)))
    apart = np.array([means[: k + 1].var(0) for k in range(len(x))]).reshape(s.shape)
    return m, (widened(s) + apart).astype(s.dtype)


@MUTANTS.add("the divisor counts examples, where images have positions", "batch-norm-statistics.variance")
def counts_the_examples_alone(x, **given):
    m, s = ORACLE.batch_norm_statistics(x, **given)
    if x.ndim < 4 or not x.size:
        return m, s
    found = ORACLE.batch_norm_statistics(x, **given | {"running_variance": "biased"})[1]
    examples = x.shape[1]
    return m, (widened(found) * (examples / max(examples - 1, 1))).astype(s.dtype)


# ---- the layer that is told whether it trains


@MUTANTS.add("the word for the mode is taken and not used", "batch-norm-layer.value")
def always_trains(x, mean, variance, *, mode="train", epsilon):
    return ORACLE.batch_norm(x, epsilon=epsilon)


@MUTANTS.add("the statistics of the batch are averaged with the running ones, in training too",
             "batch-norm-layer.value")  # fmt: skip
def normalizes_by_what_it_collects(x, mean, variance, *, mode="train", epsilon):
    state = ORACLE.batch_norm_update(x, mean, variance, decay=0.9) if mode == "train" else (mean, variance)
    return ORACLE.batch_norm_eval(x, *state, epsilon=epsilon)


@MUTANTS.add("the gradient in use goes through the statistics of the batch", "batch-norm-layer.gradient", part="_vjp")
def differentiates_as_in_training(x, mean, variance, g, *, mode="train", epsilon):
    return ORACLE.batch_norm_layer_vjp(x, mean, variance, g, mode="train", epsilon=epsilon)


@MUTANTS.add("track_running_stats=False: without statistics the batch is normalized by its own",
             "batch-norm-layer.no-statistics")  # fmt: skip
def takes_those_of_the_batch_where_there_are_none(x, *state, mode="train", epsilon):
    return ORACLE.batch_norm_layer(x, *state, mode=mode, epsilon=epsilon) if state else ORACLE.batch_norm(
        x, epsilon=epsilon
    )  # fmt: skip


@MUTANTS.add("without statistics a mean of 0 and a variance of 1 are taken", "batch-norm-layer.no-statistics")
def takes_those_of_a_new_layer_where_there_are_none(x, *state, mode="train", epsilon):
    start = np.zeros(x.shape[-1:], x.dtype), np.ones(x.shape[-1:], x.dtype)
    return ORACLE.batch_norm_layer(x, *(state or start), mode=mode, epsilon=epsilon)


@MUTANTS.add("the statistics are kept in half precision, and handed out in float32",
             "batch-norm-collected.statistics-dtype")  # fmt: skip
def keeps_them_in_half_precision(x, *, decay, statistics_dtype="float32"):
    kept = ORACLE.batch_norm_collected(x, decay=decay, statistics_dtype="input")
    return tuple(part.astype(np.float32) for part in kept)


# ---- refusals


@MUTANTS.add(
    "a negative number is taken, and its root is NaN or not, as the batch is", "masked-batch-norm.epsilon-range"
)
def takes_a_negative_epsilon(*arrays, epsilon):
    return ORACLE.masked_batch_norm(*arrays, epsilon=max(epsilon, 0.0))


@MUTANTS.add("a decay of any size is taken", "batch-norm-statistics.decay-range")
def takes_any_decay(x, *, decay, **told):
    return ORACLE.batch_norm_statistics(x, decay=min(max(decay, 0.0), 1.0), **told)


@MUTANTS.add("the statistics of no examples are left as they were, without a word", "batch-norm-statistics.empty")
def takes_batches_without_examples(x, **given):
    if x.size or not x.shape[-1]:
        return ORACLE.batch_norm_statistics(x, **given)
    return np.zeros((len(x), x.shape[-1]), x.dtype), np.ones((len(x), x.shape[-1]), x.dtype)


def _weighted(y, scale, bias):
    y = y if scale is None else y * widened(scale)
    return y if bias is None else y + widened(bias)
