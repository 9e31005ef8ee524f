"""PyTorch behind its compiler: programs are compiled, and what PyTorch answers for by itself is not asked again."""

from __future__ import annotations

import importlib.util
import shutil

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.loading import load_subject
from nnspec_conformance.outcome import FAIL, NOT_IMPLEMENTED, PASS
from nnspec_conformance.suite_loader import load_suite

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed", allow_module_level=True)
HAS_A_COMPILER = shutil.which("g++") or shutil.which("clang++")
compiles = pytest.mark.skipif(not HAS_A_COMPILER, reason="torch.compile needs a C++ compiler")
X = np.linspace(-3, 3, 7, dtype=np.float32)


@pytest.fixture(scope="module")
def subject():
    return load_subject("torch_compiled")


@pytest.fixture
def compiled(monkeypatch):
    """What was handed to PyTorch's compiler; the compiler itself takes seconds, and hands it back as it is."""
    import torch

    found = []

    def taken(function, **options):
        found.append(options)
        return function

    monkeypatch.setattr(torch, "compile", taken)
    return found


def test_call_by_itself_is_not_asked(subject, compiled):
    result = run_instance(load_suite(), subject, "activation.gradient[relu]")
    assert (result.outcome, compiled) == (NOT_IMPLEMENTED, [])


def test_program_is_compiled_for_its_shapes(subject, compiled):
    result = run_instance(load_suite(), subject, "duty.programs[relu]")
    assert (result.outcome, set(map(str, compiled))) == (PASS, {"{'dynamic': False}"})


def test_operation_whose_fused_form_differs_is_compiled_by_itself(subject, compiled):
    from nnspec_conformance.adapters import torch_compiled
    from nnspec_conformance.adapters.torch_compiled.compiler import alone

    function = alone(subject.adapter.relu.__wrapped__)
    assert [subject._to_numpy(function(subject._asarray(X))).shape for _ in range(2)] == [X.shape] * 2
    assert compiled == [{"dynamic": True}]  # once
    assert {"softmax", "log_softmax"} <= set(torch_compiled.ALONE)


def test_program_that_loses_a_product_fails(subject, monkeypatch):
    monkeypatch.setitem(subject.adapter.STEPS, "scale", lambda x, by: x)
    monkeypatch.setattr(subject.adapter, "compile", lambda program: program)
    monkeypatch.setattr(subject.adapter, "relu", load_subject("torch").adapter.relu)
    assert run_instance(load_suite(), subject, "duty.programs[relu]").outcome == FAIL


def test_what_is_taken_back_is_said_by_pytorch(subject):
    from nnspec_conformance.adapters import torch_compiled

    taken_back = {key for key, value in torch_compiled.KNOWN_FAILURES.items() if value is torch_compiled.RIGHT}
    assert taken_back <= load_subject("torch").known_failures.keys()


@pytest.mark.parametrize("nested", [False, True])
def test_a_graph_of_the_gradients_is_made_for_a_second_derivative_alone(subject, nested):
    x = subject._asarray(X).requires_grad_(nested)
    (slope,) = subject.adapter.vjp(lambda x: x * x * x, (x,), subject._asarray(np.ones_like(X)))
    assert slope.requires_grad == nested
    np.testing.assert_allclose(slope.detach(), 3 * X * X)


def test_nothing_falls_back_to_calls_without_the_compiler(subject):
    import torch._dynamo.config as config

    assert subject.compiles
    assert min(config.recompile_limit, config.accumulated_recompile_limit) > 10**5


@compiles
def test_compiled_program_is_right(subject):
    from nnspec_conformance.programs import CALL, Chains, Step, values

    program = Chains(((Step("scale", 0.5), CALL),), 1)
    ((got,),) = values(subject, "relu", program, [(X,)], {})
    np.testing.assert_array_equal(got, np.maximum(X / 2, 0))


@compiles
def test_gradients_of_compiled_programs_may_write_in_place(subject):
    assert run_instance(load_suite(), subject, "duty.programs[log_softmax]").outcome == PASS
