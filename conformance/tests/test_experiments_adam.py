"""The experiments of Adam: their runs against closed forms, their measures against another optimizer."""

import numpy as np
import pytest

from nnspec_conformance.experiments.training.adam import breast_cancer, generalization, memory, runs, sensitivity


def test_a_run_along_gradients_is_their_running_sum_and_stays_where_it_is_put():
    from nnspec.components.optimization import gradient_descent

    gradients = [1.0, -2.0, 4.0, 0.5]
    np.testing.assert_array_equal(runs.along(gradient_descent(0.5), gradients, 3.0), [2.5, 3.5, 1.5, 1.25])
    kept = runs.along(gradient_descent(0.5), gradients, 3.0, lambda x: x.clip(2, 3))
    np.testing.assert_array_equal(kept, [2.5, 3, 2, 2])


def wilson(examples: int = 40):
    y = np.where(np.arange(examples) % 5 < 3, 1.0, -1.0)
    x = np.zeros((examples, 3 + 5 * examples))
    x[:, 0], x[:, 1:3] = y, 1.0
    for i, label in enumerate(y):
        x[i, 3 + 5 * i : 3 + 5 * i + (1 if label > 0 else 5)] = 1.0
    return x.astype(np.float32), y.astype(np.float32)


def test_gradient_descent_finds_the_least_norm_and_adam_weights_of_one_size():
    x, y = wilson()
    curvature = float(np.linalg.eigvalsh(x @ x.T / len(y)).max())
    descended = generalization.least_squares("gradient descent", 2000)(x, y, 1 / curvature)
    np.testing.assert_allclose(descended, np.linalg.lstsq(x, y, rcond=None)[0], atol=2e-3)
    adapted = generalization.least_squares("Adam", 2000)(x, y, 0.001)
    np.testing.assert_allclose(adapted, np.sign(x.T @ y) / 4, atol=2e-3)


def test_a_common_label_that_is_not_common_leaves_adam_nothing_to_outvote(monkeypatch):
    monkeypatch.setattr(generalization, "COMMON", 1.0)
    found = generalization.wilsons(np.random.default_rng(0), 20, 400, 100)
    assert found == {"rarer": 0, "Adam": 0, "gradient descent": 0, "training": 0}


def test_state_of_amsgrad_is_three_arrays(monkeypatch):
    from nnspec.training import adam as topic

    monkeypatch.setattr(topic, "adam", topic.amsgrad)
    assert memory.measured(100)["arrays of state per parameter"] == 3


def test_error_counts_wrong_signs():
    x, y = np.array([[1.0], [2.0], [-1.0]]), np.array([1.0, -1.0, 1.0])
    assert breast_cancer.error(np.array([1.0, 0.0]), x, y) == pytest.approx(2 / 3)


def test_features_are_standardized():
    z = breast_cancer.standardized(np.array([[1.0, 10.0], [3.0, 30.0]]))
    np.testing.assert_array_equal(z, [[-1, -1], [1, 1]])


def test_the_default_rate_is_where_it_is_said_to_be():
    assert sensitivity.RATES[sensitivity.DEFAULT] == pytest.approx(0.001)
