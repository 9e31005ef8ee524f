"""The figure of early stopping stops where the reference does."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize(("patience", "min_delta"), [(1, 0), (2, 0.005), (5, 0.05), (20, 0), (40, 0), (7, 0.1)])
def test_it_stops_where_the_reference_does(show_figure, slide, cells, number, patience, min_delta):
    import jax

    from nnspec.training.early_stopping import early_stopping
    from nnspec_site.figures.early_stopping import CURVES, curves

    page = show_figure("early-stopping", again=True)
    slide(page, "patience", patience)
    slide(page, "min_delta", min_delta)
    found = curves()
    with jax.enable_x64(True):
        want = early_stopping(jax.numpy.asarray(found["validation"]), patience=patience, min_delta=min_delta)
    stopped, best = int(want["stopped"]), int(want["best"])
    end = stopped if stopped >= 0 else len(found["validation"]) - 1
    head = page.locator(".nn-readout tr").first.inner_text()
    assert [int(n) for n in re.findall(r"\d+", head)] == [best, end]
    assert ("stop" in head) == (stopped >= 0)
    shown = [[number(cell) for cell in row] for row in cells(page)]
    assert shown == [pytest.approx([found[name][best], found[name][end]], abs=6e-5) for name in CURVES]
