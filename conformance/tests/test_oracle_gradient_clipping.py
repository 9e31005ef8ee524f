"""The oracle of gradient clipping against mpmath, at extremes too, and its derivatives against differences."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.training import gradient_clipping as oracle

DRAWS = np.random.default_rng(6)
SCALES = (1.0, 1e-300, 1e300, 2.0**-1020, 2.0**1020, 1e-160, 1e160)


def tables():
    """Some 200 entries at each scale, in arrays of unequal size."""
    for scale in SCALES:
        yield {name: DRAWS.uniform(-1, 1, n) * scale for name, n in (("a", 150), ("b", 49), ("c", 1))}, scale


def norm(entries):
    return mpmath.sqrt(mpmath.fsum(mpmath.mpf(float(x)) ** 2 for x in entries))


@pytest.mark.parametrize("denominator", ["norm", "norm-plus-epsilon"])
def test_global_norm_at_every_scale(denominator):
    with mpmath.workdps(60):
        for table, scale in tables():
            limit = scale / 3
            n = norm(np.concatenate(list(table.values()))) + (mpmath.mpf(1e-6) if denominator != "norm" else 0)
            factor = min(mpmath.mpf(1), limit / n)
            got = oracle.clip_by_global_norm(table, limit=limit, denominator=denominator)
            for name, g in table.items():
                want = [float(mpmath.mpf(float(x)) * factor) for x in g]
                np.testing.assert_allclose(got[name], want, rtol=1e-14, atol=1e-323)


@pytest.mark.parametrize("size", ["norm", "root-mean-square"])
def test_norm_of_each_array_at_every_scale(size):
    with mpmath.workdps(60):
        for table, scale in tables():
            got = oracle.clip_by_norm(table, limit=scale / 3, size=size)
            for name, g in table.items():
                n = norm(g) / (mpmath.sqrt(g.size) if size != "norm" else 1)
                factor = min(mpmath.mpf(1), mpmath.mpf(scale / 3) / n)
                np.testing.assert_allclose(got[name], [float(float(x) * factor) for x in g], rtol=1e-14)


def test_value_is_the_median_of_entry_and_limits():
    for table, scale in tables():
        for name, got in oracle.clip_by_value(table, limit=scale / 3).items():
            g = table[name]
            np.testing.assert_array_equal(got, np.median([g, g * 0 - scale / 3, g * 0 + scale / 3], axis=0))


@pytest.mark.parametrize("name", ["clip_by_value", "clip_by_norm", "clip_by_global_norm"])
@pytest.mark.parametrize("limit", [0.25, 1.0, 100.0])
def test_derivatives_are_those_of_differences(name, limit):
    table = {"a": DRAWS.uniform(-1, 1, 60), "b": DRAWS.uniform(-1, 1, (5, 1)), "c": np.asarray(0.7)}
    cotangents = {key: DRAWS.standard_normal(g.shape) for key, g in table.items()}
    function = getattr(oracle, name)
    (found,) = getattr(oracle, f"{name}_vjp")(table, cotangents, limit=limit)
    for key, g in table.items():
        for at in np.ndindex(g.shape):
            values = []
            for step in (1e-6, -1e-6):
                moved = np.array(g)
                moved[at] += step
                clipped = function(table | {key: moved}, limit=limit)
                values.append(sum(np.sum(cotangents[k] * y) for k, y in clipped.items()))
            assert (values[0] - values[1]) / 2e-6 == pytest.approx(found[key][at], abs=1e-6)


@pytest.mark.parametrize(("a", "b", "limit"), [(3, 4, 5), (5, 12, 13), (8, 15, 17), (20, 21, 29), (7, 24, 25)])
def test_a_norm_at_the_limit_changes_nothing(a, b, limit):
    for scale in (1.0, 2.0**-500, 2.0**1000):
        table = {"a": np.array([a * scale]), "b": np.array([-b * scale])}
        assert oracle.clip_by_global_norm(table, limit=limit * scale) == table


def test_infinity_and_nan():
    table = {"a": np.array([np.inf, 1.0]), "b": np.array([4.0])}
    each = oracle.clip_by_norm(table, limit=1.0)
    assert np.isnan(each["a"]).all()
    np.testing.assert_array_equal(each["b"], [1.0])
    quotient = oracle.clip_by_global_norm(table, limit=1.0, infinite="quotient")
    np.testing.assert_array_equal(quotient["a"], [np.nan, 0.0])
    np.testing.assert_array_equal(quotient["b"], [0.0])
    table["a"][0] = np.nan
    assert all(np.isnan(y).all() for y in oracle.clip_by_global_norm(table, limit=1.0, infinite="quotient").values())


@pytest.mark.parametrize("limit", [-1.0, float("nan")])
@pytest.mark.parametrize("name", ["clip_by_value", "clip_by_norm", "clip_by_global_norm"])
def test_refused_limits(name, limit):
    with pytest.raises(ValueError, match="limit is"):
        getattr(oracle, name)({"a": np.ones(2)}, limit=limit)
