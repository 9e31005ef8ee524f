"""Which reading an implementation is found to have; a known failure is shown as such, a harness error finds nothing."""

import numpy as np
import pytest

from nnspec_conformance.cases import Case, clause
from nnspec_conformance.identify import identify
from nnspec_conformance.tolerance import exact

TIMES = {"two": 2, "three": 3}


@pytest.fixture
def found(suite_of, subject_of, f32, factor_page):
    """What is found of a subject with two dtypes."""

    @clause("scale.factor")
    def proves_factor(readings):
        for dtype in ("float32", "float64"):
            x = f32(1, -2).astype(dtype)
            yield Case(operation="scale", arrays=(x,), want=exact(x * TIMES[readings["factor"]], dtype))

    def run(scale, **declared):
        subject = subject_of(scale, DTYPES=("float32", "float64"), **declared)
        (row,) = identify(suite_of(factor_page, proves_factor), subject)
        return row.found, row.known_failure

    return run


def twice(x):
    return 2 * x


def off_in_float64(x):
    return 2 * x + (x.dtype == np.float64)


twice.__name__ = off_in_float64.__name__ = "scale"


def test_reading_is_found(found):
    assert found(twice) == (["two"], False)


def test_failure_leaves_no_reading(found):
    assert found(off_in_float64) == ([], False)


def test_reading_is_found_where_the_known_failure_is_not(found):
    assert found(off_in_float64, KNOWN_FAILURES={"scale.factor; float64": "off; link"}) == (["two"], False)


def test_known_failure_of_the_whole_instance_is_shown_as_such(found):
    assert found(off_in_float64, KNOWN_FAILURES={"scale.factor": "off; link"}) == ([], True)


def test_harness_error_is_no_reading_found(found):
    def asarray(x):
        if x.size == 2:
            raise OSError("no device")
        return x

    assert found(twice, asarray=asarray) == ([], False)
