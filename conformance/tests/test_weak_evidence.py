"""Weak evidence: where most of what is expected is zero, saturated or no number, the verdict says so."""

import numpy as np
import pytest

from nnspec_conformance.compare import compare
from nnspec_conformance.outcome import Entry, Summary
from nnspec_conformance.tolerance import exact, ulps


@pytest.mark.parametrize(
    ("expected", "telling"),
    [
        ([0.5, 2.0, -3.0], 3),
        ([0.0, 0.0, 0.5], 1),
        ([1.0, -1.0, 1.0, 0.25], 1),  # saturated at both ends
        ([np.nan, np.inf, 0.5], 1),
        ([1 - 1e-12, 1 - 1e-13, 0.5], 1),  # alike in float32
        ([7.0], 1),
        ([], 0),
    ],
)
def test_numbers_that_tell_something_are_counted(expected, telling):
    assert ulps(np.array(expected), 4, "float32").telling == telling


def entry_of(*expected):
    entry = Entry("test", dtype="float32")
    for values in expected:
        want = exact(np.array(values))
        entry.note(compare(np.array(values, np.float32), want))
    return entry


def test_an_entry_is_weak_by_all_its_questions_together():
    assert entry_of([0.0, 0.0, 0.5]).is_weak
    assert not entry_of([0.0, 0.0, 0.5], [1.0, 2.0, 3.0]).is_weak
    assert not Entry("test").is_weak


def test_an_instance_is_weak_if_every_entry_is_and_a_record_keeps_it():
    weak, strong = entry_of([0.0, 0.0]), entry_of([1.0, 2.0])
    assert Summary([weak]).weak
    assert not Summary([weak, strong]).weak
    again = Entry.from_record(weak.as_record([]))
    assert (again.is_weak, Entry.from_record(strong.as_record([])).is_weak) == (True, False)
    assert "weak" not in weak.as_record([], measured=False)
