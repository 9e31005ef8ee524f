"""Wrong batch norms; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.mutants.architectures.transformer.normalization import in_dtype, weighted, widened
from nnspec_conformance.oracles.training import batch_normalization as right

MUTANTS = Mutants()
DEFAULT = 1e-5


def axes(x):
    return tuple(range(x.ndim - 1))


# ---- training


@MUTANTS.add("torch.var and torch.std divide by n - 1 by default", "batch-norm.value", "batch-norm.example")
@in_dtype
def divides_the_variance_by_n_minus_1(x, *weights, epsilon=DEFAULT, **told):
    d = x - x.mean(axes(x))
    n = x.size // max(x.shape[-1], 1)
    return weighted(d / np.sqrt((d * d).sum(axes(x)) / max(n - 1, 1) + epsilon), *weights)


@MUTANTS.add("epsilon stands beside the root", "batch-norm.value", "batch-norm.example")
@in_dtype
def adds_epsilon_to_the_root(x, *weights, epsilon=DEFAULT, **told):
    with np.errstate(invalid="ignore", divide="ignore"):
        return weighted((x - x.mean(axes(x))) / (x.std(axes(x)) + epsilon), *weights)


@MUTANTS.add("a mean for each position of an image, as if only the first axis were the batch", "batch-norm.value")
@in_dtype
def averages_over_the_first_axis(x, *weights, epsilon=DEFAULT, **told):
    return weighted((x - x.mean(0)) / np.sqrt(x.var(0) + epsilon), *weights)


@MUTANTS.add("layer norm: over the features of each example", "batch-norm.value")
@in_dtype
def averages_over_the_features(x, *weights, epsilon=DEFAULT, **told):
    d = x - x.mean(-1, keepdims=True)
    return weighted(d / np.sqrt(x.var(-1, keepdims=True) + epsilon), *weights)


@MUTANTS.each("the scale is registered, and never used", "batch-norm.value", operations=("batch_norm",))
def forgets_the_scale(f, x, *weights, **given):
    return f(x, *(np.ones_like(w) if i == 0 else w for i, w in enumerate(weights)), **given)


@MUTANTS.add("the shift is added before the scale", "batch-norm.value", "batch-norm.example")
@in_dtype
def shifts_before_it_scales(x, scale=None, bias=None, **given):
    y = right.batch_norm(x, **given)
    return weighted(y if bias is None else y + bias, scale)


@MUTANTS.add("the shift is registered, and never added", "batch-norm.value", "batch-norm.constant-feature")
@in_dtype
def forgets_the_shift(x, scale=None, bias=None, **given):
    return right.batch_norm(x, scale, **given)


@MUTANTS.each("a scale that was left out is taken for zeros", "batch-norm.weights-left-out")
def takes_zeros_for_a_scale_left_out(f, x, *rest, **given):
    needed = 2 if f.__name__ == "batch_norm_eval" else 0
    return f(x, *rest, *(() if len(rest) > needed else (np.zeros(x.shape[-1:], x.dtype),)), **given)


@MUTANTS.add("the mean square less the square of the mean: one pass", "batch-norm.large-mean")
def takes_the_variance_in_one_pass(x, *weights, epsilon=DEFAULT, **told):
    z = widened(x)
    v = np.maximum((z * z).mean(axes(z)) - z.mean(axes(z)) ** 2, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = (z - z.mean(axes(z))) / np.sqrt(v + z.dtype.type(epsilon))
    return weighted(y, *map(widened, weights)).astype(x.dtype)


@MUTANTS.add("epsilon is taken and not used: zero over zero", "batch-norm.constant-feature")
@in_dtype
def forgets_epsilon(x, *weights, epsilon=DEFAULT, **told):
    return right.batch_norm(x, *weights, epsilon=0.0)


@MUTANTS.each("a kernel has a least epsilon of its own, and does not say so", "batch-norm.multiple",
              operations=("batch_norm",))  # fmt: skip
def raises_epsilon_to_a_least_one(f, *arrays, epsilon=DEFAULT, **told):
    return f(*arrays, epsilon=max(epsilon, 1e-5), **told)


@MUTANTS.each("squares in half precision: infinite", "batch-norm.half-precision", operations=("batch_norm",))
def squares_in_half_precision(f, x, *weights, epsilon=DEFAULT, **told):
    if x.dtype.itemsize > 2:
        return f(x, *weights, epsilon=epsilon, **told)
    with np.errstate(all="ignore"):
        d = x - widened(x).mean(axes(x)).astype(x.dtype)
        v = (d * d).astype(np.float32).mean(axes(x))
        y = d.astype(np.float32) / np.sqrt(v + np.float32(epsilon))
    return weighted(y, *map(widened, weights)).astype(x.dtype)


@MUTANTS.each("each chunk of a batch has statistics of its own: devices that do not talk", "batch-norm.whole-batch",
              "batch-norm.value", operations=("batch_norm",))  # fmt: skip
def normalizes_in_threes(f, x, *weights, **given):
    if len(x) < 6 or x.ndim != 2:
        return f(x, *weights, **given)
    return np.concatenate([f(x[i : i + 3], *weights, **given) for i in range(0, len(x) - len(x) % 3, 3)]
                          + ([f(x[-(len(x) % 3) :], *weights, **given)] if len(x) % 3 else []))  # fmt: skip


# ---- gradients


@MUTANTS.add("the statistics are constants of the backward pass", "batch-norm.gradient", "batch-norm.example",
             part="_vjp")  # fmt: skip
def holds_the_statistics_constant(x, *rest, epsilon=DEFAULT, **told):
    *weights, g = rest
    _, *others = ORACLE.batch_norm_vjp(x, *rest, epsilon=epsilon, **told)
    a = widened(g) * (widened(weights[0]) if weights else 1)
    return ((a / np.sqrt(widened(x).var(axes(x)) + epsilon)).astype(x.dtype), *others)


@MUTANTS.add("the term of the mean is lost", "batch-norm.gradient-sum", "batch-norm.gradient", part="_vjp")
def holds_the_mean_constant(x, *rest, epsilon=DEFAULT, **told):
    *weights, g = map(widened, rest)
    _, *others = ORACLE.batch_norm_vjp(x, *rest, epsilon=epsilon, **told)
    z, a = widened(x), g * weights[0] if weights else g
    root = np.sqrt(z.var(axes(z)) + epsilon)
    normal = (z - z.mean(axes(z))) / root
    return (((a - normal * (a * normal).mean(axes(z))) / root).astype(x.dtype), *others)


@MUTANTS.add("the term of the variance is lost", "batch-norm.gradient-along", "batch-norm.gradient", part="_vjp")
def holds_the_root_constant(x, *rest, epsilon=DEFAULT, **told):
    *weights, g = map(widened, rest)
    _, *others = ORACLE.batch_norm_vjp(x, *rest, epsilon=epsilon, **told)
    z, a = widened(x), g * weights[0] if weights else g
    return (((a - a.mean(axes(z))) / np.sqrt(z.var(axes(z)) + epsilon)).astype(x.dtype), *others)


@MUTANTS.each("the gradients of the weights are means over the batch", "batch-norm.gradient", part="_vjp",
              operations=("batch_norm",))  # fmt: skip
def averages_the_gradients_of_the_weights(f, x, *rest, **given):
    dx, *others = f(x, *rest, **given)
    count = max(x.size // max(x.shape[-1], 1), 1)
    return (dx, *((widened(part) / count).astype(part.dtype) for part in others))


@MUTANTS.add("a kernel has a least epsilon in its backward pass", "batch-norm.gradient-multiple", part="_vjp")
def raises_epsilon_in_the_backward_pass(x, *rest, epsilon=DEFAULT, **told):
    return ORACLE.batch_norm_vjp(x, *rest, epsilon=max(epsilon, 1e-3), **told)


# ---- use


@MUTANTS.add("a layer that was never told that training is over", "batch-norm-eval.value", "batch-norm-eval.folded")
def normalizes_by_the_batch(x, mean, variance, *weights, **given):
    return ORACLE.batch_norm(x, *weights, **given) if x.size else x


@MUTANTS.add("the running deviation is kept, and taken for the variance", "batch-norm-eval.value",
             "batch-norm-eval.folded")  # fmt: skip
def squares_the_variance(x, mean, variance, *weights, **given):
    return ORACLE.batch_norm_eval(x, mean, variance * variance, *weights, **given)


@MUTANTS.add("the folded layer forgot epsilon", "batch-norm-eval.folded", "batch-norm-eval.value")
def folds_without_epsilon(x, mean, variance, *weights, epsilon=DEFAULT):
    with np.errstate(invalid="ignore", divide="ignore"):
        return ORACLE.batch_norm_eval(x, mean, variance, *weights, epsilon=0.0 * epsilon)


@MUTANTS.add("the gradient of training, in use", "batch-norm-eval.gradient", part="_vjp")
def has_the_gradient_of_training(x, mean, variance, *rest, **given):
    dx, *others = ORACLE.batch_norm_vjp(x, *rest, **given)
    return (dx, np.zeros_like(mean), np.zeros_like(variance), *others)


# ---- running statistics


@MUTANTS.add("momentum is the weight of the new batch", "batch-norm-update.mean", "batch-norm-update.example",
             "batch-norm-update.hundred-steps")  # fmt: skip
def takes_the_decay_for_the_weight_of_the_batch(*arrays, decay=0.9, **told):
    return ORACLE.batch_norm_update(*arrays, decay=1 - decay, **told)


@MUTANTS.add("the running mean is never moved", "batch-norm-update.mean", "batch-norm-update.cumulative")
def forgets_to_move_the_mean(x, mean, variance, **given):
    return mean, ORACLE.batch_norm_update(x, mean, variance, **given)[1]


@MUTANTS.add("the divisor counts examples, where images have positions", "batch-norm-update.variance")
def counts_the_examples_alone(x, mean, variance, *, decay=0.9, running_variance="unbiased"):
    m, v = ORACLE.batch_norm_update(x, mean, variance, decay=decay, running_variance="biased")
    n = len(x) if x.ndim > 1 else 1
    wide = widened(x).var(axes(x)) * (n / max(n - 1, 1) if running_variance == "unbiased" else 1)
    wide = wide * (1 if x.ndim < 3 or running_variance == "unbiased" else n / (n - 1))
    return m, (decay * widened(variance) + (1 - decay) * wide).astype(v.dtype)


@MUTANTS.add("the running variance is an average of deviations", "batch-norm-update.variance",
             "batch-norm-update.hundred-steps")  # fmt: skip
def averages_deviations(x, mean, variance, *, decay=0.9, **told):
    m, v = ORACLE.batch_norm_update(x, mean, 0 * variance, decay=decay, **told)
    new = widened(v) / max(1 - decay, 1e-9)
    return m, (decay * widened(variance) + (1 - decay) * np.sqrt(new)).astype(v.dtype)


@MUTANTS.add("the start keeps a share: a decay of 0 is taken for none said", "batch-norm-update.cumulative")
def takes_no_decay_for_the_default(*arrays, decay=0.9, **told):
    return ORACLE.batch_norm_update(*arrays, decay=decay or 0.9, **told)


# ---- defaults and refusals


@MUTANTS.each("another library's default", "batch-norm.default-epsilon")
def has_a_thousandth_by_default(f, *arrays, epsilon=1e-3, **told):
    return f(*arrays, epsilon=epsilon, **told)


@MUTANTS.add("another library's default", "batch-norm-update.default-decay")
def has_99_hundredths_by_default(*arrays, decay=0.99, **told):
    return ORACLE.batch_norm_update(*arrays, decay=decay, **told)


@MUTANTS.each("a negative number is taken, and its root is NaN or not, as the batch is", "batch-norm.epsilon-range")
def takes_a_negative_epsilon(f, *arrays, epsilon=DEFAULT, **told):
    return f(*arrays, epsilon=max(epsilon, 0.0), **told)


@MUTANTS.add("a decay of any size is taken", "batch-norm-update.decay-range")
def takes_any_decay(*arrays, decay=0.9, **told):
    return ORACLE.batch_norm_update(*arrays, decay=min(max(decay, 0.0), 1.0), **told)


@MUTANTS.add("the statistics of no examples are left as they were, without a word", "batch-norm-update.empty")
def takes_a_batch_without_examples(x, *state, **given):
    return ORACLE.batch_norm_update(x, *state, **given) if len(x) else state
