"""Which lengths the axes of a declared operation have in a question: the named ones, and any number of leading ones.

Lengths are chosen pairwise: whatever goes wrong in one length, or where two meet, is asked, and not every combination.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nnspec_conformance.declarations import rows_of
from nnspec_conformance.home import Home
from nnspec_conformance.operations import Table

LEADING = ((), (5,), (2, 1, 3), (1, 2, 1, 3, 2))
LENGTHS = (1, 4, 17, 65)  # one, a vector, and one more than two and than eight of them
MANY = 3  # named axes: with more of them there are fewer lengths
OTHER_LEADING = ((2, 3), (3, 1, 2, 1))
BORDERS = (2, 3, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64)
ALL = (*range(1, 34), 63, 64, 65)
LONG = (127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025)  # alone: the other axes stay short
ELEMENTS = 2**17 + 3  # of an array whose entries do not see each other
BESIDE = ((3, 2, 4), (2, 4, 3), (4, 3, 2), (5, 5, 4, 4, 3, 2, 2))  # short lengths: with some a window does not fit
ROWS = 65537
EXAMPLES = 65  # over which also the gradient of what they share is a sum that can be bounded
EVERY_DTYPE = 2  # how many sizes are asked in it: no array of whole vectors, and only such arrays
MOST = 2**20  # entries of all arrays of a question
MOST_OF_NETWORK = 2**16  # the same of the pairs where there is a table of weights: what is larger is shared out
PARTS = 24  # arrays: who has more of them is a network of layers that are operations themselves
FIRST = ((9, 5, 33, 17), (9, 5, 17, 3), (5, 9, 3, 2))  # of more than ``MANY`` axes: the first that is possible
SHORT = (*BESIDE, (2,), (4, 4, 4, 1, 1), (1,))  # beside many examples
FEW = 4  # examples, whose answers are known; they are repeated to ``ROWS``
REPEATED = 5 * MOST  # entries that all arrays may have then


@dataclass(frozen=True)
class Size:
    """The lengths of one question.

    Attributes:
        lengths: by name, as ``Operation.lengths`` takes them.
        deep: whether it is asked in every dtype, and its gradient, too.
        refusable: in words, what makes a refusal the business of other clauses.
        pairs: whether it is one of those in which any two lengths meet.
    """

    lengths: dict[str, Any]
    deep: bool = True
    refusable: str = ""
    pairs: bool = False


def plan(home: Home, *, lean: bool = False, slow: bool = False) -> list[Size]:
    """The sizes in which an operation is asked; the first ones, ``EVERY_DTYPE``, are for other dtypes as well.

    Args:
        home: the operation with its readings.
        lean: few, since every new shape is compiled.
        slow: all.
    """
    axes = Axes.of(home)
    fits = functools.partial(is_possible, home, most=MOST_OF_NETWORK if axes.weighty and not slow else MOST)
    multiples = home.operation.multiples
    chosen = list(_lean(axes, multiples, fits)) if lean and not slow else list(_normal(axes, multiples, fits))
    if slow:
        chosen += _slow(axes)
    found: dict[str, Size] = {}
    for size in (_whole(size, multiples) for size in chosen):
        if is_possible(home, size.lengths):
            found.setdefault(repr(sorted(size.lengths.items())), size)
    if (lean and not slow) or axes.weighty:
        return list(found.values())
    return list(_deepened(found.values()))


def _whole(size: Size, multiples: Mapping[str, int]) -> Size:
    """The size with every length that has to be a multiple of a number brought up to one."""
    more = {name: -size.lengths[name] % factor for name, factor in multiples.items()}
    return replace(size, lengths=size.lengths | {name: size.lengths[name] + n for name, n in more.items()})


def _deepened(sizes: Iterable[Size]) -> Iterator[Size]:
    """The same sizes, of each axis with a gradient at every one of the lengths that meet in pairs."""
    known: set[tuple[str, Any]] = set()
    for size in sizes:
        own = {(name, n) for name, n in size.lengths.items() if n in (*LEADING, *LENGTHS)}
        deep = size.deep or (bool(own - known) and size.pairs)
        known |= own if deep else set()
        yield replace(size, deep=deep)


def one_long_axis(home: Home, n: int) -> list[Size]:
    """Each named axis long in turn, beside short ones: a sum over it has many terms."""
    axes = Axes.of(home)
    sizes = [axes.alone((5,) if axes.stars else (), name, n) for name in axes.words or ("last",)]
    return [size for size in sizes if is_possible(home, size.lengths)]


def few_examples(home: Home) -> Size | None:
    """A few examples along an axis of one length, beside short lengths; None where they lie along no such axis.

    The axis may have ``ROWS`` entries as well. Where any number of axes holds examples, the plan has so many.
    """
    axes = Axes.of(home)
    along = next((name for name in axes.words if name in home.operation.examples), "")
    for beside in SHORT if along else ():
        size = _whole(axes.alone((), along, FEW, beside), home.operation.multiples)
        many = size.lengths | {along: ROWS}
        if size.lengths[along] == FEW and is_possible(home, size.lengths) and is_possible(home, many, REPEATED):
            return size
    return None


def long_answer(home: Home) -> Size | None:
    """The first axis of the answer long, beside short ones; None where examples lie along one.

    None beside weights, either: what is known of so many terms, or of so many results, is no bound that tells a row.
    """
    tables = [argument for argument in home.operation.arguments if isinstance(argument, Table)]
    if home.operation.examples or not all(table.any for table in tables):
        return None
    first = next(row.axes[0] for row in rows_of(home.operation.result))
    return Axes.of(home).alone((), first, ROWS)


# ---- the axes of an operation


@dataclass(frozen=True)
class Axes:
    """The axes of an operation that have names.

    Attributes:
        stars: those of which there may be any number.
        words: those that are one each.
        counts: how often arrays of an index occur, for instance the layers of a network.
        ranked: whether there has to be an axis, as for a softmax.
        separate: whether examples lie along axes of any number, and do not see each other.
        weighty: whether there is a table of weights: of ten thousands of gradients a spread of a few runs is no bound.
        shared: whether an array is of no example: its gradient is a sum over all of them.
        arrays: how many a call is handed.
    """

    stars: tuple[str, ...]
    words: tuple[str, ...]
    counts: tuple[str, ...]
    ranked: bool
    separate: bool
    weighty: bool
    shared: bool
    arrays: int

    @classmethod
    def of(cls, home: Home) -> Axes:
        operation = home.operation
        counts = tuple(dict.fromkeys(c for c in operation.indices.values() if isinstance(c, str)))
        words = tuple(name for name in operation.lengths() if name not in (*home.stars, *counts))
        ranked = any(a.kind == "axis" for a in operation.attributes)
        weighty = any(isinstance(argument, Table) for argument in operation.arguments)
        arrays = operation.places(home.lengths, home.given).values()
        shared = not all(operation.example_axes(array, home.lengths, home.given) for array in arrays)
        separate = bool({*operation.examples} & {*home.stars})
        return cls(home.stars, words, counts, ranked, separate, weighty, shared, len(arrays))

    @property
    def elementwise(self) -> bool:
        """Whether all axes are of any number: then the last of them stands for a named one."""
        return bool(self.stars) and not self.words

    @property
    def stacked(self) -> bool:
        """Whether it is made of many parts, which are asked in all lengths by themselves."""
        return self.arrays > PARTS

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths that meet in pairs."""
        if self.stacked:
            return LENGTHS[0], LENGTHS[2]
        return LENGTHS if self.stars and len(self.words) <= MANY else LENGTHS[:-1]

    def size(self, leading: tuple[int, ...], lengths: Sequence[int], **more: Any) -> Size:
        """The size of so many leading axes, and of these lengths by turns."""
        named = dict(zip(self.words, itertools.cycle(lengths), strict=False))
        return self.made(leading, named, lengths[0], **more)

    def alone(
        self, leading: tuple[int, ...], name: str, n: int, beside: Sequence[int] = (3, 2, 4), **more: Any
    ) -> Size:
        """The size of one long axis, beside short ones."""
        named = dict(zip(self.words, itertools.cycle(beside), strict=False)) | ({name: n} if self.words else {})
        return self.made(leading, named, n, **more)

    def made(self, leading: tuple[int, ...], named: Mapping[str, int], last: int, **more: Any) -> Size:
        """The size of leading axes and named ones; ``last`` is the last of an array that has no named ones."""
        shape = (*leading, last) if self.elementwise else leading
        refusable = self.rank(shape) if self.stars and len(shape) != 1 else ""
        return Size(dict.fromkeys(self.stars, shape) | dict(named), refusable=refusable, **more)

    def rank(self, shape: tuple[int, ...]) -> str:
        """A number of axes in words."""
        if self.elementwise:
            return f"an array of {len(shape)} axes" if shape else "a single number"
        return f"{len(shape)} leading axes" if shape else "no leading axis"

    def choices(self, lengths: Sequence[int]) -> dict[str, Sequence]:
        """What each axis can be chosen from, under an empty name the leading ones."""
        leading: dict[str, Sequence] = {"": LEADING} if self.stars else {}
        return leading | dict.fromkeys(self.words or (["last"] if self.stars else []), lengths)

    def row(self, chosen: Mapping[str, Any], **more: Any) -> Size:
        """The size of one choice for each axis."""
        named = {name: n for name, n in chosen.items() if name in self.words}
        return self.made(chosen.get("", ()), named, chosen.get("last", 1), **more)


