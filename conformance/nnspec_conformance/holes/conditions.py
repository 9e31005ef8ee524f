"""Conditions under which an operation can be called: a dtype, a length of an axis, a value of a keyword, a layout.

An implementation may be wrong under one of them alone. ``possible`` lists those of a declared operation; ``met`` says
which of them one question meets. Both name them by the same words.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.axes import family, is_plain, is_star
from nnspec_conformance.declarations import rows_of
from nnspec_conformance.dtypes import DTYPES, float_dtype, is_float
from nnspec_conformance.fitting import may_be_any_number
from nnspec_conformance.keywords import with_defaults
from nnspec_conformance.layouts import SCATTERED, name_of
from nnspec_conformance.operations import UNSTATED, Array, Attribute, Operation, Table
from nnspec_conformance.trees import leaves

LENGTHS = {"1": range(1, 2), "> 16": range(17, 2**62), "> 64": range(65, 2**62)}
LAYERS = {"1": range(1, 2), "2": range(2, 3), "> 3": range(4, 2**62)}
RANKS = ("no axis", "one axis", "two axes", "three axes or more")
STEPS = {"one step": range(1, 2), "more than 10 steps": range(11, 2**62)}
VECTOR = 8  # entries, at most, that a processor handles at once
LARGE = 16  # of a keyword
SIGNS = {"zero": lambda n: n == 0, "negative": lambda n: n < 0, "large": lambda n: abs(n) >= LARGE}
STRANGE = {"NaN": np.isnan, "infinity": np.isinf, "zero": lambda x: x == 0}
MOST_LAYERS = 20


@dataclass(frozen=True)
class Question:
    """What was asked of an operation, and whether the expected numbers tell anything.

    Attributes:
        operation: as it is declared.
        arrays: those of the call.
        told: the keywords, with the readings among them.
        cotangents: of a gradient.
        grads: of a stepper, what each step was handed; None where that follows from the parameters.
        rates: of a stepper, the learning rate of each step.
        telling: whether a number other than zero is expected; else only what NaN, infinity and zero give is seen.
    """

    operation: Operation
    arrays: tuple
    told: Mapping[str, Any]
    cotangents: Any = None
    grads: Any = None
    rates: Any = None
    telling: bool = True


# ---- what one question meets


def met(question: Question) -> set[str]:
    """The conditions that a question meets, by name."""
    operation, arrays = question.operation, named_arrays(question)
    found = {
        f"{word} in {name}" for name, x in arrays for word, is_so in STRANGE.items() if is_float(x) and _any(is_so, x)
    }
    if not question.telling:
        return found
    floats = [x for _, x in arrays if is_float(x)]
    found |= {*_dtypes(float_dtype(question.arrays), floats)}
    found |= {f"{name} not contiguous" for name, x in arrays if name_of(x) in SCATTERED}
    found |= {"cotangents not contiguous" for x in leaves(question.cotangents) if name_of(x) in SCATTERED}
    found |= {*_presence(operation, {name for name, _ in arrays})}
    settings = with_defaults(operation, {**question.told})
    found |= {*_keywords(operation, question.told, settings)}
    if operation.form == "stepper":
        found |= {*_trees(question)}
    else:
        found |= {*_lengths(operation, question.arrays, {**operation.defaults(), **question.told})}
    modes = {f"{name} = {value}" for name, value in settings.items() if _is_mode(operation, name)}
    modes |= {word for word in found if word.startswith(("with ", "without "))}
    return found | {pair(a, b) for a, b in itertools.combinations(sorted(modes), 2)}


def pair(first: str, second: str) -> str:
    """Two conditions that hold at once."""
    return " and ".join(sorted((first, second)))


def _any(is_so: Any, x: np.ndarray) -> bool:
    with np.errstate(all="ignore"):
        return bool(is_so(x.astype(np.float64)).any())


def named_arrays(question: Question) -> list[tuple[str, np.ndarray]]:
    """Every array of a call with the name under which it is declared; an index is left in braces."""
    found = []
    for argument, given in zip(question.operation.arguments, question.arrays, strict=False):
        if isinstance(argument, Table) and argument.any:
            found += [(argument.name, x) for x in leaves(given)]
        elif isinstance(argument, Table):
            found += [(_pattern(argument, name), x) for name, x in given.items() if isinstance(x, np.ndarray)]
        elif isinstance(given, np.ndarray):
            found.append((argument.name, given))
    return found


def _pattern(table: Table, name: str) -> str:
    """The declared name of an array of a table, its indices in empty braces."""
    rows = (row.name for rows in table.layouts.values() for row in rows)
    known = [row for row in rows if re.fullmatch(re.sub(r"\\{[^{}]*\\}", ".+", re.escape(row)), name)]
    return family(min(known, key=lambda row: row.count("{"), default=table.name))


def _dtypes(dtype: str | None, floats: list[np.ndarray]) -> Iterator[str]:
    if dtype is None:
        return
    yield dtype
    if any(x.size > VECTOR and x.size % VECTOR for x in floats):
        yield remainder(dtype)
    if any(x.size and x.size % VECTOR == 0 for x in floats):
        yield whole(dtype)


def remainder(dtype: str) -> str:
    """Arrays whose end is no whole vector."""
    return f"{dtype}, an array of no multiple of {VECTOR} entries"


def whole(dtype: str) -> str:
    """Arrays of whole vectors."""
    return f"{dtype}, an array of a multiple of {VECTOR} entries"


def _presence(operation: Operation, names: set[str]) -> Iterator[str]:
    for name in optional(operation):
        yield f"with {name}" if name in names else f"without {name}"


def optional(operation: Operation) -> list[str]:
    """The arrays that a call may leave out."""
    rows = [row for argument in operation.arguments for row in rows_of(argument)]
    tables = [argument for argument in operation.arguments if isinstance(argument, Table)]
    return list(dict.fromkeys(family(a.name) for a in (*rows, *tables) if a.optional))


def _keywords(operation: Operation, told: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    declared = {a.name: a for a in operation.attributes}
    for name, attribute in declared.items():
        if name not in told:
            yield f"{name} left out"
        elif attribute.kind == "number" and not isinstance(told[name], str):
            yield from (f"{name} {word}" for word, is_so in SIGNS.items() if is_so(told[name]))
    for name, value in {**settings, **told}.items():
        yield f"{name} = {value}"


def _trees(question: Question) -> Iterator[str]:
    """How many axes a stepper's parameters have, and how many steps it takes."""
    params = leaves(question.arrays[:1])
    yield from (f"a parameter of {RANKS[min(x.ndim, 3)]}" for x in params)
    if len(params) == 1:
        yield "a single parameter"
    rates = question.rates or ()
    count = len(question.grads) if isinstance(question.grads, list | tuple) else len(rates)
    yield from (words for words, numbers in STEPS.items() if count in numbers)
    if any(rate is not None for rate in rates[1:]):
        yield "another rate"


