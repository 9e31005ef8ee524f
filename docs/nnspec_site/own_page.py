"""Pages with a small template of their own: the theme's emptiest page weighs three times as much.

They are written before MkDocs runs, as files that it copies and checks links to. They work from file:// and without
scripts.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path

from nnspec_site import cards
from nnspec_site.data import Data
from nnspec_site.flat_formulas import FLAT
from nnspec_site.html import Element, code, make, prose
from nnspec_site.rendering import Renderer

LENGTH = 180  # of a description
TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title} - nnspec</title>
<meta name="description" content="{description}">
<meta property="og:title" content="{title}: {page}">
<meta property="og:description" content="{description}">
<meta property="og:type" content="article">
<meta property="og:site_name" content="nnspec">
{picture}{math}<link rel="stylesheet" href="{root}assets/clause-page.css">
<script src="{root}assets/clause-page.js"></script>
</head>
<body>
{body}
</body>
</html>
"""


def stage(pages: Iterable[tuple[str, str]], folder: Path) -> None:
    """Write pages, given as address and HTML, below the folder that MkDocs reads."""
    for address, text in pages:
        path = folder / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def document(data: Data, name: str, topic: str, text: str, parts: list[Element], renderer: Renderer) -> str:
    """The HTML of a page.

    Args:
        data: where the topic's title stands.
        name: what the page is about; an id that the topic's page has too.
        topic: the spec page it belongs to.
        text: of which the description is made.
        parts: what the page holds below the line that leads back.
        renderer: of this page.
    """
    return whole(name, data.spec.pages[topic].title, text, [bar(data, name, topic), *parts], renderer)


def whole(title: str, page: str, text: str, parts: list[Element], renderer: Renderer) -> str:
    """The HTML of a page of whatever subject.

    Args:
        title: what the page is about.
        page: what it belongs to, for whoever is shown a link to it.
        text: of which the description is made.
        parts: all that the page holds.
        renderer: of this page.
    """
    root = "../" * renderer.address.count("/")
    body = renderer.html(make("div", "page", *parts))
    sheets = ["generated/math/math.css", "math.css"] if "<math" in body or FLAT in body else []
    math = "".join(f'<link rel="stylesheet" href="{root}assets/{sheet}">\n' for sheet in sheets)
    return TEMPLATE.format(
        title=html.escape(title),
        page=html.escape(page),
        description=html.escape(description(text), quote=True),
        picture=cards.meta(renderer.address),
        math=math,
        root=root,
        body=body,
    )


def description(markdown: str) -> str:
    """A text without its marks, cut at a word."""
    text = re.sub(r"\[([^\]]+)\](\[[^\]]*\]|\([^)]*\))", r"\1", markdown)
    text = " ".join(re.sub(r"[*`$]", "", text).split())
    return text if len(text) <= LENGTH else text[:LENGTH].rpartition(" ")[0] + " ..."


def bar(data: Data, name: str, topic: str) -> Element:
    """Where one is: the site, the topic."""
    return way(make("a", "", data.spec.pages[topic].title, href=f"/spec/{topic}.md#{name}"))


def way(back: Element) -> Element:
    """The line above a page: the site, what the page belongs to, the search."""
    home = make("a", "home", "nnspec", href="/index.html")
    find = make("a", "find", "Search", href="/index.html#find")
    return make("nav", "bar", home, " / ", back, find, aria_label="Breadcrumb")


def proven(data: Data, statements: Iterable[str]) -> list[Element]:
    """The statements of the source that a clause or an experiment tests, in words, each an entry of a list."""
    words = {name: data.spec.source.get(name, {}).get("statement") for name in statements}
    return [
        make(
            "li",
            "",
            make("a", "", f"The source, {name}", href="/spec/index.md#what-the-source-says-and-what-proves-it"),
            prose("span", f": {said}") if said else None,
        )
        for name, said in words.items()
    ]


def neighbours(what: str, before: tuple[str, str] | None, after: tuple[str, str] | None) -> Element:
    """The pages before and after this one, each given as id and address."""
    links = [
        make("a", css, f"{words} ", code(found[0]), href=found[1], rel=rel)
        for found, css, rel, words in ((before, "before", "prev", "Previous:"), (after, "after", "next", "Next:"))
        if found is not None
    ]
    return make("nav", "neighbours", *links, aria_label=what)


def section(title: str, body: Element | None) -> list[Element]:
    """A heading and what stands below it; nothing where there is nothing."""
    return [] if body is None else [make("h2", "", title), body]
