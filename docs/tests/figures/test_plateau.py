"""The figure of a plateau cuts the rate where the reference does, which is handed one metric after the other."""

from __future__ import annotations

import numpy as np
import pytest


def trained(patience: int, cooldown: int, noise: float) -> tuple[float, float, list[int]]:
    """The last loss and rate, and when the rate was cut, by the reference's update."""
    import jax

    from nnspec.training.schedules.plateau import plateau_start, plateau_update
    from nnspec_site.figures.plateau import FACTOR, RATE, START, STEPS, errors

    m, cuts = START, []
    with jax.enable_x64(True):
        state = plateau_start(RATE, dtype=jax.numpy.float64)
        for t, error in enumerate(errors()):
            rate = RATE * FACTOR ** len(cuts)
            for _ in range(STEPS):
                m = (1 - rate) ** 2 * m + rate**2
            metric, before = jax.numpy.asarray(m / 2 * np.exp(noise * error)), float(state.rate)
            state = plateau_update(
                state, metric, factor=FACTOR, patience=patience, min_delta=0.0, min_delta_is="absolute",
                cooldown=cooldown,
            )  # fmt: skip
            if float(state.rate) < before:
                cuts.append(t)
    return m / 2, RATE * FACTOR ** len(cuts), cuts


@pytest.mark.parametrize(("patience", "cooldown", "noise"), [(4, 0, 0.3), (1, 0, 0.05), (2, 12, 1), (12, 3, 0.5)])
def test_it_cuts_where_the_reference_does(show_figure, slide, cells, number, patience, cooldown, noise):
    page = show_figure("plateau", again=True)
    for label, value in (("patience", patience), ("cooldown", cooldown), ("noise of an evaluation", noise)):
        slide(page, label, value)
    loss, rate, cuts = trained(patience, cooldown, noise)
    shown = [number(row[0]) if row[0] != "none" else None for row in cells(page)]
    assert shown[0] == pytest.approx(loss, abs=6e-6)
    assert shown[1] == pytest.approx(rate, abs=6e-8)
    assert shown[2:] == [len(cuts), cuts[0] if cuts else None]


def test_the_still_picture_is_of_the_same_run():
    from nnspec_site.figures.plateau import COOLDOWN, NOISE, PATIENCE
    from nnspec_site.figures.plateau import trained as drawn

    losses, _, rates = drawn(PATIENCE, COOLDOWN, NOISE)
    loss, rate, cuts = trained(PATIENCE, COOLDOWN, NOISE)
    assert (losses[-1], rates[-1]) == pytest.approx((loss, rate), rel=1e-12)
    assert len(cuts) > 1
