"""The duty of keywords: right values and gradients with every value, and with the keyword left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nnspec_conformance.asked import question
from nnspec_conformance.cases import Case, clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.home import Home
from nnspec_conformance.keywords import Setting, plan, with_long_numbers

TWO = (5, 3)  # leading axes where a keyword names one of them
NOTE = "a keyword is ignored, or right for one value only"
DIGITS = "a number given by keyword has the digits of float32"


@clause("duty.attributes")
def test_attributes(operation: str, readings: dict, lean: bool, slow: bool) -> Iterator[Case]:
    home = Home(own_spec().operations[operation], readings)
    if any(attribute.kind == "axis" for attribute in home.operation.attributes):
        home = replace(home, leading=TWO)
    half = [] if home.operation.form == "stepper" else ["float16", "bfloat16"]  # whose own clauses ask nothing there
    for setting in settings(home, lean=lean and not slow):
        for dtype in [name for name in DTYPES if name not in half] if slow else ["float32"]:
            for what in ("call", "gradient"):
                if (case := question(setting.home, what, dtype, note=NOTE, may_refuse=setting.refusable)) is not None:
                    yield case
    if (there := with_long_numbers(home)) is not None:
        for what in ("call", "gradient"):
            if (case := question(there, what, "float64", note=DIGITS)) is not None:
                yield case


def settings(home: Home, *, lean: bool) -> Iterator[Setting]:
    """The keywords of each question; in the full plan also beside all arrays that a call may leave out."""
    yield from plan(home, lean=lean)
    if home.optional and not lean:
        for setting in plan(replace(home, complete=True)):
            refusable = " and ".join(filter(None, (setting.refusable, "all arrays")))
            yield replace(setting, refusable=refusable)
