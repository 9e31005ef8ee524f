"""Wrong softmax and log-softmax, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import functools

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.mutants.components.activations import quietly

MUTANTS = Mutants()


def normalized(f, e, axis):
    y = e / e.sum(axis, keepdims=True)
    return np.log(y) if f is right.log_softmax else y


@MUTANTS.each("exp overflows at 89, or everything underflows to 0 / 0", "softmax.large-offset")
@quietly
def without_the_shift(f, x, *, axis=-1):
    return normalized(f, np.exp(x), axis)


@MUTANTS.each("a unit entry in the denominator, as in attention that may attend to nothing", "softmax.value")
@MUTANTS.each("a unit entry in the denominator, as in attention that may attend to nothing", "softmax.sum")
@quietly
def one_more_in_the_denominator(f, x, *, axis=-1):
    y = np.exp(x) / (1 + np.exp(x).sum(axis, keepdims=True))
    return np.log(y) if f is right.log_softmax else y


@MUTANTS.each("a floor under the exponent, so that nothing underflows: every far entry gets a share", "softmax.value")
@quietly
def floors_the_exponent(f, x, *, axis=-1):
    return normalized(f, np.exp(np.maximum(x - x.max(axis, keepdims=True, initial=-np.inf), -64)), axis)


@MUTANTS.each("a base-2 exponential without the factor", "softmax.value")
@quietly
def powers_of_two(f, x, *, axis=-1):
    return normalized(f, np.exp2(x - x.max(axis, keepdims=True, initial=-np.inf)), axis)


@MUTANTS.each("the keyword is ignored", "softmax.axis")
@quietly
def always_the_last_axis(f, x, *, axis=-1):
    return f(x, axis=-1)


@MUTANTS.each("all axes from the given one on are taken together, as in ONNX before opset 13", "softmax.axis")
@quietly
def takes_all_axes_from_the_given_one(f, x, *, axis=-1):
    flat = x.reshape(*x.shape[:axis], int(np.prod(x.shape[axis:])))
    return f(flat, axis=-1).reshape(x.shape)


@MUTANTS.each("attention's axis -2 is taken for the last one", "softmax.axis")
@quietly
def takes_every_negative_axis_for_the_last(f, x, *, axis=-1):
    return f(x, axis=max(axis, -1))


@MUTANTS.each("blocks of 1024, each with its own maximum, summed without rescaling", "softmax.value")
@quietly
def sums_blocks_without_rescaling(f, x, *, axis=-1):
    rows = np.moveaxis(x, axis, -1)
    blocks = [rows[..., i : i + 1024] for i in range(0, rows.shape[-1], 1024)]
    total = sum(np.exp(b - b.max(-1, keepdims=True)).sum(-1, keepdims=True) for b in blocks)
    y = rows - rows.max(-1, keepdims=True, initial=-np.inf) - np.log(total)
    return np.moveaxis(y if f is right.log_softmax else np.exp(y), -1, axis)


@MUTANTS.each("added entry by entry in bfloat16 a sum of ones stops at 256, in float16 at 2,048", "softmax.long-rows")
def adds_in_its_own_dtype(f, x, *, axis=-1):
    rows = np.moveaxis(x, axis, -1)
    e = np.exp((rows - rows.max(-1, keepdims=True)).astype(np.float32)).astype(x.dtype)
    total = functools.reduce(lambda a, b: (a + b).astype(x.dtype), np.moveaxis(e, -1, 0))[..., None]
    y = e / total if f is right.softmax else rows - rows.max(-1, keepdims=True) - np.log(total)
    return np.moveaxis(y.astype(x.dtype), -1, axis)


@MUTANTS.each("the axis is taken modulo the rank", "softmax.axis-error")
@quietly
def wraps_the_axis(f, x, *, axis=-1):
    return f(x, axis=axis % x.ndim)


@MUTANTS.each("-inf minus -inf is NaN", "softmax.minus-infinity")
@quietly
def shifts_by_the_minimum(f, x, *, axis=-1):
    return normalized(f, np.exp(x - x.min(axis, keepdims=True, initial=np.inf)), axis)


@MUTANTS.each(
    "a large negative number in place of minus infinity", "softmax.minus-infinity", operations=["log_softmax"]
)
@quietly
def replaces_minus_infinity(f, x, *, axis=-1):
    return right.log_softmax(np.maximum(x, x.dtype.type(-1e4)), axis=axis)


@MUTANTS.each("the maximum skips NaN and so does the sum", "softmax.nan")
@quietly
def skips_nan(f, x, *, axis=-1):
    x = np.where(np.isnan(x), x.dtype.type(-np.inf), x)
    return f(x, axis=axis)


@MUTANTS.each("the shift is one number for the whole array", "softmax.nan")
@quietly
def shifts_by_the_maximum_of_all(f, x, *, axis=-1):
    return normalized(f, np.exp(x - x.max(initial=-np.inf)), axis)


@MUTANTS.add("log of an underflow is -inf", "log-softmax.large")
@quietly
def log_of_softmax(x, *, axis=-1):
    return np.log(right.softmax(x, axis=axis))


@MUTANTS.add("treated as elementwise, like sigmoid", "softmax.gradient[softmax]", part="_vjp")
def diagonal_of_the_jacobian_only(x, cotangents, *, axis=-1):
    y = right.softmax(x, axis=axis)
    return (cotangents * y * (1 - y),)


@MUTANTS.add("right for one-hot cotangents only", "softmax.gradient[log_softmax]", part="_vjp")
def log_softmax_gradient_of_one_label(x, cotangents, *, axis=-1):
    return (cotangents - right.softmax(x, axis=axis),)


@MUTANTS.each("0 times inf in the chain rule", "softmax.gradient-minus-infinity", part="_vjp")
def zero_times_infinity(f, x, cotangents, *, axis=-1):
    return (f(x, cotangents, axis=axis)[0] + 0 * x,)


@MUTANTS.each("in half precision the share is rounded before 1 less it is taken", "softmax.small-slopes", part="_vjp")
def takes_small_slopes_from_half_precision(f, x, cotangents, *, axis=-1, slopes="kept"):
    return f(x, cotangents, axis=axis, slopes="result" if x.dtype.itemsize == 2 else slopes)


@MUTANTS.each("the gradient is along the last axis, whatever the value's", "softmax.gradient", part="_vjp")
def has_the_gradient_of_the_last_axis(f, x, cotangents, **given):
    return f(x, cotangents, axis=-1)


@MUTANTS.each("every negative axis is taken for the last one", "softmax.gradient", part="_vjp")
def has_the_gradient_of_the_last_axis_for_negative_ones(f, x, cotangents, *, axis=-1):
    return f(x, cotangents, axis=max(axis, -1))