def is_possible(home: Home, lengths: dict[str, Any], most: float = MOST) -> bool:
    """Whether every array of call and answer has a shape, as where a window fits into its image; none is too large.

    Args:
        home: the operation, its readings and keywords.
        lengths: of its axes.
        most: entries of all arrays together.
    """
    there = replace(home, sizes=lengths)
    if any(there.lengths[name] % factor for name, factor in home.operation.multiples.items()):
        return False
    operation, values = home.operation, {**home.operation.defaults(), **home.given, **there.lengths}
    shapes = [a.shape(values) for a in operation.places(there.lengths, home.given).values()] + there.shapes()
    known = [[n for n in shape if n is not None] for shape in shapes]
    least = 0 if any(n == 0 for n in _flat(lengths.values())) else 1
    return all(n >= least for n in itertools.chain(*known)) and sum(math.prod(shape) for shape in known) <= most


def _flat(lengths: Any) -> Iterator[int]:
    for n in lengths:
        yield from n if isinstance(n, tuple) else (n,)


# ---- plans


def _lean(axes: Axes, multiples: Mapping[str, int], fits: Callable[..., bool]) -> Iterator[Size]:
    """Beyond a block, ones, and, but for networks, equal lengths."""
    yield _first(axes, multiples, fits)
    yield replace(axes.size((), (1,), deep=False), lengths=_few_layers(axes, axes.size((), (1,)).lengths, 1))
    if not axes.counts:
        yield axes.size((1, 4, 4), (4,), deep=False)


