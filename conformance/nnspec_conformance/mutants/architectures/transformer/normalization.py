"""Wrong normalizations; each caught by the clause that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.oracles.architectures.transformer import normalization as right

MUTANTS = Mutants()
VALUE = {"layer_norm": "layer-norm.value", "rms_norm": "rms-norm.value"}
DEFAULT = 1e-6


def widened(x):
    """Half precision in float32, so that only the named fault shows."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def in_dtype(function: Callable) -> Callable:
    """Computes half precision in float32, and rounds once."""

    @functools.wraps(function)
    def call(*arrays, **given):
        return np.asarray(function(*map(widened, arrays), **given)).astype(arrays[0].dtype)

    return call


def weighted(y, scale=None, bias=None):
    y = y if scale is None else y * scale
    return y if bias is None else y + bias


def mean(y):
    return y.mean(-1, keepdims=True) if y.shape[-1] else y.sum(-1, keepdims=True)


def both(story: str, aspect: str, *others: str, part: str = "") -> Callable[[Callable], Callable]:
    """A mutant of either norm, caught by a clause that each has of its own."""

    def bind(wrong: Callable) -> Callable:
        for name in ("layer-norm", "rms-norm"):
            MUTANTS.each(story, f"{name}.{aspect}", *others, part=part)(wrong)
        return wrong

    return bind


# ---- values


@MUTANTS.add(
    "torch.var and torch.std divide by n - 1 by default", "layer-norm.value", "normalization.example[layer_norm]"
)
@in_dtype
def divides_the_variance_by_n_minus_1(x, *weights, epsilon=DEFAULT):
    d = x - mean(x)
    v = (d * d).sum(-1, keepdims=True) / max(x.shape[-1] - 1, 1)
    return weighted(d / np.sqrt(v + epsilon), *weights)