def _lengths(operation: Operation, arrays: tuple, given: Mapping[str, Any]) -> Iterator[str]:
    words, stars, counts, squares = _solved(operation, arrays, given)
    for name, sizes in words.items():
        yield from (
            f"{name} = {w}" if w == "1" else f"{name} {w}" for w, n in LENGTHS.items() if any(s in n for s in sizes)
        )
    for name, shape in stars.items():
        yield f"{name}: {RANKS[min(len(shape), 3)]}"
        if 1 in shape:
            yield f"{name}: an axis of length 1"
        yield from (f"{name}: {w} entries" for w, n in LENGTHS.items() if math.prod(shape) in n and shape)
    for name, count in counts.items():
        yield from (f"{name} = {w}" if w[0] != ">" else f"{name} {w}" for w, n in LAYERS.items() if count in n)
    yield from squares


def _solved(operation: Operation, arrays: tuple, given: Mapping[str, Any]) -> tuple[dict, dict, dict, set[str]]:
    """The length of every named axis (several for the widths of layers), of stars, the counts, and equal lengths."""
    counts, words, stars, squares = _counts(operation, arrays, given), dict[str, set[int]](), dict[str, tuple](), set()
    lengths = operation.lengths(**counts)
    for place, array in operation.places(lengths, given).items():
        if place.argument >= len(arrays):
            continue
        x = arrays[place.argument]
        x = x.get(place.name) if isinstance(x, dict) else x
        if not isinstance(x, np.ndarray):
            continue
        axes = _aligned(array, x.shape)
        for axis, n in axes:
            if is_star(axis):
                stars.setdefault(axis[1:], n)
            elif is_plain(axis) and not axis.isdigit():
                words.setdefault(width(operation, axis, counts), set()).add(n)
        squares |= {*_equal(operation, axes, counts)}
    return words, stars, counts, squares


