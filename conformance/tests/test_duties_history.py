"""The duties of neighbours, of NaN, of what is kept and of history: wrong implementations, on NumPy and on PyTorch."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.loading import load_subject
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.subject import Subject


def on_numpy(wrap):
    """Somebody's tanh in NumPy, as ``wrap`` makes it of the right one."""
    tanh = wrap(lambda x: np.asarray(np.tanh(x)), np)
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32", "float64"), tanh=tanh))


def on_torch(wrap):
    """The same on PyTorch, with gradients."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from nnspec_conformance.adapters.torch import transport

    names = {name: getattr(transport, name) for name in ("asarray", "to_numpy", "vjp")}
    tanh = wrap(torch.tanh, torch)
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32", "float64"), tanh=tanh, **names))


def right(tanh, library):
    return tanh


# ---- neighbours


def with_gradients(vjp):
    """Somebody's tanh in NumPy whose gradients are what ``vjp`` makes of the right ones."""
    names = {"tanh": lambda x: np.asarray(np.tanh(x)), "tanh_vjp": vjp(lambda x, g: (g * (1 - np.tanh(x) ** 2),))}
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32", "float64"), **names))


def gives_up_for_one_cotangent(vjp):
    return lambda x, g: tuple(dx * (np.nan if np.isnan(g).any() else 1) for dx in vjp(x, g))


def remembered_by(key):
    def wrap(vjp):
        known = {}
        return lambda x, g: known.setdefault(key(x, g), (vjp(x, g), x, g))[0]

    return wrap


def wrong_after_a_refused_gradient(vjp):
    left = [0]

    def called(*arrays):
        left[0] += len(arrays) < 2
        return tuple(dx + left[0] for dx in vjp(*arrays))

    return called


def ends(x):
    return (x.shape, str(x.dtype), *(x.ravel()[[0, -1]].tolist() if x.size else ()))


def with_a_mean(tanh, library):
    return lambda x: tanh(x) + x.mean() / 64


def gives_up_for_one_nan(tanh, library):
    return lambda x: tanh(x) * (float("nan") if bool(library.isnan(x).any()) else 1)


def reads_nan_as_zero(tanh, library):
    return lambda x: tanh(library.where(library.isnan(x), library.zeros_like(x), x))


def by_its_place(tanh, library):
    return lambda x: tanh(x) + library.ones_like(x).cumsum(0) / 64


def of_one_is_special(tanh, library):
    return lambda x: tanh(x) * (2 if len(x) == 1 else 1)


# ---- kept


def in_one_buffer(tanh, library):
    buffers = {}

    def called(x):
        y = tanh(x)
        buffer = buffers.setdefault((tuple(x.shape), str(x.dtype)), library.zeros_like(x))
        buffer[...] = y.detach() if hasattr(y, "detach") else y
        return buffer

    return called


def overwriting(tanh, library):
    def called(x):
        y = tanh(x)
        (x.data if hasattr(x, "detach") else x)[...] = 0
        return y

    return called


# ---- history


def only_in_its_first_call(tanh, library):
    calls = []

    def called(x):
        calls.append(x)
        return tanh(x) if len(calls) == 1 else tanh(x) + 1

    return called


def the_first_answer_again(tanh, library):
    answers = {}
    return lambda x: answers.setdefault((tuple(x.shape), str(x.dtype)), tanh(x))


def the_answer_to_this_array_again(tanh, library):
    answers = {}
    return lambda x: answers.setdefault(id(x), (x, tanh(x)))[1]


def wrong_after_a_refusal(tanh, library):
    left = [0]

    def called(*arrays):
        left[0] += not arrays
        return tanh(*arrays) + left[0]

    return called


@pytest.mark.parametrize("somebody", [on_numpy, on_torch])
@pytest.mark.parametrize("duty", ["neighbours", "nan", "kept", "history"])
def test_a_right_implementation_passes(suite, somebody, duty):
    assert run_instance(suite, somebody(right), f"duty.{duty}[tanh]").outcome == PASS


@pytest.mark.parametrize("somebody", [on_numpy, on_torch])
@pytest.mark.parametrize(
    ("wrong", "duty", "words"),
    [
        (with_a_mean, "neighbours", "beside it"),
        (gives_up_for_one_nan, "neighbours", "NaN beside it"),
        (by_its_place, "neighbours", "the examples one place further"),
        (of_one_is_special, "neighbours", "a single example of 5"),
        (reads_nan_as_zero, "nan", "NaN in x"),
        (in_one_buffer, "kept", "the result of a call, after another call"),
        (overwriting, "kept", "tanh changes x in place"),
        (only_in_its_first_call, "history", "again"),
        (the_first_answer_again, "history", "x was replaced by another array of the same shape"),
        (the_answer_to_this_array_again, "history", "changed in place"),
        (wrong_after_a_refusal, "history", "after a call that is refused"),
    ],
)
def test_a_wrong_one_fails_by_the_duty_that_says_so(suite, somebody, wrong, duty, words):
    result = run_instance(suite, somebody(wrong), f"duty.{duty}[tanh]")
    assert result.outcome == FAIL
    assert words in f"{result.finding.call} {result.message}"


@pytest.mark.parametrize(
    ("wrong", "duty", "words"),
    [
        (lambda vjp: vjp, "history", None),
        (lambda vjp: vjp, "neighbours", None),
        (gives_up_for_one_cotangent, "neighbours", "NaN beside it, in the cotangents"),
        (remembered_by(lambda x, g: (*ends(x), g.tobytes())), "history", "x was replaced by another array of"),
        (remembered_by(lambda x, g: (x.tobytes(), *ends(g))), "history", "the array of cotangents was replaced by"),
        (remembered_by(lambda x, g: (id(x), id(g))), "history", "changed in place"),
        (wrong_after_a_refused_gradient, "history", "after a gradient that is refused"),
    ],
)
def test_a_wrong_gradient_fails_by_the_duty_that_says_so(suite, wrong, duty, words):
    result = run_instance(suite, with_gradients(wrong), f"duty.{duty}[tanh]")
    assert result.outcome == (FAIL if words else PASS)
    assert not words or words in f"{result.finding.call} {result.message}"


def test_arrays_that_cannot_be_written_to_are_not_changed_in_place(suite):
    def locked(x):
        x = np.array(x)
        x.flags.writeable = False
        return x

    names = {"asarray": locked, "to_numpy": np.asarray}
    somebody = Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), tanh=np.tanh, **names))
    result = run_instance(suite, somebody, "duty.history[tanh]")
    assert (result.outcome, "for arrays that are changed in place" in result.not_run) == (PASS, True)


@pytest.mark.parametrize(("term", "outcome"), [("0", PASS), ("os.getpid() % 1000 + 1", FAIL)])
def test_a_fresh_process_has_to_give_the_same_answer(suite, adapter, term, outcome):
    path = adapter(f"import os\n\ndef tanh(x):\n    return np.tanh(x) + x.dtype.type({term})\n")
    result = run_instance(suite, load_subject(str(path), slow=True), "duty.history[tanh]")
    assert result.outcome == outcome
    assert outcome == PASS or "as in a fresh process" in result.finding.call


def test_a_subject_without_a_file_is_not_asked_in_a_fresh_process(suite):
    somebody = on_numpy(right)
    somebody.slow = True
    result = run_instance(suite, somebody, "duty.history[tanh]")
    assert (result.outcome, any("a fresh process" in words for words in result.not_run)) == (PASS, True)
