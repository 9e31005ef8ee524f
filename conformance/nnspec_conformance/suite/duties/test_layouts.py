"""The duty of layouts: right values and gradients, however the arrays lie in memory."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from nnspec_conformance.asked import question
from nnspec_conformance.cases import Case, clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.declarations import rows_of
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.home import Home
from nnspec_conformance.layouts import LAYOUTS, SCATTERED, laid_out
from nnspec_conformance.operations import Array, Table
from nnspec_conformance.sizes import Axes, is_possible
from nnspec_conformance.trees import leaves, rebuilt

LENGTHS = (17, 9, 5, 3)  # no two alike, and none a multiple of a vector
LEADING = (6,)
Choice = Callable[[Sequence[int], int], Sequence[int]]
NO_PARAMETER = ("broadcast", "read-only")  # an optimizer may keep its parameters where they are, and write there


@clause("duty.layouts")
def test_layouts(operation: str, readings: dict, layouts: tuple, lean: bool, slow: bool) -> Iterator[Case]:
    if missing := [name for name in LAYOUTS if name not in layouts]:
        yield Case(operation=operation, layout=", ".join(missing))
    home = roomy(Home(own_spec().operations[operation], readings))
    half = (
        "float64" if home.operation.form == "stepper" else "bfloat16"
    )  # its own clauses ask nothing in half precision
    dtypes = ["float32"] if lean else ["float32", half]
    if slow and half == "bfloat16":
        dtypes = list(DTYPES)
    for dtype, what in itertools.product(dtypes, ("call", "gradient")):
        if layouts and (case := question(home, what, dtype)) is not None:
            if slow:
                yield from laid(home, case, dtype, layouts, every)
            elif dtype == "float32":
                yield from laid(home, case, dtype, layouts, first_and_last)
            else:
                yield from laid(home, case, dtype, same_values(layouts), in_turn)
    complete = roomy(replace(home, sizes={}, complete=True))
    for what in ("call", "gradient") if not lean else ():
        if layouts and (case := question(complete, what, "float32", may_refuse="all arrays")) is not None:
            yield from of_each_name(complete, case, layouts, slow=slow)


def roomy(home: Home) -> Home:
    """The question with more entries than a vector along each axis, where all axes fit each other so."""
    lengths = Axes.of(home).size(LEADING, LENGTHS).lengths
    return replace(home, sizes=lengths) if is_possible(home, lengths) else home


def laid(home: Home, case: Case, dtype: str, layouts: Sequence[str], choose: Choice) -> Iterator[Case]:
    """The question with its arrays in each layout, the cotangents too, or what the last step is handed.

    Args:
        home: the question.
        case: it, with what is expected.
        dtype: its dtype.
        layouts: those to ask in.
        choose: which of so many arrays are asked about in the layout of a number.
    """
    handed = [case.arrays, case.cotangents, case.grads]
    arrays, grads = leaves(handed), leaves(case.grads)
    last_step = [len(arrays) - len(grads) + i for i in range(len(grads))][-len(leaves(case.arrays)) :] if grads else []
    for turn, layout in enumerate(layouts):
        own = [] if grads and layout in NO_PARAMETER else choose(range(len(leaves(case.arrays))), turn)
        if layout == "broadcast" and case.what == "gradient" and choose is not every:
            own = own[:1]  # each takes a calculation of its own
        others = last_step if grads else range(len(leaves(case.arrays)), len(arrays))
        for number in (*own, *choose(others, turn)):
            if (same := laid_out(arrays[number], layout)) is None:
                continue
            given, cotangents, steps = rebuilt(handed, [*arrays[:number], same, *arrays[number + 1 :]])
            other = case
            if layout == "broadcast":  # to which other values are expected
                other = expected(home, case, dtype, given, cotangents, steps)
            words = {"layout": layout, "note": "memory is read front to back"}
            yield replace(other, arrays=given, cotangents=cotangents, grads=steps, **words)


def of_each_name(home: Home, case: Case, layouts: tuple[str, ...], *, slow: bool) -> Iterator[Case]:
    """The question with one array laid out, in turn one of every name: of a table's, and of those left out.

    With ``slow`` each in each layout, else in one, names and layouts in turn. A call has each reversed as well, which
    is read wrongly where strides are thought to be positive; of a gradient the entries never lie side by side.
    """
    places, arrays = home.operation.places(home.lengths, home.given), leaves(case.arrays)
    names = [declared(home.operation.arguments[place.argument], place.name) for place in places]
    if case.grads is not None or len(names) != len(arrays) or not (kept := same_values(layouts)):
        return
    for turn, number in enumerate({name: number for number, name in enumerate(names)}.values()):
        fits = {name: same for name in kept if (same := laid_out(arrays[number], name)) is not None}
        for layout in fits if slow else some(list(fits), turn, case.what):
            given = rebuilt(case.arrays, [*arrays[:number], fits[layout], *arrays[number + 1 :]])
            yield replace(case, arrays=given, layout=layout, note="memory is read front to back")


def some(layouts: list[str], turn: int, what: str) -> Sequence[str]:
    """Choose one of them, another each time, and for a call the reversed one; for a gradient none side by side."""
    if what == "gradient":
        layouts = [name for name in layouts if name in SCATTERED] or layouts
    chosen = {*layouts[turn % max(len(layouts), 1) :][:1]} | ({"reversed"} if what == "call" else set())
    return [name for name in layouts if name in chosen]


def declared(argument: Array | Table, name: str | None) -> str:
    """The name under which an array is declared: of a table's the one that holds the index of a layer or a gate."""
    if name is None or not isinstance(argument, Table):
        return argument.name
    fits = [r.name for r in rows_of(argument) if re.fullmatch(re.sub(r"\\{[^{}]*\\}", ".+", re.escape(r.name)), name)]
    return min(fits, key=lambda row: row.count("{"), default=name)


def same_values(layouts: Sequence[str]) -> Sequence[str]:
    """Leave out the layout in which an array has other values than before."""
    return [name for name in layouts if name != "broadcast"]


def every(numbers: Sequence[int], _: int) -> Sequence[int]:
    """Choose all of them."""
    return numbers


def first_and_last(numbers: Sequence[int], _: int) -> Sequence[int]:
    """Choose the first two and the last one."""
    return sorted({*numbers[:2], *numbers[-1:]})


def in_turn(numbers: Sequence[int], turn: int) -> Sequence[int]:
    """Choose one of the first two and the last one, another each time."""
    some = first_and_last(numbers, turn)
    return [some[turn % len(some)]] if some else []


def expected(home: Home, case: Case, dtype: str, given: tuple, cotangents: Any, steps: list | None) -> Case:
    """The question with what is expected of other arrays."""
    if steps is None:
        return case.on(*given, cotangents=cotangents)
    other = question(home, "call", dtype, changed=lambda _: (*given, *steps))
    assert other is not None
    return other
