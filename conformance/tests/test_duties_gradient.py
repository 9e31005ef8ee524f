"""The duties of the gradient: wrong backward passes fail by the duty that says so, on NumPy and on PyTorch."""

from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from nnspec_conformance import answers, beside
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.compare import compare
from nnspec_conformance.differences import STEP, shares
from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import ClauseFailed
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.mutants.duties import gradient
from nnspec_conformance.operations import Place
from nnspec_conformance.outcome import FAIL, NOT_ASKED, NOT_IMPLEMENTED, PASS
from nnspec_conformance.subject import Subject

GRADIENT, LINEAR = "duty.gradient[tanh]", "duty.linear[tanh]"


def subject(call=np.tanh, slope=lambda x: 1 - np.tanh(x) ** 2, weigh=lambda g: g, dtypes=("float32", "float64")):
    """Somebody's tanh, whose backward pass multiplies ``slope(x)`` with ``weigh(cotangents)``."""
    functions = {"tanh": call, "tanh_vjp": lambda x, g: ((weigh(g) * slope(x)).astype(x.dtype),)}
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=dtypes, **functions))


def on_torch(weigh):
    """The same on PyTorch, as an autograd function of its own."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from nnspec_conformance.adapters.torch import transport

    class Tanh(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = torch.tanh(x)
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, *cotangents):
            (y,) = ctx.saved_tensors
            return weigh(cotangents[0]) * (1 - y * y)

    names = {name: getattr(transport, name) for name in ("asarray", "to_numpy", "vjp")}
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32", "float64"), tanh=Tanh.apply, **names))


# ---- the answer that comes with a gradient
def recording(shift):
    """The oracle's dense layer with a recorded gradient, where ``shift`` is made of the answer."""
    changes = {**vars(ORACLE), **gradient.recording("dense", shift)}
    return Subject(SimpleNamespace(**changes | {"NAME": "somebody", "DTYPES": ("float32", "float64")}))


def test_the_answer_that_comes_with_a_gradient_is_that_of_the_call(suite):
    """A recorded gradient passes as it is, and fails with another answer by that answer alone."""
    assert run_instance(suite, recording(lambda y: y), "duty.gradient[dense]").outcome == PASS
    result = run_instance(suite, recording(lambda y: y + 1e-12), "duty.gradient[dense]")
    assert result.outcome == FAIL
    assert "the answer that comes with the gradient" in result.finding.call


def test_a_table_and_a_tuple_of_answers_come_with_a_gradient():
    like = ({"b": np.ones(2), "a": np.ones(3)}, 7, np.ones(1))
    assert beside.parts_of(({"a": "second", "b": "first"}, 7, "third"), like) == ["first", "second", "third"]


# ---- the gradient is that of the call
def test_a_right_gradient_passes(suite):
    assert run_instance(suite, subject(), GRADIENT).outcome == PASS


def test_the_gradient_of_another_function_fails_and_says_along_what(suite):
    result = run_instance(suite, subject(slope=lambda x: 1.001 - np.tanh(x) ** 2), GRADIENT)
    assert result.outcome == FAIL
    assert "along a random direction" in result.finding.call


def test_a_gradient_that_is_cut_off_at_large_inputs_fails(suite):
    cut = subject(slope=lambda x: np.where(np.abs(x) > 3, 0, 1 - np.tanh(x) ** 2))
    assert run_instance(suite, cut, GRADIENT).outcome == FAIL


def test_numbers_beside_a_kink_are_drawn_anew(suite):
    (drawn,) = Home(own_spec().operations["tanh"], {}).arrays("float64")
    kink = drawn[0] + STEP / 3

    def call(x):
        return np.tanh(x) + np.abs(x - kink)

    kinked = subject(call, lambda x: 1 - np.tanh(x) ** 2 + np.sign(x - kink))
    assert run_instance(suite, kinked, GRADIENT).outcome == PASS


def test_a_call_that_is_too_coarse_for_differences_counts_as_not_asked(suite):
    coarse = subject(lambda x: np.tanh(x.astype(np.float32)).astype(x.dtype))
    result = run_instance(suite, coarse, GRADIENT)
    assert (result.outcome, "where its differences settle" in result.message) == (NOT_IMPLEMENTED, True)


