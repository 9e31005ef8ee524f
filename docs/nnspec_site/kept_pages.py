"""While serving: a page that has not changed is not rendered again.

A page depends on its Markdown, on which pages there are, on recorded results where it has a block, on the sources that
it shows, and on the whole specification where it shows more of it than its own.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

from nnspec_site import data
from nnspec_site.kept import digest

BLOCK = re.compile(r"(?m)^/{3,} +(?P<name>[\w-]+) *(?:\| *(?P<argument>\S+))?")
SET_BY_RENDERING = ("content", "toc", "_title_from_render", "present_anchor_ids")


@dataclass
class Rendered:
    """What rendering a page has set, the names it has told the plugin of cross-references, and its links."""

    key: str
    attributes: dict[str, Any]
    names: list[tuple[tuple, dict[str, Any]]]
    links: dict[str, dict[str, str]]


rendered: list[str] = []  # the pages that the last build has rendered
_pages: dict[str, Rendered] | None = None


def start(*, serving: bool) -> None:
    """Forget all pages; keep those to come if they are served."""
    global _pages
    _pages = {} if serving else None
    rendered.clear()


def serving() -> bool:
    """Whether pages are kept."""
    return _pages is not None


def count() -> int:
    """How many pages are kept."""
    return len(_pages or {})


def keep(markdown: str, page: Any, config: Any) -> None:
    """Put in place of MkDocs's rendering of this page one that first looks whether it is known."""
    if _pages is not None:
        page.render = functools.partial(_render, markdown, page, type(page).render, config.plugins.get("autorefs"))


def key(markdown: str, address: str, others: list[str]) -> str:
    """A hash of all that a page's HTML depends on.

    Args:
        markdown: its text.
        address: its path below the pages' folder.
        others: the paths of all files, to which it may link.
    """
    stamps = data.stamps()
    blocks = [found.groups() for found in BLOCK.finditer(markdown)]
    own = address.removeprefix("spec/").removesuffix(".md") if address.startswith("spec/") else None
    parts = [markdown, address, *others]
    if blocks:
        parts.append(stamps["results"])
    if any(own is None or name == "topics" or (name == "matrix" and argument != own) for name, argument in blocks):
        parts.append(stamps["spec"])
    if any(name == "reference" for name, _ in blocks) or "\n::: " in markdown:
        parts.append(stamps["sources"])
    return digest(parts)


def _render(markdown: str, page: Any, render: Any, plugin: Any, config: Any, files: Any) -> None:
    assert _pages is not None
    address = page.file.src_uri
    wanted = key(markdown, address, sorted(file.src_uri for file in files))
    known = _pages.get(address)
    if known is None or known.key != wanted:
        names: list[tuple[tuple, dict[str, Any]]] = []
        if plugin is not None:
            tell = plugin.register_anchor

            def record(_page: Any, *given: Any, **named: Any) -> None:
                names.append((given, named))
                tell(_page, *given, **named)

            plugin.register_anchor = record
        try:
            render(page, config, files)
        finally:
            if plugin is not None:
                del plugin.register_anchor
        rendered.append(address)
        attributes = {name: getattr(page, name) for name in SET_BY_RENDERING}
        links = {file.src_uri: found for file, found in getattr(page, "links_to_anchors", {}).items()}
        _pages[address] = Rendered(wanted, attributes, names, links)
        return
    for name, value in known.attributes.items():
        setattr(page, name, value)
    page.links_to_anchors = {files.get_file_from_path(to): found for to, found in known.links.items()}
    for given, named in known.names:
        plugin.register_anchor(page, *given, **named)
