"""The experiments of stochastic gradient descent: their paths step by step, their predictions by the second moments."""

import numpy as np
import pytest

from nnspec_conformance.experiments.training.stochastic_gradient_descent import oscillation, progress, regression


@pytest.fixture(scope="module")
def small():
    return regression.stacked(2, 30, 0.1), regression.orders(2, 30, 2)


def test_single_examples_are_stepped_one_after_the_other(small):
    (x, y), orders = small
    rates = np.linspace(0.1, 0.02, 60)
    path = regression.single(x, y, orders, rates)
    for seed in range(2):
        w = np.zeros(10)
        for number, rate, found in zip(orders[seed], rates, path[seed], strict=True):
            w = w - rate * (x[seed][number] @ w - y[seed][number]) * x[seed][number]
            np.testing.assert_allclose(found, w, atol=1e-5)


def test_whole_data_set_contracts_by_the_condition_number(small):
    (x, y), _ = small
    path = regression.whole(x[0], y[0], 40)
    curvatures = np.linalg.eigvalsh(regression.hessian(x[0]))
    best = np.linalg.lstsq(np.float64(x[0]), np.float64(y[0]), rcond=None)[0]
    factor = (curvatures[-1] - curvatures[0]) / (curvatures[-1] + curvatures[0])
    distance = np.linalg.norm(path - best, axis=1)
    assert (distance[1:] <= factor * distance[:-1] * (1 + 1e-4)).all()
    assert distance[-1] / distance[-2] == pytest.approx(factor, rel=2e-2)


def test_excess_is_the_loss_less_the_least_one(small):
    (x, y), _ = small
    x, y = x[0], y[0]

    def loss(w):
        return np.mean((np.float64(x) @ w - y) ** 2) / 2

    best = np.linalg.lstsq(np.float64(x), np.float64(y), rcond=None)[0]
    w = np.linspace(-1, 2, 10)
    want = (loss(w) - loss(best)) / (loss(np.zeros(10)) - loss(best))
    assert regression.excess(w, x, y) == pytest.approx(want)
    assert regression.excess(np.zeros((3, 10)), x, y) == pytest.approx(np.ones(3))


def test_excess_that_is_small_enough_is_counted_from_one():
    assert progress.reached(np.array([3.0, 0.5, 0.1, 0.5]), 0.5) == 2
    assert progress.reached(np.array([3.0]), 0.5) == np.inf


def test_falling_rate_is_constant_for_a_third_and_then_one_over_the_epochs():
    assert oscillation.rates("falling", 2, 6).tolist() == pytest.approx(
        np.repeat([1, 1, 1, 1 / 2, 1 / 3, 1 / 4], 2) * regression.RATE
    )
    assert set(oscillation.rates("twice", 2, 3)) == {2 * regression.RATE}


def test_noise_over_signal_of_two_examples():
    """The gradients are (-1, 0) and (0, -2), their mean is (-0.5, -1)."""
    x, y = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 1.0])
    assert oscillation.noise_over_signal(np.zeros(2), x, y) == (1.25, 1.25)
    assert oscillation.quotient([(1.0, 2.0), (3.0, 6.0)]) == 0.5


def moments(rate, noise, updates):
    """Expected squares of the error along each feature at the end, and the excess after each update."""
    h, m, found = regression.VARIANCES, np.ones(10), []
    for _ in range(updates):
        m = m * (1 - 2 * rate * h + 2 * rate**2 * h**2) + rate**2 * h * (h @ m + noise**2)
        found.append(h @ m / h.sum())
    return m, np.array(found)


def test_predictions_are_those_of_the_second_moments():
    h = regression.VARIANCES
    m, excess = moments(regression.RATE, progress.NOISE, 60_000)
    assert np.argmax(excess <= progress.HUNDREDTH) + 1 == pytest.approx(565, abs=1)
    assert excess[-1] == pytest.approx(2.8e-4, rel=0.02)
    assert moments(2 * regression.RATE, progress.NOISE, 60_000)[1][-1] / excess[-1] == pytest.approx(2.2, abs=0.05)
    signal, trace = h**2 @ m, h.sum()
    noise = progress.NOISE**2 * trace + trace * (h @ m) + signal
    assert noise / signal == pytest.approx(62, abs=1)
    assert (trace**2 + h @ h) / (h @ h) == pytest.approx(5, abs=0.1)
