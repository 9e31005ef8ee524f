"""Checks a built site: ``python -m nnspec_site.built site``. One line a defect; exit status 1 where there is any.

Looked for: links and resources that lead nowhere (raw HTML included), anchors that do not exist, ids used twice, blocks
and formulas left as text, images without a size, tracebacks, resources that a page would load from another host, and
pages of topics beyond their budget.
"""

from __future__ import annotations

import functools
import html
import os
import posixpath
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nnspec_site import cores

LOADED_RELS = {"stylesheet", "icon", "preconnect", "preload", "prefetch", "dns-prefetch", "manifest", "modulepreload"}
TEXT = {
    "a block printed as text ('///')": re.compile(r"(?m)^\s*/{3,}"),
    "a formula printed as text ('$$')": re.compile(r"\$\$"),
    "an unresolved cross-reference ('][]')": re.compile(r"\]\[(?:[a-z][\w-]*\.[\w.\[\]-]+)?\]"),
}
SIGNS = re.compile(r"/{3}|\$\$|\]\[|&")  # without which a text is none of these
TRACEBACK = "Traceback (most recent call last)"
CSS_URL = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""")
TAG = re.compile(
    r"""<(?:!--.*?-->|![^>]*>|/([a-zA-Z][^\s>]*)[^>]*>|([a-zA-Z][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>)""", re.S
)
ATTRIBUTE = re.compile(r"""([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
QUIET = {"script", "style", "pre", "code"}
RAW = {"script", "style"}  # hold no elements
BYTES, ELEMENTS = 250_000, 6_000  # of the page of a topic: it opens at once on a phone
LOADING = {"src", "poster", "data", "srcset", "rel", "style"}  # attributes by which a page loads something


@dataclass
class Page:
    """What one HTML file holds; each thing with its place, counted in letters."""

    name: str
    ids: Counter[str] = field(default_factory=Counter)
    links: list[tuple[int, str]] = field(default_factory=list)
    resources: list[tuple[int, str]] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)
    elements: int = 0
    bytes: int = 0

    def start(self, tag: str, attributes: str, at: int) -> None:
        """Take note of an element that starts."""
        self.elements += 1
        if tag == "merror":
            self.errors.append((at, "TeX error"))
        if "=" not in attributes:
            if tag == "img":
                self._image({}, at)
            return
        given = {n.lower(): html.unescape(a or b or c) for n, a, b, c in ATTRIBUTE.findall(attributes)}
        if given.get("id"):
            self.ids[given["id"]] += 1
        if tag == "a" and given.get("name"):
            self.ids[given["name"]] += 1
        if tag in ("a", "area") and "href" in given:
            self.links.append((at, given["href"]))
        if tag == "img":
            self._image(given, at)
        if not LOADING.isdisjoint(given):
            self._resources(tag, given, at)

    def _image(self, given: dict[str, str], at: int) -> None:
        if not ("width" in given and "height" in given):
            problem = f"an image without its size, so that the page jumps: {given.get('src', '')}"
            self.errors.append((at, problem))

    def _resources(self, tag: str, given: dict[str, str], at: int) -> None:
        loaded = [given[name] for name in ("src", "poster", "data") if given.get(name)]
        loaded += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]
        if tag == "link" and LOADED_RELS & set(given.get("rel", "").split()):
            loaded.append(given.get("href", ""))
        loaded += CSS_URL.findall(given.get("style", ""))
        self.resources += [(at, address) for address in loaded]

    def text(self, data: str, at: int, *, quiet: bool) -> None:
        """Take note of what stands between two tags."""
        if TRACEBACK in data:
            self.errors.append((at, "a Python traceback"))
        if quiet or not SIGNS.search(data):
            return
        shown = html.unescape(data)
        for problem, pattern in TEXT.items():
            if found := pattern.search(shown):
                excerpt = " ".join(shown[max(0, found.start() - 20) :].split())[:60]
                self.errors.append((at, f"{problem}: {excerpt}"))


def read(path: Path, name: str = "") -> Page:
    """What a file holds: one pass over its tags, a tenth of the time of a parser that calls for each part."""
    raw = path.read_bytes()
    text, page, at, quiet = raw.decode(), Page(name or path.name, bytes=len(raw)), 0, 0
    while found := TAG.search(text, at):
        if at < found.start():
            page.text(text[at : found.start()], at, quiet=quiet > 0)
        at = found.end()
        end, start, attributes = found.groups()
        if start:
            tag = start.lower()
            page.start(tag, attributes, found.start())
            if tag in RAW:
                close = text.find(f"</{tag}", at)
                if tag == "style":
                    page.resources += [(at, address) for address in CSS_URL.findall(text[at:close])]
                at = close if close >= 0 else len(text)
                quiet += 1
            elif tag in QUIET and not attributes.endswith("/"):
                quiet += 1
        elif end and end.lower() in QUIET:
            quiet -= 1
    return page


def check(site: Path) -> list[str]:
    """Every defect of the site, ``file:line: what``."""
    files = {
        os.path.relpath(os.path.join(folder, name), site).replace(os.sep, "/")
        for folder, _, names in os.walk(site)
        for name in names
    }
    names = sorted(name for name in files if name.endswith(".html"))
    if not names:
        return [f"{site}: no HTML file; build the site first"]
    pages = dict(zip(names, cores.spread(lambda name: read(site / name, name), names), strict=True))
    defects = []
    for name, page in pages.items():
        found = [
            *page.errors,
            *_duplicates(page),
            *_resources(files, page),
            *_links(files, pages, page),
            *_budget(page),
        ]
        if found:
            text = (site / name).read_text(encoding="utf-8")
            lines = sorted((text.count("\n", 0, at) + 1, problem) for at, problem in found)
            defects += [f"{name}:{line}: {problem}" for line, problem in lines]
    return defects + list(_styles(site, files))


def _duplicates(page: Page) -> Iterator[tuple[int, str]]:
    for name, count in page.ids.items():
        if count > 1 and not name.startswith("__"):
            yield 0, f"the id '{name}' is used {count} times"


def _resources(files: Collection[str], page: Page) -> Iterator[tuple[int, str]]:
    for at, address in page.resources:
        if problem := _loads(files, page.name, address):
            yield at, problem


def _loads(files: Collection[str], name: str, address: str) -> str:
    """What is wrong with an address that a file loads, if anything."""
    parts = urlsplit(address)
    if parts.netloc or parts.scheme in ("http", "https"):
        return f"loads from another host: {address}"
    if parts.scheme != "data" and parts.path and _target(posixpath.dirname(name), parts.path) not in files:
        return f"loads a file that is not there: {address}"
    return ""


def _links(files: Collection[str], pages: dict[str, Page], page: Page) -> Iterator[tuple[int, str]]:
    if page.name == "404.html":  # its links hold for any folder: they start at the site's address
        return
    for at, address in page.links:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = _target(posixpath.dirname(page.name), parts.path) if parts.path else page.name
        if target not in files:
            target = posixpath.normpath(f"{target}/index.html")
        if target not in files:
            yield at, f"broken link: {address}"
        elif parts.fragment and target in pages and not _anchor(pages[target], parts.fragment):
            yield at, f"no such anchor: {address}"


def _anchor(page: Page, fragment: str) -> bool:
    return unquote(fragment) in page.ids or fragment in page.ids or fragment.startswith(":~:")


@functools.cache
def _target(folder: str, address: str) -> str:
    """The file below the site's folder to which an address leads."""
    address = unquote(address)
    return posixpath.normpath(posixpath.join("" if address.startswith("/") else folder, address.lstrip("/")))


def is_topic(name: str) -> bool:
    """Whether a file is the page of a topic: below a section of the specification, and not the section's list."""
    parts = name.split("/")
    return len(parts) > 2 and parts[0] == "spec" and parts[-1] != "index.html"


def _budget(page: Page) -> Iterator[tuple[int, str]]:
    if not is_topic(page.name):
        return
    if page.bytes > BYTES:
        yield 0, f"{page.bytes:,} bytes, and a topic's page has at most {BYTES:,}"
    if page.elements > ELEMENTS:
        yield 0, f"{page.elements:,} elements, and a topic's page has at most {ELEMENTS:,}"


def _styles(site: Path, files: Collection[str]) -> Iterator[str]:
    for name in sorted(name for name in files if name.endswith(".css")):
        for address in CSS_URL.findall((site / name).read_text(encoding="utf-8")):
            if problem := _loads(files, name, address):
                yield f"{name}: {problem}"


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
