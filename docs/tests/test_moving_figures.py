"""Figures that move, each on a page of its own in a browser: readable, usable by keyboard, right by the reference."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from nnspec_site import figures
from nnspec_site.assets import PAGES

ASSETS = PAGES / "assets"
NAMES = sorted(path.stem for path in figures.SCRIPTS.glob("*.js"))
WIDTHS = (358, 700)  # of a phone's column and of the widest one
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A figure</title>{styles}</head>
<body data-md-color-scheme="{scheme}"><main class="md-typeset" style="width:{width}px">{figure}</main>
<script src="assets/figures.js"></script></body></html>"""
STYLES = ("main", "palette", "theme", "clauses", "figures")
LETTERS = """() => [...document.querySelectorAll('.nn-canvas text')].map(text => {
    const box = text.getBoundingClientRect();
    const all = text.closest('.nn-canvas').getBoundingClientRect();
    const wide = box.left >= all.left && box.right <= all.right;
    const high = box.top >= all.top - 1 && box.bottom <= all.bottom + 1;
    return [text.textContent, parseFloat(getComputedStyle(text).fontSize), wide && high];
})"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """The assets of a site, with the files of every figure that moves."""
    import material

    root = tmp_path_factory.mktemp("figures")
    assets = shutil.copytree(ASSETS, root / "assets", ignore=shutil.ignore_patterns("generated"))
    sheets = Path(material.__file__).parent / "templates" / "assets" / "stylesheets"
    for style in ("main", "palette"):
        (assets / f"{style}.css").write_bytes(next(sheets.glob(f"{style}.*.min.css")).read_bytes())
    for name in NAMES:
        figures.draw(name, assets / "generated" / "figures")
    return root


@pytest.fixture(scope="session")
def tab(chromium):
    page = chromium.new_page()
    page.problems, page.shown = [], None
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url}"))
    return page


@pytest.fixture
def show(folder, tab, convert):
    """Open a page with one figure; no script error may come, then or later.

    A test that sets every control takes it ``again``, as another test left it: opening takes most of the time.
    """

    def run(name: str, *, width: int = 358, scheme: str = "default", again: bool = False):
        if again and tab.shown == (name, width, scheme):
            return tab
        figure = convert(f"/// figure | {name}\n    alt: What it shows.\n\nA caption.\n///").replace(
            '"/assets', '"assets'
        )
        styles = "".join(f'<link rel="stylesheet" href="assets/{style}.css">' for style in STYLES)
        path = folder / f"{name}.html"
        path.write_text(PAGE.format(styles=styles, scheme=scheme, width=width, figure=figure), encoding="utf-8")
        tab.problems.clear()
        tab.set_viewport_size({"width": width + 32, "height": 900})
        tab.goto(path.as_uri(), wait_until="load")
        tab.locator(".nn-running").wait_for()
        tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")  # its width
        tab.shown = (name, width, scheme)
        return tab

    yield run
    assert tab.problems == []


def slide(page, label: str, value: float) -> None:
    """Put a slider where a reader could put it."""
    found = page.get_by_label(label).evaluate(
        """(input, value) => {
            input.value = value;
            input.dispatchEvent(new Event('input'));
            return Number(input.value);
        }""",
        value,
    )
    assert found == value, f"{label} has no position {value}"


def number(text: str) -> float:
    """What is read: 0.5, −3, 2.6·10⁻¹³ (its exponent raised by the page), ∞, NaN."""
    return float(text.replace("\N{MINUS SIGN}", "-").replace("∞", "inf").replace("·10", "e"))


def cells(page) -> list[list[str]]:
    """The readout's table, without its head."""
    rows = page.locator(".nn-readout tr").all()
    return [row.locator("td").all_inner_texts() for row in rows[1:]]


