"""Tests of the row that the reader shifts and stretches: every number is that of the reference."""

from __future__ import annotations

import numpy as np
import pytest


def slide(page, label: str, value: float) -> None:
    page.get_by_role("slider", name=label).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )


def shown(page) -> dict[str, list[float]]:
    found = {}
    for row in page.locator(".nn-readout tr").all():
        cells = [text.replace("\N{MINUS SIGN}", "-") for text in row.locator("td").all_inner_texts()]
        found[row.locator("th").inner_text()] = list(map(float, cells))
    return found


@pytest.mark.parametrize(
    ("added", "factor", "exponent"), [(0, 1, -5), (2, 1, -5), (-1.5, 0.5, -1), (0, 0.05, 0), (1, 0, -3)]
)
def test_row_and_norms_are_those_of_the_reference(show_figure, added, factor, exponent):
    from nnspec_site.figures.normalization_row import normalized

    page = show_figure("normalization-row", again=True)
    for label, value in (("added to all", added), ("factor", factor), ("ε", exponent)):
        slide(page, label, value)
    found = shown(page)
    want = normalized(added, factor, 10.0**exponent)

    assert found.keys() == want.keys()
    for name, values in want.items():
        np.testing.assert_allclose(found[name], values, atol=6e-4)


def test_a_small_row_is_told_from_a_constant_one(show_figure):
    page = show_figure("normalization-row", again=True)
    slide(page, "added to all", 1)
    slide(page, "ε", 0)
    slide(page, "factor", 0.5)
    assert "is small beside ε" in page.locator(".nn-readout").inner_text()
    slide(page, "factor", 0)
    assert "equal numbers" in page.locator(".nn-readout").inner_text()
