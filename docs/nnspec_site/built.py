"""Checks a built site: ``python -m nnspec_site.built site``. One line a defect; exit status 1 where there is any.

Looked for: links and resources that lead nowhere (raw HTML included), anchors that do not exist, ids used twice, blocks
and formulas left as text, images without a size, tracebacks, resources that a page would load from another host, and
pages of topics beyond their budget.
"""

from __future__ import annotations

import functools
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED_RELS = {"stylesheet", "icon", "preconnect", "preload", "prefetch", "dns-prefetch", "manifest", "modulepreload"}
TEXT = {
    "a block printed as text ('///')": re.compile(r"(?m)^\s*/{3,}"),
    "a formula printed as text ('$$')": re.compile(r"\$\$"),
    "an unresolved cross-reference ('][]')": re.compile(r"\]\[(?:[a-z][\w-]*\.[\w.\[\]-]+)?\]"),
}
CSS_URL = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""")
QUIET = {"script", "style", "pre", "code"}
BYTES, ELEMENTS = 250_000, 6_000  # of the page of a topic: it opens at once on a phone
LOADING = {"src", "poster", "data", "srcset", "rel", "style"}  # attributes by which a page loads something
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Page:
    """What one HTML file holds."""

    ids: Counter = field(default_factory=Counter)
    links: list[tuple[int, str]] = field(default_factory=list)
    resources: list[tuple[int, str]] = field(default_factory=list)
    text: list[tuple[int, str]] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)
    elements: int = 0


class Reader(HTMLParser):
    """Collects ids, links, resources and visible text outside code."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self.open: list[str] = []
        self.quiet = 0  # how many of the open elements hold no text to read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements += 1
        if tag not in VOID:
            self.open.append(tag)
            self.quiet += tag in QUIET
        given = {name: value or "" for name, value in attrs}
        line = self.lineno
        if given.get("id"):
            self.page.ids[given["id"]] += 1
        if tag == "a" and given.get("name"):
            self.page.ids[given["name"]] += 1
        if tag == "merror":
            self.page.errors.append((line, "TeX error"))
        if tag in ("a", "area") and "href" in given:
            self.page.links.append((line, given["href"]))
        if not LOADING.isdisjoint(given):
            self._resources(tag, given, line)

    def _resources(self, tag: str, given: dict[str, str], line: int) -> None:
        if tag == "img" and not ("width" in given and "height" in given):
            self.page.errors.append(
                (line, f"an image without its size, so that the page jumps: {given.get('src', '')}")
            )
        loaded = [given[name] for name in ("src", "poster", "data") if given.get(name)]
        loaded += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]
        if tag == "link" and LOADED_RELS & set(given.get("rel", "").split()):
            loaded.append(given.get("href", ""))
        loaded += CSS_URL.findall(given.get("style", ""))
        self.page.resources += [(line, address) for address in loaded]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while True:
                closed = self.open.pop()
                self.quiet -= closed in QUIET
                if closed == tag:
                    break

    def handle_data(self, data: str) -> None:
        line = self.lineno
        if "Traceback (most recent call last)" in data and "script" not in self.open:
            self.page.errors.append((line, "a Python traceback"))
        if self.open and self.open[-1] == "style":
            self.page.resources += [(line, address) for address in CSS_URL.findall(data)]
        if not self.quiet and data.strip():
            self.page.text.append((line, data))


def read(path: Path) -> Page:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader.page


def check(site: Path) -> list[str]:
    """Every defect of the site, ``file:line: what``."""
    pages = {path: read(path) for path in sorted(site.rglob("*.html"))}
    if not pages:
        return [f"{site}: no HTML file; build the site first"]
    defects = []
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        found = [
            *page.errors,
            *_text(page),
            *_duplicates(page),
            *_resources(site, path, page),
            *_links(site, path, pages),
            *_budget(site, path, page),
        ]
        defects += [f"{name}:{line}: {problem}" for line, problem in sorted(found)]
    return defects + list(_styles(site))


def _text(page: Page) -> Iterator[tuple[int, str]]:
    for line, data in page.text:
        for problem, pattern in TEXT.items():
            if found := pattern.search(data):
                excerpt = " ".join(data[max(0, found.start() - 20) :].split())[:60]
                yield line, f"{problem}: {excerpt}"


def _duplicates(page: Page) -> Iterator[tuple[int, str]]:
    for name, count in page.ids.items():
        if count > 1 and not name.startswith("__"):
            yield 1, f"the id '{name}' is used {count} times"


def _resources(site: Path, path: Path, page: Page) -> Iterator[tuple[int, str]]:
    for line, address in page.resources:
        parts = urlsplit(address)
        if parts.netloc or parts.scheme in ("http", "https"):
            yield line, f"loads from another host: {address}"
        elif parts.scheme != "data" and parts.path and not _target(site, path, parts.path).is_file():
            yield line, f"loads a file that is not there: {address}"


def _links(site: Path, path: Path, pages: dict[Path, Page]) -> Iterator[tuple[int, str]]:
    if path.name == "404.html":  # its links hold for any folder: they start at the site's address
        return
    for line, address in pages[path].links:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = _target(site, path, parts.path) if parts.path else path
        if target.is_dir():
            target = target / "index.html"
        if not target.is_file():
            yield line, f"broken link: {address}"
        elif parts.fragment and target in pages and not _anchor(pages[target], parts.fragment):
            yield line, f"no such anchor: {address}"


def _anchor(page: Page, fragment: str) -> bool:
    return unquote(fragment) in page.ids or fragment in page.ids or fragment.startswith(":~:")


@functools.cache
def _target(site: Path, path: Path, address: str) -> Path:
    address = unquote(address)
    base = site if address.startswith("/") else path.parent
    return (base / address.lstrip("/")).resolve()


def is_topic(site: Path, path: Path) -> bool:
    """Whether a file is the page of a topic: below a section of the specification, and not the section's list."""
    parts = path.relative_to(site).parts
    return len(parts) > 2 and parts[0] == "spec" and path.name != "index.html"


def _budget(site: Path, path: Path, page: Page) -> Iterator[tuple[int, str]]:
    if not is_topic(site, path):
        return
    if (size := path.stat().st_size) > BYTES:
        yield 1, f"{size:,} bytes, and a topic's page has at most {BYTES:,}"
    if page.elements > ELEMENTS:
        yield 1, f"{page.elements:,} elements, and a topic's page has at most {ELEMENTS:,}"


def _styles(site: Path) -> Iterator[str]:
    for path in sorted(site.rglob("*.css")):
        for address in CSS_URL.findall(path.read_text(encoding="utf-8")):
            parts = urlsplit(address)
            name = path.relative_to(site).as_posix()
            if parts.netloc or parts.scheme in ("http", "https"):
                yield f"{name}: loads from another host: {address}"
            elif parts.scheme != "data" and parts.path and not _target(site, path, parts.path).is_file():
                yield f"{name}: loads a file that is not there: {address}"


def main(arguments: list[str]) -> int:
    """Print the defects of the site in the folder ``arguments[0]``."""
    if len(arguments) != 1:
        print("usage: python -m nnspec_site.built SITE_DIR", file=sys.stderr)
        return 2
    site = Path(arguments[0]).resolve()
    defects = check(site)
    for defect in defects:
        print(defect, file=sys.stderr)
    if not defects:
        print(f"site check: {len(list(site.rglob('*.html')))} pages, no defect")
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
