"""The duty of sizes: right values for every length and number of axes, and right gradients."""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.answers import at, held, replaced
from nnspec_conformance.asked import question
from nnspec_conformance.cases import Case, clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.fitting import may_be_any_number
from nnspec_conformance.flat import float_places
from nnspec_conformance.home import Home
from nnspec_conformance.operations import Array, Operation, Table
from nnspec_conformance.sizes import ELEMENTS, EVERY_DTYPE, FEW, ROWS, Axes, Size, few_examples, long_answer, plan
from nnspec_conformance.tolerance import Shape, Want

NOTE = "another size"
COUNTS = (1, 12)  # steps of a stepper, beside the usual three
ABOVE = 100.0  # of one entry above all others: an exponential that is not shifted overflows
WITHOUT_ANSWER = (ArithmeticError, LookupError, ValueError)  # what an oracle raises: a maximum of nothing has no value


@clause("duty.sizes")
def test_sizes(operation: str, readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    home = Home(own_spec().operations[operation], readings)
    few = lean or (Axes.of(home).stacked and not slow)
    for number, size in enumerate(plan(home, lean=lean, slow=slow)):
        there = replace(home, sizes=size.lengths)
        whole = number < (1 if lean else EVERY_DTYPE) or slow
        for dtype in ("float32", *(other_dtypes(home.operation, lean=lean) if whole else [])):
            deep = size.deep and (dtype == "float32" or not (lean or (few and not number)))
            yield from questions(there, size, dtype, gradients=deep or slow, zeros=not number)
        if (number <= EVERY_DTYPE or slow) and not lean and home.optional:  # ones, too
            every = replace(there, complete=True)
            refusable = " and ".join(filter(None, (size.refusable, "all arrays")))
            yield from questions(every, replace(size, refusable=refusable), "float32", gradients=True, zeros=not number)
    dtypes = ("float32", *(other_dtypes(home.operation, lean=False) if slow else ()))
    for dtype in dtypes if slow or not lean else ():
        for count in COUNTS if home.operation.form == "stepper" else ():
            case = question(home, "call", dtype, steps=count, note="another number of steps")
            yield from [] if case is None else [case]
        yield from many(home, dtype, gradients=slow)


def other_dtypes(operation: Operation, *, lean: bool) -> list[str]:
    """All but float32, in the lean plan bfloat16; of a stepper float64, as its own clauses do."""
    if operation.form == "stepper":
        return ["float64"]
    return ["bfloat16"] if lean else [dtype for dtype in DTYPES if dtype != "float32"]


def questions(home: Home, size: Size, dtype: str, *, gradients: bool, zeros: bool) -> Iterator[Case]:
    """The call, with one entry far above the rest, and its gradient; none where the definition has no answer.

    With ``zeros`` one entry of every array is zero, where any number may stand.
    """
    for what in ("call", "gradient") if gradients else ("call",):
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing
                changed = with_a_peak(home, zeros=zeros) if what == "call" else lambda arrays: arrays
                case = question(home, what, dtype, changed=changed, note=NOTE, may_refuse=size.refusable)
        except WITHOUT_ANSWER:
            if 0 not in np.concatenate([np.ravel(n) for n in size.lengths.values()]):
                raise
            continue
        if case is not None and (0 not in home.lengths.values() or is_finite(case)):
            yield replace(case, want=or_flushed(case.want)) if what == "call" else case


# ---- more than one launch covers, where no size of the plan has so many


def many(home: Home, dtype: str, *, gradients: bool) -> Iterator[Case]:
    """More entries of a parameter, more examples along an axis of one length, or a longer axis of the answer."""
    if home.operation.form == "stepper":
        yield many_entries(home, dtype)
        return
    if size := few_examples(home):
        there = replace(home, keywords=home.attributes, sizes=size.lengths)
        cases = [many_examples(there, what, dtype) for what in (("call", "gradient") if gradients else ("call",))]
        yield from [case for case in cases if case is not None]
    elif size := long_answer(home):
        case = question(replace(home, sizes=size.lengths), "call", dtype, note=NOTE)
        yield from [] if case is None else [case]


def many_examples(home: Home, what: str, dtype: str) -> Case | None:
    """A few examples over and over, with their answers: a spread is no bound for many different ones.

    The gradient for an array that examples share, a sum over all of them, may be anything.
    """
    case, operation, rows = question(home, what, dtype, note=NOTE), home.operation, np.arange(ROWS) % FEW
    if case is None:
        return None

    def repeated(x: np.ndarray, array: Array) -> np.ndarray:
        for axis in operation.example_axes(array, home.lengths, home.given):
            x = x.take(rows, axis)
        return x

    places, answer = held(home, case.arrays), home.answer(lambda array: array)
    arrays = {place: repeated(at(case.arrays, place), array) for place, array in places.items()}
    case = replace(case, arrays=replaced(case.arrays, arrays))
    if what == "call":
        return replace(case, want=each_want(case.want, answer, repeated))
    own = {place.argument: array for place, array in places.items() if place.name is None}
    moving = list(dict.fromkeys(argument for argument, _ in float_places(case.arrays)))
    want = tuple(
        each_want(part, own[argument], repeated)
        if argument in own and operation.example_axes(own[argument], home.lengths, home.given)
        else Shape(None)
        for argument, part in zip(moving, case.want, strict=True)
    )
    return replace(case, cotangents=each_want(case.cotangents, answer, repeated), want=want)


def many_entries(home: Home, dtype: str) -> Case:
    """A parameter of a few entries over and over: a stepper steps each alone."""
    case = question(home, "call", dtype, note=NOTE)
    assert case is not None
    first = next(name for name, x in case.arrays[0].items() if x.ndim)
    rest = case.arrays[0][first].shape[1:]
    shape = (-(-ELEMENTS // math.prod(rest)), *rest)

    def repeated(x: np.ndarray, name: str) -> np.ndarray:
        return np.resize(x, shape) if name == first else x

    params, *grads = ({n: repeated(x, n) for n, x in table.items()} for table in (*case.arrays, *case.grads))
    want = each_want(case.want, [{n: n for n in step} for step in case.want], repeated)
    return replace(case, arrays=(params,), grads=grads, want=want)


def each_want(tree: Any, declared: Any, changed: Callable[[np.ndarray, Any], np.ndarray]) -> Any:
    """The expected arrays, or cotangents, each changed beside what is declared of it."""
    if isinstance(tree, dict):
        return {name: each_want(part, declared[name], changed) for name, part in tree.items()}
    if isinstance(tree, tuple | list):
        return type(tree)(each_want(part, of, changed) for part, of in zip(tree, declared, strict=True))
    if isinstance(tree, np.ndarray):
        return changed(tree, declared)
    if not isinstance(tree, Want):
        return tree
    parts = {name: changed(np.asarray(getattr(tree, name)), declared) for name in ("value", "flushed")}
    return tree.allowing(lambda allowed: changed(np.asarray(allowed), declared), **parts)


def is_finite(case: Case) -> bool:
    """Whether every expected number is one."""
    return all(np.isfinite(want.value).all() for want in wants(case.want))


def or_flushed(tree: Any) -> Any:
    """The expected arrays, where what underflows beside the high entry may be zero: that is no matter of sizes."""
    if isinstance(tree, dict):
        return {name: or_flushed(part) for name, part in tree.items()}
    if isinstance(tree, tuple | list):
        return type(tree)(map(or_flushed, tree))
    return tree.allowing(lambda allowed: np.maximum(allowed, tree.flushed))


def wants(tree: object) -> Iterator[Want]:
    """Every expected array of nested tuples, lists and dicts."""
    if isinstance(tree, Want):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, tuple | list) else ():
        yield from wants(part)


def with_a_peak(home: Home, *, zeros: bool) -> Callable[[tuple], tuple]:
    """Raise one entry of the data, where any number may stand, far above all others: the last, or one that is drawn.

    With ``zeros`` another entry is zero, in every array: what is skipped there, or taken for left out, shows.
    """
    first = home.operation.arguments[0]
    saturates = any(isinstance(a, Table) and a.by for a in home.operation.arguments)  # a spread is no bound there

    def raised(arrays: tuple) -> tuple:
        x = arrays[0]
        arrays = with_zeros(home, arrays) if zeros else arrays
        if not isinstance(first, Array) or first.dtype != "float" or not x.size or first.interval or first.normalized:
            return arrays
        if saturates:
            return arrays
        place = zlib.crc32(str(x.shape).encode()) % (2 * x.size)
        higher = np.array(arrays[0])
        higher.reshape(-1)[min(place, x.size - 1)] += x.dtype.type(ABOVE)
        return (higher, *arrays[1:])

    return raised


def with_zeros(home: Home, arrays: tuple) -> tuple:
    """One entry of each array zero, where any number may stand: the second, of the drawn ones never the raised one."""

    def zeroed(x: np.ndarray) -> np.ndarray:
        if x.ndim > 0 and x.size < 3:
            return x
        found = np.array(x)
        found.reshape(-1)[-1 if x.ndim == 0 else 1] = 0
        return found

    free = {place: zeroed(at(arrays, place)) for place, array in held(home, arrays).items() if may_be_any_number(array)}
    return replaced(arrays, free)
