"""The duty of the second order: wrong ones fail by it on NumPy and on PyTorch, though the gradient itself is right."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.outcome import FAIL, NOT_ASKED, NOT_IMPLEMENTED, PASS
from nnspec_conformance.subject import Subject

SECOND = "duty.second[tanh]"


def curvature(x, c, u):
    y = np.tanh(x)
    return c * u * -2 * y * (1 - y * y), u * (1 - y * y)


def subject(second=curvature, dtypes=("float32", "float64")):
    """Somebody's tanh with gradients by hand."""
    functions = {"tanh": np.tanh, "tanh_vjp": lambda x, c: (c * (1 - np.tanh(x) ** 2),)}
    if second:
        functions["tanh_vjp_vjp"] = lambda x, c, directions: second(x, c, directions[0])
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=dtypes, **functions))


def on_torch(save):
    """Somebody's tanh on PyTorch, whose backward pass uses what ``save`` makes of the result."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from nnspec_conformance.adapters.torch import transport

    class Tanh(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = torch.tanh(x)
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, *cotangents):
            y = save(*ctx.saved_tensors)
            return cotangents[0] * (1 - y * y)

    names = {name: getattr(transport, name) for name in ("asarray", "to_numpy", "vjp")}
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float64",), tanh=Tanh.apply, **names))


def test_a_right_one_passes(suite):
    assert run_instance(suite, subject(), SECOND).outcome == PASS
    assert run_instance(suite, on_torch(lambda x, y: y), SECOND).outcome == PASS


@pytest.mark.parametrize(
    "second",
    [
        lambda x, c, u: (0 * c, curvature(x, c, u)[1]),
        lambda x, c, u: (curvature(x, c, u)[0], 0 * u),
        lambda x, c, u: (curvature(x, np.ones_like(c), u)[0], curvature(x, c, u)[1]),
    ],
)
def test_a_part_that_is_lost_fails(suite, second):
    result = run_instance(suite, subject(second), SECOND)
    assert result.outcome == FAIL
    assert "gradient of the gradient of tanh" in result.finding.call


def test_what_was_saved_as_a_number_fails_on_torch(suite):
    result = run_instance(suite, on_torch(lambda x, y: y.detach()), SECOND)
    assert result.outcome == FAIL


def test_who_has_no_gradient_of_a_gradient_is_not_asked(suite):
    result = run_instance(suite, subject(second=None), SECOND)
    assert (result.outcome, "tanh_vjp_vjp" in result.message) == (NOT_IMPLEMENTED, True)
    assert run_instance(suite, subject(dtypes=("float32",)), SECOND).outcome == NOT_ASKED


@pytest.mark.parametrize(("kept", "outcome"), [(1, PASS), (0, FAIL)])
def test_arrays_that_may_be_left_out_have_a_second_order(suite, oracle, kept, outcome):
    def second(*arrays, **given):
        *inputs, directions = arrays
        told = tuple(d * kept if n else d for n, d in enumerate(directions))
        return oracle.adapter.rms_norm_vjp_vjp(*inputs, told, **given)

    names = {name: getattr(oracle.adapter, name) for name in ("rms_norm", "rms_norm_vjp")}
    somebody = Subject(SimpleNamespace(NAME="s", DTYPES=("float64",), rms_norm_vjp_vjp=second, **names))
    result = run_instance(suite, somebody, "duty.second[rms_norm]")
    assert result.outcome == outcome
