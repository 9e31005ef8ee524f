"""Whether the shapes of a call fit its declaration, and the smallest changes with which they do not.

It is asked while a page is read, so that it has to do without arrays.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nnspec_conformance.axes import evaluate, is_plain, is_star, names
from nnspec_conformance.operations import Array, Given, Lengths, Operation, Place, Table

Shape = tuple[int, ...]
Row = tuple[str, tuple[str, ...], Shape]  # name of an array, its axes, its shape


@dataclass(frozen=True)
class Change:
    """A change of one array of a call, so that its shapes do not fit any more.

    Attributes:
        name: of the array; the one in its table, if it stands in one.
        place: where it stands.
        words: what is wrong with it.
        broadcasts: whether the array has an axis of length one, or one more, that broadcasting could make fit.
        shape: the other one.
        along: the axis along which the entries sum to 1, and still have to.
    """

    name: str
    place: Place
    words: str
    broadcasts: bool
    shape: Shape
    along: int | None


def misfit(
    operation: Operation,
    shapes: tuple[Shape | dict[str, Shape] | None, ...],
    given: Given | None = None,
    *,
    lenient: bool = False,
) -> str:
    """What does not fit, in a line; empty where every axis can be given one length, and every table has its names.

    Args:
        operation: what is called.
        shapes: of its arguments, those of tables by name; None for an optional one that is left out.
        given: the keywords of the call, on which layouts and lengths may depend; by a reading among them an array may
            have length one.
        lenient: whether an axis that no other array has may stand for any number of axes, as examples in a batch do.
    """
    arguments, missing = operation.arguments[: len(shapes)], operation.arguments[len(shapes) :]
    if len(shapes) > len(arguments) or not all(argument.optional for argument in missing):
        return f"{operation.name} takes {', '.join(a.name for a in operation.arguments)}, got {len(shapes)} arrays"
    counts, rows = _counts(operation, shapes, given), list[Row]()
    for argument, shape in zip(arguments, shapes, strict=True):
        if shape is None:
            if not argument.optional:
                return f"{argument.name} is left out"
            continue
        if isinstance(argument, Table) != isinstance(shape, dict):
            return f"{argument.name} is {'no' if isinstance(argument, Table) else 'a'} table"
        if isinstance(argument, Table) and argument.any:
            continue
        declared = operation.expanded(argument, counts, given)
        found = shape if isinstance(shape, dict) else {None: shape}
        lacks = [str(name) for name, array in declared.items() if name not in found and not array.optional]
        if lacks or not found.keys() <= declared.keys():
            more = [str(name) for name in found if name not in declared]
            return f"{argument.name} lacks {', '.join(lacks) or 'nothing'} and has {', '.join(more) or 'nothing'} more"
        rows += [(name or argument.name, declared[name].axes, of) for name, of in found.items()]
    if lenient:
        rows = _with_free_axes(operation, rows)
    spared = operation.spared(given or {})
    rows = [(name, _ones(axes, of) if name in spared else axes, of) for name, axes, of in rows]
    return _clash(rows, operation.defaults() | {**(given or {})} | counts)


def _counts(operation: Operation, shapes: tuple, given: Given | None) -> dict[str, int]:
    """The numbers of layers, or of what else is counted, with which the fewest names of tables are wrong."""
    counted = [name for name in dict.fromkeys(operation.indices.values()) if isinstance(name, str)]
    tables = [(a, s) for a, s in zip(operation.arguments, shapes, strict=False) if isinstance(s, dict)]
    most = max((len(shape) for _, shape in tables), default=1)

    def wrong(counts: dict[str, int]) -> int:
        return sum(len(set(operation.expanded(a, counts, given)) ^ set(s)) for a, s in tables)

    numbers = itertools.product(range(1, max(most, 1) + 1), repeat=len(counted))
    return min((dict(zip(counted, some, strict=True)) for some in numbers), key=wrong)


def _with_free_axes(operation: Operation, rows: list[Row]) -> list[Row]:
    """Make the first axis of a row that stands nowhere else, and is not calculated with, any number of axes."""
    result = operation.result if isinstance(operation.result, tuple) else (operation.result,)
    words = [axis for _, axes, _ in rows for axis in axes]
    words += [axis for a in result if isinstance(a, Array) for axis in a.axes if not is_plain(axis)]
    used = Counter(name for word in words for name in names(word.removeprefix("*")))
    found = []
    for name, axes, shape in rows:
        free = next((i for i, axis in enumerate(axes) if is_plain(axis) and used[axis] == 1), None)
        if free is not None and not any(map(is_star, axes)):
            axes = (*axes[:free], f"*{axes[free]}", *axes[free + 1 :])
        found.append((name, axes, shape))
    return found


def _ones(axes: tuple[str, ...], shape: Shape) -> tuple[str, ...]:
    """The axes with 1 in the place of those along which a spared array has length one."""
    if len(axes) != len(shape) or any(map(is_star, axes)):
        return axes
    return tuple("1" if n == 1 else axis for axis, n in zip(axes, shape, strict=True))


def _clash(rows: Iterable[Row], values: Mapping[str, Any]) -> str:
    """The first axis that has a length of its own in two places, or not the length of its formula."""
    lengths: dict[str, Any] = {}
    calculated = []
    for name, axes, shape in rows:
        rest = len(shape) - sum(not is_star(axis) for axis in axes)  # for the axis of which there are any number
        if rest < 0 or (rest and not any(map(is_star, axes))):
            return f"{name} has shape {list(shape)}, expected the axes [{', '.join(axes)}]"
        at = 0
        for axis in axes:
            length: Any = shape[at : at + rest] if is_star(axis) else shape[at]
            at += rest if is_star(axis) else 1
            if not is_plain(axis):
                calculated.append((name, axis, length))
            elif lengths.setdefault(axis, length) != length:
                return f"{name} has shape {list(shape)}, in which {axis} is {length}, elsewhere {lengths[axis]}"
    known = {**values, **lengths}
    for name, axis, length in calculated:
        if names(axis) <= known.keys() and evaluate(axis, known) != length:
            return f"{name} has length {length} where {axis} is {evaluate(axis, known)}"
    return ""


# ---- the smallest changes


def changes(operation: Operation, shapes: tuple, lengths: Lengths, given: Given | None = None) -> Iterator[Change]:
    """A call with one array in turn changed along one axis, or with one axis more, wherever it does not fit then."""
    for at, argument in enumerate(operation.arguments[: len(shapes)]):
        for key, array in _one_of_each(operation, argument, lengths, given).items():
            shape = shapes[at] if key is None else shapes[at].get(key)
            if shape is None:  # an optional array of a table
                continue
            along = next((number for number, axis in array.named_axes(lengths) if axis == array.normalized), None)
            for words, broadcasts, other in other_shapes(shape):
                changed = (*shapes[:at], other if key is None else shapes[at] | {key: other}, *shapes[at + 1 :])
                if misfit(operation, changed, given, lenient=True):
                    yield Change(key or argument.name, Place(at, key), words, broadcasts, other, along)


def _one_of_each(
    operation: Operation, argument: Array | Table, lengths: Lengths, given: Given | None
) -> dict[str | None, Array]:
    """An argument's arrays; of those that have one name but for an index, the last."""
    if isinstance(argument, Array) or argument.any:
        return {} if isinstance(argument, Table) else operation.expanded(argument, lengths, given)
    found: dict[str | None, Array] = {}
    for row in argument.patterns({**operation.defaults(), **(given or {})}):
        found |= [operation.expanded(replace(argument, layouts={"": (row,)}, by=""), lengths).popitem()]
    return found


