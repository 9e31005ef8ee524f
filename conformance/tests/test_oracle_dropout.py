"""The oracle's dropout beside closed forms: what it keeps, and mean and variance over all masks."""

import functools
import itertools

import numpy as np
import pytest

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.engine import run_instance
from nnspec_conformance.mutant import ORACLE, Mutant
from nnspec_conformance.oracles.training import dropout as oracle

X = np.random.default_rng(4).normal(0, 2, 6)
WEIGHTS = np.random.default_rng(5).normal(0, 1, (6, 3))
TARGET = np.array([0.5, -1.0, 2.0])
RATES = np.linspace(0.0, 0.95, 34)  # of six entries each: 204 numbers


def linear(x):
    return x @ WEIGHTS


@pytest.mark.parametrize("rate", RATES)
def test_the_mean_over_all_masks_is_the_input(rate):
    mean, variance = oracle.moments(lambda y: y, X, rate=rate)
    np.testing.assert_allclose(mean, X, rtol=1e-13)
    np.testing.assert_allclose(variance, rate / (1 - rate) * X**2, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rate", RATES)
def test_a_linear_layer_keeps_the_mean_and_adds_the_variances(rate):
    mean, variance = oracle.moments(linear, X, rate=rate)
    np.testing.assert_allclose(mean, linear(X), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(variance, rate / (1 - rate) * (X**2 @ WEIGHTS**2), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("rate", RATES)
def test_the_mean_of_a_squared_error_has_a_penalty(rate):
    mean, _ = oracle.moments(lambda x: (linear(x) - TARGET) ** 2, X, rate=rate)
    penalty = rate / (1 - rate) * (X**2 @ WEIGHTS**2)
    np.testing.assert_allclose(mean, (linear(X) - TARGET) ** 2 + penalty, rtol=1e-11)


def test_the_mean_behind_a_kink_is_another():
    x, w = np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, -1.0])
    answer, _ = oracle.moments(lambda y: y @ w, x, rate=0.5)
    behind, _ = oracle.moments(lambda y: np.maximum(y @ w, 0), x, rate=0.5)
    before, _ = oracle.moments(lambda y: y, np.maximum(np.array([x @ w]), 0), rate=0.5)
    assert (answer, behind, before[0]) == (1.0, 2.25, 1.0)


@pytest.mark.parametrize("name", ["dropout", "feature_dropout", "repeated_dropout"])
@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_gradients_are_those_of_a_complex_step(name, rate):
    x, g, h = np.random.default_rng(6).normal(0, 1, (3, 4, 3, 5))
    cotangents = (g, h) if name == "repeated_dropout" else g
    given = {"seed": 3, "rate": rate}
    want = complex_step(lambda y: getattr(oracle, name)(y, **given), (x,), cotangents)
    np.testing.assert_allclose(getattr(oracle, f"{name}_vjp")(x, cotangents, **given)[0], want[0], rtol=1e-14)


def test_a_dropped_feature_is_gone_at_all_places():
    y = oracle.feature_dropout(np.ones((50, 4, 3, 7)), seed=1, rate=0.4)
    assert np.all(y == y[:, :1, :1])
    assert set(np.unique(y)) == {0.0, 1 / 0.6}
    assert len(np.unique(y[:, 0, 0], axis=0)) > 30


def test_a_number_that_is_dropped_is_selected_away_or_multiplied_by_0():
    x = np.array([np.nan, np.inf, 2.0, 4.0])
    kept = np.array([False, False, False, True])
    np.testing.assert_array_equal(oracle.masked(x, kept, 0.5), [0, 0, 0, 8])
    np.testing.assert_array_equal(oracle.masked(x, kept, 0.5, "nan"), [np.nan, np.nan, 0, 8])


@pytest.mark.parametrize("rate", [-1e-9, 1 + 1e-9, float("nan")])
def test_other_rates_are_refused(rate):
    with pytest.raises(ValueError, match="expected 0 to 1"):
        oracle.dropout(X, seed=0, rate=rate)


# ---- how the scale is made: the numbers of the page


READINGS = own_spec().clauses["dropout.scale-by"].variants
ROUNDED = {"rounded-product", "rounded-quotient"}
MANY = np.random.default_rng(7).standard_normal(100_000).astype(np.float32)


def units_apart(one, other):
    """How many numbers of float32 lie between two results."""
    return np.abs(one.view(np.int32).astype(np.int64) - other.view(np.int32))


@pytest.mark.parametrize("rate", [0.9, 0.95])
@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(READINGS, 2)))
def test_readings_of_the_scale_are_as_far_apart_as_the_page_says(one, other, rate):
    apart = units_apart(oracle.larger(MANY, rate, one), oracle.larger(MANY, rate, other))
    if len({one, other} & ROUNDED) == 1:
        assert apart.min() > 0
        assert 3 <= apart.max() <= 4
    else:
        assert apart.max() == 1
    if not {one, other} & ROUNDED:
        assert 0.035 < np.mean(apart > 0) < 0.255


@pytest.mark.parametrize("reading", READINGS)
def test_at_the_rate_one_half_all_readings_double(reading):
    np.testing.assert_array_equal(oracle.larger(MANY, 0.5, reading), 2 * MANY)


@pytest.mark.parametrize("reading", READINGS)
def test_who_has_a_reading_and_says_so_passes(suite, reading):
    told = {name: functools.partial(getattr(ORACLE, name), scale_by=reading) for name in ("dropout", "dropout_vjp")}
    declared = {"dropout.scale-by": reading}
    subject = Mutant("", "", (), told, variants=declared).subject()
    for clause in ("dropout.scale", "dropout.scale-by", "dropout.gradient", "dropout.shapes"):
        assert run_instance(suite, subject, f"{clause}[dropout]").outcome in ("pass", "variant")
