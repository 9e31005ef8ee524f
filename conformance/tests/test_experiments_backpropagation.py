"""The experiment of backpropagation: its theory against closed forms, its measure against a known product."""

import numpy as np
import pytest

from nnspec_conformance.experiments.components.backpropagation import gradient_flow as flow


@pytest.mark.parametrize("depth", flow.DEPTHS)
@pytest.mark.parametrize("variance", [1.0, 2.0, 4.0])
def test_relu_has_the_root_of_half_the_variance_at_every_depth(variance, depth):
    assert flow.in_theory("relu", variance, depth) == pytest.approx(np.sqrt(variance / 2))


def test_sigmoid_is_as_the_page_says():
    assert [flow.in_theory("sigmoid", 2.0, depth) for depth in (2, 8, 32)] == pytest.approx(
        [0.272, 0.310, 0.316], abs=5e-4
    )


def test_measure_of_two_layers_is_a_product_by_hand(monkeypatch):
    monkeypatch.setattr(flow, "SETTINGS", [("identity", 2.0)])
    measured = flow.factors(1, (2,), 5)
    draws = np.random.default_rng(0)
    x, label = draws.standard_normal((2, 1, 5), np.float32)
    first, second = draws.standard_normal((2, 5, 5), np.float32) * np.sqrt(2 / 5)
    direction = draws.standard_normal((1, 5), np.float32)
    x = x * np.sqrt(5) / np.linalg.norm(x)
    for start, g in (("output less label", x @ first @ second - label), ("random direction", direction)):
        want = np.linalg.norm(g @ second.T) / np.linalg.norm(g)

        assert measured["identity", 2.0, start][0, 0] == pytest.approx(want, rel=1e-5)
