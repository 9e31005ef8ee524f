"""Activation explorer, softmax with an offset and product of slopes: right by reference and oracle."""

from __future__ import annotations

import math

import pytest


# ------------------------------------------------------------------ activation explorer
def test_explorer_shows_what_the_reference_gives_in_each_dtype(show_figure, slide, cells, number):
    import jax.numpy as jnp
    import numpy as np

    from nnspec.components import activations
    from nnspec_conformance.oracles.components import activations as oracle

    page = show_figure("activation-explorer")
    for name, x in zip(oracle.ELEMENTWISE, (1, -3, -8, -0.25, -4, -6.5, 7, 2.75, -8, -1, 2), strict=True):
        page.get_by_label("function").select_option(name)
        slide(page, "input x", x)
        exact, single, half, slope = cells(page)
        value = float(getattr(oracle, name)(np.float64(x)))
        assert number(exact[0]) == pytest.approx(value, rel=1e-9)
        assert number(slope[0]) == pytest.approx(float(getattr(oracle, f"{name}_derivative")(np.float64(x))), rel=1e-5)
        for shown, dtype, digits in ((single, "float32", 9), (half, "bfloat16", 6)):
            given = float(getattr(activations, name)(jnp.asarray([x], dtype))[0])
            assert number(shown[0]) == pytest.approx(given, rel=10.0 ** (1 - digits))
            assert number(shown[1]) == pytest.approx(abs(given - value), rel=0.06)


def test_explorer_counts_distance_in_units_of_the_last_place(show_figure, slide, cells):
    page = show_figure("activation-explorer")
    page.get_by_label("function").select_option("hard_sigmoid")
    slide(page, "input x", -2)  # 1/6: bfloat16 has 0.1669921875, a third of its unit 2^-10 off
    _, _, half, _ = cells(page)
    assert half == ["0.166992", "3.3·10−4", "0.33"]


def test_explorer_tangent_has_the_slope(show_figure, slide, drawn):
    page = show_figure("activation-explorer", width=700)
    page.get_by_label("function").select_option("relu")  # its tangent lies on the curve
    slide(page, "input x", 3)
    (line,), (curve,) = drawn(page, "line.s3", "path.s0")
    x1, y1, x2, y2 = (float(line[name]) for name in ("x1", "y1", "x2", "y2"))
    points = [tuple(map(float, point.split())) for point in curve["d"][1:].split("L")]
    (cx1, cy1), (cx2, cy2) = points[44], points[64]  # x = 3 and 8
    assert (y2 - y1) / (x2 - x1) == pytest.approx((cy2 - cy1) / (cx2 - cx1), rel=2e-3)
    slide(page, "input x", -3)
    ((line,),) = drawn(page, "line.s3")
    assert line["y1"] == line["y2"]


# ------------------------------------------------------------------ softmax
@pytest.mark.parametrize("temperature", [0.25, 1, 2.5])
@pytest.mark.parametrize("offset", [-120, -50, 0, 40, 86, 87, 120])
def test_softmax_as_written_is_the_naive_one_and_shifted_is_the_reference(
    show_figure, slide, cells, number, offset, temperature
):
    import numpy as np

    from nnspec.components.activations import softmax
    from nnspec_conformance.mutants.components.activations_softmax import without_the_shift
    from nnspec_conformance.oracles.components import activations as oracle
    from nnspec_site.figures.softmax_offset import SCORES

    page = show_figure("softmax-offset", again=True)
    slide(page, "temperature", temperature)
    slide(page, "offset c", offset)
    x = np.array(SCORES, np.float32) / np.float32(temperature) + np.float32(offset)
    shown = np.array([[number(cell) for cell in row] for row in cells(page)])
    np.testing.assert_allclose(shown[:, 0], x, atol=5e-5)
    np.testing.assert_allclose(shown[:, 2], without_the_shift(oracle.softmax, x), atol=6e-4)
    np.testing.assert_allclose(shown[:, 4], softmax(x), atol=6e-4)


def test_softmax_as_written_overflows_at_89(show_figure, slide):
    page = show_figure("softmax-offset")  # the scores are 0, 1, 2
    slide(page, "offset c", 86)
    assert "NaN" not in page.locator(".nn-readout").inner_text()
    slide(page, "offset c", 87)
    assert "∞ / ∞ is NaN" in page.locator(".nn-readout").inner_text()
    assert "0.665" in page.locator(".nn-readout").inner_text()


# ------------------------------------------------------------------ product of slopes
@pytest.mark.parametrize(("z", "layers"), [(0, 1), (0, 30), (0.5, 60), (-2.25, 7), (4, 60), (-4, 2)])
def test_products_are_powers_of_the_slopes_of_the_definition(show_figure, slide, cells, number, z, layers):
    import numpy as np

    from nnspec_conformance.oracles.components import activations as oracle

    page = show_figure("slopes-through-depth", again=True)
    slide(page, "layers", layers)
    slide(page, "sum z in every layer", z)
    for name, (slope, product) in zip(("sigmoid", "tanh", "relu"), cells(page), strict=True):
        exact = float(getattr(oracle, f"{name}_derivative")(np.float64(z)))
        assert number(slope) == pytest.approx(exact, rel=5e-3)  # three digits are shown
        assert number(product) == pytest.approx(exact**layers, rel=5e-3)


def test_products_end_where_the_scale_says(show_figure, slide, drawn):
    page = show_figure("slopes-through-depth")
    slide(page, "layers", 30)
    slide(page, "sum z in every layer", 0)
    circles, grid = drawn(page, "circle", ".grid")
    ends = [float(circle["cy"]) for circle in circles]
    lines = [float(line["y1"]) for line in grid]  # 1, 1e-10, ...
    decade = (lines[1] - lines[0]) / 10
    assert [(end - lines[0]) / decade for end in ends[:2]] == pytest.approx([-30 * math.log10(0.25), 0])
