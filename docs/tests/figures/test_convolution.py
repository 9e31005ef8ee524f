"""The window that the reader moves over an image: every sum is the reference's."""

from __future__ import annotations

import numpy as np
import pytest


def slide(page, label: str, value: float) -> None:
    page.get_by_role("slider", name=label).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )


def number(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-"))


@pytest.mark.parametrize(
    ("stride", "pad", "dilation", "place"), [(1, 0, 1, 6), (2, 1, 1, 9), (1, 2, 2, 14), (3, 2, 1, 4)]
)
def test_window_shows_the_sums_of_the_reference(show_figure, stride, pad, dilation, place):
    from nnspec.architectures.convolutional.convolution import convolution_2d
    from nnspec_site.figures.convolution_window import IMAGE, KERNEL

    page = show_figure("convolution-window", again=True)
    for label, value in (("stride", stride), ("padding", pad), ("dilation", dilation), ("window", place)):
        slide(page, label, value)
    image, kernel = (np.array(a, np.float32) for a in (IMAGE[None, :, :, None], KERNEL[:, :, None, None]))
    given = {"stride": (stride,) * 2, "dilation": (dilation,) * 2, "pads": (pad,) * 4}
    want = np.asarray(convolution_2d(image, kernel, padding="valid", **given))[0, :, :, 0]
    drawn = sorted(number(text) for text in page.locator(".nn-canvas text.out").all_text_contents())
    assert drawn == sorted(want.ravel().tolist())
    head, line = page.locator(".nn-readout").inner_text().split(": ")
    assert head == f"window {place} of {want.size}"
    products, total = line.split(" = ")
    terms = [[number(part) for part in product.split(" · ")] for product in products.split(" + ")]
    assert number(total) == sum(w * x for w, x in terms) == want.ravel()[place - 1]
    assert [w for w, _ in terms] == KERNEL.ravel().tolist()
