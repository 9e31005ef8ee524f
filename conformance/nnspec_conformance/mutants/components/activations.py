"""Wrong activation functions, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable

import ml_dtypes
import numpy as np
from scipy.special import erf

from nnspec_conformance.adapters import numpy_oracle as right
from nnspec_conformance.mutation import Mutant

ELEMENTWISE = (
    "identity", "relu", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu", "hard_sigmoid"
)  # fmt: skip
SMOOTH = ("gelu", "sigmoid", "tanh", "softplus", "silu")
EVERY = (*ELEMENTWISE, "softmax", "log_softmax")
ROWS = ("softmax", "log_softmax")
TAILED = ("elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu")
ACCURATE = ("leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu", "hard_sigmoid")

MUTANTS: list[Mutant] = []


def mutant(catches: str, story: str, **changes: Callable) -> None:
    """Add one; its name is the function's, with underscores read as spaces."""
    first = next(iter(changes.values()))
    name = getattr(first, "func", first).__name__.replace("_", " ").strip()
    MUTANTS.append(Mutant(name, story, (catches,), changes))


def family(clause: str, operations: tuple[str, ...], story: str, part: str = "") -> Callable[[Callable], Callable]:
    """One mutant for each operation: the decorated function wraps the right one."""

    def add(wrong: Callable) -> Callable:
        for operation in operations:
            changed = functools.partial(wrong, getattr(right, operation + part))
            MUTANTS.append(
                Mutant(
                    wrong.__name__.replace("_", " "), story, (f"{clause}[{operation}]",), {operation + part: changed}
                )
            )
        return wrong

    return add


def quietly(function: Callable) -> Callable:
    """Computed in the dtype handed over, without NumPy's warnings: this is how the wrong formula runs elsewhere."""

    @functools.wraps(function)
    def call(x: np.ndarray, **attributes: object) -> np.ndarray:
        wide = x.astype(np.float32) if x.dtype in (np.float16, ml_dtypes.bfloat16) else x
        with np.errstate(all="ignore"):
            return function(wide, **attributes).astype(x.dtype)

    return call


# ---- families


@family("activation.shape", EVERY, "axes of length one are dropped, and broadcasting hides it until the loss is wrong")
def squeezes_axes_of_length_one(f, x, **given):
    return np.squeeze(f(x, **given))


@family("activation.dtype", EVERY, "a float32 constant in the formula promotes half precision, and memory doubles")
def promotes_half_precision(f, x, **given):
    y = f(x, **given)
    return y.astype(np.float32) if x.dtype.itemsize == 2 else y


@family("activation.nan", ELEMENTWISE, "fmax and comparisons drop NaN: a diverged network looks healthy")
def swallows_nan(f, x, **given):
    return f(np.where(np.isnan(x), np.zeros_like(x), x), **given)


@family("activation.limits", ELEMENTWISE, "clipping against overflow moves the limit")
def clips_the_input_to_2(f, x, **given):
    return f(np.clip(x, x.dtype.type(-2), x.dtype.type(2)), **given)


@family("activation.accuracy", ACCURATE, "the input is rounded to bfloat16 on the way, as fast paths do")
def computes_in_bfloat16(f, x, **given):
    return f(x.astype(ml_dtypes.bfloat16).astype(x.dtype), **given)


@family("activation.gradient", ELEMENTWISE, "right as long as the layer is the last one", "_vjp")
def forgets_the_cotangent(f, x, cotangents, **given):
    return f(x, np.ones_like(cotangents), **given)


@family("activation.gradient", ELEMENTWISE, "the sign of the incoming gradient is lost", "_vjp")
def takes_the_magnitude(f, x, cotangents, **given):
    return f(x, np.abs(cotangents), **given)


@family("activation.gradient-finite", ELEMENTWISE, "both branches overflow: inf / inf in the chain rule", "_vjp")
def divides_by_an_overflow(f, x, cotangents, **given):
    with np.errstate(all="ignore"):
        e = np.exp(np.abs(x.astype(np.float64)))
        return ((f(x, cotangents, **given)[0].astype(np.float64) * e / e).astype(x.dtype),)


@family(
    "activation.second-derivative",
    SMOOTH,
    "the rule of the derivative treats it as constant",
    "_second_derivative",
)
def stops_after_the_first_derivative(f, x, **given):
    return np.zeros_like(x)