def other_shapes(shape: Shape) -> Iterator[tuple[str, bool, Shape]]:
    """The shapes next to one: in words, whether broadcasting could make it fit, and the shape."""
    for axis, length in enumerate(shape):
        yield f"one entry more along axis {axis}", False, (*shape[:axis], length + 1, *shape[axis + 1 :])
        if length > 1:
            yield f"length one along axis {axis}", True, (*shape[:axis], 1, *shape[axis + 1 :])
    yield "one axis more in front" if shape else "one axis more", True, (1, *shape)
    if shape:
        yield "one axis more at the end", True, (*shape, 1)


# ---- what an operation has that can be refused


def can_broadcast(operation: Operation) -> bool:
    """Whether some array of a call could be made to fit by broadcasting only."""
    if operation.form == "stepper":  # whose parameters say all shapes
        return True
    lengths = operation.lengths()
    values, found = {**operation.defaults(), **lengths}, list[Any]()
    for argument in operation.arguments:
        rows = operation.expanded(argument, lengths).items()
        shapes = {name: tuple(n or 0 for n in a.shape(values)) for name, a in rows}
        found.append(shapes if isinstance(argument, Table) else shapes[None])
    return any(change.broadcasts for change in changes(operation, tuple(found), lengths))


def has_names(operation: Operation) -> bool:
    """Whether a call has a table of which the declaration, or the parameters, say the names."""
    tables = [a for a in operation.arguments if isinstance(a, Table)]
    return operation.form == "stepper" or any(not table.any for table in tables)


def may_be_any_number(array: Array) -> bool:
    """Whether any floating-point number may stand in an array, however large."""
    return array.dtype == "float" and array.interval is None and not array.values and not array.normalized


def has_any_numbers(operation: Operation) -> bool:
    """Whether any number may stand in some array of a call."""
    rows = [(a,) if isinstance(a, Array) else itertools.chain(*a.layouts.values()) for a in operation.arguments]
    return any(map(may_be_any_number, itertools.chain(*rows)))


def data_of(operation: Operation) -> int:
    """Which argument is data in whose place any numbers may be handed over: the first array that may hold any."""
    return next(n for n, a in enumerate(operation.arguments) if isinstance(a, Array) and may_be_any_number(a))


def has_stated_answers(operation: Operation) -> bool:
    """Whether some argument may hold any numbers, and clauses state the answer to them."""
    free = any(isinstance(a, Array) and may_be_any_number(a) for a in operation.arguments)
    return free and "sizes" not in operation.exempt
