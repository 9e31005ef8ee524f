"""Relations: tests that put several questions and compare the answers with each other."""

import numpy as np

from nnspec_conformance.cases import clause
from nnspec_conformance.engine import run_instance
from nnspec_conformance.outcome import FAIL, HARNESS_ERROR
from nnspec_conformance.verdict import covered

TWICE = """\
# Toys

/// clause | scale.twice
    kind: exact

`scale` **MUST** give for two arrays what it gives for each.
///
"""


def scale(x, *, factor="two"):
    return x * {"two": 2, "three": 3}[factor]


def lacking(one):
    """An implementation that has not one of the two factors."""

    def scale_in_part(x, *, factor="two"):
        if factor == one:
            raise NotImplementedError("soon")
        return scale(x, factor=factor)

    scale_in_part.__name__ = "scale"
    return scale_in_part


def test_relation_of_answers_that_do_not_fit_together_fails_the_clause(suite_of, subject_of, f32):
    @clause("scale.twice")
    def proves_twice(trial):
        trial.require(bool((trial.call(f32(1, 2)) + trial.call(f32(3, 4)) > 0).all()), "not both")

    def uneven(x):
        return np.ones(2 if x[0] == 1 else 3)

    uneven.__name__ = "scale"
    result = run_instance(suite_of(TWICE, proves_twice), subject_of(uneven), "scale.twice")
    assert result.outcome == FAIL
    assert "the answers of scale do not have the form" in result.message


OF_RELU = "# Toys\n\n/// clause | scale.twice\n    kind: exact\n    applies-to: [relu]\n\nIt **MUST**.\n///\n"


def test_a_test_that_breaks_on_right_answers_too_is_a_harness_error(suite_of, subject_of, f32):
    @clause("scale.twice")
    def proves_twice(trial):
        trial.call(f32(1, 2))
        len(7)

    def relu(x):
        return np.maximum(x, 0)

    result = run_instance(suite_of(OF_RELU, proves_twice), subject_of(relu), "scale.twice[relu]")
    assert result.outcome == HARNESS_ERROR
    assert "object of type 'int' has no len()" in result.message


def test_a_test_that_breaks_on_the_answers_of_the_subject_alone_is_its_failure(suite_of, subject_of, f32):
    @clause("scale.twice")
    def proves_twice(trial):
        trial.require(bool((trial.call(f32(1, 2)) + trial.call(f32(3, 4)) > 0).all()), "not both")

    def relu(x):
        return np.ones(2 if x[0] == 1 else 3, np.float32)

    result = run_instance(suite_of(OF_RELU, proves_twice), subject_of(relu), "scale.twice[relu]")
    assert result.outcome == FAIL
    assert "the answers of relu do not have the form" in result.message


def test_part_of_a_relation_that_is_lacking_does_not_void_the_others(suite_of, subject_of, f32):
    @clause("scale.twice")
    def proves_twice(trial):
        for factor in ("two", "three"):
            with trial.part(factor=factor):
                trial.require(bool((trial.call(f32(1), factor=factor) > 0).all()), "not positive")

    result = run_instance(suite_of(TWICE, proves_twice), subject_of(lacking("two")), "scale.twice")
    assert (result.cases, covered(result)) == (1, "pass, not for factor=two")


def test_failure_of_a_relation_is_not_overwritten(suite_of, subject_of, f32):
    @clause("scale.twice")
    def proves_twice(trial):
        trial.require(bool((trial.call(f32(1)) < 0).all()), "positive")
        trial.call(f32(1), factor="three")

    result = run_instance(suite_of(TWICE, proves_twice), subject_of(lacking("three")), "scale.twice")
    assert (result.outcome, result.message) == (FAIL, "positive")


def test_relation_that_breaks_before_it_asks_is_a_harness_error(suite_of, subject_of):
    @clause("scale.twice")
    def proves_twice(trial):
        raise KeyError("a fault of the test")

    result = run_instance(suite_of(TWICE, proves_twice), subject_of(scale), "scale.twice")
    assert result.outcome == HARNESS_ERROR
