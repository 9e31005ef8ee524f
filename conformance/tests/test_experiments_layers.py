"""The experiments of layers and neurons: their verdicts, and the data they are run on."""

import numpy as np
import pytest

from nnspec_conformance.experiments.components.layers import hidden_features
from nnspec_conformance.experiments.components.neurons import perceptron_mistakes


def accuracy(trained, pixels, wide):
    means = {"untrained": 80.0, "trained": trained, "pixels": pixels, "wide": wide}
    return {name: np.full(3, mean) for name, mean in means.items()}


@pytest.mark.parametrize(
    ("given", "low", "outcome"),
    [
        (accuracy(96, 96, 97), 10, "holds when"),
        (accuracy(96, 96, 80), 10, "holds when"),
        (accuracy(96, 90, 90), 10, "holds"),
        (accuracy(81, 90, 90), -1, "does not hold"),
    ],
)
def test_verdict_on_hidden_features(given, low, outcome):
    found, when = hidden_features.judge(given, low)
    assert found == outcome
    assert (when is not None) == (outcome == "holds when")


def test_effective_dimensions_count_directions():
    x = np.random.default_rng(0).standard_normal((5000, 4))
    assert hidden_features.effective_dimensions(x) == pytest.approx(4, rel=0.02)
    assert hidden_features.effective_dimensions(x * [1, 1e-4, 1e-4, 1e-4]) == pytest.approx(1, rel=0.02)


def test_a_probe_finds_a_plane_and_not_more():
    x = np.random.default_rng(1).standard_normal((400, 3))
    plane, xor = (x[:, 0] > 0).astype(int), (x[:, 0] * x[:, 1] > 0).astype(int)
    assert hidden_features.probe(x[:200], plane[:200], x[200:], plane[200:]) > 95
    assert hidden_features.probe(x[:200], xor[:200], x[200:], xor[200:]) < 70


@pytest.mark.parametrize("margin", perceptron_mistakes.MARGINS)
def test_points_keep_their_margin_on_the_unit_sphere(margin):
    x, labels = perceptron_mistakes.points(3, margin)
    assert x.shape == (perceptron_mistakes.COUNT, perceptron_mistakes.FEATURES)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-6)
    assert set(labels) == {-1, 1}


def test_mistakes_are_those_of_the_rule_step_by_step():
    x, labels = perceptron_mistakes.points(0, 0.1)
    weights, bias, count, before = np.zeros(x.shape[1]), 0.0, 0, -1
    while count > before:
        before = count
        for one, label in zip(x.astype(np.float64), labels, strict=True):
            if label * (weights @ one + bias) <= 0:
                weights, bias, count = weights + label * one, bias + label, count + 1
    assert perceptron_mistakes.mistakes(0, 0.1) == count
