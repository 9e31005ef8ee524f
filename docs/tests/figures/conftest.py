"""A page of its own in a browser for each figure that moves, and how its sliders are put and its readout is read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nnspec_site.assets import GENERATED, PAGES
from nnspec_site.drawing import draw_figures

FIGURE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A figure</title>{styles}</head>
<body data-md-color-scheme="{scheme}"><main class="md-typeset" style="width:{width}px">{figure}</main>
<script src="assets/figures.js"></script></body></html>"""
STYLES = ("main", "palette", "theme", "clauses", "figures")


@pytest.fixture(scope="session")
def figures_folder(tmp_path_factory, chromium) -> Path:
    """The assets of a site, with the files of every figure that moves; none is drawn where no browser can show it."""
    import material

    root = tmp_path_factory.mktemp("figures")
    assets = shutil.copytree(PAGES / "assets", root / "assets", ignore=shutil.ignore_patterns("generated"))
    sheets = Path(material.__file__).parent / "templates" / "assets" / "stylesheets"
    for style in ("main", "palette"):
        (assets / f"{style}.css").write_bytes(next(sheets.glob(f"{style}.*.min.css")).read_bytes())
    draw_figures()  # nothing, where the site has been built
    shutil.copytree(GENERATED / "figures", assets / "generated" / "figures")
    return root


@pytest.fixture(scope="session")
def tab(chromium):
    """A page of the browser that keeps what goes wrong in it."""
    page = chromium.new_page()
    page.problems, page.shown = [], None
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url}"))
    return page


@pytest.fixture
def show_figure(figures_folder, tab, convert):
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
        path = figures_folder / f"{name}.html"
        path.write_text(FIGURE.format(styles=styles, scheme=scheme, width=width, figure=figure), encoding="utf-8")
        tab.problems.clear()
        tab.set_viewport_size({"width": width + 32, "height": 900})
        tab.goto(path.as_uri(), wait_until="load")
        tab.locator(".nn-running").wait_for()
        tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")  # its width
        tab.shown = (name, width, scheme)
        return tab

    yield run
    assert tab.problems == []


@pytest.fixture
def slide():
    """Put a slider where a reader could put it: ``slide(page, "bias b", 0.5)``."""

    def put(page, label: str, value: float) -> None:
        found = page.get_by_label(label).evaluate(
            """(input, value) => {
                input.value = value;
                input.dispatchEvent(new Event('input'));
                return Number(input.value);
            }""",
            value,
        )
        assert found == value, f"{label} has no position {value}"

    return put


@pytest.fixture
def number():
    """What is read as a number: 0.5, −3, 2.6·10⁻¹³ (its exponent raised by the page), ∞, NaN."""
    return lambda text: float(text.replace("\N{MINUS SIGN}", "-").replace("∞", "inf").replace("·10", "e"))


@pytest.fixture
def cells():
    """The cells of a page's readout, without the table's head, all read at once."""
    script = """(readout) => [...readout.querySelectorAll("tr")].map(
        row => [...row.querySelectorAll("td")].map(cell => cell.innerText))"""
    return lambda page: page.locator(".nn-readout").evaluate(script)[1:]


@pytest.fixture
def drawn():
    """What a figure draws, all of it read at once: between two readings it may be drawn anew, in another width.

    ``drawn(page, "circle", "line.ink")`` is a list for each selector, of the attributes of its elements.
    """
    script = """(canvas, selectors) => selectors.map(selector => [...canvas.querySelectorAll(selector)].map(
        element => Object.fromEntries([...element.attributes].map(given => [given.name, given.value]))))"""
    return lambda page, *selectors: page.locator(".nn-canvas").evaluate(script, selectors)

    return read
