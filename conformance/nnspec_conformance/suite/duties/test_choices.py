"""The duty to know every word of a choice: no other one is taken."""

from __future__ import annotations

from collections.abc import Iterator

from nnspec_conformance.cases import ErrorCase, clause
from nnspec_conformance.refusals import of_choices


@clause("duty.choices")
def test_words_that_are_no_choice(operation: str, readings: dict) -> Iterator[ErrorCase]:
    yield from of_choices(operation, readings)
