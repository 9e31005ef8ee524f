"""The paths of two players are those of the recursion, and of the two theorems of the page."""

from __future__ import annotations

import re

import numpy as np
import pytest


@pytest.mark.parametrize("rate", [0.05, 0.3, 1.0, 1.95, 2.0])
def test_distances_are_those_of_the_recursion(show_figure, slide, number, rate):
    from nnspec_site.figures.gan_spiral import STEPS, path

    page = show_figure("gan-spiral", again=True)
    slide(page, "rate", rate)
    found = re.search(r"equilibrium (\S+) if both step at once, (\S+) one", page.locator(".nn-readout").inner_text())
    assert found is not None
    together, in_turn = (number(one) for one in found.groups())
    want = np.linalg.norm(path(rate, True)[-1])

    assert together == pytest.approx((1 + rate**2) ** (STEPS / 2), rel=2e-3, abs=6e-4)
    assert in_turn == pytest.approx(want, rel=2e-3, abs=6e-4)


def test_what_alternating_players_keep():
    from nnspec_site.figures.gan_spiral import path

    for rate in (0.1, 0.7, 1.9):
        x, y = path(rate, True).T
        assert np.ptp(x**2 + y**2 - rate * x * y) < 1e-12
