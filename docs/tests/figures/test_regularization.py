"""The solutions on the two paths of penalties are the minima that the oracle's steps find."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("strength", [0, 0.05, 0.8, 1.3, 2.4])
def test_the_solutions_are_the_minima(show_figure, slide, cells, number, strength):
    from nnspec_site.figures.penalty_contours import HESSIAN, LEAST, lasso, ridge

    page = show_figure("penalty-contours", again=True)
    slide(page, "strength", strength)
    shown = [[number(cell) for cell in row] for row in cells(page)]
    for found, want in zip(shown, (lasso(strength), ridge(strength)), strict=True):
        loss = (want - LEAST) @ HESSIAN @ (want - LEAST) / 2
        assert found == pytest.approx([*want, loss], abs=6e-5)


def test_the_first_penalty_alone_makes_a_parameter_zero(show_figure, slide, cells, number):
    page = show_figure("penalty-contours", again=True)
    slide(page, "strength", 1.3)
    first, second = ([number(cell) for cell in row] for row in cells(page))
    assert first[1] == 0
    assert second[1] > 0.1
