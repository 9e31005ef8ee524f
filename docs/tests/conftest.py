"""A small specification with results, and a converter with the site's Markdown extensions."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import markdown
import pytest

from nnspec_conformance.clauses import load_spec
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
def site(request) -> Path:
    """The folder of a built site."""
    folder = request.config.getoption("--site")
    if not folder:
        pytest.skip("needs a built site: make site, then pytest docs/tests/test_browser.py --site site")
    path = Path(folder).resolve()
    assert (path / "index.html").is_file(), f"{path} holds no built site; run make site"
    return path


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


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def serve(site):
    """Serve the built site from this machine until the module's tests are done; gives the address."""
    servers = []

    def run(handler: type[http.server.SimpleHTTPRequestHandler] = Quiet) -> str:
        made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(site)))
        servers.append(made)
        threading.Thread(target=made.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{made.server_address[1]}"

    yield run
    for one in servers:
        one.shutdown()
        one.server_close()


@pytest.fixture(scope="module")
def tabs(site, chromium):
    """One tab a scheme, reused: opening one costs more than a page."""
    made = {}
    for scheme in ("light", "dark"):
        page = chromium.new_context(color_scheme=scheme).new_page()
        page.seen, page.errors = [], []
        page.on("request", lambda request, page=page: page.seen.append(request.url))
        page.on("pageerror", lambda error, page=page: page.errors.append(str(error)))
        page.on("requestfailed", lambda request, page=page: page.errors.append(f"failed: {request.url}"))
        made[scheme] = page
    return made


@pytest.fixture
def visit(tabs, site):
    """Open a page; the requests it makes and its errors are in ``page.seen`` and ``page.errors``."""

    def run(address: str, *, width: int = 1280, scheme: str = "light"):
        page = tabs[scheme]
        page.goto("about:blank")
        page.seen.clear()
        page.errors.clear()
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{site.as_uri()}/{address}", wait_until="load")
        return page

    return run


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
