"""The oracle of layer norm and RMS norm: the formulas in mpmath, the complex step, and the numbers of the page."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.architectures.transformer import normalization as oracle
from nnspec_conformance.suite.architectures.transformer import test_normalization as suite

ROWS = {
    "draws": normal_draws(1, (20, 7), "float64"),
    "a large mean": normal_draws(2, (4, 6), "float64") + 1e4,
    "small numbers": normal_draws(3, (4, 6), "float64") * 1e-9,
    "large numbers": normal_draws(4, (4, 6), "float64") * 1e120,
    "one feature": normal_draws(5, (4, 1), "float64"),
}


def by_mpmath(x, scale, bias, epsilon, centred):
    y = np.zeros(x.shape)
    with mpmath.workdps(60):
        for at, row in enumerate(x):
            entries = [mpmath.mpf(float(e)) for e in row]
            mean = mpmath.fsum(entries) / len(entries) if centred else mpmath.mpf(0)
            v = mpmath.fsum((e - mean) ** 2 for e in entries) / len(entries)
            for i, e in enumerate(entries):
                normal = (e - mean) / mpmath.sqrt(v + mpmath.mpf(epsilon))
                y[at, i] = float(normal * mpmath.mpf(float(scale[i])) + mpmath.mpf(float(bias[i])))
    return y


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("epsilon", [1e-12, 1e-5, 0.5])
def test_values_are_those_of_the_formula(rows, epsilon):
    x = ROWS[rows]
    scale, bias = normal_draws(6, x.shape[-1:], "float64"), normal_draws(7, x.shape[-1:], "float64")
    # the mean is rounded once: beside a mean of 1e4 and a deviation of 1 that is 1e4 units in the last place
    allowed = 1e-10 if rows == "a large mean" else 1e-13

    np.testing.assert_allclose(
        oracle.layer_norm(x, scale, bias, epsilon=epsilon), by_mpmath(x, scale, bias, epsilon, True), rtol=0,
        atol=allowed,
    )  # fmt: skip
    np.testing.assert_allclose(
        oracle.rms_norm(x, scale, epsilon=epsilon), by_mpmath(x, scale, 0 * bias, epsilon, False), rtol=1e-14
    )


def test_a_variance_in_one_pass_would_not_do():
    x = ROWS["a large mean"] * 1e4
    one_pass = (x**2).mean(-1) - x.mean(-1) ** 2
    right = by_mpmath(x, np.ones(6), np.zeros(6), 1e-5, True)

    np.testing.assert_allclose(oracle.layer_norm(x, epsilon=1e-5), right, rtol=0, atol=1e-6)
    rough = (x - x.mean(-1, keepdims=True)) / np.sqrt(np.abs(one_pass) + 1e-5)[:, None]
    assert np.abs(rough - right).max() > 30 * np.abs(oracle.layer_norm(x, epsilon=1e-5) - right).max()


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_gradients_are_those_of_the_complex_step(name, count):
    x, g = normal_draws(8, (3, 5), "float64") + 0.5, normal_draws(9, (3, 5), "float64")
    given = (x, *suite.weights(name, "float64")[:count])
    f, vjp = getattr(oracle, name), getattr(oracle, f"{name}_vjp")

    want = complex_step(lambda *arrays: f(*arrays, epsilon=0.05), given, g)
    got = vjp(*given, g, epsilon=0.05)

    assert len(got) == len(given)
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_a_row_of_no_features_has_no_entries(name):
    assert getattr(oracle, name)(np.zeros((3, 0))).shape == (3, 0)


def test_a_constant_row_has_no_answer_without_epsilon():
    assert np.isnan(oracle.layer_norm(np.full((1, 4), 3.0), epsilon=0.0)).all()


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_the_example_of_the_page(name):
    x, scale, bias, epsilon, y, g, dx = (
        np.array(part, float) if isinstance(part, tuple) else part for part in suite.EXAMPLE[name]
    )
    arrays = (x, scale) if bias is None else (x, scale, bias)

    np.testing.assert_array_equal(getattr(oracle, name)(*arrays, epsilon=epsilon), y)
    np.testing.assert_array_equal(getattr(oracle, f"{name}_vjp")(*arrays, g, epsilon=epsilon)[0], dx)


def test_other_numbers_of_the_page():
    x = np.array([[1.0, 1, 1, 5]])
    right = oracle.layer_norm(x, epsilon=1e-6)
    np.testing.assert_allclose(right, [[-0.577, -0.577, -0.577, 1.732]], atol=5e-4)
    small = np.array([[0, 0.002]])
    for epsilon, most in ((1e-6, 0.71), (1e-5, 0.30), (1e-3, 0.03)):
        assert oracle.layer_norm(small, epsilon=epsilon)[0, 1] == pytest.approx(most, abs=0.005)
    for layers, times in ((30, 17), (60, 300)):
        assert 1.1**layers == pytest.approx(times, rel=0.03)
