"""Natural formulas that are wrong in some range, each with its derivatives as automatic differentiation has them."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.mutants.components.activations import quietly
from nnspec_conformance.mutants.components.activations_numbers import FLOAT32, of_float32

MUTANTS = Mutants()
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
UNSHIFTED = "exp overflows at 89, or everything underflows and nothing is left"
CLAMPED = "the exponential is clipped so that it cannot overflow, and the tail stands still"


# ---- constants of float32


def of_constants(scale: float, product: float) -> dict:
    """SELU with two constants, lambda and lambda alpha: its value and the two derivatives, by part."""

    @quietly
    def value(x):
        return np.where(x > 0, x.dtype.type(scale) * x, x.dtype.type(product) * np.expm1(np.minimum(x, 0)))

    @quietly
    def gradient(x, cotangents, **_):
        return (cotangents * np.where(x > 0, x.dtype.type(scale), x.dtype.type(product) * np.exp(np.minimum(x, 0))),)

    @quietly
    def second_derivative(x):
        return np.where(x > 0, x.dtype.type(0), x.dtype.type(product) * np.exp(np.minimum(x, 0)))

    return {"": value, "_vjp": gradient, "_second_derivative": second_derivative}


for _name, _product in (
    ("has constants of float32", of_float32(SCALE * ALPHA)),
    ("has lambda and alpha of float32", of_float32(SCALE) * of_float32(ALPHA)),
):
    _parts = of_constants(of_float32(SCALE), _product)
    MUTANTS.add(
        FLOAT32,
        "selu.constants",
        "activation.accuracy[selu]",
        "activation.tail[selu]",
        "activation.gradient[selu]",
        "activation.small-slopes[selu]",
        "activation.second-derivative[selu]",
        name=_name,
        also={part: function for part, function in _parts.items() if part},
    )(_parts[""])


# ---- without the shift by the maximum; every step is rounded, so that half precision overflows at 12


def stepping(x):
    """The array in the dtype that NumPy computes in, and what rounds a step to the dtype of the array."""
    wide = x.astype(np.promote_types(x.dtype, np.float32) if x.dtype.kind == "f" else np.float32)
    return wide, lambda y: y.astype(x.dtype).astype(wide.dtype)


@np.errstate(all="ignore")
def gradient_of_log_softmax_without_the_shift(x, cotangents, *, axis=-1, **_):
    (wide, step), g = stepping(x), cotangents.astype(np.float64)
    e = step(np.exp(wide))
    share = step(g.sum(axis, keepdims=True) / step(e.sum(axis, keepdims=True)))
    return ((g - step(share * e)).astype(x.dtype),)


@MUTANTS.add(
    UNSHIFTED,
    "softmax.large-offset[log_softmax]",
    "log-softmax.large",
    also={"_vjp": gradient_of_log_softmax_without_the_shift},
)
@np.errstate(all="ignore")
def subtracts_the_logarithm_without_the_shift(x, *, axis=-1, **_):
    wide, step = stepping(x)
    total = step(step(np.exp(wide)).sum(axis, keepdims=True))
    return (wide - step(np.log(total))).astype(x.dtype)


@np.errstate(all="ignore")
def gradient_of_softmax_without_the_shift(x, cotangents, *, axis=-1, **_):
    (wide, step), g = stepping(x), cotangents.astype(np.float32 if x.dtype.itemsize < 8 else np.float64)
    e = step(np.exp(wide))
    total = step(e.sum(axis, keepdims=True))
    share = step((g * step(e / total)).sum(axis, keepdims=True) / total)
    return ((step(step(g / total) - share) * e).astype(x.dtype),)


@MUTANTS.add(UNSHIFTED, "softmax.large-offset[softmax]", also={"_vjp": gradient_of_softmax_without_the_shift})
@np.errstate(all="ignore")
def divides_without_the_shift(x, *, axis=-1, **_):
    wide, step = stepping(x)
    e = step(np.exp(wide))
    return (e / step(e.sum(axis, keepdims=True))).astype(x.dtype)


# ---- clamped, or linear, beyond a number


def clamped(limit: float) -> dict:
    """Sigmoid of an input between plus and minus a number: its value and the two derivatives, by part."""

    def inside(x):
        return np.abs(x) <= limit

    @quietly
    def value(x):
        return 1 / (1 + np.exp(-np.clip(x, x.dtype.type(-limit), x.dtype.type(limit))))

    @quietly
    def gradient(x, cotangents, **_):
        return (np.where(inside(x), right.sigmoid_vjp(x, cotangents)[0], np.zeros_like(x)),)

    @quietly
    def second_derivative(x):
        return np.where(inside(x), right.sigmoid_second_derivative(x), np.zeros_like(x))

    return {"": value, "_vjp": gradient, "_second_derivative": second_derivative}


for _limit in (15, 20, 30, 50, 88):
    _parts = clamped(_limit)
    MUTANTS.add(
        CLAMPED,
        "activation.tail[sigmoid]",
        "activation.limits[sigmoid]",
        "activation.small-slopes[sigmoid]",
        name=f"sigmoid of an input clamped at {_limit}",
        also={part: function for part, function in _parts.items() if part},
    )(_parts[""])


@quietly
def gradient_of_softplus_with_threshold_20(x, cotangents, **_):
    return (np.where(x > 20, cotangents, right.softplus_vjp(x, cotangents)[0]),)


@quietly
def curvature_of_softplus_with_threshold_20(x):
    return np.where(x > 20, np.zeros_like(x), right.softplus_second_derivative(x))


@MUTANTS.add(
    "linear from 20 on, where float64 still sees the difference",
    "activation.accuracy[softplus]",
    "activation.gradient[softplus]",
    "softplus.reflection",
    also={
        "_vjp": gradient_of_softplus_with_threshold_20,
        "_second_derivative": curvature_of_softplus_with_threshold_20,
    },
)
@quietly
def softplus_with_threshold_20(x):
    return np.where(x > 20, x, right.softplus(x))


# ---- by another function


@quietly
def gradient_of_tanh_from_sigmoid(x, cotangents, **_):
    one, two = x.dtype.type(1), x.dtype.type(2)
    y = one / (one + np.exp(-two * x))
    return (two * two * cotangents * (one - y) * y,)


@MUTANTS.add(
    "2 sigmoid(2x) - 1: every digit of a tiny result cancels",
    "activation.tail[tanh]",
    "activation.small-slopes[tanh]",
    also={"_vjp": gradient_of_tanh_from_sigmoid},
)
@quietly
def tanh_from_sigmoid(x):
    one, two = x.dtype.type(1), x.dtype.type(2)
    return two * (one / (one + np.exp(-two * x))) - one
