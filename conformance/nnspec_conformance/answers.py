"""Answers of one subject, related to each other: what it answered to one question is the measure of the next.

A duty has no oracle. Its test puts several questions, cases without an expected answer, with ``Trial.ask``, and hands
``Trial.expect`` what these functions make of an earlier answer:

    before = trial.ask(value(home, arrays))
    ...
    trial.expect(trial.ask(value(home, arrays)), same(before), "asked again")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from ml_dtypes import finfo

from nnspec_conformance.cases import Case
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import ClauseFailed
from nnspec_conformance.flat import float_places
from nnspec_conformance.home import Home
from nnspec_conformance.operations import Array, Place
from nnspec_conformance.tolerance import Want, exact
from nnspec_conformance.trees import leaves, mapped
from nnspec_conformance.trial import Trial

# ---- questions


def in_full(trial: Trial, lean: bool) -> bool:
    """Whether everything is asked: of a subject that does not compile, in the first of its readings."""
    clauses = own_spec().governing(trial.operation)
    declared = {c.keyword: trial.subject.reading(c, trial.operation) for c in clauses}
    first = {keyword: r[0] if isinstance(r, tuple) else r for keyword, r in declared.items()}
    return not lean and all(trial.readings.get(keyword) == r for keyword, r in first.items())


def value(home: Home, arrays: tuple, *, may_refuse: str = "") -> Case:
    """A call of the operation; see ``Case`` for ``may_refuse``."""
    return Case(operation=home.operation.name, arrays=arrays, attributes=home.attributes, may_refuse=may_refuse)


def slopes(home: Home, arrays: tuple, cotangents: Any, *, may_refuse: str = "") -> Case:
    """The gradient of a call of the operation."""
    return Case(
        operation=home.operation.name, what="gradient", arrays=arrays, cotangents=cotangents,
        attributes=home.attributes, may_refuse=may_refuse,
    )  # fmt: skip


# ---- where things are


def at(arrays: tuple, place: Place) -> np.ndarray:
    """One array of a call."""
    return arrays[place.argument] if place.name is None else arrays[place.argument][place.name]


def replaced(arrays: tuple, others: dict[Place, np.ndarray]) -> tuple:
    """The arrays of a call with others in some places."""
    found = [dict(x) if isinstance(x, dict) else x for x in arrays]
    for place, x in others.items():
        if place.name is None:
            found[place.argument] = x
        else:
            found[place.argument][place.name] = x
    return tuple(found)


def held(home: Home, arrays: tuple) -> dict[Place, Array]:
    """The arrays that a call has, as they are declared; it may leave some out."""
    places = home.operation.places(home.lengths, home.given).items()
    called = [(p, a) for p, a in places if p.argument < len(arrays)]
    return {p: a for p, a in called if p.name is None or p.name in arrays[p.argument]}


def name_of(home: Home, place: Place) -> str:
    """What an array of a call is called."""
    return place.name or home.operation.arguments[place.argument].name


def by_place(arrays: tuple, gradients: tuple) -> dict[Place, np.ndarray]:
    """Each gradient with the place of its array; of a table by name, in whatever order it comes."""
    places = [Place(*place) for place in float_places(arrays)]
    arguments = list(dict.fromkeys(place.argument for place in places))
    if len(gradients) != len(arguments):
        raise ClauseFailed(f"{len(gradients)} gradients, expected one for each of {len(arguments)} arguments")
    found = dict(zip(arguments, gradients, strict=True))
    return {p: found[p.argument] if p.name is None else found[p.argument][p.name] for p in places}


def flowing(home: Home, arrays: tuple, gradients: tuple) -> dict[Place, np.ndarray]:
    """The gradients, by place, of the arrays that are declared with one."""
    without = {place for place, array in held(home, arrays).items() if not array.gradient}
    return {place: g for place, g in by_place(arrays, gradients).items() if place not in without}


def named(home: Home, answer: Any) -> dict[str, Any]:
    """The arrays of an answer, or of cotangents, by the names under which they are declared."""
    names: list[str] = []
    home.answer(lambda array: names.append(array.name))
    if isinstance(answer, dict):
        return {name: answer[name] for name in names}
    return dict(zip(names, answer if isinstance(answer, tuple) else (answer,), strict=True))


def pairs(first: Any, second: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The arrays of two nestings side by side, those of a table by name."""
    if isinstance(first, dict):
        for name, branch in first.items():
            yield from pairs(branch, second[name])
    elif isinstance(first, tuple | list):
        for branch, other in zip(first, second, strict=True):
            yield from pairs(branch, other)
    elif isinstance(first, np.ndarray | np.generic):
        yield np.asarray(first), np.asarray(second)


# ---- what is expected


def same(answer: Any) -> Any:
    """Exactly the same numbers, NaN where there was NaN."""
    return mapped(lambda x: exact(x, _dtype(x)), answer)


def multiple(answer: Any, factor: float, least: float) -> Any:
    """Exactly ``factor`` times as much, where neither is smaller than ``least``; else something as small as that."""

    def want(x: np.ndarray) -> Want:
        wanted = np.asarray(x.astype(np.float64) * factor)
        small = np.abs(wanted) < least * max(1.0, abs(factor))
        allowed = np.where(small, 2 * least * max(1.0, abs(factor)), 0.0)
        return Want(wanted, allowed, np.zeros(x.shape), _dtype(x), "exact multiple")

    return mapped(want, answer)


def added(first: Any, second: Any, units: float) -> Any:
    """The sum, within so many eps of what the largest entries of both, in whatever array, add up to."""
    others = iter([other for _, other in pairs(first, second)])
    largest = sum(max(map(_largest, leaves(answer)), default=0.0) for answer in (first, second))

    def want(x: np.ndarray) -> Want:
        return _within(x.astype(np.float64) + next(others).astype(np.float64), largest, units, _dtype(x))

    return mapped(want, first)


def near(answer: Any, units: float) -> Any:
    """The same numbers within so many eps of the largest finite entry, in whatever array."""
    largest = max(map(_largest, leaves(answer)), default=0.0)
    return mapped(lambda x: _within(x.astype(np.float64), largest, units, _dtype(x)), answer)


def _within(wide: np.ndarray, largest: float, units: float, dtype: str) -> Want:
    wide = np.asarray(wide)
    allowed = np.where(np.isfinite(wide), units * float(finfo(DTYPES[dtype]).eps) * largest, 0.0)
    return Want(wide, allowed, np.zeros(wide.shape), dtype, f"{units:g} eps of the largest")


def _largest(x: np.ndarray) -> float:
    sizes = np.abs(x.astype(np.float64))
    return float(np.max(sizes[np.isfinite(sizes)], initial=0.0))


def _dtype(x: np.ndarray) -> str:
    return str(x.dtype) if str(x.dtype) in DTYPES else "float64"


# ---- what is handed over


def scaled(tree: Any, factor: float) -> Any:
    """Every array times a number, dtypes kept."""
    return mapped(lambda x: np.asarray(x.astype(np.float64) * factor).astype(x.dtype), tree)


def each_with(tree: Any, other: Any, function: Callable) -> Any:
    """``function`` of every array and the one beside it in a nesting alike, dtypes kept."""
    others = iter([y for _, y in pairs(tree, other)])
    return mapped(lambda x: np.asarray(function(x, next(others))).astype(x.dtype), tree)


def longer(x: np.ndarray) -> np.ndarray:
    """One entry more along the first axis, or two in the place of a single number."""
    return np.concatenate([np.atleast_1d(x), np.atleast_1d(x)[:1]])