# ---- tails: the textbook formulas that cancel


@quietly
def elu_as_exp_minus_1(x, *, alpha=1.0):
    return np.where(x > 0, x, x.dtype.type(alpha) * (np.exp(np.minimum(x, 0)) - 1))


@quietly
def selu_as_exp_minus_1(x):
    scale, product = x.dtype.type(1.0507009873554805), x.dtype.type(1.7580993408473766)
    return np.where(x > 0, scale * x, product * (np.exp(np.minimum(x, 0)) - 1))


@quietly
def gelu_as_1_plus_erf(x, *, form="exact"):
    if form != "exact":
        return right.gelu(x, form=form)
    return x / 2 * (1 + erf(x / np.sqrt(x.dtype.type(2))))


@quietly
def sigmoid_by_tanh(x):
    return (1 + np.tanh(x / 2)) / 2


@quietly
def silu_by_tanh(x):
    return x * ((1 + np.tanh(x / 2)) / 2)


@quietly
def tanh_from_exponentials(x):
    a, b = np.exp(np.clip(x, -40, 40)), np.exp(np.clip(-x, -40, 40))
    return (a - b) / (a + b)


@quietly
def softplus_as_log_of_1_plus_exp(x):
    return np.log(1 + np.exp(x))


for _operation, _naive in {
    "elu": elu_as_exp_minus_1, "selu": selu_as_exp_minus_1, "gelu": gelu_as_1_plus_erf, "sigmoid": sigmoid_by_tanh,
    "silu": silu_by_tanh, "tanh": tanh_from_exponentials, "softplus": softplus_as_log_of_1_plus_exp,
}.items():  # fmt: skip
    mutant(f"activation.tail[{_operation}]", "every digit of a tiny result cancels", **{_operation: _naive})


# ---- limits and accuracy of single functions


@quietly
def inf_times_zero(x, **given):
    return x * right.sigmoid(x * (1.702 if given else 1.0))


mutant("activation.limits[silu]", "the formula read literally: -inf times 0 is NaN", silu=inf_times_zero)
mutant("activation.limits[gelu]", "the formula read literally: -inf times 0 is NaN", gelu=inf_times_zero)


@quietly
def gelu_with_cubic_0_44715(x, *, form="exact"):
    if form != "tanh":
        return right.gelu(x, form=form)
    return right.gelu(x, form=form) + x * np.exp(-(x**2)) * x.dtype.type(0.1)


@quietly
def softplus_with_threshold_8(x):
    return np.where(x > 8, x, right.softplus(x))


@quietly
def swish_with_slope_1_702(x):
    return x * right.sigmoid(x * x.dtype.type(1.702))


@quietly
def selu_with_swapped_constants(x):
    scale, alpha = x.dtype.type(1.6732632423543772), x.dtype.type(1.0507009873554805)
    return np.where(x > 0, scale * x, scale * alpha * np.expm1(np.minimum(x, 0)))


@quietly
def sigmoid_that_overflows(x):
    return np.exp(x) / (1 + np.exp(x))


mutant("activation.accuracy[gelu]", "a constant of the tanh form mistyped", gelu=gelu_with_cubic_0_44715)
mutant("activation.accuracy[softplus]", "linear from a threshold that is too low", softplus=softplus_with_threshold_8)
mutant("activation.accuracy[silu]", "the gate of GELU's approximation", silu=swish_with_slope_1_702)
mutant("activation.accuracy[selu]", "lambda and alpha confused", selu=selu_with_swapped_constants)
mutant("activation.accuracy[sigmoid]", "inf / inf for x above 88", sigmoid=sigmoid_that_overflows)
mutant("sigmoid.range", "inf / inf for x above 88", sigmoid=sigmoid_that_overflows)


# ---- single clauses


@quietly
def identity_through_half_precision(x):
    return x.astype(np.float16)


@quietly
def relu_by_absolute_value(x):
    return (x + np.abs(x)) / 2  # loses the largest numbers to infinity


@quietly
def relu_shifted_by_epsilon(x):
    return np.maximum(x, x.dtype.type(1e-7))


def _relu_at_zero(value: float) -> Callable:
    def vjp(x, cotangents):
        return (cotangents * np.where(x == 0, x.dtype.type(value), right.relu_vjp(x, np.ones_like(x))[0]),)

    return vjp


