"""What a place sees in the figure is what the gradient of the reference says."""

from __future__ import annotations

import re

import numpy as np
import pytest


def support(pixels: int, layers: int, window: int, stride: int, place: int) -> set[int]:
    """The pixels that a place of the last layer depends on, by the gradient of convolutions of ones."""
    import jax
    import jax.numpy as jnp

    from nnspec.architectures.convolutional.convolution import convolution_1d

    def one(x):
        for _ in range(layers):
            x = convolution_1d(x, jnp.ones((window, 1, 1)), padding="valid", stride=(stride,))
        return x[0, place - 1, 0]

    dx = np.asarray(jax.grad(one)(jnp.ones((1, pixels, 1))))
    return set(np.flatnonzero(dx[0, :, 0]).tolist())


@pytest.mark.parametrize(
    ("layers", "window", "stride", "place"), [(3, 3, 2, 2), (2, 5, 1, 7), (2, 2, 3, 3), (4, 3, 1, 10), (1, 1, 3, 4)]
)
def test_pixels_are_those_of_the_gradient_and_the_formula(show_figure, slide, drawn, layers, window, stride, place):
    from nnspec.architectures.convolutional.network import receptive_field
    from nnspec_site.figures.receptive_field import PIXELS

    page = show_figure("receptive-field", again=True)
    for label, value in (("layers", layers), ("window", window), ("stride", stride), ("place", place)):
        slide(page, label, value)
    (squares,) = drawn(page, "rect.layer0")
    seen = {p for p, square in enumerate(squares) if "seen" in square["class"]}
    want = support(PIXELS, layers, window, stride, place)
    field, _ = receptive_field((window,) * layers, (stride,) * layers)
    line = page.locator(".nn-readout").inner_text()
    found = re.fullmatch(r"Place (\d+) of \d+: .* = (\d+) pixels(?:, of which (\d+) are never read)?\.", line)

    assert len(squares) == PIXELS
    assert seen == want
    assert found, line
    assert (int(found[1]), int(found[2])) == (place, field)
    assert int(found[3] or 0) == field - len(want)


def test_layers_that_do_not_fit_are_left_out(show_figure, slide):
    page = show_figure("receptive-field", again=True)
    for label, value in (("layers", 4), ("window", 5), ("stride", 3)):
        slide(page, label, value)
    assert "No window fits into layer 3." in page.locator(".nn-readout").inner_text()


def test_still_picture_has_the_field_of_its_formula():
    from nnspec.architectures.convolutional.network import receptive_field
    from nnspec_site.figures.receptive_field import LAYERS, PIXELS, PLACE, STRIDE, WINDOW, rows

    (pixels, seen), *_, (_, last) = rows(PLACE)
    assert pixels == PIXELS
    assert last == {PLACE - 1}
    assert len(seen) == receptive_field((WINDOW,) * LAYERS, (STRIDE,) * LAYERS)[0]
    assert seen == support(PIXELS, LAYERS, WINDOW, STRIDE, PLACE)
