"""The experiments of layers and neurons: the data they are run on, and what they measure."""

import numpy as np
import pytest

from nnspec_conformance.experiments.components.layers import hidden_features
from nnspec_conformance.experiments.components.neurons import perceptron_mistakes
from nnspec_conformance.results import load_experiments


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
    x, labels, distances = perceptron_mistakes.points(3, margin, 200)
    assert x.shape == (200, perceptron_mistakes.FEATURES)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-6)
    assert set(labels) == {-1, 1}
    assert distances.min() >= margin


def test_mistakes_are_those_of_the_rule_step_by_step():
    x, labels, _ = perceptron_mistakes.points(0, 0.1, 200)
    weights, bias, count, before = np.zeros(x.shape[1]), 0.0, 0, -1
    while count > before:
        before = count
        for one, label in zip(x.astype(np.float64), labels, strict=True):
            if label * (weights @ one + bias) <= 0:
                weights, bias, count = weights + label * one, bias + label, count + 1
    assert perceptron_mistakes.mistakes(x, labels) == count


def test_mistakes_follow_no_power_law_and_the_note_says_with_which_numbers():
    result = load_experiments()["perceptron-mistakes"]
    came = result["came"]
    assert came["exponent from one margin to the next, largest"] == pytest.approx(1.32, abs=0.005)
    assert came["exponent from one margin to the next, least"] == pytest.approx(0.53, abs=0.005)
    assert came["exponent fitted to all margins"] == pytest.approx(0.98, abs=0.005)
    assert result["rows"][0]["mean margin"] == pytest.approx(0.32, abs=0.005)
