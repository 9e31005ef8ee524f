"""Wrong elementwise activation functions, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.special import erf

MUTANTS = Mutants(straight=["hard_sigmoid", "identity", "leaky_relu", "relu"])


def quietly(function: Callable) -> Callable:
    """Compute in the dtype handed over, without NumPy's warnings: this is how the wrong formula runs elsewhere."""
    return np.errstate(all="ignore")(in_dtype(function))


# ---- families


MUTANTS.each("fmax and comparisons drop NaN: a diverged network looks healthy", "activation.nan")(classic.swallows_nan)


@MUTANTS.each("a vector's comparison with NaN is another than a number's", "activation.nan")
def loses_nan_in_a_vector_of_eight(f, x, **given):
    y = np.array(f(x, **given)).reshape(-1)
    whole = np.isnan(x.reshape(-1)[: x.size - x.size % 8].astype(np.float64)).reshape(-1, 8).all(axis=1)
    y[: 8 * whole.size] = np.where(np.repeat(whole, 8), y.dtype.type(0), y[: 8 * whole.size])
    return y.reshape(x.shape)


@MUTANTS.each("the flag of the processor is set, and nothing said of it", "activation.subnormals")
def flushes_in_float64(f, x, **given):
    return _flushed(f(x, **given)) if x.dtype == np.float64 else f(x, **given)


@MUTANTS.each("half precision in hardware has a flag of its own", "activation.subnormals")
def flushes_in_float16(f, x, **given):
    return _flushed(f(x, **given)) if x.dtype == np.float16 else f(x, **given)


def _flushed(y):
    return np.where(np.abs(y) < np.finfo(y.dtype).smallest_normal, y.dtype.type(0), y)


@MUTANTS.each("clipping against overflow moves the limit", "activation.limits")
def clips_the_input_to_2(f, x, **given):
    return f(np.clip(x, x.dtype.type(-2), x.dtype.type(2)).astype(x.dtype), **given)


@MUTANTS.each("the input is rounded to bfloat16 on the way, as fast paths do", "activation.accuracy")
def computes_in_bfloat16(f, x, **given):
    return f(x.astype(ml_dtypes.bfloat16).astype(x.dtype), **given)


@MUTANTS.each("right as long as the layer is the last one", "activation.gradient", part="_vjp")
def forgets_the_cotangent(f, x, cotangents, **given):
    return f(x, np.ones_like(cotangents), **given)


@MUTANTS.each("the sign of the incoming gradient is lost", "activation.gradient", part="_vjp")
def takes_the_magnitude(f, x, cotangents, **given):
    return f(x, np.abs(cotangents), **given)


@MUTANTS.each("both branches overflow: inf / inf in the chain rule", "activation.gradient-finite", part="_vjp")
def divides_by_an_overflow(f, x, cotangents, **given):
    with np.errstate(all="ignore"):
        e = np.exp(np.abs(x.astype(np.float64)))
        return ((f(x, cotangents, **given)[0].astype(np.float64) * e / e).astype(x.dtype),)


@MUTANTS.each(
    "the rule of the derivative treats it as constant",
    "activation.second-derivative",
    operations=("elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu"),
    part="_second_derivative",
)
def stops_after_the_first_derivative(f, x, **given):
    return np.zeros_like(x)


@MUTANTS.each(
    "a smooth function stands in for it, so that it has a slope everywhere",
    "activation.second-derivative",
    part="_second_derivative",
)
def bends_around_zero(f, x, **given):
    return (f(x, **given) + x.dtype.type(0.01) * np.exp(-np.abs(x))).astype(x.dtype)


# ---- tails: the textbook formulas that cancel


@MUTANTS.add("every digit of a tiny result cancels", "activation.tail[elu]")
@quietly
def elu_as_exp_minus_1(x, *, alpha=1.0, **_):
    return np.where(x > 0, x, x.dtype.type(alpha) * (np.exp(np.minimum(x, 0)) - 1))


@MUTANTS.add("every digit of a tiny result cancels", "activation.tail[selu]")
@quietly
def selu_as_exp_minus_1(x):
    scale, product = x.dtype.type(1.0507009873554805), x.dtype.type(1.7580993408473766)
    return np.where(x > 0, scale * x, product * (np.exp(np.minimum(x, 0)) - 1))