def _aligned(array: Array, shape: tuple[int, ...]) -> list[tuple[str, Any]]:
    """Each axis as it is declared, with its length; of one that stands for any number, with theirs."""
    stars = [axis for axis in array.axes if is_star(axis)]
    if len(stars) > 1 or any(not is_plain(axis) for axis in stars):
        return []
    extra, found, at = len(shape) - len(array.axes) + len(stars), [], 0
    if extra < 0 or (extra and not stars):
        return []
    for axis in array.axes:
        found.append((axis, shape[at : at + extra] if is_star(axis) else shape[at]))
        at += extra if is_star(axis) else 1
    return found


def _equal(operation: Operation, axes: list, counts: Mapping[str, int]) -> Iterator[str]:
    """Neighbouring axes of an array of one length, not 1."""
    flat = [(axis, n[-1] if is_star(axis) and n else n) for axis, n in axes]
    for (one, n), (other, m) in itertools.pairwise(flat):
        if n == m and n not in (1, ()) and _is_word(one) and _is_word(other):
            yield equal(*(width(operation, axis.removeprefix("*"), counts) for axis in (one, other)))


def _is_word(axis: str) -> bool:
    return is_plain(axis) and not axis.isdigit()


def equal(one: str, other: str) -> str:
    """Two axes of an array of the same length: transposing it shows no error."""
    return f"{one} = {other}"


def width(operation: Operation, axis: str, counts: Mapping[str, int]) -> str:
    """The name of an axis; of the widths of layers whether it is the first, the last or one between."""
    prefix = axis.rstrip("0123456789")
    if not counts or prefix == axis:
        return axis
    number, last = int(axis[len(prefix) :]), max(counts.values())
    return f"{prefix}{{{'0' if not number else 'last' if number == last else 'inner'}}}"


def _counts(operation: Operation, arrays: tuple, given: Mapping[str, Any]) -> dict[str, int]:
    """How many layers a table has."""
    names = tuple(dict.fromkeys(c for c in operation.indices.values() if isinstance(c, str)))
    tables = [x for x in arrays if isinstance(x, dict)]
    if not names or not tables:
        return {}
    for count in range(1, MOST_LAYERS + 1):
        lengths = operation.lengths(**dict.fromkeys(names, count))
        known = {place.name for place in operation.places(lengths, given) if place.name}
        if {name for table in tables for name in table} <= known:
            return dict.fromkeys(names, count)
    return {}


# ---- what can be