def relu_gradient_one_half_at_0(x, cotangents):
    return _relu_at_zero(0.5)(x, cotangents)


def relu_gradient_one_at_0(x, cotangents):
    return _relu_at_zero(1.0)(x, cotangents)


mutant("identity.value", "a cast on the way", identity=identity_through_half_precision)
mutant("relu.value", "(x + |x|) / 2 overflows", relu=relu_by_absolute_value)
mutant("relu.value", "an epsilon against dead units", relu=relu_shifted_by_epsilon)
mutant("relu.gradient-at-zero", "maximum(x, 0) shares a tie's gradient", relu_vjp=relu_gradient_one_half_at_0)
mutant("relu.gradient-at-zero", "the condition is x >= 0", relu_vjp=relu_gradient_one_at_0)


@quietly
def leaky_relu_as_max(x, *, negative_slope=0.01):
    return np.maximum(x, x.dtype.type(negative_slope) * x)


@quietly
def leaky_relu_with_fixed_slope(x, *, negative_slope=0.01):
    return right.leaky_relu(x, negative_slope=0.01)


@quietly
def elu_scales_both_branches(x, *, alpha=1.0):
    return x.dtype.type(alpha) * right.elu(x, alpha=1.0)


@quietly
def elu_scales_the_exponent(x, *, alpha=1.0):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0) * x.dtype.type(alpha)))


@quietly
def selu_with_three_digits(x):
    return np.where(x > 0, x.dtype.type(1.05) * x, x.dtype.type(1.05 * 1.67) * np.expm1(np.minimum(x, 0)))


@quietly
def selu_without_lambda(x):
    return np.where(x > 0, x, x.dtype.type(1.6732632423543772) * np.expm1(np.minimum(x, 0)))


mutant("leaky-relu.value", "right for slopes below 1 only", leaky_relu=leaky_relu_as_max)
mutant("leaky-relu.value", "the keyword is ignored", leaky_relu=leaky_relu_with_fixed_slope)
mutant("elu.value", "alpha multiplies the linear branch too", elu=elu_scales_both_branches)
mutant("elu.value", "alpha in the wrong place", elu=elu_scales_the_exponent)
mutant("selu.constants", "constants copied with three digits", selu=selu_with_three_digits)
mutant("selu.fixed-point", "lambda forgotten: variance drifts layer by layer", selu=selu_without_lambda)
mutant("selu.fixed-point", "constants copied with three digits", selu=selu_with_three_digits)


@quietly
def sigmoid_clipped_for_the_logarithm(x):
    return np.clip(right.sigmoid(x), x.dtype.type(1e-3), x.dtype.type(1 - 1e-3))


@quietly
def sigmoid_off_centre(x):
    return right.sigmoid(x + x.dtype.type(1e-2))


@quietly
def tanh_as_a_fraction_beyond_its_range(x):
    return x * (27 + x * x) / (27 + 9 * x * x)


@quietly
def tanh_by_shifted_sigmoid(x):
    return 2 * right.sigmoid(2 * x) - 1


@quietly
def hard_sigmoid_that_never_saturates(x, *, form="sixth"):
    y = right.hard_sigmoid(x, form=form)
    return y + (x.dtype.type(0.5) - y) * x.dtype.type(0.01)


mutant("sigmoid.range", "the half is off", sigmoid=sigmoid_off_centre)
mutant("sigmoid.symmetry", "a bias crept in", sigmoid=sigmoid_off_centre)
mutant("tanh.range", "a rational approximation used outside its range", tanh=tanh_as_a_fraction_beyond_its_range)
mutant("tanh.odd", "the two sides round differently", tanh=tanh_by_shifted_sigmoid)
mutant("softplus.large", "exp overflows to infinity", softplus=softplus_as_log_of_1_plus_exp)
mutant("softplus.reflection", "linear from a threshold that is too low", softplus=softplus_with_threshold_8)
mutant(
    "hard-sigmoid.saturation", "leaks a little so that units never die", hard_sigmoid=hard_sigmoid_that_never_saturates
)


# ---- softmax


def _normalized(e, axis, logarithm):
    y = e / e.sum(axis, keepdims=True)
    return np.log(y) if logarithm else y


