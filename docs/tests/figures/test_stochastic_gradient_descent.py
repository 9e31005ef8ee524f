"""The path from example to example is the reference's."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize(("rate", "steps"), [(0.05, 60), (0.4, 40), (0.5, 1), (1, 7), (0.75, 0)])
def test_path_of_single_examples_is_that_of_the_reference(show_figure, slide, number, rate, steps):
    import numpy as np

    from nnspec_site.figures.sgd_path import POINTS, order, path

    page = show_figure("sgd-path", again=True)
    slide(page, "learning rate", rate)
    slide(page, "steps", steps)
    text = page.locator(".nn-readout").inner_text()
    want = path(rate, steps)
    found = re.search(r"\((\S+), (\S+)\)\. Distance from the mean, squared: (\S+)\.", text)
    assert found is not None
    away = np.square(want - np.mean(POINTS, 0)).sum(1)
    assert [number(one) for one in found.groups()] == pytest.approx([*want[-1], away[-1]], abs=2e-4)
    if steps:
        assert f"towards example {order()[steps - 1]}, to" in text
        assert f"last {min(steps, 18)} steps" in text
        spread = number(text.rsplit("steps ", 1)[1].split(" on average")[0])
        assert spread == pytest.approx(away[1:][-18:].mean(), abs=2e-4)
    drawn = page.locator(".nn-canvas path.s1").get_attribute("d")
    assert drawn.count("L") == steps
