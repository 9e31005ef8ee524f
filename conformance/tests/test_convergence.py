"""The losses of optimizer.converges: their slopes, their curvatures, their data, and what a run has to reach."""

import numpy as np
import pytest

from nnspec_conformance import convergence
from nnspec_conformance.oracles.components.optimization import gradient_descent

DRAWS = np.random.default_rng(3)


@pytest.mark.parametrize("name", convergence.LOSSES)
def test_slopes_are_those_of_the_loss(name):
    loss, start = convergence.LOSSES[name], np.array(convergence.STARTS[name])
    for x in (start, start + DRAWS.normal(size=start.shape)):
        step = 1e-6 * np.eye(len(x))
        quotients = [(loss.value(x + h) - loss.value(x - h)) / 2e-6 for h in step]
        np.testing.assert_allclose(loss.slope(x), quotients, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("name", "at"), [("quadratic", 0.0), ("parabola", 0.0), ("rosenbrock", 1.0), ("tumours", 0.0)])
def test_the_largest_curvature_at_minimum_or_start_is_about_one(name, at):
    loss, x = convergence.LOSSES[name], np.full(len(convergence.STARTS[name]), at)
    hessian = [(loss.slope(x + h) - loss.slope(x - h)) / 2e-5 for h in 1e-5 * np.eye(len(x))]
    assert np.linalg.eigvalsh(hessian).max() == pytest.approx(1, abs=2e-3)


def test_data_are_569_tumours_of_which_357_are_benign():
    x, y, _ = convergence.data()
    assert x.shape == (569, 11)
    assert ((y == 1).sum(), (y == -1).sum()) == (357, 212)
    np.testing.assert_allclose(x[:, :10].mean(0), 0, atol=1e-12)


def test_data_are_scikit_learns():
    datasets = pytest.importorskip("sklearn.datasets")
    found = datasets.load_breast_cancer()
    features = found.data[:, :10]
    x, y, _ = convergence.data()
    np.testing.assert_allclose(x[:, :10], (features - features.mean(0)) / features.std(0), rtol=1e-12)
    np.testing.assert_array_equal(y, 2 * found.target - 1)


def test_gradient_descent_reaches_the_level_of_its_closed_form():
    levels = convergence.levels(gradient_descent, learning_rate=1.0)
    left = 0.01 * (2 * 0.99**convergence.STEPS) ** 2 / 2  # the flat axis; the steep one arrives in one step
    assert levels["quadratic"] == pytest.approx(convergence.NEAR * left)


def test_noise_is_the_same_in_every_run():
    first, second = (convergence.Run(np.float64) for _ in range(2))
    for _ in range(3):
        np.testing.assert_array_equal(first.gradients(first.start)["w"], second.gradients(second.start)["w"])


def test_a_run_that_diverges_warns_nobody():
    run = convergence.Run(np.float32)
    for far in (1e30, np.inf, np.nan):
        there = {"w": np.full(18, far, np.float32)}
        run.gradients(there)
        assert not any(value < 1 for value in convergence.lowest([there]).values())


def test_every_optimizer_of_the_clause_has_its_hyper_parameters():
    from nnspec_conformance.clauses import own_spec

    assert set(convergence.GIVEN) == set(own_spec().clauses["optimizer.converges"].operations)
