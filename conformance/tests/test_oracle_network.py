"""The oracle of features: loops over places, the page's numbers, and rows for the other order."""

import numpy as np
import pytest

from nnspec_conformance.oracles.architectures.convolutional import network as oracle

INDEX = {"hwc": lambda i, j, c, H, W, C: (i * W + j) * C + c, "chw": lambda i, j, c, H, W, C: (c * H + i) * W + j}


@pytest.mark.parametrize("order", ["hwc", "chw"])
@pytest.mark.parametrize("maps", [(4, 5, 2), (1, 6, 3), (5, 1, 1), (3, 3, 3)])
def test_features_and_cotangents_are_those_of_the_formula(order, maps):
    draws = np.random.default_rng(2)
    x, g = draws.standard_normal((3, *maps)), draws.standard_normal((3, int(np.prod(maps))))
    features = oracle.flatten_features(x, flatten_order=order)
    (dx,) = oracle.flatten_features_vjp(x, g, flatten_order=order)

    assert features.shape == g.shape
    for i, j, c in np.ndindex(maps):
        f = INDEX[order](i, j, c, *maps)
        np.testing.assert_array_equal(features[:, f], x[:, i, j, c])
        np.testing.assert_array_equal(dx[:, i, j, c], g[:, f])


def test_the_head_of_the_page_by_hand():
    maps, kernel = np.array([oracle.EXAMPLE_MAPS], float), np.array(oracle.EXAMPLE_KERNEL, float)[:, None]
    by_place, by_channel = (oracle.flatten_features(maps, flatten_order=order) for order in ("hwc", "chw"))

    np.testing.assert_array_equal(by_place, [oracle.EXAMPLE_FLAT["hwc"]])
    np.testing.assert_array_equal(by_channel, [oracle.EXAMPLE_FLAT["chw"]])
    assert (by_place @ kernel).item() == 18
    assert (by_channel @ kernel).item() == 24
    other = oracle.reordered(kernel, (2, 2, 2), "hwc", "chw")
    assert other.ravel().tolist() == [1, 0, 0, 3, 0, 2, -1, 0]
    assert (by_channel @ other).item() == 18


@pytest.mark.parametrize("maps", [(2, 3, 4), (1, 5, 2), (3, 1, 1)])
def test_rows_for_the_other_order_give_equal_logits(maps):
    draws = np.random.default_rng(1)
    x, kernel = draws.standard_normal((2, *maps)), draws.standard_normal((int(np.prod(maps)), 3))
    for before, after in (("hwc", "chw"), ("chw", "hwc")):
        there = oracle.flatten_features(x, flatten_order=before) @ kernel
        here = oracle.flatten_features(x, flatten_order=after) @ oracle.reordered(kernel, maps, before, after)
        np.testing.assert_allclose(here, there, rtol=1e-12)
