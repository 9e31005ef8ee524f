"""The duty to refuse: lengths that do not fit each other, and keywords that the operation does not have."""

from __future__ import annotations

from collections.abc import Iterator

from nnspec_conformance.cases import ErrorCase, clause
from nnspec_conformance.refusals import of_keywords, of_shapes


@clause("duty.refusals")
def test_lengths_that_do_not_fit(operation: str, readings: dict, lean: bool) -> Iterator[ErrorCase]:
    yield from of_shapes(operation, readings, broadcasting=False, lean=lean)


@clause("duty.refusals")
def test_unknown_keywords(operation: str, readings: dict) -> Iterator[ErrorCase]:
    yield from of_keywords(operation, readings)
