"""The duty of diverged networks: a backward pass that hides NaN fails by it, on NumPy and on PyTorch."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.subject import Subject

TANH, DENSE = "duty.diverged[tanh]", "duty.diverged[dense]"


def cleaned(x):
    return np.nan_to_num(x, nan=0.0).astype(x.dtype)


def subject(vjp, operation="dense"):
    functions = {operation: getattr(ORACLE, operation), f"{operation}_vjp": vjp}
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), **functions))


def on_torch(weigh):
    """Somebody's tanh on PyTorch, whose backward pass multiplies with ``weigh(cotangents)``."""
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
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), tanh=Tanh.apply, **names))


def test_cotangents_that_are_cleaned_fail_on_numpy_and_on_torch(suite):
    def clean(x, g):
        return ORACLE.tanh_vjp(x, cleaned(g))

    assert run_instance(suite, subject(ORACLE.tanh_vjp, "tanh"), TANH).outcome == PASS
    result = run_instance(suite, subject(clean, "tanh"), TANH)
    assert (result.outcome, "NaN in all cotangents" in result.finding.call) == (FAIL, True)
    assert run_instance(suite, on_torch(lambda g: g), TANH).outcome == PASS
    assert run_instance(suite, on_torch(lambda g: g.nan_to_num(0.0)), TANH).outcome == FAIL


def test_a_gradient_for_the_weights_that_hides_the_nan_of_the_data_fails(suite):
    def hides(x, kernel, bias, g):
        _, of_kernel, of_bias = ORACLE.dense_vjp(cleaned(x), kernel, bias, g)
        return ORACLE.dense_vjp(x, kernel, bias, g)[0], of_kernel, of_bias

    assert run_instance(suite, subject(ORACLE.dense_vjp), DENSE).outcome == PASS
    result = run_instance(suite, subject(hides), DENSE)
    assert (result.outcome, "NaN in x" in result.finding.call) == (FAIL, True)
