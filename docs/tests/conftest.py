"""A small specification with results, and a converter with the site's Markdown extensions."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import markdown
import pytest

from nnspec_conformance.clauses import load_spec
from nnspec_site import figures
from nnspec_site.assets import PAGES
from nnspec_site.data import Data, using

TOPIC = """# Topic

/// operation | relu
    form: map
    arrays: {x: "*shape"}
    result: "*shape"

The input where it is positive, $x > 0$.
///

/// operation | gelu
    form: map
    arrays: {x: "*shape"}
    result: "*shape"
    attributes:
      form: {kind: choice, readings: gelu.form, translated: true}

A gate.
///

/// operation | network
    form: map
    arrays: {x: "*batch n{0}", weights: {table: {"kernel_{l}": "n{l} n{l+1}"}}}
    indices: {l: layers}
    result: "*batch n{layers}"
    attributes:
      activation: {kind: choice, values: [relu, tanh], required: true}

Layers.
///

## Clauses

/// clause | act.nan
    kind: exact
    applies-to: [relu, tanh]
    source: Somebody 2020, equation 3

Where the input is NaN the result **MUST** be NaN, also for $x^2$.
///

/// clause | gelu.form
    kind: value
    definition: exact
    variants:
      exact: x times $\\Phi(x)$
      tanh: the approximation

`gelu` **MUST** be one of these.
///

/// clause | leaky-relu.slope
    kind: default
    default: 0.01
    candidates: [0.01, 0.3]

Without a slope it **SHOULD** be 0.01.
///

## Experiments

/// experiment | vanishing
    measure: norm of the gradient
    predicted: a factor of $4^{-30}$, since each layer scales by at most 1/4
    expect:
      ratio: [1.0e-18, 1.0e-17]
    holds:
      ratio: [0, 0.001]
    unless:
      the weights are small:
        norm of ReLU: [0, 0.001]
    short:
      ratio: [0, 1]
    seeds: 20
    proves: A.4.1

Sigmoids make gradients vanish.
///
"""


def pytest_addoption(parser):
    parser.addoption("--site", default=os.environ.get("NNSPEC_SITE"), help="folder of a built site, for browser tests")


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, started once. Tests that need it are skipped where it or the extra ``browser`` is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra browser")
    path = shutil.which("chromium")
    if not path:
        pytest.skip("no chromium on the path; apt-get install --no-install-recommends chromium fonts-dejavu-core")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def spec(tmp_path: Path):
    root = tmp_path / "spec"
    (root / "components").mkdir(parents=True)
    (root / "index.md").write_text("# Spec\n", encoding="utf-8")
    (root / "components" / "topic.md").write_text(TOPIC, encoding="utf-8")
    return load_spec(root)


@pytest.fixture
def result():
    def make(clause, outcome="pass", **more):
        return {
            "outcome": outcome,
            "text_hash": clause.text_hash,
            "ratio": 0.25,
            "cases": 3,
            "dtypes": ["float32"],
        } | more

    return make


@pytest.fixture
def report():
    def make(name, role, results, version="1.0"):
        subject = {"name": name, "version": version, "role": role, "dtypes": ["float32"]}
        environment = {"python": "3.11", "platform": "Linux", "device": "cpu", "packages": {"numpy": "2.0"}}
        return {"subject": subject, "environment": environment, "date": "2026-01-02", "results": results}

    return make


@pytest.fixture
def data(spec, result, report):
    nan, form, slope = spec.clauses["act.nan"], spec.clauses["gelu.form"], spec.clauses["leaky-relu.slope"]
    link = "swallows NaN: https://example.org/bug/7"
    reference = {
        "act.nan[relu]": result(nan, ratio=None),
        "act.nan[tanh]": result(nan, ratio=None),
        "gelu.form": result(form, ratio=0.42, readings={"gelu.form": ["exact", "tanh"]}),
        "leaky-relu.slope": result(slope),
    }
    framework = {
        "act.nan[relu]": result(nan, "known failure", reason=link, ratio="inf"),
        "act.nan[tanh]": result(nan),
        "gelu.form": result(form, "variant", readings={"gelu.form": ["tanh"]}),
        "leaky-relu.slope": result(slope, "variant", readings={"leaky-relu.slope": [0.2]}),
    }
    caught = {"name": "drops-nan", "story": "returns `0` for NaN", "caught": True, "distance": "inf"}
    return Data(
        spec=spec,
        subjects={
            "reference": report("reference", "reference", reference),
            "torch": report("torch", "framework", framework),
        },
        mutants={"act.nan[relu]": {"mutants": [caught]}, "act.nan[tanh]": {"mutants": [caught]}},
        tests={"act.nan": ["test_topic.py::test_nan"]},
    )


@pytest.fixture
def outcome(spec):
    """What was recorded of the fixture's experiment."""

    def make(**more):
        measured = {
            "id": "vanishing",
            "text_hash": spec.experiments["vanishing"].text_hash,
            "outcome": "holds",
            "prediction": "missed",
            "came": {"ratio": 2e-9, "norm of ReLU": 0.7},
            "recorded": {"hash": "h", "commit": "0123456789abcdef", "known": None},
            "effect": {"name": "ratio", "value": 2e-9, "interval": [1e-9, 3e-9], "unit": ""},
            "seeds": 20,
            "rows": [{"depth": 30, "ratio": 2e-9}],
            "versions": {"jax": "0.9"},
            "date": "2026-01-02",
        }
        return measured | more

    return make


@pytest.fixture
def convert(data):
    """Markdown to HTML with ``data`` as the project's results."""

    def run(text: str) -> str:
        with using(data):
            return markdown.markdown(text, extensions=["toc", "attr_list", "pymdownx.superfences", "nnspec_site"])

    return run


@pytest.fixture
def show(convert):
    """The HTML of one block of the fixture's page, by its id."""

    def run(identifier: str, before: str = "") -> str:
        start = TOPIC.rindex("///", 0, TOPIC.index(f"| {identifier}\n"))
        return convert(before + TOPIC[start : TOPIC.index("\n///", start) + 4])

    return run


FIGURE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A figure</title>{styles}</head>
<body data-md-color-scheme="{scheme}"><main class="md-typeset" style="width:{width}px">{figure}</main>
<script src="assets/figures.js"></script></body></html>"""
STYLES = ("main", "palette", "theme", "clauses", "figures")


@pytest.fixture(scope="session")
def figures_folder(tmp_path_factory) -> Path:
    """The assets of a site, with the files of every figure that moves."""
    import material

    root = tmp_path_factory.mktemp("figures")
    assets = shutil.copytree(PAGES / "assets", root / "assets", ignore=shutil.ignore_patterns("generated"))
    sheets = Path(material.__file__).parent / "templates" / "assets" / "stylesheets"
    for style in ("main", "palette"):
        (assets / f"{style}.css").write_bytes(next(sheets.glob(f"{style}.*.min.css")).read_bytes())
    for name in sorted(path.stem for path in figures.SCRIPTS.glob("*.js")):
        figures.draw(name, assets / "generated" / "figures")
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