def possible(operation: Operation, what: str, readings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The conditions of an operation by name, each with its kind.

    Args:
        operation: as it is declared.
        what: ``value`` or ``gradient``.
        readings: keyword and reading, for all that an implementation may have.
    """
    rows = [row for argument in operation.arguments for row in rows_of(argument)]
    found = dict.fromkeys(_possible_dtypes(operation, rows), "dtype")
    if operation.form == "stepper":
        found |= dict.fromkeys([f"a parameter of {rank}" for rank in RANKS] + ["a single parameter", *STEPS], "tree")
        if any(a.name == "learning_rate" and a.each_step for a in operation.attributes):
            found["another rate"] = "tree"
    else:
        found |= dict.fromkeys(_possible_lengths(operation), "length")
    found |= dict.fromkeys((f"{family(row.name)} not contiguous" for row in _scattered(operation, rows)), "layout")
    if what == "gradient":
        found["cotangents not contiguous"] = "layout"
    found |= {f"{word} {name}": "presence" for name in optional(operation) for word in ("with", "without")}
    for attribute in operation.attributes:
        found |= dict.fromkeys(_possible_values(attribute), "keyword")
    found |= {f"{keyword} = {reading}": "reading" for keyword, reading in readings}
    for row in rows:
        if row.dtype == "float" and may_be_any_number(row):
            found |= {f"{word} in {_name(operation, row)}": "contents" for word in STRANGE}
    return found | dict.fromkeys(_possible_pairs(operation), "pair")


def _name(operation: Operation, row: Array) -> str:
    whose = [argument for argument in operation.arguments if row in rows_of(argument)]
    return whose[0].name if isinstance(whose[0], Table) and whose[0].any else family(row.name)


def _scattered(operation: Operation, rows: list[Array]) -> list[Array]:
    return [row for row in rows if row.axes and not any(isinstance(a, Table) and a.any for a in operation.arguments)]


def _possible_dtypes(operation: Operation, rows: list[Array]) -> Iterator[str]:
    floats = [row for row in rows if row.dtype == "float"]
    for dtype in DTYPES if floats else ():
        yield dtype
        if any(row.axes for row in floats):
            yield from (remainder(dtype), whole(dtype))


def _possible_lengths(operation: Operation) -> Iterator[str]:
    ranked = any(a.kind == "axis" for a in operation.attributes)
    counts = {c: 3 for c in operation.indices.values() if isinstance(c, str)}
    lengths = operation.lengths(**counts)
    layouts = [layout for a in operation.arguments if isinstance(a, Table) and a.by for layout in a.layouts] or [""]
    by = next((a.by for a in operation.arguments if isinstance(a, Table) and a.by), "")
    for layout in layouts:
        for array in operation.places(lengths, {**operation.defaults(), **({by: layout} if by else {})}).values():
            axes = [(axis, 1) for axis in array.axes]
            for axis in array.axes:
                if is_star(axis) and is_plain(axis):
                    name = axis[1:]
                    yield from (f"{name}: {rank}" for rank in RANKS[1 if ranked else 0 :])
                    yield f"{name}: an axis of length 1"
                    yield from (f"{name}: {w} entries" for w in LENGTHS)
                elif _is_word(axis):
                    name = width(operation, axis, counts)
                    yield from (f"{name} = {w}" if w == "1" else f"{name} {w}" for w in LENGTHS)
            for (one, _), (other, _) in itertools.pairwise(axes):
                if _is_word(one) and _is_word(other):
                    yield equal(*(width(operation, axis.removeprefix("*"), counts) for axis in (one, other)))
    for name in counts:
        yield from (f"{name} = {w}" if w[0] != ">" else f"{name} {w}" for w in LAYERS)


def _possible_values(attribute: Attribute) -> Iterator[str]:
    if attribute.readings:
        return
    if attribute.default is not UNSTATED and not attribute.required:
        yield f"{attribute.name} left out"
    values = (True, False) if attribute.kind == "flag" else attribute.values
    yield from (f"{attribute.name} = {value}" for value in values)
    if attribute.kind == "number" and attribute.interval:
        low, high = attribute.interval.ends()
        if attribute.interval.contains(0):
            yield f"{attribute.name} zero"
        if low < 0:
            yield f"{attribute.name} negative"
        if high > LARGE or low < -LARGE:
            yield f"{attribute.name} large"


def _is_mode(operation: Operation, name: str) -> bool:
    return any(a.name == name and a.kind in ("choice", "flag") and not a.readings for a in operation.attributes)


def _possible_pairs(operation: Operation) -> Iterator[str]:
    """Any two choices, flags and optional arrays."""
    modes = [
        [f"{a.name} = {v}" for v in ((True, False) if a.kind == "flag" else a.values)]
        for a in operation.attributes
        if _is_mode(operation, a.name)
    ]
    modes += [[f"with {name}", f"without {name}"] for name in optional(operation)]
    never = {*_never(operation)}
    for one, other in itertools.combinations(modes, 2):
        yield from (both for both in (pair(a, b) for a, b in itertools.product(one, other)) if both not in never)


def _never(operation: Operation) -> Iterator[str]:
    """What excludes each other: a choice and another that stands beside some only, an array and none before it."""
    left_out = [argument.name for argument in operation.arguments if argument.optional]
    yield from (pair(f"without {first}", f"with {later}") for first, later in itertools.combinations(left_out, 2))
    for attribute in operation.attributes:
        for other, values in attribute.when.items():
            excluded = [v for v in operation.attribute(other).values if v not in values]
            own = (True, False) if attribute.kind == "flag" else attribute.values
            yield from (pair(f"{attribute.name} = {v}", f"{other} = {w}") for v in own for w in excluded)
