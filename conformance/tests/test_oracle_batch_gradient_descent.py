"""The oracle of batch gradient descent against exact fractions, and its worst losses against their theorem."""

from fractions import Fraction

import numpy as np
import pytest

from nnspec_conformance.oracles.components.optimization import gradient_descent
from nnspec_conformance.oracles.training import batch_gradient_descent as oracle

DRAWS = np.random.default_rng(3)


def exactly(x, labels, weights):
    """The mean gradient in fractions."""
    x, labels, kernel = ([[Fraction(v) for v in row] for row in a] for a in (x, labels, weights["kernel"]))
    bias, n = [Fraction(b) for b in weights["bias"]], len(x)
    r = [
        [sum(v * w[j] for v, w in zip(row, kernel, strict=True)) + bias[j] - y[j] for j in range(len(bias))]
        for row, y in zip(x, labels, strict=True)
    ]
    g = [
        [sum(row[i] * e[j] for row, e in zip(x, r, strict=True)) / n for j in range(len(bias))]
        for i in range(len(kernel))
    ]
    return g, [sum(e[j] for e in r) / n for j in range(len(bias))]


@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e100])
def test_batch_gradient_is_the_exact_mean_rounded(scale):
    x, labels = scale * DRAWS.standard_normal((67, 3)), DRAWS.standard_normal((67, 2))
    weights = {"kernel": DRAWS.standard_normal((3, 2)), "bias": DRAWS.standard_normal(2)}
    got = oracle.batch_gradient(x, labels, weights, chunk=4)
    kernel, bias = exactly(x, labels, weights)
    np.testing.assert_allclose(got["kernel"], np.array(kernel, float), rtol=1e-12, atol=1e-14 * scale * max(scale, 1))
    np.testing.assert_allclose(got["bias"], np.array(bias, float), rtol=1e-12, atol=1e-14 * max(scale, 1))


def test_the_example_of_the_page_in_fractions():
    kernel, bias = exactly(oracle.EXAMPLE_X, oracle.EXAMPLE_LABELS, oracle.EXAMPLE_WEIGHTS)
    assert kernel == oracle.EXAMPLE_GRADIENTS["kernel"]
    assert bias == oracle.EXAMPLE_GRADIENTS["bias"]


@pytest.mark.parametrize("wrong", [{"chunk": 0}, {"chunk": -1}])
def test_a_chunk_below_1_is_refused(wrong):
    weights = {"kernel": np.ones((3, 1)), "bias": np.ones(1)}
    with pytest.raises(ValueError, match="chunk is"):
        oracle.batch_gradient(np.ones((2, 3)), np.ones((2, 1)), weights, **wrong)


@pytest.mark.parametrize("k", [1, 2, 3, 10, 50])
def test_the_worst_loss_is_attained_in_fractions(k):
    """A step of 1/L moves by tau as long as it is outside of the parabola."""
    start, lipschitz = Fraction(3), Fraction(4)
    tau, x = start / (2 * k + 1), start
    for _ in range(k):
        assert x > tau
        x -= max(min(x, tau), -tau)
    loss = lipschitz * (tau * x - tau * tau / 2)
    assert loss == lipschitz * start**2 / (4 * k + 2)
    assert oracle.worst_loss(3.0, k, 4.0) == pytest.approx(float(loss), rel=1e-15)
    assert oracle.huber(float(x), oracle.worst_threshold(3.0, k), 4.0) == pytest.approx(float(loss), rel=1e-14)


@pytest.mark.parametrize("threshold", [0.02, 0.3, 0.9])
def test_no_other_threshold_is_worse(threshold):
    """The bound holds for every convex loss of this constant, here for other Huber losses."""
    for k in (1, 4, 9):
        step, now = gradient_descent({"x": np.array(3.0)}, learning_rate=0.25), {"x": np.array(3.0)}
        for _ in range(k):
            now = step({"x": oracle.huber_slope(now["x"], threshold, 4.0)})
        assert oracle.huber(now["x"], threshold, 4.0) <= oracle.worst_loss(3.0, k, 4.0)


def test_slope_of_huber_is_the_difference_quotient():
    x, h = np.linspace(-3, 3, 201) + 1e-3, 1e-6
    quotient = (oracle.huber(x + h, 0.5, 4.0) - oracle.huber(x - h, 0.5, 4.0)) / (2 * h)
    np.testing.assert_allclose(oracle.huber_slope(x, 0.5, 4.0), quotient, atol=1e-8)


def test_contraction_is_the_larger_factor_and_no_rate_has_a_smaller_one():
    for low, high in ((1.0, 15.0), (2.0, 18.0)):
        rates = np.linspace(0.001, 2 / high, 500)
        factors = np.maximum(np.abs(1 - rates * low), np.abs(1 - rates * high))
        assert oracle.contraction(low, high) <= factors.min()
        assert oracle.contraction(low, high) == pytest.approx(abs(1 - 2 / (low + high) * high), rel=1e-12)
