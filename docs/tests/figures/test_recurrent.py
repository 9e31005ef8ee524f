"""The recurrent stepper arrives where the reference does."""

from __future__ import annotations

import re

import pytest


def test_states_and_gradients_are_those_of_the_reference(show_figure, slide, number):
    from nnspec_site.figures.recurrent_state import states

    page = show_figure("recurrent-state")
    for c, first in ((0.9, 1.0), (1.25, 2.5)):
        slide(page, "factor c", c)
        slide(page, "input", first)
        h, norms = states(c, first)
        for t in (0, 1, 2, 7, 20):
            slide(page, "step", t)
            line = page.locator(".nn-readout").inner_text()
            found = re.fullmatch(
                r"Step (\d+): state \((.+), (.+)\)\. Gradient by the carry: norm (.+), bound (.+)\.", line
            )
            assert found, line
            step, *came = (number(part) for part in found.groups())
            assert step == t
            assert came == pytest.approx([*h[t], norms[t], c**t], rel=6e-3, abs=1e-6)
