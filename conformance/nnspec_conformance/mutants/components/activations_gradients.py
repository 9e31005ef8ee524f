"""Wrong derivatives of the elementwise functions where they are small, and at the edges."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.mutants.components.activations import quietly
from nnspec_conformance.special import erf

MUTANTS = Mutants()


# ---- small slopes


@MUTANTS.add("every digit of the gate cancels, and with it the slope", "activation.gated-slopes[gelu]", part="_vjp")
@quietly
def slope_of_gelu_by_1_plus_erf(x, cotangents, *, form="exact"):
    if form != "exact":
        return right.gelu_vjp(x, cotangents, form=form)
    density = np.exp(-x * x / 2) / np.sqrt(x.dtype.type(2 * np.pi))
    return (cotangents * ((1 + erf(x / np.sqrt(x.dtype.type(2)))) / 2 + x * density),)


@MUTANTS.add("every digit of the gate cancels, and with it the slope", "activation.gated-slopes[silu]", part="_vjp")
@quietly
def slope_of_silu_by_tanh(x, cotangents):
    gate = (1 + np.tanh(x / 2)) / 2
    return (cotangents * (gate * (1 + x * (1 - gate))),)


@MUTANTS.add("the slope from the rounded result cancels", "activation.gated-slopes[softplus]", part="_vjp")
@quietly
def slope_of_softplus_from_its_result(x, cotangents):
    return (cotangents * (1 - np.exp(-right.softplus(x))),)


# ---- small second derivatives


CURVED = ("elu", "selu", "sigmoid", "tanh", "softplus", "silu")


for _clause, _operations in (
    ("activation.small-second-derivatives", CURVED),
    ("gelu.small-second-derivatives", ["gelu"]),
):

    @MUTANTS.each(
        "a difference of slopes of the neighbours is good enough near 0",
        _clause,
        operations=_operations,
        part="_second_derivative",
    )
    def has_the_mean_of_second_derivatives_nearby(f, x, **given):
        step = x.dtype.type(1 / 16)
        return (f(x - step, **given) + f(x + step, **given)) / 2


@MUTANTS.each(
    "beyond 8 the function is taken for a straight line",
    "activation.small-second-derivatives",
    operations=CURVED,
    part="_second_derivative",
)
def is_straight_beyond_8(f, x, **given):
    return np.where(np.abs(x) > 8, x.dtype.type(0), f(x, **given))


# ---- large slopes in half precision


@MUTANTS.each(
    "the gate's last step before 1 is lost on the way, and with it two fifths of the slope",
    "activation.gradient",
    operations=("gelu", "silu", "softplus"),
    part="_vjp",
)
def has_a_slope_of_three_fifths_beyond_9_in_half_precision(f, x, cotangents, **given):
    return (_three_fifths(f, x, cotangents, 9, **given),)


@MUTANTS.each(
    "a table of slopes ends too early, and its last entry stands for all beyond",
    "activation.half-slopes",
    operations=("elu", "selu", "gelu", "silu", "softplus"),
    part="_vjp",
)
def has_a_slope_of_three_fifths_beyond_500_in_half_precision(f, x, cotangents, **given):
    return (_three_fifths(f, x, cotangents, 500, **given),)


def _three_fifths(f, x, cotangents, border, **given):
    slope = f(x, cotangents, **given)[0]
    wrong = x.astype(np.float64) > border if x.dtype.itemsize == 2 else np.zeros(x.shape, bool)
    return np.where(wrong, (0.6 * slope.astype(np.float64)).astype(x.dtype), slope)


# ---- edges


@MUTANTS.each("the slope by way of the sign, which is 0 at 0", "activation.gradient-at-zero", part="_vjp")
def has_no_slope_at_zero(f, x, cotangents, **given):
    return (np.where(x == 0, np.zeros_like(x), f(x, cotangents, **given)[0]),)


@MUTANTS.each("the slope by way of the sign, which is -0 at -0", "activation.gradient-at-zero", part="_vjp")
def has_no_slope_at_minus_zero(f, x, cotangents, **given):
    return (np.where((x == 0) & np.signbit(x), np.zeros_like(x), f(x, cotangents, **given)[0]),)


for _clause, _operation in (
    ("leaky-relu.gradient-at-zero", "leaky_relu"),
    ("elu.gradient-at-zero", "elu"),
    ("selu.gradient-at-zero", "selu"),
):

    @MUTANTS.each(
        "the sign bit is looked at, and the side of -0 has another slope", _clause, operations=[_operation], part="_vjp"
    )
    def has_no_slope_at_minus_zero_alone(f, x, cotangents, **given):
        return has_no_slope_at_minus_zero(f, x, cotangents, **given)


@MUTANTS.each("a subnormal number is taken for a zero", "activation.gradient-at-subnormals", part="_vjp")
def has_the_slope_of_zero_at_subnormals(f, x, cotangents, **given):
    wide = x.astype(np.float64)
    below = np.abs(wide) < float(ml_dtypes.finfo(x.dtype).smallest_normal)
    return f(np.where(below, x.dtype.type(0), x), cotangents, **given)


@MUTANTS.each("a subnormal number divides by itself", "activation.gradient-at-subnormals", part="_vjp")
def has_a_steep_slope_at_subnormals(f, x, cotangents, **given):
    wide = np.abs(x.astype(np.float64))
    below = (wide < float(ml_dtypes.finfo(x.dtype).smallest_normal)) & (wide > 0)
    return (np.where(below, (7 * cotangents).astype(x.dtype), f(x, cotangents, **given)[0]),)


MUTANTS.each(
    "the value is NaN and the gradient is not, so that the step looks healthy",
    "activation.gradient-nan",
    part="_vjp",
    name="swallows NaN in the gradient",
)(classic.swallows_nan)


@MUTANTS.each("the loop of vectors compares otherwise than the loop of the rest", "elu.gradient-nan", part="_vjp")
def has_another_slope_at_nan_in_the_remainder(f, x, cotangents, *, gradient_at_nan="nan", **given):
    slope = np.array(f(x, cotangents, gradient_at_nan=gradient_at_nan, **given)[0]).reshape(-1)
    other = f(x, cotangents, gradient_at_nan="number" if gradient_at_nan == "nan" else "nan", **given)[0].reshape(-1)
    rest = x.size - x.size % 16
    slope[rest:] = other[rest:]
    return (slope.reshape(x.shape),)


@MUTANTS.each("infinity over infinity in the chain rule", "activation.gradient-limits", part="_vjp")
def divides_by_the_input(f, x, cotangents, **given):
    with np.errstate(all="ignore"):
        slope = np.where(x == 0, f(x, cotangents, **given)[0], f(x, cotangents, **given)[0] * x / x)
    return (slope.astype(x.dtype),)