def rows(clause: str, story: str, *, only: tuple[str, ...] = ROWS) -> Callable[[Callable], Callable]:
    """One mutant each for softmax and log-softmax; the function gets ``logarithm`` to tell them apart."""

    def add(wrong: Callable) -> Callable:
        for operation in only:
            name = wrong.__name__.replace("_", " ")
            changed = quietly(functools.partial(wrong, logarithm=operation == "log_softmax"))
            instance = f"{clause}[{operation}]" if clause != "softmax.sum" else clause
            MUTANTS.append(Mutant(name, story, (instance,), {operation: changed}))
        return wrong

    return add


@rows("softmax.large-offset", "exp overflows at 89, or everything underflows to 0 / 0")
def without_the_shift(x, *, axis=-1, logarithm):
    return _normalized(np.exp(x), axis, logarithm)


@rows("softmax.value", "a unit entry in the denominator, as in attention that may attend to nothing")
@rows("softmax.sum", "a unit entry in the denominator, as in attention that may attend to nothing", only=("softmax",))
def one_more_in_the_denominator(x, *, axis=-1, logarithm):
    y = np.exp(x) / (1 + np.exp(x).sum(axis, keepdims=True))
    return np.log(y) if logarithm else y


@rows("softmax.value", "a base-2 exponential without the factor")
def powers_of_two(x, *, axis=-1, logarithm):
    return _normalized(np.exp2(x - x.max(axis, keepdims=True, initial=-np.inf)), axis, logarithm)


@rows("softmax.axis", "the keyword is ignored")
def always_the_last_axis(x, *, axis=-1, logarithm):
    return (right.log_softmax if logarithm else right.softmax)(x, axis=-1)


@rows("softmax.axis-error", "the axis is taken modulo the rank")
def wraps_the_axis(x, *, axis=-1, logarithm):
    return (right.log_softmax if logarithm else right.softmax)(x, axis=axis % x.ndim)


@rows("softmax.minus-infinity", "-inf minus -inf is NaN")
def shifts_by_the_minimum(x, *, axis=-1, logarithm):
    return _normalized(np.exp(x - x.min(axis, keepdims=True, initial=np.inf)), axis, logarithm)


@rows("softmax.minus-infinity", "a large negative number in place of minus infinity", only=("log_softmax",))
def replaces_minus_infinity(x, *, axis=-1, logarithm):
    return right.log_softmax(np.maximum(x, x.dtype.type(-1e4)), axis=axis)


@rows("softmax.nan", "the maximum skips NaN and so does the sum")
def skips_nan(x, *, axis=-1, logarithm):
    x = np.where(np.isnan(x), x.dtype.type(-np.inf), x)
    return (right.log_softmax if logarithm else right.softmax)(x, axis=axis)


@rows("softmax.nan", "the shift is one number for the whole array")
def shifts_by_the_maximum_of_all(x, *, axis=-1, logarithm):
    return _normalized(np.exp(x - x.max(initial=-np.inf)), axis, logarithm)


@quietly
def log_of_softmax(x, *, axis=-1):
    return np.log(right.softmax(x, axis=axis))


mutant("log-softmax.large", "log of an underflow is -inf", log_softmax=log_of_softmax)


def diagonal_of_the_jacobian_only(x, cotangents, *, axis=-1):
    y = right.softmax(x, axis=axis)
    return (cotangents * y * (1 - y),)


def log_softmax_gradient_of_one_label(x, cotangents, *, axis=-1):
    return (cotangents - right.softmax(x, axis=axis),)


def zero_times_infinity(f, x, cotangents, *, axis=-1):
    return (f(x, cotangents, axis=axis)[0] + 0 * x,)


mutant("softmax.gradient[softmax]", "treated as elementwise, like sigmoid", softmax_vjp=diagonal_of_the_jacobian_only)
mutant(
    "softmax.gradient[log_softmax]",
    "right for one-hot cotangents only",
    log_softmax_vjp=log_softmax_gradient_of_one_label,
)
for _operation in ROWS:
    mutant(
        f"softmax.gradient-minus-infinity[{_operation}]",
        "0 times inf in the chain rule",
        **{f"{_operation}_vjp": functools.partial(zero_times_infinity, getattr(right, f"{_operation}_vjp"))},
    )
