"""What any operation must refuse: which calls are asked, and that wrong implementations fail with words that help."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.adapters.numpy_oracle.checked import _shape
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.engine import run_instance
from nnspec_conformance.fitting import can_broadcast, misfit
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.refusals import of_choices, of_keywords, of_names, of_shapes
from nnspec_conformance.subject import Subject

OPERATIONS = own_spec().operations
ONE_BIAS = {"one_bias": "broadcast"}
LAYERS = {"kernel_0": (3, 4), "bias_0": (4,), "kernel_1": (4, 2), "bias_1": (2,)}


def readings_of(name):
    return {a.name: a.values[0] for a in OPERATIONS[name].attributes if a.readings}


# ---- what fits
@pytest.mark.parametrize(
    ("name", "shapes", "given", "told"),
    [
        ("dense", ((5, 3), (3, 4), (4,)), {}, ""),
        ("dense", ((3,), (3, 4), (4,)), {}, ""),
        ("dense", ((5, 3), (3, 4), (1,)), {}, "bias has shape [1], in which out is 1, elsewhere 4"),
        ("dense", ((5, 3), (3, 4), (1,)), ONE_BIAS, ""),
        ("dense", ((5, 3), (3, 1), (4,)), ONE_BIAS, "bias has shape [4], in which out is 4, elsewhere 1"),
        ("dense", ((5, 3), (3, 4), (2,)), ONE_BIAS, "bias has shape [2], in which out is 2, elsewhere 4"),
        ("dense", ((5, 3), (3, 4), (1, 4)), ONE_BIAS, "bias has shape [1, 4], expected the axes [out]"),
        ("dense", ((5, 3), (3, 4), (1, 4)), {}, "bias has shape [1, 4], expected the axes [out]"),
        ("dense", ((5, 3), (3, 4)), {}, "dense takes x, kernel, bias, got 2 arrays"),
        ("mlp", ((5, 3), LAYERS), {}, ""),
        ("mlp", ((5, 3), LAYERS | {"kernel_7": (2, 2)}), {}, "weights lacks nothing and has kernel_7 more"),
        ("mlp", ((5, 3), {"kernel_0": (3, 4)}), {}, "weights lacks bias_0 and has nothing more"),
        ("mlp", ((5, 3), (3, 4)), {}, "weights is no table"),
        ("lstm_native", ((2, 6, 3), {"kernel": (20, 3), "recurrent_kernel": (20, 5), "bias": (5,)}),
         {"packing": "rows-ifgo"}, "bias has length 5 where 4*hidden is 20"),
        ("squared_error", ((5,), (5,)), {}, ""),
        ("squared_error", ((5,), (5,), None), {}, ""),
        ("squared_error", ((5,), (5, 1)), {}, "target has shape [5, 1], in which *batch is (5, 1), elsewhere (5,)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(name, shapes, given, told):
    assert misfit(OPERATIONS[name], shapes, given) == told


def test_an_axis_that_nobody_else_has_may_be_several():
    table = {"kernel": (3, 4), "bias": (4,)}
    assert misfit(OPERATIONS["dense_native"], ((1, 5, 3), table)) != ""
    assert misfit(OPERATIONS["dense_native"], ((1, 5, 3), table), lenient=True) == ""


def test_who_could_broadcast():
    asked = {name: can_broadcast(OPERATIONS[name]) for name in ("relu", "dense", "neuron", "embedding_lookup")}
    assert asked == {"relu": False, "dense": True, "neuron": True, "embedding_lookup": False}


# ---- what is asked
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_what_is_asked_does_not_fit_and_stands_beside_what_does(name):
    operation, readings = OPERATIONS[name], readings_of(name)
    for broadcasting in (False, True):
        for case in of_shapes(name, readings, broadcasting=broadcasting):
            if case.bad.what == "call":
                right, wrong = (tuple(map(_shape, c.arrays)) for c in (case.valid, case.bad))
                given = case.valid.attributes | readings
                assert misfit(operation, wrong, given), case.note
                assert not misfit(operation, right, given), case.note


def test_the_questions_about_dense_are_these():
    asked = [case.note for case in of_shapes("dense", {}, broadcasting=True)]
    assert asked[:2] == ["x with length one along axis 1", "x with one axis more at the end"]
    assert asked[-3:] == [
        "bias with length one along axis 0", "bias with one axis more in front", "bias with one axis more at the end"
    ]  # fmt: skip
    assert len(asked) == 9


def test_a_reading_spares_one_array_and_length_one_only():
    refused, spared = (
        [case.note for case in of_shapes("dense", {"one_bias": reading}, broadcasting=True)]
        for reading in ("refused", "broadcast")
    )
    assert [note for note in refused if note not in spared] == ["bias with length one along axis 0"]
    assert set(spared) < set(refused)


def test_names_of_a_network_are_left_out_misspelt_and_added():
    assert [case.note for case in of_names("mlp", {})] == [
        "weights without kernel_2",
        "weights without bias_2",
        "weights with kernels_2 for kernel_2",
        "weights with biass_2 for bias_2",
        "weights with kernel_7, beyond the last layer",
        "weights with kernel_7 and bias_7, beyond the last layer",
    ]


def test_of_many_names_the_first_and_the_last_are_misspelt_in_the_lean_plan():
    asked = [case.note for case in of_names("elman_step", {}, lean=True) if " for " in case.note]
    assert asked == ["weights with kernels for kernel", "weights with biass for bias"]
    assert len([case for case in of_names("elman_step", {}) if " for " in case.note]) == 3


def test_a_name_that_begins_with_an_index_is_not_taken_for_another():
    asked = [case.note for case in of_names("bidirectional", {}) if "without" in case.note]
    assert asked == [f"weights without forward_{name}" for name in ("kernel", "recurrent_kernel", "bias")]


def test_only_choices_that_are_handed_on_are_asked():
    asked = {tuple(case.bad.attributes) for case in of_choices("backpropagation", {})}
    words = [case.bad.attributes["activation"] for case in of_choices("neuron", {})]
    assert asked == {("activation", "loss")}
    assert words[:3] == ["", "TANH", "relu6"]
    assert "softmax" in words


def test_a_keyword_is_asked_unknown_and_misspelt():
    assert [list(case.bad.attributes)[-1] for case in of_keywords("elu", {})] == ["no_such_keyword", "alpha"[:-1]]


# ---- wrong implementations, on NumPy and on PyTorch
def numpy_subject(**functions):
    return Subject(SimpleNamespace(NAME="somebody", **functions))


def torch_subject(**functions):
    pytest.importorskip("torch")
    from nnspec_conformance.adapters.torch import transport

    given = {name: getattr(transport, name) for name in ("asarray", "to_numpy", "vjp")}
    return Subject(SimpleNamespace(NAME="somebody", **given, **functions))


def by_name(library, names):
    """A network that looks its activation up."""

    def mlp(x, weights, *, activation):
        phi = getattr(library, activation)
        for i in range(names(weights)):
            x = x @ weights[f"kernel_{i}"] + weights[f"bias_{i}"]
            x = phi(x) if i < names(weights) - 1 else x
        return x

    return mlp


def contiguous(weights):
    return next(i for i in range(len(weights) + 1) if f"kernel_{i}" not in weights)


def elu_of_any_keyword(x, alpha=1.0, **_):
    if isinstance(x, np.ndarray):
        return ORACLE.elu(x, alpha=alpha)
    import torch

    return torch.nn.functional.elu(x, alpha)


WRONG = [
    ("duty.broadcasting[dense]", "dense", lambda x, kernel, bias: x @ kernel + bias, "kernel with length one"),
    ("duty.refusals[elu]", "elu", elu_of_any_keyword, "unknown keyword no_such_keyword"),
]


@pytest.mark.parametrize("make", [numpy_subject, torch_subject])
@pytest.mark.parametrize(("instance", "name", "function", "told"), WRONG)
def test_wrong_implementations_fail_by_the_duty_that_says_so(suite, make, instance, name, function, told):
    result = run_instance(suite, make(**{name: function}), instance)
    assert result.outcome == FAIL
    assert "accepted what it must refuse" in result.message
    assert told in result.message


@pytest.mark.parametrize(
    ("make", "library", "word"), [(numpy_subject, "numpy", "sinh"), (torch_subject, "torch.nn.functional", "relu6")]
)
def test_a_network_that_looks_names_up_fails_by_names_and_choices(suite, make, library, word, monkeypatch):
    module = pytest.importorskip(library)
    monkeypatch.setattr("nnspec_conformance.refusals.ELSEWHERE", (word,))
    who = make(mlp=by_name(module, contiguous))
    choices = run_instance(suite, who, "duty.choices[mlp]")
    names = run_instance(suite, who, "duty.names[mlp]")
    assert (choices.outcome, choices.message) == (FAIL, f"accepted what it must refuse (activation '{word}')")
    assert (names.outcome, names.message) == (FAIL, "accepted what it must refuse (weights without kernel_2)")


def test_what_says_that_it_has_no_such_keyword_refuses_it(suite):
    def relu(x, **given):
        if given:
            raise NotImplementedError(f"no {', '.join(given)}")
        return np.maximum(x, x.dtype.type(0))

    assert run_instance(suite, numpy_subject(relu=relu), "duty.refusals[relu]").outcome == PASS