def _first(axes: Axes, multiples: Mapping[str, int], fits: Callable[..., bool]) -> Size:
    """One that is asked of every dtype: beyond a block on each axis, of which no two are alike."""
    if axes.elementwise:
        return axes.size((2, 1), (65,))
    if len(axes.words) <= MANY:
        return axes.size((2, 1, 3), (65, 17, 33))
    found = [_whole(axes.size((2, 1, 3), lengths), multiples) for lengths in FIRST]
    return next((size for size in found if fits(size.lengths)), found[0])


def _few_layers(axes: Axes, lengths: dict[str, Any], count: int) -> dict[str, Any]:
    return lengths | dict.fromkeys(axes.counts, count)


def _normal(axes: Axes, multiples: Mapping[str, int], fits: Callable[..., bool]) -> Iterator[Size]:
    yield _first(axes, multiples, fits)
    yield axes.size((1, 4, 4), (4,))
    if axes.stars:
        yield axes.size((1,), (1,) if axes.elementwise else (3, 2))
        yield axes.size((EXAMPLES,), (EXAMPLES,) if axes.elementwise else (3, 2))
    if axes.elementwise and not axes.ranked:
        yield Size(dict.fromkeys(axes.stars, ()), refusable=axes.rank(()))
    rows = pairwise(axes.choices(axes.lengths))
    for number, row in enumerate(rows):
        size = axes.row(row, deep=number % 3 == 0 and not axes.stacked, pairs=True)
        yield from [size] if fits(_whole(size, multiples).lengths) else []
    yield from _shared_out(axes, rows, multiples, fits)
    if LENGTHS[-1] not in axes.lengths:
        for name in axes.words:
            leading = (5,) if axes.stars else ()
            found = [axes.alone(leading, name, LENGTHS[-1], beside, deep=not axes.weighty) for beside in BESIDE]
            yield next((size for size in found if fits(size.lengths)), found[0])
    for i, n in enumerate(() if axes.stacked else BORDERS):
        leading = () if not axes.stars else OTHER_LEADING[i % 2] if i < 4 else (5,)
        if len(axes.words) > MANY:  # one long axis at a time: a spread is no bound for a hundred thousand results
            yield axes.alone(leading, axes.words[i % len(axes.words)], n, deep=False)
        else:
            yield axes.size(leading, (n, *BORDERS[i + 1 :], *BORDERS[:i]), deep=False)
    for count in (1, 2, 12) if axes.counts else ():  # of equal widths any order and any number of layers fits
        lengths = axes.size((5,), (2,)).lengths
        widths = {f"n{i}": 2 for i in range(count + 1)} if any(w.startswith("n") for w in axes.words) else {}
        yield Size(_few_layers(axes, lengths | widths, count))
    yield from _empty(axes)
    if axes.elementwise:
        yield axes.size((), (ELEMENTS,), deep=not axes.shared)
    if axes.separate:
        yield axes.size((ROWS,), (2,), deep=not axes.shared)


