"""The oracle of the penalties against mpmath, and its slopes against differences."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.training import regularization as oracle

DRAWS = np.random.default_rng(8)
GIVEN = {
    "l1_penalty": {"strength": 0.3},
    "l2_penalty": {"strength": 0.3},
    "elastic_net_penalty": {"l1": 0.3, "l2": 0.7},
}


def exact(x, l1=0.0, l2=0.0, whole=False):
    with mpmath.workdps(50):
        absolute = mpmath.fsum(abs(mpmath.mpf(float(v))) for v in x)
        squares = mpmath.fsum(mpmath.mpf(float(v)) ** 2 for v in x)
        return float(mpmath.mpf(l1) * absolute + mpmath.mpf(l2) * squares / (1 if whole else 2))


@pytest.mark.parametrize("factor", ["half", "whole"])
def test_values_of_two_hundred_draws(factor):
    whole = factor == "whole"
    for scale in (1.0, 1e-150, 1e150):
        for n in (1, 7, 200):
            x = DRAWS.normal(size=n) * scale
            assert oracle.l1_penalty(x, strength=0.3) == pytest.approx(exact(x, l1=0.3), rel=1e-14)
            squares = oracle.l2_penalty(x, strength=0.3, factor=factor)
            assert squares == pytest.approx(exact(x, l2=0.3, whole=whole), rel=1e-14)
            both = oracle.elastic_net_penalty(x, l1=0.3, l2=0.7, factor=factor)
            assert both == pytest.approx(exact(x, 0.3, 0.7, whole), rel=1e-14)


@pytest.mark.parametrize("name", list(GIVEN))
def test_slopes_are_those_of_differences(name):
    x = DRAWS.uniform(0.1, 2, 60) * DRAWS.choice([-1, 1], 60)
    (found,) = getattr(oracle, f"{name}_vjp")(x, np.float64(1.5), **GIVEN[name])
    for i in range(x.size):
        up, down = (x + s * 1e-6 * (np.arange(x.size) == i) for s in (1, -1))
        slope = 1.5 * (getattr(oracle, name)(up, **GIVEN[name]) - getattr(oracle, name)(down, **GIVEN[name])) / 2e-6
        assert slope == pytest.approx(found[i], abs=1e-6)


def test_the_soft_threshold_minimizes():
    """Of (y - x)^2 / 2 + threshold |y|, against all numbers on a fine grid."""
    grid = np.linspace(-4, 4, 80_001)
    for x in DRAWS.uniform(-3, 3, 200):
        y = oracle.soft_threshold(np.array([x]), threshold=0.75)[0]
        cost = (grid - x) ** 2 / 2 + 0.75 * np.abs(grid)
        assert (y - x) ** 2 / 2 + 0.75 * abs(y) <= cost.min() + 1e-12
    (slopes,) = oracle.soft_threshold_vjp(np.array([-2.0, 0.75, 0.5, 2.0]), np.full(4, 3.0), threshold=0.75)
    np.testing.assert_array_equal(slopes, [3, 0, 0, 3])


def linear_model():
    a = DRAWS.normal(size=(30, 4)) @ (np.eye(4) + 0.2)
    return a, a @ [2.0, -1.0, 0.05, 0.0] + 0.1 * DRAWS.normal(size=30)


@pytest.mark.parametrize("factor", ["half", "whole"])
def test_ridge_is_where_the_slope_vanishes_and_nowhere_near(factor):
    a, b = linear_model()
    x = oracle.ridge(a, b, strength=0.3, factor=factor)

    def slope(x):
        return a.T @ (a @ x - b) / 30 + oracle.l2_penalty_vjp(x, np.ones(()), strength=0.3, factor=factor)[0]

    assert np.abs(slope(x)).max() < 1e-14
    other = oracle.ridge(a, b, strength=0.3, factor="whole" if factor == "half" else "half")
    without_n = np.linalg.solve(a.T @ a + 0.3 * np.eye(4), a.T @ b)
    assert min(np.abs(slope(other)).max(), np.abs(slope(without_n)).max()) > 0.1


@pytest.mark.parametrize("strength", [0.0, 0.05, 0.3, 100.0])
def test_lasso_minimizes(strength):
    from scipy.optimize import minimize

    a, b = linear_model()
    x = oracle.lasso(a, b, strength=strength)

    def objective(x):
        return np.sum((a @ x - b) ** 2) / 60 + oracle.l1_penalty(x, strength=strength)

    found = minimize(objective, x + 0.1, method="Nelder-Mead", options={"maxiter": 20_000, "xatol": 1e-9, "fatol": 0})
    assert objective(x) <= found.fun + 1e-12
    if strength == 100:
        assert not x.any()


def test_lasso_of_orthonormal_columns_is_the_soft_threshold():
    a = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])
    b = np.array([3.0, 1, -2, 0.5])
    right = oracle.soft_threshold(a.T @ b / 4, threshold=0.5)
    np.testing.assert_allclose(oracle.lasso(a, b, strength=0.5), right, atol=1e-15)
    assert 0 < np.count_nonzero(right) < 3


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_columns_are_shortened_to_the_limit(scale):
    kernel = DRAWS.normal(size=(50, 4)) * scale
    got = oracle.max_norm(kernel, limit=6.5 * scale)
    for j in range(4):
        with mpmath.workdps(50):
            n = mpmath.sqrt(mpmath.fsum(mpmath.mpf(float(v)) ** 2 for v in kernel[:, j]))
            factor = min(mpmath.mpf(1), mpmath.mpf(6.5 * scale) / n)
            want = [float(mpmath.mpf(float(v)) * factor) for v in kernel[:, j]]
        np.testing.assert_allclose(got[:, j], want, rtol=1e-13)


@pytest.mark.parametrize("denominator", ["norm", "above", "always"])
@pytest.mark.parametrize("limit", [0.5, 1.9, 100.0])
def test_slopes_of_the_bound_are_those_of_differences(denominator, limit):
    kernel, g = DRAWS.normal(size=(5, 4)), DRAWS.normal(size=(5, 4))
    given = {"limit": limit, "denominator": denominator}
    (found,) = oracle.max_norm_vjp(kernel, g, **given)
    for at in np.ndindex(kernel.shape):
        values = []
        for step in (1e-6, -1e-6):
            moved = kernel.copy()
            moved[at] += step
            values.append(np.sum(g * oracle.max_norm(moved, **given)))
        assert (values[0] - values[1]) / 2e-6 == pytest.approx(found[at], abs=1e-6)


def test_readings_of_the_epsilon_by_hand():
    kernel = np.array([[3e-7, 3.0], [4e-7, 4.0]])
    above = oracle.max_norm(kernel, limit=1e-7, denominator="above")
    np.testing.assert_allclose(above[:, 0], [3e-7 / 6, 4e-7 / 6], rtol=1e-12)
    always = oracle.max_norm(kernel, limit=1.0, denominator="always")
    np.testing.assert_allclose(always[:, 0], [3e-7 * 5 / 6, 4e-7 * 5 / 6], rtol=1e-12)
    np.testing.assert_array_equal(oracle.max_norm(np.zeros((3, 2)), limit=0.0), np.zeros((3, 2)))


@pytest.mark.parametrize("name", list(GIVEN))
def test_negative_strengths_are_refused(name):
    for keyword in GIVEN[name]:
        with pytest.raises(ValueError, match=f"{keyword} is -1"):
            getattr(oracle, name)(np.ones(2), **GIVEN[name] | {keyword: -1})
