"""The duty of layouts: right values and gradients, however the arrays lie in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from nnspec_conformance.asked import question
from nnspec_conformance.cases import Case, clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.home import Home
from nnspec_conformance.layouts import LAYOUTS, laid_out
from nnspec_conformance.sizes import Axes
from nnspec_conformance.trees import leaves, rebuilt

LENGTHS = (17, 9, 5, 3)  # no two alike, and none a multiple of a vector


@clause("duty.layouts")
def test_layouts(operation: str, readings: dict, layouts: tuple, lean: bool, slow: bool) -> Iterator[Case]:
    home = Home(own_spec().operations[operation], readings)
    home = replace(home, sizes=Axes.of(home).size((6,), LENGTHS).lengths)
    for layout in LAYOUTS:
        if layout not in layouts:
            yield Case(operation=operation, arrays=home.arrays("float32"), layout=layout)
    for dtype in DTYPES if slow else ("float32",) if lean else ("float32", "bfloat16"):
        for what in ("call", "gradient") if layouts else ():
            if (case := question(home, what, dtype)) is not None:
                yield from laid(case, layouts)


def laid(case: Case, layouts: tuple[str, ...]) -> Iterator[Case]:
    """The question with each of its arrays in turn in each layout, the cotangents too."""
    handed = [case.arrays, case.cotangents]
    arrays = leaves(handed)
    for layout, (number, x) in itertools.product(layouts, enumerate(arrays)):
        if (same := laid_out(x, layout)) is not None:
            given, cotangents = rebuilt(handed, [*arrays[:number], same, *arrays[number + 1 :]])
            moved = layout == "broadcast"  # to which other values are expected
            other = (
                case.on(*given, cotangents=cotangents) if moved else replace(case, arrays=given, cotangents=cotangents)
            )
            yield replace(other, layout=layout, note="memory is read front to back")
