"""The rates that the reader reads off are those of the reference, and so are their sums."""

from __future__ import annotations

import pytest

KINDS = (
    "constant", "step", "exponential", "inverse time", "linear", "cosine", "restarts", "inverse root", "one cycle",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("warmup", "length", "end", "step"), [(10, 20, 0.0, 30), (0, 7, 0.5, 21), (40, 2, 0.25, 60)])
def test_rates_are_those_of_the_reference(show_figure, slide, cells, number, kind, warmup, length, end, step):
    from nnspec_site.figures.schedules import rates

    page = show_figure("schedules", again=True)
    page.locator("select").nth(1).select_option(kind)
    for label, value in (
        ("second: warm-up", warmup), ("half-life, first cycle", length), ("end", end), ("read at step", step),
    ):  # fmt: skip
        slide(page, label, value)
    want = rates(kind, warmup, length, end)
    rate, total = map(number, cells(page)[1])
    assert rate == pytest.approx(float(want[step]), abs=6e-5)
    assert total == pytest.approx(float(want[:-1].sum()), abs=6e-3)


def test_all_kinds_of_the_list_are_held_to_it(show_figure):
    page = show_figure("schedules", again=True)
    assert page.locator("select").first.locator("option").all_inner_texts() == list(KINDS)