@MUTANTS.add("every digit of a tiny result cancels", "activation.tail[gelu]")
@quietly
def gelu_as_1_plus_erf(x, *, form="exact"):
    if form != "exact":
        return right.gelu(x, form=form)
    return x / 2 * (1 + erf(x / np.sqrt(x.dtype.type(2))))


@MUTANTS.add("every digit of a tiny result cancels", "activation.tail[sigmoid]")
@quietly
def sigmoid_by_tanh(x):
    return (1 + np.tanh(x / 2)) / 2


@MUTANTS.add("every digit of a tiny result cancels", "activation.tail[silu]")
@quietly
def silu_by_tanh(x):
    return x * ((1 + np.tanh(x / 2)) / 2)


@MUTANTS.add("every digit of a tiny result cancels", "activation.tail[tanh]")
@quietly
def tanh_from_exponentials(x):
    a, b = np.exp(np.clip(x, -40, 40)), np.exp(np.clip(-x, -40, 40))
    return (a - b) / (a + b)


@MUTANTS.add(
    "every digit of a tiny result cancels, and exp of a large number overflows",
    "activation.tail[softplus]",
    "softplus.large",
)
@quietly
def softplus_as_log_of_1_plus_exp(x):
    return np.log(1 + np.exp(x))


# ---- limits and accuracy of single functions


@MUTANTS.add("the formula read literally: -inf times 0 is NaN", "activation.limits[silu]")
@MUTANTS.add("the formula read literally: -inf times 0 is NaN", "activation.limits[gelu]")
@quietly
def inf_times_zero(x, **given):
    return x * right.sigmoid(x * (1.702 if given else 1.0))


@MUTANTS.add("a constant of the tanh form mistyped", "activation.accuracy[gelu]")
@quietly
def gelu_with_cubic_0_44715(x, *, form="exact"):
    if form != "tanh":
        return right.gelu(x, form=form)
    return right.gelu(x, form=form) + x * np.exp(-(x**2)) * x.dtype.type(0.1)


@MUTANTS.add("linear from a threshold that is too low", "activation.accuracy[softplus]", "softplus.reflection")
@quietly
def softplus_with_threshold_8(x):
    return np.where(x > 8, x, right.softplus(x))


@MUTANTS.add("the gate of GELU's approximation", "activation.accuracy[silu]")
@quietly
def swish_with_slope_1_702(x):
    return x * right.sigmoid(x * x.dtype.type(1.702))


@MUTANTS.add("lambda and alpha confused", "activation.accuracy[selu]")
@quietly
def selu_with_swapped_constants(x):
    scale, alpha = x.dtype.type(1.6732632423543772), x.dtype.type(1.0507009873554805)
    return np.where(x > 0, scale * x, scale * alpha * np.expm1(np.minimum(x, 0)))


@MUTANTS.add("inf / inf for x above 88", "activation.accuracy[sigmoid]", "sigmoid.range")
@quietly
def sigmoid_that_overflows(x):
    return np.exp(x) / (1 + np.exp(x))


# ---- branches by a result


@MUTANTS.add(
    "the result is kept for the backward pass and not the input: with a negative slope their signs differ",
    "duty.attributes[leaky_relu]",
    part="_vjp",
)
def has_a_slope_by_the_sign_of_the_output(x, cotangents, *, negative_slope=0.01, **_):
    y = np.where(x > 0, x, negative_slope * x)
    return (np.where(y > 0, cotangents, negative_slope * cotangents).astype(x.dtype),)


@MUTANTS.add(
    "the branch of the result's sign: near 0 the result has rounded to 0", "activation.gradient[selu]", part="_vjp"
)
@quietly
def selu_gradient_by_the_sign_of_the_result(x, cotangents):
    scale, product = x.dtype.type(1.0507009873554805), x.dtype.type(1.7580993408473766)
    result = np.exp(np.minimum(x, 0)) - 1
    return (cotangents * np.where(result < 0, product * np.exp(np.minimum(x, 0)), scale),)


# ---- single clauses


@MUTANTS.add("a cast on the way", "identity.value")
@quietly
def identity_through_half_precision(x):
    return x.astype(np.float16)


@MUTANTS.add("(x + |x|) / 2 overflows", "relu.value")
@quietly
def relu_by_absolute_value(x):
    return (x + np.abs(x)) / 2  # loses the largest numbers to infinity


@MUTANTS.add("an epsilon against dead units", "relu.value")
@quietly
def relu_shifted_by_epsilon(x):
    return np.maximum(x, x.dtype.type(1e-7))


