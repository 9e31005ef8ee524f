"""Tests of the distribution that the reader cuts: every probability is that of the reference."""

from __future__ import annotations

import numpy as np
import pytest

SLIDERS = ("temperature", "top-k", "nucleus p", "min-p")


@pytest.mark.parametrize(
    ("temperature", "k", "p", "min_p"),
    [
        (1, 8, 1, 0),
        (0.5, 8, 1, 0),
        (3, 5, 1, 0),
        (1, 8, 0.8, 0),
        (2, 6, 0.7, 0),
        (1, 8, 1, 0.15),
        (2, 7, 0.9, 0.4),
        (0.25, 1, 0.05, 1),
    ],
)
def test_what_is_kept_and_drawn_from_is_that_of_the_reference(show_figure, slide, cells, temperature, k, p, min_p):
    from nnspec_site.figures.decoding_cuts import WORDS, probabilities

    page = show_figure("decoding-cuts", again=True)
    for label, value in zip(SLIDERS, (temperature, k, p, min_p), strict=True):
        slide(page, label, value)
    found = cells(page)
    left = probabilities(temperature, k=k, p=p, min_p=min_p)

    assert [row[0] for row in found] == list(WORDS)
    np.testing.assert_allclose([float(row[1]) for row in found], probabilities(temperature), atol=6e-4)
    np.testing.assert_allclose([float(row[2]) for row in found], left, atol=6e-4)
    assert f"{(left > 0).sum()} of 8 tokens are kept" in page.locator(".nn-readout").inner_text()


def test_a_token_that_is_cut_says_by_what(show_figure, slide):
    page = show_figure("decoding-cuts", again=True)
    for label, value in zip(SLIDERS, (1, 6, 0.9, 0.2), strict=True):
        slide(page, label, value)

    # of the first six 0.47, 0.28, 0.10, 0.08, 0.04 and 0.02: four of them reach 0.9, of which three have a fifth
    texts = page.locator(".nn-canvas text:not(.strong)").all_text_contents()
    assert texts[3:] == ["min-p", "nucleus", "nucleus", "top-k", "top-k"]
    assert "3 of 8 tokens are kept" in page.locator(".nn-readout").inner_text()
