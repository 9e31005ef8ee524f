"""Which keywords a declared operation is asked with, and which of them it is not handed.

The declared values are chosen pairwise, as lengths are in ``sizes``: any two of different keywords stand in one
question, and not every combination is asked. The edges of a range stand alone, beside the plainest keywords: at a
learning rate of 0 no other keyword shows.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnspec_conformance.axes import Interval
from nnspec_conformance.home import Home
from nnspec_conformance.operations import UNSTATED, Attribute, Operation
from nnspec_conformance.sizes import is_possible, pairwise

LARGE = 16.0  # of a keyword that has no upper end: also as an exponent it leaves the answer a number
FRACTION = 1 / 64  # of a range, beside an end that is none of its values
LEFT_OUT = "(left out)"  # in a row: the call does not have the keyword
ORDERED = ("minimum", "maximum")  # of these the first is not above the second
LEAN = 2  # rows for a subject that compiles


@dataclass(frozen=True)
class Setting:
    """The keywords of one question.

    Attributes:
        home: the question that has them.
        refusable: in words, what makes a refusal the business of other clauses.
    """

    home: Home
    refusable: str = ""


def plan(home: Home, *, lean: bool = False) -> list[Setting]:
    """The home question with other keywords, which are all possible in its lengths.

    Args:
        home: the operation, its readings and its lengths.
        lean: few, since every setting is compiled: those that differ from the home question in the most keywords.
    """
    choices = choices_of(home)
    found: dict[str, Setting] = {}
    rows = [(row, "") for row in (_few(home, choices) if lean else fitting_rows(home, choices))]
    for row, words in rows if lean else [*rows, *_alone(home)]:
        there = replace(home, keywords=completed(home.operation, row))
        if fits(there):
            found.setdefault(repr(there.keywords), Setting(there, words))
    return list(found.values())


def with_long_numbers(home: Home) -> Home | None:
    """The home question with a tested value of each number that float32 cannot hold; None if it shows in no answer."""
    given = dict(home.attributes)
    for attribute in (a for a in home.operation.attributes if a.kind == "number"):
        long = [value for value in attribute.values if has_more_digits(value)]
        if long and _applies(home.operation, attribute, given):
            given[attribute.name] = long[0]
    told = home.has_floats and any(map(has_more_digits, given.values()))
    return replace(home, keywords=given) if told and _is_ordered(given) else None


def has_more_digits(value: Any) -> bool:
    """Whether it is a number that float32 does not have."""
    return isinstance(value, float) and float(np.float32(value)) != value


def fits(home: Home) -> bool:
    """Whether the keywords go together, and with the lengths."""
    return is_possible(home, home.lengths) and _is_ordered(home.attributes)


def fitting_rows(home: Home, choices: Mapping[str, tuple]) -> list[dict[str, Any]]:
    """Rows in which any two choices of different keywords stand together that may do so.

    The pairs of a row that is not possible stand in others, beside the keywords of the home question and the choices
    on which keywords depend.
    """

    def stand(row: Mapping[str, Any], *pairs: Sequence[tuple[str, Any]]) -> bool:
        keywords = completed(home.operation, row)
        return all(_holds(keywords, pair) for pair in pairs) and fits(replace(home, keywords=keywords))

    rows = [row for row in pairwise(choices) if stand(row)]
    known = [completed(home.operation, row) for row in rows]
    ruling = {other for attribute in home.operation.attributes for other in attribute.when}
    chosen = [{name: value for name, value in row.items() if name in ruling} for row in rows]
    bases = [home.attributes, *(home.attributes | row for row in {repr(row): row for row in chosen}.values())]
    lost = [pair for pair in _pairs(choices) if not any(_holds(keywords, pair) for keywords in known)]
    alone = {pair: next((b | dict(pair) for b in bases if stand(b | dict(pair), pair)), {}) for pair in lost}
    lost = [pair for pair in lost if alone[pair]]
    while lost:
        row, placed = alone[lost[0]], lost[:1]
        for pair in lost[1:]:
            if stand(row | dict(pair), *placed, pair):
                row, placed = row | dict(pair), [*placed, pair]
        rows.append(row)
        lost = [pair for pair in lost if not _holds(completed(home.operation, row), pair)]
    return rows


def _holds(keywords: Mapping[str, Any], pair: Sequence[tuple[str, Any]]) -> bool:
    return all(keywords.get(name, LEFT_OUT) == value for name, value in pair)


def _pairs(choices: Mapping[str, tuple]) -> list[tuple[tuple[str, Any], tuple[str, Any]]]:
    """Any two choices of different keywords."""
    two = itertools.combinations(choices.items(), 2)
    return [((a, v), (b, w)) for (a, of_a), (b, of_b) in two for v, w in itertools.product(of_a, of_b)]


def other_settings(home: Home) -> Iterator[tuple[Home, dict[str, Any]]]:
    """The home question with each tested value of each keyword in turn, then with several changed; and what is."""
    free = [attribute.name for attribute in home.operation.attributes if not attribute.readings]
    for other in (*home.with_each(free), *together(home)):
        yield other, {name: value for name, value in other.attributes.items() if home.attributes.get(name) != value}


def together(home: Home) -> list[Home]:
    """The home question with several keywords changed: any two of them, each to one other value, in one of these.

    A keyword changes to the last of its declared values that it does not have in the home question.
    """
    stands = with_defaults(home.operation, home.attributes)
    choices = {}
    for name, values in choices_of(home).items():
        others = [value for value in values if value not in (LEFT_OUT, stands.get(name))]
        choices |= {name: (others[-1], home.attributes.get(name, LEFT_OUT))} if others else {}
    found: dict[str, Home] = {}
    for row in fitting_rows(home, choices):
        chosen = completed(home.operation, home.attributes | row)
        there = replace(home, keywords=home.attributes | chosen if "seed" in home.attributes else chosen)
        if len(changed(home, chosen)) > 1 and fits(there):
            found.setdefault(repr(chosen), there)
    return list(found.values())


def changed(home: Home, given: Mapping[str, Any]) -> list[str]:
    """The keywords of a call, readings apart, that have another value than in the home question."""
    plain = with_defaults(home.operation, home.attributes)
    names = [attribute.name for attribute in home.operation.attributes if not attribute.readings]
    return [name for name in names if name in given and given[name] != plain.get(name)]


def edges(attribute: Attribute) -> list[float]:
    """Zero, a negative and a large number, the ends of a number's range, or numbers beside them.

    Of an integer the least one, or 0 if there is none, since others may have to fit the shapes.
    """
    of = {"number": _edges, "integer": _least}.get(attribute.kind)
    found = of(attribute.interval) if of and attribute.interval else []
    return [n for n in dict.fromkeys(found) if n not in attribute.values]


def choices_of(home: Home) -> dict[str, tuple]:
    """The declared values of every keyword that is no reading, and that it is left out.

    A keyword of which frameworks have several defaults is always handed over.
    """
    rank = max((len(home.lengths[star]) for star in home.stars), default=0)
    plain, found = Home(home.operation, home.readings).attributes, dict[str, tuple]()
    for attribute in (a for a in home.operation.attributes if not a.readings):
        values = attribute.values
        if attribute.kind == "axis" and rank:
            values = tuple(n for n in values if -rank <= n < rank)
        may_lack = attribute.name not in plain or attribute.when
        found[attribute.name] = (*values, LEFT_OUT) if may_lack else values
    return found


def completed(operation: Operation, row: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a row that a call has: none that is left out, and none beside a choice that does not take it."""
    found: dict[str, Any] = {}
    for attribute in operation.attributes:
        chosen = row.get(attribute.name, LEFT_OUT)
        if chosen is LEFT_OUT and attribute.required:
            chosen = attribute.values[0]
        if chosen is not LEFT_OUT and _applies(operation, attribute, found):
            found[attribute.name] = chosen
    return found


