"""The duty of relations: what a page may declare, and whom it finds."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance import relations
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.engine import run_instance
from nnspec_conformance.outcome import FAIL, NOT_IMPLEMENTED, PASS
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite.duties.test_relations import agree, readings_of
from nnspec_conformance.tolerance import Want
from nnspec_conformance.trial import Trial

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


# ---- several arrays, and readings

LSTM = "duty.relations[lstm_step]"


def lstm_step(x, weights, h, c):
    def gate(name):
        return x @ weights[f"kernel_{name}"] + h @ weights[f"recurrent_kernel_{name}"] + weights[f"bias_{name}"]

    one = x.dtype.type(1)
    i, f, g, o = (np.tanh(gate(n)) if n == "g" else one / (one + np.exp(-gate(n))) for n in "ifgo")
    c = f * c + i * g
    return o * np.tanh(c), c


def lstm(x, weights, h=None, c=None, lengths=None):
    (new, c) = lstm_step(x[:, 0], weights, h, c)
    return new[:, None], new, c


def test_a_relation_of_several_arrays_holds_each_of_them(suite):
    assert run_instance(suite, subject(lstm_step=lstm_step, lstm=lstm), LSTM).outcome == PASS

    def other_cell(x, weights, h, c):
        return lstm_step(x, weights, h, c)[0], np.tanh(lstm_step(x, weights, h, c)[1])

    assert run_instance(suite, subject(lstm_step=other_cell, lstm=lstm), LSTM).outcome == FAIL


def test_an_answer_of_fewer_arrays_is_found(suite):
    found = run_instance(suite, subject(lstm_step=lambda *a: lstm_step(*a)[:1], lstm=lstm), LSTM)
    assert found.outcome == FAIL


def test_expected_values_agree_within_both_tolerances_only():
    """With readings of which one answer does not follow from the other the relation is not asked."""
    want = Want(np.ones(2), np.full(2, 0.25), np.zeros(2), "float64", "bound")
    assert agree(want, np.full(2, 1.5), np.full(2, 1.75), np.full(2, 1.25))
    assert not agree(want, np.full(2, 1.5), np.full(2, 1.625), np.full(2, 1.375))
    assert not agree(want, np.ones(3), np.ones(3), np.ones(3))


def test_the_readings_are_those_that_the_subject_declares(suite):
    declared = {"cross-entropy.clipping[cross_entropy]": ("none", "seven-digits"), "lstm.no-steps": "refused"}
    trial = Trial(subject(VARIANTS=declared), "cross_entropy", Setting({}, {}))
    assert readings_of(trial, "lstm")[0]["no_steps"] == "refused"
    assert readings_of(trial, "lstm")[1] == {}
    keyword = own_spec().clauses["cross-entropy.clipping"].keyword
    trial = Trial(subject(VARIANTS=declared), "cross_entropy", Setting({keyword: "seven-digits"}, {}))
    chosen, told = readings_of(trial, "cross_entropy")
    assert chosen[keyword] == told[keyword] == "seven-digits"
