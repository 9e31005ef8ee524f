"""The contract, proven on an operation of every form: NumPy, stock JAX and PyTorch pass, wrong ones are caught."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nnspec_conformance import steppers
from nnspec_conformance.clauses import load_spec
from nnspec_conformance.engine import run_instance, validate
from nnspec_conformance.loading import load_subject
from nnspec_conformance.mutation import LEAST_POWER, kill, made_once, reading_pairs
from nnspec_conformance.outcome import KNOWN, PASS, VARIANT
from nnspec_conformance.suite_loader import Suite
from nnspec_conformance.vectors import Recorder, replay
from nnspec_conformance.vectors import load as load_vectors

HERE = Path(__file__).parent
SPEC = load_spec(HERE / "spec")


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def apart():
    """The examples' optimizers have the names of the specification's, and the suite must not meet them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steppers, "_DECLARED", {})
        yield


@pytest.fixture(scope="module")
def forms():
    made = Suite(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(HERE), *sys.path])
        for path in sorted((HERE / "suite").glob("*.py")):
            made.add(load(path))
    for tests in made.tests.values():  # cases are made once for all subjects and mutants
        tests[:] = [
            test if "trial" in test.wants else replace(test, function=made_once(test.function)) for test in tests
        ]
    return made


@pytest.fixture(scope="module", params=["on_numpy", "on_jax", "on_torch"])
def subject(request):
    if request.param == "on_torch":
        pytest.importorskip("torch", reason="PyTorch is not installed; pip install torch runs its part of these tests")
    return load_subject(str(HERE / "adapters" / f"{request.param}.py"))


def test_recorded_questions_of_every_form_replay(forms, subject, tmp_path):
    recorder = Recorder()
    for instance in forms.instances:
        run_instance(forms, subject, instance, record=recorder)
    recorder.write(tmp_path)
    cases = load_vectors(tmp_path, SPEC)
    assert {"lstm", "cosine_decay", "momentum"} <= {recorded.case.operation for recorded in cases}
    assert {item.outcome for item in replay(cases, subject, SPEC)} == {"pass"}


def test_every_clause_has_a_test(forms):
    assert set(forms.tests) == set(SPEC.clauses)


@pytest.mark.parametrize("instance", list(SPEC.instances()))
def test_holds(forms, subject, instance):
    validate(forms, subject)
    result = run_instance(forms, subject, instance)
    assert result.outcome in (PASS, VARIANT, KNOWN), f"{result.message} {result.finding}"


@pytest.fixture(scope="module")
def keras_subject():
    return load_subject(str(HERE / "adapters" / "on_keras.py"))


@pytest.mark.parametrize(
    "instance", [name for name, (_, operation) in SPEC.instances().items() if operation == "momentum"]
)
def test_momentum_holds_on_keras(forms, keras_subject, instance):
    test_holds(forms, keras_subject, instance)


WRITTEN = load(HERE / "mutants.py").MUTANTS
MUTANTS = [(instance, mutant) for mutant in WRITTEN for instance in mutant.catches] + [
    (instance, mutant)
    for instance, (clause, operation) in SPEC.instances().items()
    if clause.kind == "default" or isinstance(WRITTEN.base.VARIANTS.get(instance), tuple)  # where both can be done
    for mutant in reading_pairs(clause, operation, WRITTEN.base)
]


@pytest.mark.parametrize(("instance", "mutant"), MUTANTS, ids=lambda value: getattr(value, "name", value))
def test_catches(forms, instance, mutant):
    found = kill(forms, instance, mutant)
    assert found.caught, f"{mutant.name} passes"
    assert found.distance > LEAST_POWER, f"caught by a hair: {found.distance} tolerances"


def test_every_clause_catches_a_mutant():
    assert {instance for instance, _ in MUTANTS} == set(SPEC.instances())