def relu_gradient_at_0(value, x, cotangents):
    return (np.where(x == 0, cotangents * x.dtype.type(value), right.relu_vjp(x, cotangents)[0]),)


@MUTANTS.add("maximum(x, 0) shares a tie's gradient", "relu.gradient-at-zero", part="_vjp")
def relu_gradient_one_half_at_0(x, cotangents):
    return relu_gradient_at_0(0.5, x, cotangents)


@MUTANTS.add("the condition is x >= 0", "relu.gradient-at-zero", part="_vjp")
def relu_gradient_one_at_0(x, cotangents):
    return relu_gradient_at_0(1.0, x, cotangents)


@MUTANTS.add("right for slopes below 1 only", "leaky-relu.value")
@quietly
def leaky_relu_as_max(x, *, negative_slope=0.01, **_):
    return np.maximum(x, x.dtype.type(negative_slope) * x)


@MUTANTS.add("the keyword is ignored", "leaky-relu.value")
@quietly
def leaky_relu_with_fixed_slope(x, *, negative_slope=0.01, **_):
    return right.leaky_relu(x, negative_slope=0.01)


@MUTANTS.add("alpha multiplies the linear branch too", "elu.value")
@quietly
def elu_scales_both_branches(x, *, alpha=1.0, **_):
    return x.dtype.type(alpha) * right.elu(x, alpha=1.0)


@MUTANTS.add("alpha in the wrong place", "elu.value")
@quietly
def elu_scales_the_exponent(x, *, alpha=1.0, **_):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0) * x.dtype.type(alpha)))


@MUTANTS.add("constants copied with three digits", "selu.constants", "selu.fixed-point")
@quietly
def selu_with_three_digits(x):
    return np.where(x > 0, x.dtype.type(1.05) * x, x.dtype.type(1.05 * 1.67) * np.expm1(np.minimum(x, 0)))


@MUTANTS.add("lambda forgotten: variance drifts layer by layer", "selu.fixed-point")
@quietly
def selu_without_lambda(x):
    return np.where(x > 0, x, x.dtype.type(1.6732632423543772) * np.expm1(np.minimum(x, 0)))


@MUTANTS.add("right for slopes below 1 only", "leaky-relu.gradient-at-zero", part="_vjp")
def gradient_of_max(x, cotangents, *, negative_slope=0.01, **_):
    slope = x.dtype.type(negative_slope)
    return (cotangents * np.where(x > slope * x, x.dtype.type(1), slope),)


for _clause, _operation, _what, _fixed in (
    ("activation.gradient", "leaky_relu", "slope 0.01", {"negative_slope": 0.01}),
    ("elu.gradient-at-zero", "elu", "alpha 1", {"alpha": 1.0}),
    ("activation.gradient", "gelu", "the exact form", {"form": "exact"}),
    ("activation.gradient", "gelu", "the tanh form", {"form": "tanh"}),
    ("activation.gradient", "hard_sigmoid", "slope 1/6", {"form": "sixth"}),
):

    @MUTANTS.each(
        "a keyword reaches the value, and not its gradient",
        _clause,
        operations=[_operation],
        part="_vjp",
        name=f"has the gradient of {_what}, whatever was asked",
    )
    def has_keywords_of_its_own(f, x, cotangents, _fixed=_fixed, **given):
        return f(x, cotangents, **(given | _fixed))


@MUTANTS.add("a bias crept in: the half is off", "sigmoid.range", "sigmoid.symmetry")
@quietly
def sigmoid_off_centre(x):
    return right.sigmoid(x + x.dtype.type(1e-2))


@MUTANTS.add("a rational approximation used outside its range", "tanh.range")
@quietly
def tanh_as_a_fraction_beyond_its_range(x):
    return x * (27 + x * x) / (27 + 9 * x * x)


@MUTANTS.add("the two sides round differently", "tanh.odd")
@quietly
def tanh_by_shifted_sigmoid(x):
    return 2 * right.sigmoid(2 * x) - 1


@MUTANTS.add("leaks a little so that units never die", "hard-sigmoid.saturation")
@quietly
def hard_sigmoid_that_never_saturates(x, *, form="sixth"):
    y = right.hard_sigmoid(x, form=form)
    return y + (x.dtype.type(0.5) - y) * x.dtype.type(0.01)
