"""The running statistics that the reader moves are those that the oracle collects from the same batches."""

from __future__ import annotations

import pytest


def put(page, slide, size: int, decay: float, step: int) -> None:
    page.get_by_label("batch size").select_option(str(size))
    slide(page, "decay", decay)
    slide(page, "step", step)


@pytest.mark.parametrize(
    ("size", "decay", "step"), [(8, 0.9, 20), (2, 0.5, 60), (32, 0.99, 37), (8, 0.0, 5), (2, 0.75, 1)]
)
def test_both_statistics_are_those_of_the_oracle(show_figure, slide, cells, number, size, decay, step):
    from nnspec_site.figures.running_statistics import MEAN, VARIANCE, of_batches, running

    page = show_figure("running-statistics", again=True)
    put(page, slide, size, decay, step)
    shown = [[number(cell) for cell in row] for row in cells(page)]
    want = zip(of_batches(size)[step - 1], running(size, decay)[step], (MEAN, VARIANCE), strict=True)
    for found, expected in zip(shown, want, strict=True):
        assert found == pytest.approx(expected, abs=6e-5)


def test_before_the_first_batch_they_are_0_and_1(show_figure, slide, cells):
    page = show_figure("running-statistics", again=True)
    put(page, slide, 8, 0.9, 0)
    assert [row[:2] for row in cells(page)] == [["–", "0"], ["–", "1"]]


@pytest.mark.parametrize("decay", [0.9, 0.99])
def test_the_lines_go_where_the_table_says(show_figure, slide, drawn, decay):
    """Each line is as high above its dashed line as the statistic is above the truth, in pixels of the axis."""
    import numpy as np

    from nnspec_site.figures.running_statistics import MEAN, VARIANCE, of_batches, running

    page = show_figure("running-statistics", again=True)
    put(page, slide, 8, decay, 60)
    lines, dashed, points = drawn(page, "path.s0", "line[stroke-dasharray]", 'circle[r="2"]')
    for n, right in enumerate((MEAN, VARIANCE)):
        zero = float(dashed[n]["y1"])
        heights = np.array([float(point["cy"]) for point in points[60 * n : 60 * (n + 1)]])
        pixels, _ = np.polyfit(of_batches(8)[:, n], heights, 1)
        line = np.array([float(place.split()[1]) for place in lines[n]["d"][1:].split("L")])
        np.testing.assert_allclose((line - zero) / pixels, running(8, decay)[:, n] - right, atol=0.1)
