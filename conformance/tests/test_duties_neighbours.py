"""The duty of neighbours: who looks at the other examples fails by it, on NumPy and on PyTorch."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.subject import Subject

DUTY = "duty.neighbours[tanh]"


def on_numpy(wrap):
    """Somebody's tanh in NumPy, as ``wrap`` makes it of the right one."""
    tanh = wrap(np.tanh, np)
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


def with_a_mean(tanh, library):
    return lambda x: tanh(x) + x.mean() / 64


def gives_up_for_one_nan(tanh, library):
    return lambda x: tanh(x) * (float("nan") if bool(library.isnan(x).any()) else 1)


def by_its_place(tanh, library):
    return lambda x: tanh(x) + library.ones_like(x).cumsum(0) / 64


def of_one_is_special(tanh, library):
    return lambda x: tanh(x) * (2 if len(x) == 1 else 1)


@pytest.mark.parametrize("somebody", [on_numpy, on_torch])
def test_a_right_implementation_passes(suite, somebody):
    assert run_instance(suite, somebody(right), DUTY).outcome == PASS


@pytest.mark.parametrize("somebody", [on_numpy, on_torch])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (with_a_mean, "beside it"),
        (gives_up_for_one_nan, "NaN beside it"),
        (by_its_place, "the examples one place further"),
        (of_one_is_special, "a single example of 5"),
    ],
)
def test_a_wrong_one_fails_and_says_beside_what(suite, somebody, wrong, words):
    result = run_instance(suite, somebody(wrong), DUTY)
    assert result.outcome == FAIL
    assert words in result.finding.call
