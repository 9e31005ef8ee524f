"""Wrong softmax and log-softmax, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutants.components import activations
from nnspec_conformance.mutants.components.activations import quietly
from nnspec_conformance.mutation import ORACLE as right
from nnspec_conformance.mutation import Mutant

ROWS = ("softmax", "log_softmax")
MUTANTS: list[Mutant] = []
family = functools.partial(activations.family, into=MUTANTS)


def mutant(catches: str, story: str, **changes: Callable) -> None:
    """Add one."""
    MUTANTS.append(activations.named(catches, story, changes))


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


@rows("softmax.axis", "all axes from the given one on are taken together, as in ONNX before opset 13")
def takes_all_axes_from_the_given_one(x, *, axis=-1, logarithm):
    flat = x.reshape(*x.shape[:axis], int(np.prod(x.shape[axis:])))
    return (right.log_softmax if logarithm else right.softmax)(flat, axis=-1).reshape(x.shape)


@rows("softmax.axis", "attention's axis -2 is taken for the last one")
def takes_every_negative_axis_for_the_last(x, *, axis=-1, logarithm):
    return (right.log_softmax if logarithm else right.softmax)(x, axis=max(axis, -1))


@rows("softmax.value", "blocks of 1024, each with its own maximum, summed without rescaling")
def sums_blocks_without_rescaling(x, *, axis=-1, logarithm):
    rows = np.moveaxis(x, axis, -1)
    blocks = [rows[..., i : i + 1024] for i in range(0, rows.shape[-1], 1024)]
    total = sum(np.exp(b - b.max(-1, keepdims=True)).sum(-1, keepdims=True) for b in blocks)
    y = rows - rows.max(-1, keepdims=True, initial=-np.inf) - np.log(total)
    return np.moveaxis(y if logarithm else np.exp(y), -1, axis)


@rows("softmax.value", "memory is read front to back, whatever the strides")
def ignores_the_strides_of_rows(x, *, axis=-1, logarithm):
    return (right.log_softmax if logarithm else right.softmax)(x.ravel(order="K").reshape(x.shape), axis=axis)


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


@family("softmax.gradient", ROWS, "the gradient is along the last axis, whatever the value's", "_vjp")
def has_the_gradient_of_the_last_axis(f, x, cotangents, **given):
    return f(x, cotangents, axis=-1)


@family("softmax.gradient", ROWS, "every negative axis is taken for the last one", "_vjp")
def has_the_gradient_of_the_last_axis_for_negative_ones(f, x, cotangents, *, axis=-1):
    return f(x, cotangents, axis=max(axis, -1))
