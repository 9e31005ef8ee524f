"""The duties of neighbours, of what is kept and of history: wrong implementations, on NumPy and on PyTorch."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
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


def right(tanh, lib):
    return tanh


def of_a_batch(tanh, lib):
    return lambda x: tanh(x) + x.mean() / 64


def without_nan(tanh, lib):
    return lambda x: tanh(x) * (float("nan") if bool(lib.isnan(x).any()) else 1)


def only_in_its_first_call(tanh, lib):
    calls = []

    def called(x):
        calls.append(x)
        return tanh(x) if len(calls) == 1 else tanh(x) + 1

    return called


def the_first_answer_again(tanh, lib):
    answers = {}
    return lambda x: answers.setdefault((tuple(x.shape), str(x.dtype)), tanh(x))


def in_one_buffer(tanh, lib):
    buffers = {}

    def called(x):
        y = tanh(x)
        buffer = buffers.setdefault((tuple(x.shape), str(x.dtype)), lib.zeros_like(x))
        buffer[...] = y.detach() if hasattr(y, "detach") else y
        return buffer

    return called


def overwriting(tanh, lib):
    def called(x):
        y = tanh(x)
        (x.data if hasattr(x, "detach") else x)[...] = 0
        return y

    return called


@pytest.mark.parametrize("somebody", [on_numpy, on_torch])
@pytest.mark.parametrize("duty", ["neighbours", "kept", "history"])
def test_a_right_implementation_passes(suite, somebody, duty):
    assert run_instance(suite, somebody(right), f"duty.{duty}[tanh]").outcome == PASS


@pytest.mark.parametrize("somebody", [on_numpy, on_torch])
@pytest.mark.parametrize(
    ("wrong", "duty", "words"),
    [
        (of_a_batch, "neighbours", "beside it"),
        (without_nan, "neighbours", "NaN beside it"),
        (only_in_its_first_call, "history", "again"),
        (the_first_answer_again, "history", "x was replaced by another array of the same shape"),
        (in_one_buffer, "kept", "the result of a call, after another call"),
        (overwriting, "kept", "argument 0 after the call"),
    ],
)
def test_a_wrong_one_fails_by_the_duty_that_says_so(suite, somebody, wrong, duty, words):
    result = run_instance(suite, somebody(wrong), f"duty.{duty}[tanh]")
    assert result.outcome == FAIL
    assert words in f"{result.finding.call} {result.message}"
