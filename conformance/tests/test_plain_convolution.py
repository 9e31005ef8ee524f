"""The reference's plain convolutions answer to the same clauses as its fused ones, which `nnspec check` asks."""

from types import SimpleNamespace

import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.loading import load_subject
from nnspec_conformance.subject import Subject

OPERATIONS = ("convolution_1d", "convolution_2d")


def plain(operation):
    """An operation of the reference's adapter, told the implementation."""
    adapter = load_subject("reference").adapter

    def call(*arrays, **given):
        return getattr(adapter, operation)(*arrays, **given, implementation="plain")

    return call


@pytest.fixture(scope="module")
def subject():
    adapter = load_subject("reference").adapter
    kept = ("NAME", "DTYPES", "COMPILES", "asarray", "to_numpy", "vjp", "context")
    parts = {name: getattr(adapter, name) for name in kept}
    shapes = {f"{name}_shape": getattr(adapter, f"{name}_shape") for name in OPERATIONS}
    return Subject(SimpleNamespace(**parts, **shapes, **{name: plain(name) for name in OPERATIONS}), role="reference")


def test_plain_convolutions_answer_to_the_same_clauses(suite, subject):
    asked = [name for name in suite.instances if name.startswith("convolution.")]
    results = {name: run_instance(suite, subject, name) for name in asked}
    outcomes = {name: result.outcome for name, result in results.items()}
    lacking = {name for name, outcome in outcomes.items() if outcome == "not implemented"}

    assert len(asked) > 40
    assert lacking == {f"convolution.default-padding[{name}]" for name in OPERATIONS}
    assert {outcome for name, outcome in outcomes.items() if name not in lacking} == {"pass"}
