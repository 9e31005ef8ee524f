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
    return Subject(SimpleNamespace(**parts, **{name: plain(name) for name in OPERATIONS}), role="reference")


def test_plain_convolutions_answer_to_the_same_clauses(suite, subject):
    computed = ("exact", "value", "gradient")  # what is refused, and how long a result is, is decided before
    asked = [
        name
        for name, (clause, _) in suite.instances.items()
        if clause.id.startswith("convolution.") and clause.kind in computed
    ]
    outcomes = {name: run_instance(suite, subject, name).outcome for name in asked}

    assert len(asked) > 25
    assert set(outcomes.values()) == {"pass"}, outcomes
