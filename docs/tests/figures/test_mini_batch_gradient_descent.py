"""The paths of three batch sizes are the reference's."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("updates", [0, 1, 13, 24])
def test_batch_paths_show_the_loss_of_the_reference_and_count_examples(show_figure, slide, cells, number, updates):
    from nnspec_site.figures.mini_batch_paths import METHODS, losses, paths

    page = show_figure("mini-batch-paths", again=True)
    slide(page, "updates", updates)
    want = [[size * updates, size * updates / 8, losses(*paths()[name][updates])] for name, size in METHODS.items()]
    for row, numbers in zip(cells(page), want, strict=True):
        assert [number(cell) for cell in row] == pytest.approx(numbers, abs=2e-4)


def test_batch_paths_are_drawn_as_far_as_the_slider_says(show_figure, slide):
    page = show_figure("mini-batch-paths", width=700)
    slide(page, "updates", 7)
    assert page.locator(".nn-canvas circle").count() == 3 * 8
