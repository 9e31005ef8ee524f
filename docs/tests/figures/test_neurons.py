"""The neuron whose line moves is the reference's."""

from __future__ import annotations

import math

import pytest


@pytest.mark.parametrize(
    ("w1", "w2", "b"), [(1, 1, -1.5), (1, 1, -0.5), (-2, 3, 0.75), (0, 0, 1), (0, 0, -0.25), (2.5, -1, 0), (0, 1, -3)]
)
def test_neuron_counts_what_the_reference_has_right(show_figure, slide, cells, number, w1, w2, b):
    import numpy as np

    from nnspec.components.neurons import neuron
    from nnspec_site.figures.neurons_half_plane import POINTS

    page = show_figure("neurons-half-plane", again=True)
    for label, value in (("weight w₁", w1), ("weight w₂", w2), ("bias b", b)):
        slide(page, label, value)
    points = np.array(POINTS, np.float32)
    z = np.asarray(neuron(points, np.array([w1, w2], np.float32), np.float32(b), activation="identity"))
    true = points > 0
    for target, wanted in (("AND", true.all(1)), ("OR", true.any(1)), ("XOR", true.sum(1) == 1)):
        page.get_by_label("to learn").select_option(target)
        assert [number(row[1]) for row in cells(page)] == z.tolist()
        assert [number(row[2]) for row in cells(page)] == [1 if v > 0 else -1 for v in z]
        right = int(((z > 0) == wanted).sum())
        assert page.locator(".nn-readout p").inner_text() == f"{target}: {right} of 4 points right."


def test_neuron_line_stands_where_the_sum_is_zero(show_figure, slide, drawn):
    page = show_figure("neurons-half-plane", width=700)
    slide(page, "weight w₁", 2)
    slide(page, "weight w₂", 1)
    slide(page, "bias b", -1)  # through (0.5, 0) and (0, 1)
    (line,), circles = drawn(page, "line.ink", "circle[r='8']")
    x1, y1, x2, y2 = (float(line[name]) for name in ("x1", "y1", "x2", "y2"))
    for x, y in ((0.5, 0), (0, 1)):
        px, py = _place(circles, x, y)
        off = abs((x2 - x1) * (py - y1) - (y2 - y1) * (px - x1)) / math.hypot(x2 - x1, y2 - y1)
        assert off < 1e-6


def _place(circles: list[dict[str, str]], x: float, y: float) -> tuple[float, float]:
    """Where a point of the plane is drawn, from the four points that are."""
    (x0, y0), (_, y1), (x1, _) = [[float(circle[name]) for name in ("cx", "cy")] for circle in circles[:3]]
    return x0 + (x + 1) / 2 * (x1 - x0), y0 + (y + 1) / 2 * (y1 - y0)
