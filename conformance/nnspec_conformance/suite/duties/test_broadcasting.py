"""The duty not to broadcast: an axis of length one, or one axis more, is no array of the declared shape."""

from __future__ import annotations

from collections.abc import Iterator

from nnspec_conformance.cases import ErrorCase, clause
from nnspec_conformance.refusals import of_shapes


@clause("duty.broadcasting")
def test_arrays_that_fit_by_broadcasting_only(operation: str, readings: dict, lean: bool) -> Iterator[ErrorCase]:
    yield from of_shapes(operation, readings, broadcasting=True, lean=lean)
