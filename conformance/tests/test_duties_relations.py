"""The duty of relations: what a page may declare, and whom it finds."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance import relations
from nnspec_conformance.engine import run_instance
from nnspec_conformance.outcome import FAIL, NOT_IMPLEMENTED, PASS
from nnspec_conformance.subject import Subject

DENSE = "duty.relations[dense]"


def dense(x, kernel, bias):
    return x @ kernel + bias


def subject(**functions):
    """Somebody's dense layer, and perhaps somebody's network."""
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32", "float64"), dense=dense, **functions))


def network(last):
    def mlp(x, weights, *, activation):
        return last(dense(x, weights["kernel_0"], weights["bias_0"]))

    return mlp


def test_a_right_one_passes(suite):
    assert run_instance(suite, subject(mlp=network(lambda z: z)), DENSE).outcome == PASS


def test_a_network_that_activates_its_only_layer_is_no_dense_layer(suite):
    assert run_instance(suite, subject(mlp=network(np.tanh)), DENSE).outcome == FAIL


def test_who_has_no_other_operation_is_not_asked(suite):
    assert run_instance(suite, subject(), DENSE).outcome == NOT_IMPLEMENTED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("exp(", "is no expression"),
        ("exp(x)", "calls 0 operations"),
        ("softmax(tanh(x))", "calls 2 operations"),
    ],
)
def test_what_calls_not_one_operation_is_refused(text, problem):
    with pytest.raises(ValueError, match=problem):
        relations.called(text)


@pytest.mark.parametrize(
    ("text", "problem"), [("softmax(y)", "'y' is no array or keyword"), ("softmax(x + x)", "nothing that a relation")]
)
def test_what_a_relation_cannot_hold_is_refused(text, problem):
    with pytest.raises(ValueError, match=problem):
        relations.call(text, {"x": np.ones(3)})
