"""Which reading an implementation is found to have; a known failure is shown as such, a harness error finds nothing."""

import numpy as np
import pytest

from nnspec_conformance.cases import Case, clause
from nnspec_conformance.identify import identify
from nnspec_conformance.oracles.components import weight_layouts as oracle
from nnspec_conformance.run import in_words
from nnspec_conformance.suite_loader import load_suite
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


# ---- several declarations are wrong


def rows_of_gru(subject):
    rows = {row.instance: row for row in identify(load_suite(), subject)}
    return {aspect: rows[f"gru-native.{aspect}"] for aspect in ("packing", "reset", "update")}


@pytest.fixture
def found_of_gru(subject_of):
    """What is found of a gated recurrent unit that declares what the definitions have."""

    def run(**readings):
        def gru_native(x, weights):
            return oracle.gru_native(x, weights, **readings).astype(x.dtype)

        return rows_of_gru(subject_of(gru_native, NAME="mine"))

    return run


def test_a_wrong_declaration_does_not_hide_the_reading_of_another_clause(found_of_gru):
    rows = found_of_gru(packing="by-gate", reset="before", update="keeps")
    assert {name: row.found for name, row in rows.items()} == {
        "packing": ["by-gate"], "reset": ["before"], "update": ["keeps"]
    }  # fmt: skip
    assert (rows["reset"].beside, rows["update"].beside) == ({}, {"gru-native.reset": "before"})
    assert (rows["reset"].is_wrong, rows["update"].is_wrong) == (True, False)


def test_readings_that_only_fit_together_are_found_together(found_of_gru):
    rows = found_of_gru(packing="columns-zrn-two-biases", reset="before", update="replaces")
    assert {name: row.found for name, row in rows.items()} == {
        "packing": ["columns-zrn-two-biases"], "reset": ["before"], "update": ["replaces"]
    }  # fmt: skip
    assert rows["reset"].beside == {
        "gru-native.packing": "columns-zrn-two-biases", "gru-native.update": "replaces"
    }  # fmt: skip
    line = in_words([rows["update"]])
    assert "with gru-native.packing = columns-zrn-two-biases, gru-native.reset = before" in line
    assert line.endswith("<- declares keeps")


def test_what_is_no_reading_is_found_in_none(subject_of):
    def gru_native(x, weights):
        return -oracle.gru_native(x, weights).astype(x.dtype)

    rows = rows_of_gru(subject_of(gru_native, NAME="mine"))
    assert [(row.found, row.beside, row.is_wrong) for row in rows.values()] == [([], {}, True)] * 3
