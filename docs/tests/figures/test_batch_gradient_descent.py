"""Batch gradient descent at a chosen rate goes where the reference does."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("rate", "updates"), [(0.02, 20), (0.33, 1), (0.57, 8), (0.66, 20), (0.74, 15)])
def test_batch_rates_lead_where_the_reference_does(show_figure, slide, cells, number, rate, updates):
    import jax
    import numpy as np
    import optax

    from nnspec.components.optimization import gradient_descent
    from nnspec.training.batch_gradient_descent import batch_gradient
    from nnspec_site.figures.batch_rates import DATA, START, loss

    page = show_figure("batch-rates", again=True)
    slide(page, "learning rate", rate)
    slide(page, "updates", updates)
    with jax.enable_x64(True):
        now, method = {"kernel": START[:1, None], "bias": START[1:]}, gradient_descent(rate)
        state = method.init(now)
        for _ in range(updates):
            moves, state = method.update(batch_gradient(*DATA, now, chunk=4), state, now)
            now = optax.apply_updates(now, moves)
        w, b = float(now["kernel"][0, 0]), float(now["bias"][0])
    shown = [number(cell) for cell in cells(page)[0]]
    assert shown == pytest.approx([w, b, float(loss(np.float64(w), np.float64(b)))], abs=6e-5)


@pytest.mark.parametrize(("rate", "word"), [(0.33, "below 1/L"), (0.34, "between"), (0.66, "between"), (0.67, "above")])
def test_batch_rates_name_the_limits(show_figure, slide, rate, word):
    page = show_figure("batch-rates", again=True)
    slide(page, "learning rate", rate)
    assert page.locator(".nn-readout p").inner_text().startswith(word)
