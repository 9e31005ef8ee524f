"""Wrong elementwise activation functions, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable

import ml_dtypes
import numpy as np
from scipy.special import erf

from nnspec_conformance.mutation import ORACLE as right
from nnspec_conformance.mutation import Mutant
from nnspec_conformance.oracles.components.activations import ELEMENTWISE

SMOOTH = ("gelu", "sigmoid", "tanh", "softplus", "silu")
TAILED = ("elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu")
ACCURATE = ("leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu", "hard_sigmoid")

MUTANTS: list[Mutant] = []


def named(catches: str, story: str, changes: dict[str, Callable]) -> Mutant:
    """A mutant whose name is the function's, with underscores read as spaces."""
    first = next(iter(changes.values()))
    name = getattr(first, "func", first).__name__.replace("_", " ").strip()
    return Mutant(name, story, (catches,), changes)


def mutant(catches: str, story: str, **changes: Callable) -> None:
    """Add one."""
    MUTANTS.append(named(catches, story, changes))


def family(
    clause: str, operations: tuple[str, ...], story: str, part: str = "", *, into: list[Mutant] = MUTANTS
) -> Callable[[Callable], Callable]:
    """One mutant for each operation: the decorated function wraps the right one."""

    def add(wrong: Callable) -> Callable:
        name = wrong.__name__.replace("_", " ")
        for operation in operations:
            changed = functools.partial(wrong, getattr(right, operation + part))
            into.append(Mutant(name, story, (f"{clause}[{operation}]",), {operation + part: changed}))
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


@family("activation.nan", ELEMENTWISE, "fmax and comparisons drop NaN: a diverged network looks healthy")
def swallows_nan(f, x, **given):
    return f(np.where(np.isnan(x), np.zeros_like(x), x), **given)


@family("activation.limits", ELEMENTWISE, "clipping against overflow moves the limit")
def clips_the_input_to_2(f, x, **given):
    return f(np.clip(x, x.dtype.type(-2), x.dtype.type(2)).astype(x.dtype), **given)


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


def gradient_of_max(x, cotangents, *, negative_slope=0.01, **given):
    """Of max(x, a x)."""
    slope = x.dtype.type(negative_slope)
    return (cotangents * np.where(x > slope * x, x.dtype.type(1), slope),)


mutant("leaky-relu.gradient-at-zero", "right for slopes below 1 only", leaky_relu_vjp=gradient_of_max)


def gradient_of_another(operation: str, **fixed: object) -> Callable:
    """The gradient with keywords of its own, whatever the call says."""
    vjp = getattr(right, f"{operation}_vjp")

    def keyword_ignored_in_the_gradient(x, cotangents, **given):
        return vjp(x, cotangents, **(given | fixed))

    return keyword_ignored_in_the_gradient


for _instance, _story, _operation, _fixed in (
    ("activation.gradient[leaky_relu]", "of slope 0.01, whatever was asked", "leaky_relu", {"negative_slope": 0.01}),
    ("elu.gradient-at-zero", "of alpha 1, whatever was asked", "elu", {"alpha": 1.0}),
    ("activation.gradient[gelu]", "of the exact form, whatever the value's", "gelu", {"form": "exact"}),
    ("activation.gradient[gelu]", "of the tanh form, whatever the value's", "gelu", {"form": "tanh"}),
    ("activation.gradient[hard_sigmoid]", "of slope 1/6, whatever the value's", "hard_sigmoid", {"form": "sixth"}),
):
    _changed = gradient_of_another(_operation, **_fixed)
    mutant(_instance, f"the gradient is that {_story}", **{f"{_operation}_vjp": _changed})


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
