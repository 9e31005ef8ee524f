"""The reference's plain poolings answer to the same clauses as its fused ones, which `nnspec check` asks."""

import functools
from types import SimpleNamespace

import pytest

from nnspec.architectures.convolutional import pooling
from nnspec_conformance.engine import run_instance
from nnspec_conformance.loading import load_subject
from nnspec_conformance.subject import Subject

POOLINGS = ("max_pool", "average_pool")


@pytest.fixture(scope="module")
def subject():
    adapter = load_subject("reference").adapter
    kept = ("NAME", "DTYPES", "COMPILES", "asarray", "to_numpy", "vjp", "context")
    plain = {name: functools.partial(getattr(pooling, name), implementation="plain") for name in POOLINGS}
    return Subject(SimpleNamespace(**{name: getattr(adapter, name) for name in kept}, **plain), role="reference")


@pytest.mark.parametrize("asked_of", POOLINGS)
def test_plain_pooling_answers_to_the_same_clauses(suite, subject, asked_of):
    computed = ("exact", "value", "gradient")  # what is refused, and how long a result is, is decided before
    asked = [
        name
        for name, (clause, operation) in suite.instances.items()
        if operation == asked_of and clause.kind in computed and not clause.id.startswith("duty.")
    ]
    outcomes = {name: run_instance(suite, subject, name).outcome for name in asked}

    assert len(asked) > 10
    assert set(outcomes.values()) == {"pass"}, outcomes
