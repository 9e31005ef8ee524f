"""A page that has not changed is not rendered again; what has to be rendered is rendered on all cores.

What search finds on a page is read from its HTML there too: that takes as long as a fifth of the rendering.

A page depends on its Markdown, on which pages there are, on recorded results and on the figures where it has a block,
on the sources that it shows, on the whole specification where it shows more of it than its own, on the words of the
glossary, on the learning path where it has exercises, and on all that renders it. What it was rendered to lies below
``build/``.
"""

from __future__ import annotations

import functools
import logging
import pickle
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nnspec_site import cores, data, kept, learning_path, terms
from nnspec_site.assets import ROOT
from nnspec_site.kept import digest

BLOCK = re.compile(r"(?m)^/{3,} +(?P<name>[\w-]+) *(?:\| *(?P<argument>\S+))?")
MODULE = "\n::: "  # of which mkdocstrings makes the documentation
SET_BY_RENDERING = ("content", "toc", "_title_from_render", "present_anchor_ids")
LIBRARIES = (
    "griffelib", "markdown", "mkdocs", "mkdocs-autorefs", "mkdocs-material", "mkdocstrings", "mkdocstrings-python"
)  # fmt: skip
LOOKS = ("Pygments", "pymdown-extensions")
SOURCES = {"reference", "write", "statement"}  # blocks that show Python
ELSEWHERE = {"topics", "operation"}  # blocks that show what other pages say: of an operation, its duties
EXCLUDED = re.compile(r'\s?data-search-\w+="[^"]*"')
Told = list[tuple[tuple, dict[str, Any]]]


@dataclass
class Rendered:
    """What rendering a page has set, what it has told the plugins by name of the listener, links and search hits."""

    attributes: dict[str, Any]
    told: dict[str, Told]
    links: dict[str, dict[str, str]]
    hits: list[dict[str, Any]]


rendered: list[str] = []  # the pages that this process has rendered in the last build
_shown = 0
_hits: dict[str, list[dict[str, Any]]] = {}  # what search finds on each page of this build


def start(config: Any) -> None:
    """Begin a build."""
    global _shown
    _shown = 0
    rendered.clear()
    _hits.clear()


def summary() -> str:
    """How many pages were rendered, and of how many."""
    return f"rendered {len(rendered)} of {_shown} pages"


def keep(markdown: str, page: Any, config: Any) -> None:
    """Put in place of MkDocs's rendering of this page one that first looks whether it is known."""
    page.render = functools.partial(_render, markdown, page, type(page).render)


def ahead(config: Any, files: Any) -> None:
    """Render what is not known on all cores; a page that gives a warning is left to MkDocs, which counts it."""
    from mkdocs.commands.build import _populate_page

    missing = []
    for file in files.documentation_pages():
        if file.page is not None:
            file.page.read_source(config)
            if not _place(file.page.markdown, file.page, config, files).is_file():
                missing.append(file.page)
    missing.sort(key=lambda page: len(page.markdown), reverse=True)
    modules = [page for page in missing if MODULE in page.markdown]  # one process reads the modules
    groups = [*([modules] if modules else []), *([page] for page in missing if page not in modules)]

    def populate(pages: list) -> list[str]:
        for handler in logging.getLogger("mkdocs").handlers:
            handler.setLevel(logging.CRITICAL)  # a warning is told where it counts
        for page in pages:
            _populate_page(page, config, files)
        return [page.file.src_uri for page in pages]

    if cores.forks() and cores.count() > 1 and len(groups) > 1:
        done = cores.spread(populate, groups)
        rendered.extend(name for names in done for name in names)


def key(markdown: str, address: str, others: list[str]) -> str:
    """A hash of all that a page's HTML depends on.

    Args:
        markdown: its text.
        address: its path below the pages' folder.
        others: the paths of all files, to which it may link.
    """
    stamps = data.stamps()
    blocks = [found.groups() for found in BLOCK.finditer(markdown)]
    names = {name for name, _ in blocks}
    own = address.removeprefix("spec/").removesuffix(".md") if address.startswith("spec/") else None
    parts = [_maker(), markdown, address, *others]
    if blocks:
        parts += [stamps["results"], stamps["figures"]]
    if (blocks and own is None) or names & ELSEWHERE or any(n == "matrix" and to != own for n, to in blocks):
        parts.append(stamps["spec"])
    if names & SOURCES or MODULE in f"\n{markdown}":
        parts.append(stamps["sources"])
    if terms.WHERE.match(address) and terms.FILE.is_file():
        parts.append(terms.FILE.read_text(encoding="utf-8"))
    if "exercise" in names:
        parts.append(learning_path.FILE.read_text(encoding="utf-8"))
    return digest(parts)


