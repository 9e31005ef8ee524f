"""What a first visit loads, of a page of each kind, and when it can be read."""

from __future__ import annotations

import gzip
import http.server
from typing import ClassVar

import pytest

PAGES = [
    "index.html",
    "spec/components/activations.html",
    "spec/architectures/transformer/attention.html",
    "guides/glossary.html",
    "results/index.html",
    "results/findings.html",
    "results/subjects/keras_torch.html",
    "clauses/components/activations/activation.limits.html",
    "api/components/neurons.html",
]
LIMIT = 150_000  # bytes, compressed, without fonts
QUIET = 1_500  # milliseconds without a new file: the visit is over
PAINT = 1_000  # milliseconds
LINE = {"offline": False, "latency": 40, "downloadThroughput": 1_250_000, "uploadThroughput": 1_250_000}  # 10 Mbit/s
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


class Compressing(http.server.SimpleHTTPRequestHandler):
    """Sends text compressed, as a site's server does, and counts what it sends of each file."""

    sent: ClassVar[dict[str, int]] = {}

    def do_GET(self) -> None:
        path = self.translate_path(self.path)
        try:
            with open(path, "rb") as file:
                raw = file.read()
        except OSError:
            self.send_error(404)
            return
        body = raw if path.endswith((".png", ".woff")) else gzip.compress(raw, 6)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        if body is not raw:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.sent[self.path] = len(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def served(serve):
    return serve(Compressing)


@pytest.fixture
def load(chromium, served):
    """Visit a page for the first time; gives the bytes of each file, and the tab."""
    made = []

    def run(address: str, scheme: str = "light", line: dict | None = None):
        context = chromium.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
        made.append(context)
        page = context.new_page()
        if line:
            page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", line)
        Compressing.sent.clear()
        page.goto(f"{served}/{address}", wait_until="networkidle")
        known = -1
        while known != len(Compressing.sent):  # on a busy machine the network is idle too early
            known = len(Compressing.sent)
            page.wait_for_timeout(QUIET)
        return dict(Compressing.sent), page

    yield run
    for context in made:
        context.close()


@pytest.mark.parametrize("address", PAGES)
def test_first_visit_is_light(load, address):
    sent, _ = load(address)
    files = {name: size for name, size in sent.items() if not name.endswith(".woff")}
    assert f"/{address}" in files
    assert sum(files.values()) <= LIMIT, files


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_only_pictures_of_the_scheme_in_use_are_loaded(load, scheme):
    _, page = load("spec/components/activations.html", scheme)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_load_state("networkidle")
    pictures = [name for name in Compressing.sent if name.endswith(".svg")]
    assert pictures
    assert all(name.endswith(f"-{scheme}.svg") for name in pictures)


@pytest.mark.parametrize("address", ["index.html", "spec/components/activations.html"])
def test_page_is_readable_within_a_second(load, address):
    times = []
    for _ in range(3):  # the machine may be busy
        _, page = load(address, line=LINE)
        times.append(page.evaluate(PAINTED))
    assert min(times) < PAINT