# ------------------------------------------------------------------ what every figure owes
@pytest.mark.parametrize("name", NAMES)
def test_script_is_small_and_alone(name):
    script = (figures.SCRIPTS / f"{name}.js").read_text(encoding="utf-8")
    assert len(script.encode()) <= 5 * 1024
    assert f'nnFigure("{name}"' in script
    assert "http" not in script
    assert name in figures.makers()  # the still picture


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_letters_are_large_enough_and_inside_wherever_the_sliders_stand(show, name, width):
    page = show(name, width=width)
    for end in ("start", "min", "max"):
        for slider in page.locator("input[type=range]").all() if end != "start" else []:
            slider.evaluate(
                "(input, end) => { input.value = input[end]; input.dispatchEvent(new Event('input')); }", end
            )
        letters = page.evaluate(LETTERS)
        assert letters
        assert [found for found in letters if found[1] < 10 or not found[2]] == [], end
        assert page.evaluate("document.querySelector('main').scrollWidth") <= width


@pytest.mark.parametrize("name", NAMES)
def test_every_slider_moves_by_keyboard_and_is_named(show, name):
    page = show(name)
    sliders = page.locator("input[type=range]")
    assert sliders.count() > 0
    for slider in sliders.all():
        assert slider.evaluate("input => input.labels[0].firstChild.textContent")
        before = slider.input_value(), page.locator(".nn-stage").inner_html()
        slider.focus()
        page.keyboard.press("ArrowRight" if number(before[0]) < number(slider.get_attribute("max")) else "ArrowLeft")
        assert slider.input_value() != before[0]
        assert page.locator(".nn-stage").inner_html() != before[1]
        assert slider.get_attribute("aria-valuetext") in page.locator(".nn-controls").inner_text()


@pytest.mark.parametrize("name", NAMES)
def test_print_and_no_script_show_the_still_picture(show, chromium, name):
    page = show(name)
    still = page.locator("figure > img").first
    assert not still.is_visible()
    page.emulate_media(media="print")
    still.wait_for()  # its file is fetched only now
    printed = page.locator(".nn-stage").is_visible()
    page.emulate_media(media="screen")
    assert not printed
    context = chromium.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(page.url)
    plain.locator("figure > img").first.wait_for()
    shown = plain.locator(".nn-stage").count()
    context.close()
    assert shown == 0


@pytest.mark.parametrize("scheme", ["default", "slate"])
@pytest.mark.parametrize("name", NAMES)
def test_no_accessibility_violation(show, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = show(name, scheme=scheme)
    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    options = {"runOnly": levels, "preload": False}  # it would fetch the style sheets again
    found = axe.Axe().run(page, options=options).response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found] == []


# ------------------------------------------------------------------ neuron
@pytest.mark.parametrize(
    ("w1", "w2", "b"), [(1, 1, -1.5), (1, 1, -0.5), (-2, 3, 0.75), (0, 0, 1), (0, 0, -0.25), (2.5, -1, 0), (0, 1, -3)]
)
def test_neuron_counts_what_the_reference_has_right(show, w1, w2, b):
    import numpy as np

    from nnspec.components.neurons import neuron
    from nnspec_site.figures.neurons_half_plane import POINTS

    page = show("neurons-half-plane", again=True)
    for label, value in (("weight w₁", w1), ("weight w₂", w2), ("bias b", b)):
        slide(page, label, value)
    points = np.array(POINTS, np.float32)
    z = np.asarray(neuron(points, np.array([w1, w2], np.float32), np.float32(b), activation="identity"))
    for target, wanted in (("AND", points.all(1)), ("OR", points.any(1)), ("XOR", points.sum(1) == 1)):
        page.get_by_label("to learn").select_option(target)
        assert [number(row[1]) for row in cells(page)] == z.tolist()
        assert [row[2] for row in cells(page)] == [str(int(v)) for v in z > 0]
        right = int(((z > 0) == wanted).sum())
        assert page.locator(".nn-readout p").inner_text() == f"{target}: {right} of 4 points right."