@functools.cache
def _maker() -> str:
    """What stands for all that renders: the sources of the site, MkDocs's settings, and the libraries."""
    files = [*sorted(Path(__file__).parent.rglob("*.py")), ROOT / "mkdocs.yml"]
    return digest([*(path.read_bytes() for path in files), *map(version, LIBRARIES + LOOKS)])


def _place(markdown: str, page: Any, config: Any, files: Any) -> Path:
    """Where a page lies that was rendered from just this; what it was before lies beside it until then."""
    address = page.file.src_uri
    name = key(markdown, address, sorted(file.src_uri for file in files))
    return kept.FOLDER / "pages" / digest([str(config.docs_dir), address]) / name


def _render(markdown: str, page: Any, render: Any, config: Any, files: Any) -> None:
    global _shown
    _shown += 1
    place = _place(markdown, page, config, files)
    listeners = dict(_listeners(config))
    if place.is_file():
        known: Rendered = pickle.loads(place.read_bytes())
        for name, value in known.attributes.items():
            setattr(page, name, value)
        page.links_to_anchors = {files.get_file_from_path(to): found for to, found in known.links.items()}
        for name, calls in known.told.items():
            for given, named in calls:
                tell = getattr(*listeners[name])
                tell(page, *given, **named) if name == "autorefs" else tell(*given, **named)
        _hits[page.file.src_uri] = known.hits
        return
    told: dict[str, Told] = {}
    with ExitStack() as stack:
        warnings = stack.enter_context(_warnings())
        for name, (listener, method) in listeners.items():
            told[name] = stack.enter_context(_overheard(listener, method, skip=name == "autorefs"))
        render(page, config, files)
    _hits[page.file.src_uri] = found = _searched(page)
    if not warnings:
        attributes = {name: getattr(page, name) for name in SET_BY_RENDERING}
        links = {file.src_uri: found for file, found in (getattr(page, "links_to_anchors", None) or {}).items()}
        _store(place, pickle.dumps(Rendered(attributes, told, links, found)))
    rendered.append(page.file.src_uri)


def hits() -> dict[str, list[dict[str, Any]]]:
    """What search is to find on each page of this build, in their order."""
    return dict(sorted(_hits.items()))


def _searched(page: Any) -> list[dict[str, Any]]:
    """What search is to find on a page: its sections, as the theme reads them from the HTML."""
    from material.plugins.search.plugin import SearchIndex

    index = SearchIndex()
    index.add_entry_from_context(page)
    page.content = EXCLUDED.sub("", page.content)  # said to the search alone
    return index.entries


def _listeners(config: Any) -> Iterator[tuple[str, tuple[Any, str]]]:
    """The plugins that a page tells its names, each with the method."""
    if plugin := config.plugins.get("autorefs"):
        yield "autorefs", (plugin, "register_anchor")
    if plugin := config.plugins.get("mkdocstrings"):
        plugin.get_handler("python")  # the style sheet is that of the handlers which were asked for
        yield "mkdocstrings", (plugin.handlers.inventory, "register")


@contextmanager
def _overheard(listener: Any, method: str, *, skip: bool) -> Iterator[Told]:
    """What is told to a listener meanwhile, without the page that may come first."""
    calls: Told = []
    tell = getattr(listener, method)

    def record(*given: Any, **named: Any) -> Any:
        calls.append((given[skip:], named))
        return tell(*given, **named)

    setattr(listener, method, record)
    try:
        yield calls
    finally:
        delattr(listener, method)


class _Listener(logging.Handler):
    """Collects what is logged."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record)


@contextmanager
def _warnings() -> Iterator[list[logging.LogRecord]]:
    """What is logged meanwhile from the level of a warning on."""
    handler = _Listener(logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("mkdocs", "griffe")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.found
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def _store(place: Path, content: bytes) -> None:
    """Write what a page was rendered to, in the place of what it was before."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for old in place.parent.iterdir():
        old.unlink(missing_ok=True)
    unfinished = place.with_name(f"{place.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(place)
