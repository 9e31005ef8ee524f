"""What a subject declares of numbers below the smallest normal one: by dtype, for all its operations or for one.

    SUBNORMALS = {"float32": "flushed", "bfloat16": "flushed", "tanh": {"float32": "kept"}}

What is absent is kept, as IEEE 754 has it. Every tolerance follows: see ``compare``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from nnspec_conformance.clauses import Clause
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import did_you_mean

KEPT, FLUSHED, INTERMEDIATE = "kept", "flushed", "intermediate"
WORDS = {FLUSHED: "flushes, as declared", INTERMEDIATE: "an intermediate underflows, as declared"}
KEYWORD = "subnormals"  # of a clause that asks for the results themselves
FLUSHING = ("float32", "bfloat16", "float64")  # of a reading without a dtype: float16 is computed in float32


def problem(table: Mapping[str, Any], operations: Collection[str]) -> str | None:
    """What is wrong with a declaration, if anything."""
    for name, value in table.items():
        if name not in DTYPES and name not in operations:
            known = [*DTYPES, *operations]
            return f"SUBNORMALS names no dtype and no operation: '{name}'{did_you_mean(str(name), known)}"
        of = {name: value} if name in DTYPES else value
        if not isinstance(of, Mapping):
            return f"SUBNORMALS[{name!r}] is {value!r}, expected a reading for each dtype, {{'float32': 'flushed'}}"
        for dtype, reading in of.items():
            if dtype not in DTYPES:
                return f"SUBNORMALS[{name!r}] names no dtype: '{dtype}'; use some of {', '.join(DTYPES)}"
            if reading not in (KEPT, FLUSHED, INTERMEDIATE):
                return f"SUBNORMALS has {dtype} {reading!r}; the readings are {KEPT}, {FLUSHED} and {INTERMEDIATE}"
    return None


def declared(table: Mapping[str, Any], operation: str) -> dict[str, str]:
    """The reading of each dtype for one operation, whose own entry stands before the general ones."""
    return {name: value for name, value in table.items() if name in DTYPES} | dict(table.get(operation, {}))


def of_results(table: Mapping[str, Any], operation: str, dtypes: Collection[str] = DTYPES) -> str:
    """Whether results are flushed in some dtype: where only an intermediate underflows they are kept."""
    readings = declared(table, operation)
    return FLUSHED if any(readings.get(dtype) == FLUSHED for dtype in dtypes) else KEPT


def absent(clause: Clause, table: Mapping[str, Any], operation: str, dtypes: Collection[str] = DTYPES) -> Any:
    """The reading of a clause that ``VARIANTS`` does not name: the definition's, or the one declared here."""
    return of_results(table, operation, dtypes) if clause.keyword == KEYWORD else clause.definition


def lost(
    table: Mapping[str, Any], operation: str, readings: Mapping[str, str], dtypes: Collection[str] = DTYPES
) -> dict[str, str]:
    """The dtypes in which something may be lost, each with its reading.

    Args:
        table: the declaration, by dtype.
        operation: its name.
        readings: those of the setting; one of the operation's results decides over a declaration that says otherwise.
        dtypes: those of the subject.
    """
    own, found = readings.get(KEYWORD), declared(table, operation)
    if own == FLUSHED and of_results(table, operation, dtypes) == KEPT:
        found |= dict.fromkeys(FLUSHING, FLUSHED)
    if own == KEPT:
        found = {dtype: reading for dtype, reading in found.items() if reading != FLUSHED}
    return {dtype: reading for dtype, reading in found.items() if reading != KEPT}


def in_dtype(readings: dict[str, str], small: Mapping[str, str], dtype: str | None) -> dict[str, str]:
    """The readings of a question in one dtype, which may be kept where another is flushed.

    Args:
        readings: those of the setting.
        small: what may be lost in it, by dtype.
        dtype: that of the question, if it has one.
    """
    if KEYWORD not in readings or dtype is None:
        return readings
    return readings | {KEYWORD: FLUSHED if small.get(dtype) == FLUSHED else KEPT}