def test_neuron_line_stands_where_the_sum_is_zero(show):
    page = show("neurons-half-plane", width=700)
    slide(page, "weight w₁", 2)
    slide(page, "weight w₂", 1)
    slide(page, "bias b", -1)  # through (0.5, 0) and (0, 1)
    line = page.locator(".nn-canvas line.ink")
    x1, y1, x2, y2 = (float(line.get_attribute(name)) for name in ("x1", "y1", "x2", "y2"))
    for x, y in ((0.5, 0), (0, 1)):
        px, py = _place(page, x, y)
        off = abs((x2 - x1) * (py - y1) - (y2 - y1) * (px - x1)) / math.hypot(x2 - x1, y2 - y1)
        assert off < 1e-6


def _place(page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the plane is drawn, from the four points that are."""
    circles = page.locator(".nn-canvas circle[r='8']").all()
    (x0, y0), (_, y1), (x1, _) = [[float(c.get_attribute(k)) for k in ("cx", "cy")] for c in circles[:3]]
    return x0 + x * (x1 - x0), y0 + y * (y1 - y0)


# ------------------------------------------------------------------ softmax
@pytest.mark.parametrize("temperature", [0.25, 1, 2.5])
@pytest.mark.parametrize("offset", [-120, -50, 0, 40, 86, 87, 120])
def test_softmax_as_written_is_the_naive_one_and_shifted_is_the_reference(show, offset, temperature):
    import numpy as np

    from nnspec.components.activations import softmax
    from nnspec_conformance.mutants.components.activations_softmax import without_the_shift
    from nnspec_conformance.oracles.components import activations as oracle
    from nnspec_site.figures.softmax_offset import SCORES

    page = show("softmax-offset", again=True)
    slide(page, "temperature", temperature)
    slide(page, "offset c", offset)
    x = np.array(SCORES, np.float32) / np.float32(temperature) + np.float32(offset)
    shown = np.array([[number(cell) for cell in row] for row in cells(page)])
    np.testing.assert_allclose(shown[:, 0], x, atol=5e-5)
    np.testing.assert_allclose(shown[:, 2], without_the_shift(oracle.softmax, x), atol=6e-4)
    np.testing.assert_allclose(shown[:, 4], softmax(x), atol=6e-4)


def test_softmax_as_written_overflows_at_89(show):
    page = show("softmax-offset")  # the scores are 0, 1, 2
    slide(page, "offset c", 86)
    assert "NaN" not in page.locator(".nn-readout").inner_text()
    slide(page, "offset c", 87)
    assert "∞ / ∞ is NaN" in page.locator(".nn-readout").inner_text()
    assert "0.665" in page.locator(".nn-readout").inner_text()


# ------------------------------------------------------------------ product of slopes
@pytest.mark.parametrize(("z", "layers"), [(0, 1), (0, 30), (0.5, 60), (-2.25, 7), (4, 60), (-4, 2)])
def test_products_are_powers_of_the_slopes_of_the_definition(show, z, layers):
    import numpy as np

    from nnspec_conformance.oracles.components import activations as oracle

    page = show("slopes-through-depth", again=True)
    slide(page, "layers", layers)
    slide(page, "sum z in every layer", z)
    for name, (slope, product) in zip(("sigmoid", "tanh", "relu"), cells(page), strict=True):
        exact = float(getattr(oracle, f"{name}_derivative")(np.float64(z)))
        assert number(slope) == pytest.approx(exact, rel=5e-3)  # three digits are shown
        assert number(product) == pytest.approx(exact**layers, rel=5e-3)


def test_products_end_where_the_scale_says(show):
    page = show("slopes-through-depth")
    slide(page, "layers", 30)
    slide(page, "sum z in every layer", 0)
    ends = [float(circle.get_attribute("cy")) for circle in page.locator(".nn-canvas circle").all()]
    lines = [float(line.get_attribute("y1")) for line in page.locator(".nn-canvas .grid").all()]  # 1, 1e-10, ...
    decade = (lines[1] - lines[0]) / 10
    assert [(end - lines[0]) / decade for end in ends[:2]] == pytest.approx([-30 * math.log10(0.25), 0])


# ------------------------------------------------------------------ activation explorer
def test_explorer_shows_what_the_reference_gives_in_each_dtype(show):
    import jax.numpy as jnp
    import numpy as np

    from nnspec.components import activations
    from nnspec_conformance.oracles.components import activations as oracle

    page = show("activation-explorer")
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


def test_explorer_counts_distance_in_units_of_the_last_place(show):
    page = show("activation-explorer")
    page.get_by_label("function").select_option("hard_sigmoid")
    slide(page, "input x", -2)  # 1/6: bfloat16 has 0.1669921875, a third of its unit 2^-10 off
    _, _, half, _ = cells(page)
    assert half == ["0.166992", "3.3·10−4", "0.33"]


def test_explorer_tangent_has_the_slope(show):
    page = show("activation-explorer", width=700)
    page.get_by_label("function").select_option("relu")  # its tangent lies on the curve
    slide(page, "input x", 3)
    line = page.locator(".nn-canvas line.s3")
    x1, y1, x2, y2 = (float(line.get_attribute(name)) for name in ("x1", "y1", "x2", "y2"))
    curve = page.locator(".nn-canvas path.s0").get_attribute("d")
    points = [tuple(map(float, point.split())) for point in curve[1:].split("L")]
    (cx1, cy1), (cx2, cy2) = points[44], points[64]  # x = 3 and 8
    assert (y2 - y1) / (x2 - x1) == pytest.approx((cy2 - cy1) / (cx2 - cx1), rel=2e-3)
    slide(page, "input x", -3)
    assert line.get_attribute("y1") == line.get_attribute("y2")


# ------------------------------------------------------------------ forward stepper
def test_stepper_arrives_at_the_reference_unit_by_unit(show):
    import numpy as np

    from nnspec.components.forward_propagation import forward
    from nnspec_conformance.oracles.components.forward_propagation import EXAMPLE_WEIGHTS, EXAMPLE_X

    weights = {name: np.array(value, np.float32) for name, value in EXAMPLE_WEIGHTS.items()}
    values = {k: np.asarray(v) for k, v in forward(np.array(EXAMPLE_X, np.float32), weights, activation="relu").items()}
    page = show("forward-propagation")
    lines = []
    for step in range(1, 21):
        slide(page, "step", step)
        lines.append(page.locator(".nn-readout").inner_text())
    assert page.get_by_label("step").get_attribute("max") == "20"
    last = [number(line.rsplit("= ", 1)[1]) for line in lines]
    assert last[2:12:4] == values["z_0"].tolist()  # bias, two products, activation
    assert last[3:12:4] == values["a_0"].tolist()
    assert last[15::4] == values["z_1"].tolist()  # bias, three products
    shown = page.locator(".nn-canvas text.small").all_text_contents()
    assert [number(text.split()[-1]) for text in shown[2:]] == [
        *np.stack([values["z_0"], values["a_0"]], -1).ravel().tolist(),
        *values["a_1"].tolist(),
    ]


def test_stepper_shows_each_product_with_its_weight(show):
    import numpy as np

    from nnspec_conformance.oracles.components.forward_propagation import EXAMPLE_VALUES, EXAMPLE_WEIGHTS, EXAMPLE_X

    page = show("forward-propagation")
    step, found, wanted = 0, [], []
    for layer, inputs in enumerate((EXAMPLE_X, EXAMPLE_VALUES["a_0"])):
        kernel = np.array(EXAMPLE_WEIGHTS[f"kernel_{layer}"])
        for unit in range(kernel.shape[1]):
            for i, value in enumerate(inputs):
                slide(page, "step", step + 2 + i)
                text = page.locator(".nn-readout").inner_text()
                found.append([number(part) for part in text.split(" = ")[1].split(": ")[:1]])
                wanted.append([value * kernel[i, unit]])
                weight = page.locator(".nn-canvas text.strong").last.text_content()
                assert number(weight) == kernel[i, unit]
            step += 1 + len(inputs) + (layer == 0)
    assert found == wanted


# ------------------------------------------------------------------ cross-entropy
@pytest.mark.parametrize(("p", "label"), [(0.25, "1"), (0.25, "0"), (0.01, "1"), (0.99, "0"), (0.5, "1")])
def test_cross_entropy_shows_loss_and_gradient_of_the_reference(show, p, label):
    import jax
    import jax.numpy as jnp

    from nnspec.components.losses.cross_entropy import sigmoid_binary_cross_entropy

    page = show("cross-entropy", again=True)
    slide(page, "predicted probability p", p)
    page.get_by_label("label").select_option(label)
    logit, loss, slope = (number(cell) for cell in cells(page)[0])
    x = jnp.log(p / (1 - p))
    value, gradient = jax.value_and_grad(sigmoid_binary_cross_entropy)(x, jnp.float32(label))
    assert (logit, loss, slope) == pytest.approx((float(x), float(value), float(gradient)), abs=1e-4)


# ------------------------------------------------------------------ backward stepper
@pytest.mark.parametrize(("x", "t"), [((1, 2), 2), ((0, 0), 2), ((1, 0), -3), ((-3, 3), 0), ((3, -2), 5), ((2, 1), 4)])
def test_backward_stepper_arrives_at_the_gradients_of_the_reference(show, x, t):
    import numpy as np

    from nnspec.components.backpropagation import backpropagation
    from nnspec_conformance.oracles.components.backpropagation import EXAMPLE_WEIGHTS

    weights = {name: np.array(value, np.float32) for name, value in EXAMPLE_WEIGHTS.items()}
    arrays = np.array([x], np.float32), np.array([[t]], np.float32)
    want = backpropagation(*arrays, weights, activation="relu", loss="half_squared_error")
    page = show("backpropagation")
    for label, value in (("input x₁", x[0]), ("input x₂", x[1]), ("label t", t)):
        slide(page, label, value)
    assert page.get_by_label("step").get_attribute("max") == "13"
    lines = []
    for step in range(5, 14):
        slide(page, "step", step)
        lines.append(number(page.locator(".nn-readout").inner_text().split(". This")[0].rstrip(".").rsplit("= ", 1)[1]))
    told = {name: np.ravel(g).tolist() for name, g in want.items()}
    assert lines == [*told["bias_1"], *told["kernel_1"], *told["bias_0"], *told["kernel_0"]]
    # by place: the four weights into the hidden layer, the two into the output, then the units
    drawn = [number(found.split()[-1]) for found in page.locator(".nn-canvas text.f1").all_text_contents() if found]
    assert drawn == [*told["kernel_0"], *told["kernel_1"], *told["bias_0"], *told["bias_1"]]


def test_backward_stepper_goes_forward_first(show):
    import numpy as np

    from nnspec.components.forward_propagation import forward
    from nnspec_conformance.oracles.components.backpropagation import EXAMPLE_LABEL, EXAMPLE_WEIGHTS, EXAMPLE_X

    weights = {name: np.array(value, np.float32) for name, value in EXAMPLE_WEIGHTS.items()}
    values = {k: np.asarray(v) for k, v in forward(np.array(EXAMPLE_X, np.float32), weights, activation="relu").items()}
    page = show("backpropagation")
    slide(page, "step", 4)
    shown = [text for text in page.locator(".nn-canvas text.small").all_text_contents() if text[:2] in ("z ", "a ")]
    wanted = [f"{name} {values[f'{name}_0'][j]:g}" for j in range(2) for name in "za"] + [f"a {values['a_1'][0]:g}"]
    assert shown == wanted
    loss = float(np.square(values["a_1"][0] - EXAMPLE_LABEL[0]) / 2)
    assert f"= {loss:g}. Now back." in page.locator(".nn-readout").inner_text()
    assert [text for text in page.locator(".nn-canvas text.f1").all_text_contents() if text] == []