@both("the annotated transformer has it beside the root", "value", "normalization.example")
def adds_epsilon_to_the_root(f, x, *weights, epsilon=DEFAULT):
    d = widened(x) - (mean(widened(x)) if f.__name__ == "layer_norm" else 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return weighted(d / (np.sqrt(mean(d * d)) + epsilon), *map(widened, weights)).astype(x.dtype)


@both("all axes but the first, as a norm of one group does for images", "value")
def takes_statistics_over_all_axes_but_the_first(f, x, *weights, **given):
    y = f(x.reshape(len(x), -1), **given).reshape(x.shape) if x.ndim > 2 and x.size else f(x, **given)
    return weighted(widened(y), *map(widened, weights)).astype(x.dtype)


@both("the statistics of a batch norm: over the examples, for each feature", "value")
def takes_statistics_over_the_examples(f, x, *weights, **given):
    y = np.moveaxis(f(np.moveaxis(x, 0, -1), **given), -1, 0) if x.ndim > 1 else f(x, **given)
    return weighted(widened(y), *map(widened, weights)).astype(x.dtype)


@both("the scale is an offset from 1, as Gemma's RMS norm has it", "value")
def adds_1_to_the_scale(f, x, *weights, **given):
    return f(x, *(w + np.ones_like(w) if i == 0 else w for i, w in enumerate(weights)), **given)


@both("the scale is registered, and never used", "value", "normalization.example")
def forgets_the_scale(f, x, *weights, **given):
    return f(x, *(np.ones_like(w) if i == 0 else w for i, w in enumerate(weights)), **given)


@MUTANTS.add("RMS norm under the name of layer norm", "layer-norm.value", "layer-norm.shift")
@in_dtype
def does_not_subtract_the_mean(x, scale=None, bias=None, *, epsilon=DEFAULT):
    return weighted(right.rms_norm(x, scale, epsilon=epsilon), None, bias)


@MUTANTS.add("the shift is added before the scale", "layer-norm.value", "normalization.example[layer_norm]")
@in_dtype
def shifts_before_it_scales(x, scale=None, bias=None, *, epsilon=DEFAULT):
    y = right.layer_norm(x, epsilon=epsilon)
    return weighted(y if bias is None else y + bias, scale)


@MUTANTS.add("the shift is registered, and never added", "layer-norm.value", "layer-norm.constant-row")
@in_dtype
def forgets_the_shift(x, scale=None, bias=None, **given):
    return right.layer_norm(x, scale, **given)


@MUTANTS.add("layer norm without a shift under the name of RMS norm", "rms-norm.value")
@in_dtype
def subtracts_the_mean(x, scale=None, *, epsilon=DEFAULT):
    return right.layer_norm(x, scale, epsilon=epsilon)


@MUTANTS.add("the root of the sum of squares: the length of the row is 1", "rms-norm.value",
             "normalization.example[rms_norm]")  # fmt: skip
@in_dtype
def divides_by_the_length_of_the_row(x, *weights, epsilon=DEFAULT):
    return weighted(x / np.sqrt((x * x).sum(-1, keepdims=True) + epsilon), *weights)


@MUTANTS.add("the deviation about the mean, as rms_scaling of Keras had it", "rms-norm.value")
@in_dtype
def divides_by_the_deviation(x, *weights, epsilon=DEFAULT):
    return weighted(x / np.sqrt(mean((x - mean(x)) ** 2) + epsilon), *weights)


@MUTANTS.each("a scale that was left out is taken for zeros", "normalization.weights-left-out")
def takes_zeros_for_a_scale_left_out(f, x, *weights, **given):
    return f(x, *(weights or (np.zeros(x.shape[-1:], x.dtype),)), **given)


@MUTANTS.each("a shift that was left out is the scale again", "normalization.weights-left-out",
              operations=("layer_norm",))  # fmt: skip
def takes_the_scale_for_a_shift_left_out(f, x, *weights, **given):
    return f(x, *(weights if len(weights) != 1 else weights * 2), **given)


# ---- hard numbers


@MUTANTS.each("scale and shift are one switch, elementwise_affine", "normalization.weights-left-out",
              operations=("layer_norm",))  # fmt: skip
def forgets_a_shift_without_a_scale(f, x, *weights, **given):
    return f(x, **given) if weights and weights[0] is None else f(x, *weights, **given)


@MUTANTS.add("the mean square less the square of the mean: one pass", "layer-norm.large-mean")
def takes_the_variance_in_one_pass(x, *weights, epsilon=DEFAULT):
    z = widened(x)
    v = np.maximum(mean(z * z) - mean(z) ** 2, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = (z - mean(z)) / np.sqrt(v + z.dtype.type(epsilon))
    return weighted(y, *map(widened, weights)).astype(x.dtype)


@MUTANTS.add("one pass without a floor: the root of a negative number", "layer-norm.large-mean")
def takes_the_root_of_a_negative_variance(x, *weights, epsilon=DEFAULT):
    z = widened(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = (z - mean(z)) / np.sqrt(mean(z * z) - mean(z) ** 2 + z.dtype.type(epsilon))
    return weighted(y, *map(widened, weights)).astype(x.dtype)


@MUTANTS.add("epsilon is taken and not used: zero over zero", "layer-norm.constant-row")
@in_dtype
def forgets_epsilon(x, *weights, epsilon=DEFAULT):
    return right.layer_norm(x, *weights, epsilon=0.0)


@MUTANTS.add("the mean is taken of rounded quotients, and is only nearly right", "layer-norm.constant-row")
@in_dtype
def adds_the_mean_up_in_half_precision(x, *weights, epsilon=DEFAULT):
    d = x - x.dtype.type(1.001) * mean(x)
    return weighted(d / np.sqrt(mean(d * d) + epsilon), *weights)


@MUTANTS.each("a kernel has a least epsilon of its own, and does not say so", "normalization.multiple")
def raises_epsilon_to_a_least_one(f, *arrays, epsilon=DEFAULT):
    return f(*arrays, epsilon=max(epsilon, 1e-5))


@MUTANTS.each("squares in half precision: infinite, or zero", "normalization.half-precision")
def squares_in_half_precision(f, x, *weights, epsilon=DEFAULT):
    if x.dtype.itemsize > 2:
        return f(x, *weights, epsilon=epsilon)
    with np.errstate(all="ignore"):
        d = (x - mean(widened(x)).astype(x.dtype)) if f.__name__ == "layer_norm" else x
        v = mean((d * d).astype(np.float32))
        y = d.astype(np.float32) / np.sqrt(v + np.float32(epsilon))
    return weighted(y, *map(widened, weights)).astype(x.dtype)


@MUTANTS.each("epsilon in half precision: zero", "normalization.half-precision")
def rounds_epsilon_to_half_precision(f, x, *weights, epsilon=DEFAULT):
    narrow = x.dtype.itemsize == 2
    return f(x, *weights, epsilon=float(np.asarray(epsilon, x.dtype)) if narrow else epsilon)


@MUTANTS.each("a sum in half precision stops growing", "normalization.half-precision")
def adds_up_in_half_precision(f, x, *weights, epsilon=DEFAULT):
    if x.dtype.itemsize > 2 or x.shape[-1] <= 512:
        return f(x, *weights, epsilon=epsilon)
    z = widened(x)
    share = x.dtype.type(512 / x.shape[-1]).astype(np.float32)
    d = z - share * mean(z) if f.__name__ == "layer_norm" else z
    return weighted(d / np.sqrt(share * mean(d * d) + epsilon), *map(widened, weights)).astype(x.dtype)


# ---- gradients


@both("the statistics are constants of the backward pass", "gradient", part="_vjp")
def holds_the_statistics_constant(f, x, *rest, epsilon=DEFAULT):
    *weights, g = rest
    _, *others = f(x, *rest, epsilon=epsilon)
    z, centred = widened(x), f.__name__ == "layer_norm_vjp"
    d = z - (mean(z) if centred else 0)
    dx = widened(g) * (widened(weights[0]) if weights else 1) / np.sqrt(mean(d * d) + epsilon)
    return (dx.astype(x.dtype), *others)


@MUTANTS.add("the term of the mean is lost", "layer-norm.gradient", "layer-norm.gradient-sum", part="_vjp")
def holds_the_mean_constant(x, *rest, epsilon=DEFAULT):
    *weights, g = map(widened, rest)
    _, *others = ORACLE.layer_norm_vjp(x, *rest, epsilon=epsilon)
    z, a = widened(x), g * weights[0] if weights else g
    root = np.sqrt(mean((z - mean(z)) ** 2) + epsilon)
    normal = (z - mean(z)) / root
    return (((a - normal * mean(a * normal)) / root).astype(x.dtype), *others)


@MUTANTS.each("the term of the variance is lost", "normalization.gradient-along", part="_vjp")
def holds_the_root_constant(f, x, *rest, epsilon=DEFAULT):
    *weights, g = map(widened, rest)
    _, *others = f(x, *rest, epsilon=epsilon)
    z, a = widened(x), g * weights[0] if weights else g
    d = z - mean(z) if f.__name__ == "layer_norm_vjp" else z
    a = a - mean(a) if f.__name__ == "layer_norm_vjp" else a
    return ((a / np.sqrt(mean(d * d) + epsilon)).astype(x.dtype), *others)


@MUTANTS.each("the backward pass of RMS norm, centred out of habit", "rms-norm.gradient", part="_vjp")
def centres_the_gradient_of_a_row(f, *operands, **given):
    dx, *others = f(*operands, **given)
    return ((widened(dx) - mean(widened(dx))).astype(dx.dtype), *others)


@both("the normalized row is taken from the result, divided by the scale", "gradient", part="_vjp")
def divides_the_result_by_the_scale(f, x, *rest, epsilon=DEFAULT):
    dx, *others = f(x, *rest, epsilon=epsilon)
    if not others:
        return (dx,)
    known = (rest[0] != 0).astype(x.dtype)
    return (dx, others[0] * known, *others[1:])


@both("the gradients of the weights are means over the rows", "gradient", part="_vjp")
def averages_the_gradients_of_the_weights(f, x, *rest, **given):
    dx, *others = f(x, *rest, **given)
    count = max(x.size // max(x.shape[-1], 1), 1)
    return (dx, *((widened(part) / count).astype(part.dtype) for part in others))


@MUTANTS.each(
    "the gradients of the weights are added row by row, in half precision", "normalization.long-batch", part="_vjp"
)
def adds_the_rows_in_half_precision(f, x, *rest, **given):
    *weights, g = rest
    dx, *others = f(x, *rest, **given)
    if x.dtype.itemsize > 2 or not weights:
        return (dx, *others)
    normal = vars(right)[f.__name__.removesuffix("_vjp")](widened(x), **given).astype(x.dtype)
    terms = [part.reshape(-1, x.shape[-1]) for part in (g * normal, g)[: len(weights)]]
    return (dx, *(np.add.accumulate(part)[-1] if len(part) else part.sum(0) for part in terms))


@both("the scale is left out of the gradient of the row: it was added to the call later", "gradient", part="_vjp")
def forgets_the_scale_in_the_backward_pass(f, x, *rest, **given):
    _, *others = f(x, *rest, **given)
    return (f(x, rest[-1], **given)[0], *others)


# ---- defaults and refusals


@MUTANTS.each("another library's default", "normalization.default-epsilon")
def has_a_hundred_thousandth_by_default(f, *arrays, epsilon=1e-5):
    return f(*arrays, epsilon=epsilon)


@MUTANTS.each("a negative number is taken, and its root is NaN or not, as the row is", "normalization.epsilon-range")
def takes_a_negative_epsilon(f, *arrays, epsilon=DEFAULT):
    return f(*arrays, epsilon=max(epsilon, 0.0))