def _shared_out(
    axes: Axes, rows: list[dict[str, Any]], multiples: Mapping[str, int], fits: Callable[..., bool]
) -> Iterator[Size]:
    """The pairs of rows that are too large, in rows of which the other lengths are short."""

    def size(row: Mapping[str, Any]) -> Size:
        named = dict(zip(axes.words, itertools.cycle(BESIDE[0]), strict=False))
        return _whole(axes.row(named | dict(row), deep=False), multiples)

    def pairs(row: Mapping[str, Any]) -> list[frozenset]:
        return [frozenset(pair) for pair in itertools.combinations(row.items(), 2)]

    planned = [_whole(axes.row(row), multiples).lengths for row in rows]
    large = [row for row, n in zip(rows, planned, strict=True) if not fits(n) and fits(n, most=math.inf)]
    known = {pair for row in rows if row not in large for pair in pairs(row)}
    for row in large:
        while lost := [pair for pair in pairs(row) if pair not in known]:
            chosen = dict(lost[0])
            for pair in lost[1:]:
                if fits(size(chosen | dict(pair)).lengths):
                    chosen |= dict(pair)
            known |= {*pairs(chosen)}
            yield size(chosen)


def _empty(axes: Axes) -> Iterator[Size]:
    """Each axis of length 0 in turn."""
    words = {"refusable": "an axis of length 0"}
    if axes.stars:
        yield replace(axes.size((0,), (3, 2)), **words)
        yield replace(axes.size((2, 0), (3, 2), deep=False), **words)
    for name in axes.words:
        size = axes.size((2,), (3, 2, 4), deep=False)
        yield replace(size, lengths=size.lengths | {name: 0}, **words)
    if axes.elementwise:
        yield replace(axes.size((2,), (0,), deep=False), **words)


def _slow(axes: Axes) -> Iterator[Size]:
    """Each length once on each axis, the other axes meanwhile of other lengths; long ones beside short ones."""
    for row in pairwise(
        axes.choices((1, 2, 4, 8, 17, 33, 65)) | ({"": (*LEADING, *OTHER_LEADING)} if axes.stars else {})
    ):
        yield axes.row(row)
    for i in range(len(ALL) if len(axes.words) <= MANY else 0):
        yield axes.size(
            (5,) if axes.stars else (), [ALL[(i + 11 * j) % len(ALL)] for j in range(max(len(axes.words), 1))]
        )
    lengths = LONG if len(axes.words) <= MANY else (*ALL, *LONG)
    for n, name in itertools.product(lengths, axes.words or ("last",)):
        yield axes.alone((2,) if axes.stars else (), name, n)


def pairwise(choices: Mapping[str, Sequence]) -> list[dict[str, Any]]:
    """Few rows with one choice for each name, in which any two choices of different names stand together.

    A single name has a row for each of its choices.
    """
    if len(choices) < 2:
        return [{name: value} for name, values in choices.items() for value in values]
    open_pairs = {
        frozenset(((a, i), (b, j))): None
        for a, b in itertools.combinations(choices, 2)
        for i, j in itertools.product(range(len(choices[a])), range(len(choices[b])))
    }
    rows = []
    while open_pairs:
        row = dict(sorted(next(iter(open_pairs)), key=lambda pair: list(choices).index(pair[0])))
        for name in choices:
            if name not in row:
                row[name] = max(
                    range(len(choices[name])),
                    key=lambda k: (
                        sum(frozenset(((name, k), pair)) in open_pairs for pair in row.items()),
                        -((k + len(rows)) % len(choices[name])),
                    ),
                )
        for pair in itertools.combinations(row.items(), 2):
            open_pairs.pop(frozenset(pair), None)
        rows.append({name: choices[name][k] for name, k in row.items()})
    return rows
