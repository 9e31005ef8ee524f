"""The figures of the pages on convolutional networks show what their captions say."""

from __future__ import annotations

import numpy as np
import pytest

from nnspec_conformance.results import load_experiments
from nnspec_site.figures import canvas_digits, edge_filters, hierarchy_patches


def test_filter_of_sobel_gives_eight_times_the_slope_of_a_ramp_and_nothing_for_an_even_ground():
    ramp = np.tile(np.arange(8.0), (8, 1))
    np.testing.assert_array_equal(edge_filters.answers(ramp, edge_filters.SOBEL), 8)
    np.testing.assert_array_equal(edge_filters.answers(ramp, edge_filters.SOBEL.T), 0)


@pytest.mark.parametrize("degrees", [0, 45, 90])
def test_filter_of_gabor_answers_to_stripes_of_its_own_direction(degrees):
    y, x = np.mgrid[:24, :24]
    along = x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))
    stripes = 0.5 + 0.5 * np.cos(2 * np.pi * along / 6)
    strongest = {d: edge_filters.answers(stripes, edge_filters.gabor(d)).max() for d in (0, 45, 90)}
    own = strongest.pop(degrees)
    assert own > 4 * max(strongest.values())
    np.testing.assert_allclose(edge_filters.answers(np.ones((24, 24)), edge_filters.gabor(degrees)), 0, atol=1e-12)


def test_photograph_is_of_grey_levels():
    picture = edge_filters.photograph()
    assert picture.shape == (120, 133)
    assert picture.min() >= 0
    assert 0.5 < picture.max() <= 1


@pytest.mark.parametrize(("layer", "side"), [(1, 5), (2, 14)])
def test_patches_are_those_that_were_recorded(layer, side):
    found, picture = hierarchy_patches.patches(layer), hierarchy_patches.montage(layer)
    assert found.shape == (6, 5, side, side)
    assert picture.shape == (6 * (side + 1) - 1, 5 * (side + 1) - 1)
    stored = load_experiments()["convolutional-hierarchy"]["series"]["patches"][f"layer {layer}"][2][3]
    corner = picture[2 * (side + 1) :, 3 * (side + 1) :][:side, :side]
    assert [f"{level:x}" for level in np.rint(15 * corner).astype(int).ravel()] == list(stored)


def test_canvases_show_the_same_ink_with_exchanged_pixels_and_a_digit_that_moves():
    placed, other, clip, _ = canvas_digits.pictures().values()
    np.testing.assert_allclose(np.sort(placed.reshape(3, -1)), np.sort(other.reshape(3, -1)))
    middles = np.array([np.argwhere(frame).mean(0) for frame in clip])
    np.testing.assert_allclose(np.diff(middles, 2, axis=0), 0, atol=1e-9)
    assert np.abs(np.diff(middles, axis=0)).max() == pytest.approx(1)
