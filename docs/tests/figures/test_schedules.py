"""The rates that the reader reads off are those of the reference."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("length", "end", "step"), [(20, 0.1, 30), (2, 0.0, 60), (7, 0.5, 21), (40, 0.25, 0)])
def test_rates_are_those_of_the_reference(show_figure, slide, number, length, end, step):
    from nnspec_site.figures.schedule_decay import rates

    page = show_figure("schedule-decay", again=True)
    for label, value in (("length", length), ("end", end), ("step", step)):
        slide(page, label, value)
    want = rates(length, end)
    for row in page.locator(".nn-readout tr").all():
        name = row.locator("th").inner_text().strip()
        assert number(row.locator("td").inner_text()) == pytest.approx(float(want.pop(name)[step]), abs=6e-5)
    assert not want


@pytest.mark.parametrize(
    ("warmup", "end", "cycle", "step"), [(10, 0.0, 20, 30), (2, 0.5, 2, 60), (40, 0.25, 7, 21), (7, 0.1, 40, 0)]
)
def test_rates_that_warm_up_are_those_of_the_reference(show_figure, slide, number, warmup, end, cycle, step):
    from nnspec_site.figures.schedule_warmup import rates

    page = show_figure("schedule-warmup", again=True)
    for label, value in (("warm-up", warmup), ("end", end), ("first cycle", cycle), ("step", step)):
        slide(page, label, value)
    want = rates(warmup, end, cycle)
    for row in page.locator(".nn-readout tr").all():
        name = row.locator("th").inner_text().strip()
        assert number(row.locator("td").inner_text()) == pytest.approx(float(want.pop(name)[step]), abs=6e-5)
    assert not want
