"""Operations as their pages declare them: form, arrays with named axes, attributes, result.

A clause says what an operation answers; the declaration says how it is called. From it follow the page's table, the
template of an adapter, the oracle's adapter and the draws. ``nnspec_conformance.declarations`` reads the blocks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from nnspec_conformance.axes import BRACES, Interval, evaluate, filled, is_plain, is_star

FORMS = ("map", "state map", "random map", "random", "stepper", "series")
KINDS = ("number", "integer", "choice", "flag", "axis", "shape")
UNSTATED = object()  # the default of a keyword for which neither its block nor a clause has one

Lengths = Mapping[str, Any]
Given = Mapping[str, Any]


class Place(NamedTuple):
    """Where an array stands in a call: which argument, and its name where the argument is a table."""

    argument: int
    name: str | None


@dataclass(frozen=True)
class Array:
    """One array of a call or of an answer.

    Attributes:
        name: of the argument; in a table a pattern, for instance ``kernel_{l}``.
        axes: one word an axis; see ``nnspec_conformance.axes``.
        dtype: ``float``, ``integer`` or ``boolean``.
        interval: the range of its entries.
        values: the only entries that it may have.
        normalized: the axis along which its entries are positive and sum to 1.
        gradient: whether a gradient flows through it.
        optional: whether a call may leave it out, or an answer have None in its place.
    """

    name: str
    axes: tuple[str, ...]
    dtype: str = "float"
    interval: Interval | None = None
    values: tuple[Any, ...] = ()
    normalized: str = ""
    gradient: bool = True
    optional: bool = False

    def with_indices(self, indices: Mapping[str, Any]) -> Array:
        """The array with the braces in its name and axes filled in."""
        if not any("{" in word for word in (self.name, *self.axes)):  # most have none, and all are asked for often
            return self
        return replace(self, name=filled(self.name, indices), axes=tuple(filled(a, indices) for a in self.axes))

    def shape(self, values: Mapping[str, Any]) -> tuple[int | None, ...]:
        """The lengths of the axes, from sizes by name and from attributes; None where no formula is stated."""
        found: list[int | None] = []
        for axis in self.axes:
            if is_star(axis):
                found += values[axis[1:]] if is_plain(axis) else evaluate(axis[1:], values)
            else:
                found.append(None if axis == "?" else int(evaluate(axis, values)))
        return tuple(found)

    def named_axes(self, lengths: Lengths) -> list[tuple[int, str]]:
        """The number of each axis that has a name, with the name; the axes of ``*batch`` are ``batch[0]``, ..."""
        found, at = [], 0
        for axis in self.axes:
            if is_star(axis) and not is_plain(axis):
                break  # how many they are depends on keywords
            count = len(lengths[axis[1:]]) if is_star(axis) else 1
            if is_star(axis):
                found += [(at + i, f"{axis[1:]}[{i}]") for i in range(count)]
            elif is_plain(axis):
                found.append((at, axis))
            at += count
        return found


@dataclass(frozen=True)
class Table:
    """A dict of arrays, by name.

    Attributes:
        name: of the argument.
        layouts: reading -> its arrays; the reading is empty where there is one layout only.
        by: the keyword that says which layout it is.
        any: whether any table of floating-point arrays will do; ``layouts`` then holds one of unequal leaves.
        optional: whether a call may leave it out.
    """

    name: str
    layouts: dict[str, tuple[Array, ...]]
    by: str = ""
    any: bool = False
    optional: bool = False

    def patterns(self, given: Given) -> tuple[Array, ...]:
        """The arrays of the layout that the attributes choose, else of the first; indices are left in braces."""
        return self.layouts[given.get(self.by) or next(iter(self.layouts))]


@dataclass(frozen=True)
class Attribute:
    """A keyword of an operation.

    Attributes:
        name: of the keyword.
        kind: one of ``KINDS``.
        values: those that are tested; of a choice all that there are.
        interval: the range of a number, or of each entry of a shape.
        required: whether a call must have it.
        default: what an omitted keyword stands for by the definition; a number may be a formula of lengths.
        translated: whether adapters translate the words of a choice into those of their framework.
        each_step: whether a stepper takes it again at each step.
        when: another choice -> those of its values beside which the keyword may be given.
        readings: the clause whose readings are the choices.
        operations: the clause whose operations are the choices.
        rare: whether its readings differ only at inputs that its own clauses ask: ties, padding, no steps.
        spares: reading -> the array that may then have length one where its axis is longer.
    """

    name: str
    kind: str
    values: tuple[Any, ...] = ()
    interval: Interval | None = None
    required: bool = False
    default: Any = UNSTATED
    translated: bool = False
    each_step: bool = False
    when: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    readings: str = ""
    operations: str = ""
    rare: bool = False
    spares: dict[str, str] = field(default_factory=dict)

    def fault(self, value: Any) -> str:
        """What is wrong with a value, or an empty text."""
        if not _is_of_kind(value, self.kind):
            hint = "; YAML reads 1e-3 as text, write 1.0e-3" if isinstance(value, str) else ""
            return f"{value!r} is no {self.kind}{hint}"
        if self.kind == "choice" and self.values and value not in self.values:
            return f"{value!r} is none of {', '.join(map(str, self.values))}"
        entries = value if isinstance(value, tuple) else (value,)
        if self.interval and not all(self.interval.contains(entry) for entry in entries):
            return f"{value!r} is outside its range {self.interval}"
        return ""


def _is_of_kind(value: Any, kind: str) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    match kind:
        case "number":
            return whole or isinstance(value, float)
        case "integer" | "axis":
            return whole
        case "choice":
            return isinstance(value, str)
        case "flag":
            return isinstance(value, bool)
    return isinstance(value, tuple) and all(_is_of_kind(entry, "integer") for entry in value)


@dataclass(frozen=True)
class Operation:
    """One operation as its page declares it.

    Attributes:
        name: as adapters call it.
        form: one of ``FORMS``.
        page: for instance ``components/layers``.
        line: where its block starts.
        text: what it does, in one sentence, Markdown.
        arrays: the arguments by position; of a stepper its tree of parameters.
        state: of a state map, handed over after the other arrays and handed back after the result.
        step: what a stepper takes at each step, by name; empty where it takes a gradient for each parameter.
        result: an array, a tuple of arrays or a table; of a random operation what it draws; of a stepper None.
        attributes: the keywords.
        indices: an index in braces -> the name of its count, or its values.
        examples: the axes along which examples lie, which do not see each other.
        multiples: an axis -> the number of which its length has to be a multiple, as where features are pairs.
        seed: of the arrays that are drawn, where another leaves an array without effect, as where no unit passes.
        family: the name by which clauses are put to it and to others of its kind; none if empty.
        exempt: the duties that it does not owe, by name, each with the reason.
        equals: what its answer is by another operation -> the keywords with which that holds.
    """

    name: str
    form: str
    page: str
    line: int
    text: str
    arrays: tuple[Array | Table, ...] = ()
    state: tuple[Array, ...] = ()
    step: tuple[Array, ...] = ()
    result: Array | tuple[Array, ...] | Table | None = None
    attributes: tuple[Attribute, ...] = ()
    indices: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    multiples: dict[str, int] = field(default_factory=dict)
    seed: int = 0
    family: str = ""
    exempt: dict[str, str] = field(default_factory=dict)
    equals: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def arguments(self) -> tuple[Array | Table, ...]:
        """Everything that a call takes by position."""
        return (*self.arrays, *self.state)

    def is_rare(self, keyword: str) -> bool:
        """Whether most inputs do not show the reading; those that no attribute chooses are about digits alone."""
        return all(attribute.rare for attribute in self.attributes if attribute.name == keyword)

    def attribute(self, name: str) -> Attribute:
        """The keyword of that name."""
        return next(a for a in self.attributes if a.name == name)

    # ---- lengths and shapes
    def lengths(self, **given: Any) -> dict[str, Any]:
        """A length for every axis and count: those given, and small ones for the rest, no two alike.

        Args:
            given: by name; any number of axes as a tuple, all else as a number (``batch=(6, 2), layers=2, n1=7``).
        """
        counts = {count: 3 for count in self.indices.values() if isinstance(count, str)}
        known = counts | {name: tuple(n) if isinstance(n, list | tuple) else n for name, n in given.items()}
        words = dict.fromkeys(axis for array in self._all_arrays(known) for axis in array.axes if is_plain(axis))
        taken = {n for v in given.values() for n in (v if isinstance(v, list | tuple) else (v,))}

        def free(factor: int = 1) -> int:  # of multiples not the least: of a single pair much does not show
            least = 2 if factor == 1 else 2 * factor
            n = next(n for n in itertools.count(least, factor) if n not in taken)
            taken.add(n)
            return n

        found: dict[str, Any] = {}
        for word in reversed(words):  # the first are the longest: a window fits into its image
            name = word.removeprefix("*")
            if name not in known:
                found[name] = (free(), free())[::-1] if is_star(word) else free(self.multiples.get(name, 1))
        return known | dict(reversed(found.items()))

    def _all_arrays(self, lengths: Lengths) -> Iterator[Array]:
        """The arrays whose axes a caller may choose, in every layout."""
        for source in (*self.arguments, *self.step, *([self.result] if self.form == "random" else [])):
            layouts = source.layouts if isinstance(source, Table) else {"": source}
            for reading in layouts:
                by = {source.by: reading} if isinstance(source, Table) else {}
                yield from self.expanded(source, lengths, by).values()

    def expanded(
        self, source: Array | tuple[Array, ...] | Table | None, lengths: Lengths, given: Given | None = None
    ) -> dict[str | None, Array]:
        """The arrays of an argument or result by name (None: no table), every index counted out, layer by layer."""
        if source is None:
            return {}
        if isinstance(source, Array):
            return {None: source.with_indices(lengths)}
        rows = source if isinstance(source, tuple) else source.patterns({**self.defaults(), **(given or {})})
        found: dict[str | None, Array] = {}
        for used, group in itertools.groupby(rows, key=lambda row: _indices_of(row.name)):
            members = list(group)
            for values in itertools.product(*(self._values_of(index, lengths) for index in used)):
                bound = {**lengths, **dict(zip(used, values, strict=True))}
                found |= {array.name: array for array in (row.with_indices(bound) for row in members)}
        return found

    def _values_of(self, index: str, lengths: Lengths) -> tuple:
        values = self.indices[index]
        return tuple(range(lengths[values])) if isinstance(values, str) else values

    def places(self, lengths: Lengths, given: Given | None = None) -> dict[Place, Array]:
        """Every array of a call, in order, with the names of the tables counted out."""
        return {
            Place(i, name): array
            for i, argument in enumerate(self.arguments)
            for name, array in self.expanded(argument, lengths, given).items()
        }

    def float_places(self, lengths: Lengths, given: Given | None = None) -> list[Place]:
        """Where the floating-point arrays of a call are."""
        return [place for place, array in self.places(lengths, given).items() if array.dtype == "float"]

    def gradient_places(self, lengths: Lengths, given: Given | None = None) -> list[Place]:
        """Where the arrays of a call are through which a gradient flows."""
        return [p for p, a in self.places(lengths, given).items() if a.dtype == "float" and a.gradient]

    def shared_axes(self, lengths: Lengths, given: Given | None = None) -> dict[str, list[tuple[Place, int]]]:
        """The axes that several arrays of a call have, with where: one of another length must be refused."""
        found: dict[str, list[tuple[Place, int]]] = {}
        for place, array in self.places(lengths, given).items():
            for number, name in array.named_axes(lengths):
                found.setdefault(name, []).append((place, number))
        return {name: where for name, where in found.items() if len({place for place, _ in where}) > 1}

    def example_axes(self, array: Array, lengths: Lengths, given: Given | None = None) -> tuple[int, ...]:
        """The axes of one of its arrays along which examples lie; the one that an attribute ``axis`` names is none."""
        array = array.with_indices(lengths)
        axes = [n for n, name in array.named_axes(lengths) if name.split("[")[0] in self.examples]
        rank = len(array.shape({**self.defaults(), **(given or {}), **lengths}))
        for attribute in self.attributes:
            if attribute.kind == "axis":
                along = (given or {}).get(attribute.name, attribute.default)
                axes = [n for n in axes if n != along % rank]
        return tuple(axes)

    def result_shapes(self, lengths: Lengths, given: Given | None = None) -> Any:
        """The shape of the result, or those of a tuple's or a table's arrays; of a state map followed by the state.

        A keyword ``reduction`` that is not none leaves a single number.
        """
        values = {**self.defaults(), **(given or {}), **lengths}
        if values.get("reduction", "none") != "none":
            return ()
        if self.form == "stepper":
            return {a.name: a.shape(values) for a in self.expanded(self.arrays[0], lengths, given).values()}
        shapes = {name: array.shape(values) for name, array in self.expanded(self.result, lengths, given).items()}
        if isinstance(self.result, Table):
            return shapes
        rest = [array.shape(values) for array in self.state]
        return (*shapes.values(), *rest) if rest or isinstance(self.result, tuple) else shapes[None]

    # ---- attributes
    def defaults(self) -> dict[str, Any]:
        """What each keyword stands for where it is left out, as far as that is stated."""
        return {a.name: a.default for a in self.attributes if a.default is not UNSTATED}

    def settings(self, rank: int | None = None, names: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
        """Keywords with which to call: the required ones alone, then every tested value of each keyword in turn.

        Args:
            rank: of the first array; values of an axis that it does not have are left out.
            names: of the keywords whose values are wanted; by default all.
        """
        yield self._completed({})
        wanted = {a.name for a in self.attributes} if names is None else {*names}
        for attribute in (a for a in self.attributes if a.name in wanted):
            for value in attribute.values:
                if attribute.kind == "axis" and rank is not None and not -rank <= value < rank:
                    continue
                chosen = self._completed({attribute.name: value})
                if not attribute.required or chosen != self._completed({}):
                    yield chosen

    @property
    def handed_on(self) -> tuple[Attribute, ...]:
        """The choices whose words an adapter hands on as they are: no readings, and none that it translates."""
        return tuple(a for a in self.attributes if a.kind == "choice" and not a.readings and not a.translated)

    def spared(self, given: Given) -> set[str]:
        """The arrays whose axes may have length one, by the readings that the keywords choose."""
        told = [(a.spares, given.get(a.name, a.default)) for a in self.attributes if a.spares]
        return {arrays[reading] for arrays, reading in told if reading in arrays}

    def _completed(self, chosen: dict[str, Any]) -> dict[str, Any]:
        """Chosen keywords with those that they, and every call, need."""
        for attribute in self.attributes:
            if attribute.name in chosen:
                chosen = {other: values[0] for other, values in attribute.when.items()} | chosen
        for attribute in self.attributes:
            applies = all(chosen.get(other) in values for other, values in attribute.when.items())
            if attribute.required and applies and attribute.name not in chosen:
                chosen = chosen | {attribute.name: attribute.values[0]}
        return {a.name: chosen[a.name] for a in self.attributes if a.name in chosen}


def _indices_of(pattern: str) -> tuple[str, ...]:
    """The indices in the braces of a name, without arithmetic."""
    return tuple(dict.fromkeys(inner.strip() for inner in BRACES.findall(pattern)))