def test_without_float64_it_is_not_asked(suite):
    assert run_instance(suite, subject(dtypes=("float32",)), GRADIENT).outcome == NOT_ASKED


# ---- the gradient is linear in the cotangent
def test_a_linear_gradient_passes(suite):
    assert run_instance(suite, subject(), LINEAR).outcome == PASS
    assert run_instance(suite, on_torch(lambda g: g), LINEAR).outcome == PASS


@pytest.mark.parametrize("somebody", [subject, on_torch])
def test_a_backward_pass_that_is_right_for_positive_cotangents_alone_fails(suite, somebody):
    result = run_instance(suite, somebody(weigh=abs), LINEAR)
    assert result.outcome == FAIL
    assert "the cotangents times -1" in result.finding.call


def test_cotangents_that_are_rounded_fail_by_the_sum_of_two(suite):
    result = run_instance(suite, subject(weigh=lambda g: g.astype(ml_dtypes.bfloat16)), LINEAR)
    assert result.outcome == FAIL
    assert "with others added to them" in result.finding.call


# ---- answers related to each other
def test_gradients_of_a_table_are_found_by_name():
    arrays = (np.ones(2), np.arange(2), {"b": np.ones(3), "a": np.ones(1)})
    gradients = (np.zeros(2), {"a": np.ones(1), "b": np.full(3, 2.0)})
    found = answers.by_place(arrays, gradients)
    assert list(found) == [Place(0, None), Place(2, "b"), Place(2, "a")]
    assert found[Place(2, "b")][0] == 2
    with pytest.raises(ClauseFailed, match="1 gradients, expected one for each of 2"):
        answers.by_place(arrays, gradients[:1])


def test_a_multiple_is_exact_but_where_numbers_leave_the_normal_ones():
    before = np.array([0.75, 1e-37], np.float32)
    want = answers.multiple(before, 2.0**-20, 1e-31)
    assert compare(np.array([0.75 * 2.0**-20, 0], np.float32), want).ratio < 1
    assert compare(np.array([0.75 * 2.0**-20 * (1 + 2.0**-20), 0], np.float32), want).ratio > 1


def test_nestings_are_paired_by_name():
    first, second = {"a": np.array(1.0), "b": (np.array(2.0), None)}, {"b": (np.array(4.0), None), "a": np.array(3.0)}
    assert [(float(x), float(y)) for x, y in answers.pairs(first, second)] == [(1, 3), (2, 4)]
    assert answers.each_with(first, second, np.add)["b"][0] == 6


def test_near_is_measured_on_the_largest_entry():
    want = answers.near(np.array([1.0, 100.0], np.float32), 16)
    assert compare(np.array([1.00001, 100.0], np.float32), want).ratio < 1
    assert compare(np.array([1.001, 100.0], np.float32), want).ratio > 1


# ---- many arrays, in the lean plan
def compiling(changed=""):
    """The oracle's stack of encoders as somebody's who compiles; one gradient is doubled."""

    def vjp(*operands, **given):
        x, table, *rest = ORACLE.encoder_vjp(*operands, **given)
        return x, {name: g * (1 + (name == changed)) for name, g in table.items()}, *rest

    functions = {"encoder": ORACLE.encoder, "encoder_vjp": vjp}
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32", "float64"), COMPILES=True, **functions))


def test_many_arrays_of_a_subject_that_compiles_move_in_eight_shares():
    places = [Place(1, str(n)) for n in range(33)]
    found = shares(places, lean=True)
    assert sorted(map(len, found)) == [4] * 7 + [5]
    assert sorted(place for share in found for place in share) == sorted(places)
    assert shares(places, lean=False) == shares(places[:8], lean=True) + [[place] for place in places[8:]]


def test_one_wrong_gradient_among_many_arrays_fails_with_its_share(suite):
    assert run_instance(suite, compiling(), "duty.gradient[encoder]").outcome == PASS
    wrong = run_instance(suite, compiling("bias_in_1"), "duty.gradient[encoder]")
    assert wrong.outcome == FAIL
    (found,) = [entry.finding for entry in wrong.entries if entry.failed]
    assert found.call.endswith("of 'bias_k_0' and 'bias_o_0' and 'bias_in_1' and 'shift_2_0'")
