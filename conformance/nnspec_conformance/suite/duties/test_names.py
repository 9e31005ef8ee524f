"""The duty to read every name of a table: none missing, none misspelt, none beyond the last layer."""

from __future__ import annotations

from collections.abc import Iterator

from nnspec_conformance.cases import ErrorCase, clause
from nnspec_conformance.refusals import of_names


@clause("duty.names")
def test_wrong_names(operation: str, readings: dict, lean: bool) -> Iterator[ErrorCase]:
    yield from of_names(operation, readings, lean=lean)
