"""The image on the way between two codes is the one that the reference's decoder makes of the code."""

from __future__ import annotations

import re

import numpy as np
import pytest


@pytest.mark.parametrize(("start", "end", "share"), [(0, 6, 0.5), (1, 7, 0.3), (4, 9, 1.0), (3, 3, 0.0)])
def test_the_image_is_that_of_the_decoder(show_figure, slide, number, start, end, share):
    from nnspec_site.figures.autoencoder_codes import images, means

    page = show_figure("autoencoder-codes", again=True)
    for label, digit in (("from the mean code of", start), ("to that of", end)):
        page.get_by_label(label).select_option(str(digit))
    slide(page, "share of the way", share)
    found = re.search(r"Code \((\S+), (\S+)\); .* is (\S+)\.", page.locator(".nn-readout").inner_text())
    assert found is not None
    *code, mean = (number(one) for one in found.groups())
    want = means()[start] + share * (means()[end] - means()[start])

    assert code == pytest.approx(want, abs=2e-3)
    assert mean == pytest.approx(images(np.array([want])).mean(), abs=2e-3)
