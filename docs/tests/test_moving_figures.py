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
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url}"))
    return page


@pytest.fixture
def show(folder, tab, convert):
    """Open a page with one figure; no script error may come, then or later."""

    def run(name: str, *, width: int = 358, scheme: str = "default"):
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
    return float(text.replace("\N{MINUS SIGN}", "-").replace("∞", "inf"))


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
    printed = still.is_visible(), page.locator(".nn-stage").is_visible()
    page.emulate_media(media="screen")
    assert printed == (True, False)
    context = chromium.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(page.url)
    shown = plain.locator("figure > img").first.is_visible(), plain.locator(".nn-stage").count()
    context.close()
    assert shown == (True, 0)


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

    page = show("neurons-half-plane")
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
