"""The oracle's adapter: every declared operation, by its form, in the dtype that is handed over."""

import inspect
import sys
from types import ModuleType

import ml_dtypes
import numpy as np
import pytest

from nnspec_conformance.adapters.numpy_oracle import derived
from nnspec_conformance.loading import load_subject

PAGE = """\
# Toys

/// operation | double
    form: map
    arrays: {x: "*shape"}
    result: "*shape"

Twice the input.
///

/// operation | count
    form: map
    result: {axes: "", dtype: integer}

How many there are.
///

/// operation | norm
    form: map
    arrays: {weights: {table: {kernel: "in out"}}}
    result: {tuple: {norm: "", kernels: {axes: "", dtype: integer}}}

The norm of a table.
///

/// operation | descent
    form: stepper
    params: any

Steps.
///

/// clause | double.subnormals
    kind: exact
    keyword: subnormals
    definition: kept
    variants: {kept: as they are, flushed: zero}

Subnormal results **MUST** be kept, or flushed, as declared.
///
"""


@pytest.fixture
def operations(spec_of, monkeypatch):
    """The oracle's adapter of a page of toys whose oracle is made here."""

    def double(x):
        return x * (2 if x.dtype in (np.float32, np.float64) else np.nan)  # half precision does not get here

    oracle = ModuleType("nnspec_conformance.oracles.toys")
    vars(oracle).update(
        double=double,
        double_derivative=lambda x: np.full_like(x, 2),
        double_second_derivative=np.zeros_like,
        count=lambda: 3,
        norm=lambda weights: (np.linalg.norm(weights["kernel"]), np.int64(len(weights))),
        descent=sys.intern,
        helper=lambda x: x,
    )
    monkeypatch.setattr(derived, "modules", lambda package: [oracle])
    return derived.declared(spec_of(PAGE))


def test_declared_operations_with_their_gradients_and_nothing_else(operations):
    written = ["count", "descent", "double", "double_second_derivative", "double_vjp", "norm"]
    made = ["count_vjp", "norm_vjp", "count_vjp_vjp", "double_vjp_vjp", "norm_vjp_vjp"]  # by complex steps, differences
    assert sorted(operations) == sorted([*written, *made])


def test_half_precision_is_computed_in_float32_and_rounded_once(operations):
    x = np.array([1.5, -3.0], ml_dtypes.bfloat16)
    assert (operations["double"](x).tolist(), operations["double"](x).dtype) == ([3.0, -6.0], x.dtype)


def test_a_derivative_is_pulled_back(operations):
    x = np.array([1.0, 2.0], np.float16)
    (gradient,) = operations["double_vjp"](x, 3 * x)
    assert (gradient.tolist(), gradient.dtype) == ([6.0, 12.0], x.dtype)


def test_a_count_is_an_integer_without_axes(operations):
    assert (operations["count"]().shape, operations["count"]().dtype.kind) == ((), "i")


def test_integers_in_a_result_stay_integers(operations):
    norm, kernels = operations["norm"]({"kernel": np.eye(4, dtype=np.float16)})
    assert (norm.dtype, norm, kernels.dtype.kind) == (np.float16, 2.0, "i")


def test_a_stepper_chooses_its_dtype_itself(operations):
    assert operations["descent"].__wrapped__ is sys.intern


def test_subnormals_are_flushed_where_a_clause_asks(operations):
    x = np.array([2e-39, 1.0], np.float32)
    assert operations["double"](x)[0] > 0
    assert operations["double"](x, subnormals="flushed").tolist() == [0.0, 2.0]
    with pytest.raises(ValueError, match="norm has no keyword 'subnormals'"):
        operations["norm"]({"kernel": x}, subnormals="flushed")


def test_the_oracle_has_every_declared_operation(suite):
    oracle = load_subject("numpy_oracle")
    assert [name for name in suite.spec.operations if not oracle.has(name)] == []


def test_the_oracle_can_be_told_every_reading_that_a_keyword_chooses(suite):
    told = load_subject("numpy_oracle").variants
    assert told["gru-native.packing"] == tuple(suite.spec.clauses["gru-native.packing"].variants)
    assert "leaky-relu.gradient-at-zero" not in told


def test_the_oracle_is_told_every_reading_that_it_has_a_keyword_for(suite, oracle):
    """Else it is asked for the definition's alone, and no test has seen the others."""
    untold = [
        instance
        for instance, (clause, operation) in suite.instances.items()
        if clause.variants and clause.id not in oracle.variants and oracle.has(operation)
        if clause.keyword in inspect.signature(getattr(oracle.adapter, operation)).parameters
    ]
    assert untold == []
