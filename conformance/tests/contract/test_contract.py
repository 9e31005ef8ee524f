"""The contract, proven on an operation of every form: NumPy, stock JAX and PyTorch pass, wrong ones are caught."""

import importlib.util
import sys
from pathlib import Path

import pytest

from nnspec_conformance.clauses import load_spec
from nnspec_conformance.engine import run_instance, validate
from nnspec_conformance.loading import load_subject
from nnspec_conformance.outcome import FAIL, PASS, VARIANT
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite

HERE = Path(__file__).parent
SPEC = load_spec(HERE / "spec")


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def forms():
    made = Suite(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(HERE / "suite"), *sys.path])
        for name in ("maps", "steps"):
            made.add(load(HERE / "suite" / f"{name}.py"))
    return made


@pytest.fixture(scope="module", params=["on_numpy", "on_jax", "on_torch"])
def subject(request):
    if request.param == "on_torch":
        pytest.importorskip("torch", reason="PyTorch is not installed; pip install torch runs its third of these tests")
    return load_subject(str(HERE / "adapters" / f"{request.param}.py"))


def test_every_clause_has_a_test(forms):
    assert set(forms.tests) == set(SPEC.clauses)


@pytest.mark.parametrize("instance", list(SPEC.clauses))
def test_holds(forms, subject, instance):
    validate(forms, subject)
    result = run_instance(forms, subject, instance)
    assert result.outcome in (PASS, VARIANT), f"{result.message} {result.finding}"


MUTANTS = load(HERE / "mutants.py").mutants(load(HERE / "adapters" / "on_numpy.py"))


@pytest.mark.parametrize(("instance", "mutant"), MUTANTS, ids=lambda value: getattr(value, "NAME", value))
def test_catches(forms, instance, mutant):
    result = run_instance(forms, Subject(mutant), instance)
    assert result.outcome == FAIL, result.message
    assert result.ratio > 10, f"caught by a hair: {result.ratio} tolerances"


def test_every_clause_catches_a_mutant():
    assert {instance for instance, _ in MUTANTS} == set(SPEC.clauses)