def with_defaults(operation: Operation, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords with what those stand for that are left out, as far as that is a value and not a formula."""
    found = dict(keywords)
    for attribute in operation.attributes:
        default = attribute.default
        is_known = default is not UNSTATED and default is not None and not attribute.readings
        if attribute.name not in found and is_known and not attribute.fault(default):
            if _applies(operation, attribute, found):
                found[attribute.name] = default
    return found


def _applies(operation: Operation, attribute: Attribute, given: Mapping[str, Any]) -> bool:
    """Whether a keyword may stand beside the choices on which it depends."""
    chosen = {other: given.get(other, operation.attribute(other).default) for other in attribute.when}
    return all(chosen[other] in values for other, values in attribute.when.items())


def _is_ordered(given: Mapping[str, Any]) -> bool:
    """Whether a least number is not above a greatest one."""
    low, high = (given.get(name) for name in ORDERED)
    return low is None or high is None or low <= high


def _edges(interval: Interval) -> list[float]:
    low, high = interval.ends()
    found = [0.0, -0.75, LARGE if math.isinf(high) else high - (high - low) * FRACTION, high]
    beside = [] if interval.contains(low) else [low + FRACTION]
    return [n for n in (*found, *beside) if interval.contains(n)]


def _least(interval: Interval) -> list[int]:
    low, _ = interval.ends()
    return [n for n in (0 if math.isinf(low) else math.ceil(low),) if interval.contains(n)]


def _alone(home: Home) -> Iterator[tuple[dict[str, Any], str]]:
    """Each edge of each range, beside the plainest keywords, and in words."""
    for attribute in (a for a in home.operation.attributes if not a.when):
        for n in edges(attribute):
            yield home.attributes | {attribute.name: n}, f"{attribute.name} = {n:g}"


def _few(home: Home, choices: Mapping[str, tuple]) -> Iterator[dict[str, Any]]:
    """Rows in which every keyword has another value than the home question; operations begin with different ones.

    In the second one choices that an adapter translates are plain: a framework may have no more of them.
    """
    first = zlib.crc32(home.operation.name.encode())
    for i in range(LEAN):
        row = dict(home.attributes)
        for name, values in choices.items():
            plain = home.attributes.get(name, LEFT_OUT)
            others = [v for v in values if v != plain and not (i and home.operation.attribute(name).translated)]
            others = others or [plain]
            row[name] = others[(first + i) % len(others)]
        yield row
