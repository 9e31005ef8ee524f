"""The cell that the reader steps through is the reference's."""

from __future__ import annotations

import re

import pytest


def test_gates_cell_and_state_are_those_of_the_reference(show_figure, slide, number):
    from nnspec_site.figures.lstm_cell import run

    page = show_figure("lstm-cell")
    for bias, second in ((4, 12), (-1.5, 6)):
        slide(page, "forget bias", bias)
        slide(page, "second write", second)
        found = run(bias, second)
        for t in (1, 3, 4, 12, 20):
            slide(page, "step", t)
            line = page.locator(".nn-readout").inner_text()
            parts = re.fullmatch(
                r"Step (\d+): cell (.+) · (.+) \+ (.+) · (.+) = (.+)\. State (.+) · tanh of the cell = (.+)\.", line
            )
            assert parts, line
            step, *came = (number(part) for part in parts.groups())
            before = found["c"][t - 2] if t > 1 else 0.0
            names = [found[name][t - 1] for name in ("f", "i", "g", "c", "o", "h")]
            assert step == t
            assert came == pytest.approx([names[0], before, *names[1:]], abs=6e-4)
