"""Small builders of HTML elements, shared by the blocks. Text set here is never read as Markdown."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as etree
from collections.abc import Iterable, Sequence

from markdown.util import AtomicString

Element = etree.Element
Child = "Element | str | None"
URL = re.compile(r"https?://[^\s)>\]]+[^\s)>\].,;:]")


def make(tag: str, css: str = "", *children: Element | str | None, **attributes: str) -> Element:
    """An element with a class, children in order, and attributes (``for_`` and ``aria_hidden`` become HTML's names)."""
    element = Element(tag, {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()})
    if css:
        element.set("class", css)
    for child in children:
        add(element, child)
    return element


def add(parent: Element, child: Element | str | None) -> None:
    """Append an element or a piece of text; None adds nothing."""
    if child is None:
        return
    if not isinstance(child, str):
        parent.append(child)
    elif len(parent):
        parent[-1].tail = AtomicString((parent[-1].tail or "") + child)
    else:
        parent.text = AtomicString((parent.text or "") + child)


def code(text: str) -> Element:
    return make("code", "", text)


def linked(text: str) -> list[Element | str]:
    """``text`` with its web addresses as links."""
    parts: list[Element | str] = []
    end = 0
    for found in URL.finditer(text):
        parts.append(text[end : found.start()])
        parts.append(make("a", "", found.group().split("://", 1)[1], href=found.group()))
        end = found.end()
    return [part for part in [*parts, text[end:]] if part != ""]


def table(
    head: Sequence[Element | str],
    rows: Iterable[Sequence[Element | str | None]],
    css: str = "",
    *,
    labelled: bool = False,
) -> Element:
    """A table whose first column names its rows, in a box that scrolls by itself on narrow screens.

    A cell may be a ``td``, which has a class of its own then. Where each cell is ``labelled`` it knows the head of its
    column, for a narrow screen on which a row is a card.
    """
    header = make("tr", "", *(make("th", "", cell, scope="col") if cell != "" else make("td") for cell in head))
    body = make("tbody")
    for row in rows:
        cells = [cell if isinstance(cell, Element) and cell.tag == "td" else make("td", "", cell) for cell in row[1:]]
        body.append(make("tr", "", make("th", "", row[0], scope="row"), *cells))
        for cell, name in zip(cells, head[1:], strict=True) if labelled else ():
            cell.set("data-label", name if isinstance(name, str) else "".join(name.itertext()))
    element = make("table", "nn-table", make("thead", "", header), body)
    return make("div", f"nn-scroll {css}".strip(), element)


def folded(summary: Sequence[Element | str], *children: Element | str | None, css: str = "") -> Element:
    """A details element, closed. Search skips it, so that a hit is a clause and not its table of results."""
    element = make("details", f"nn-fold {css}".strip(), make("summary", "", *summary), *children)
    element.set("data-search-exclude", "")
    return element


def number(value: float | str | None) -> str:
    """A measured number, three digits or whole thousands: 0.42, 12,300, 1.2e-5, ∞."""
    if value is None:
        return "–"
    value = float(value)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if math.isnan(value):
        return "NaN"
    if 1000 <= abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def breakable(name: str, tag: str = "code", css: str = "") -> Element:
    """A long name, as code by default, which a narrow page breaks after a dot or an underscore, not inside a word."""
    parts = re.findall(r"[^._]*[._]+|[^._]+", name)
    element = make(tag, css, parts[0])
    for part in parts[1:]:
        add(element, make("wbr"))
        add(element, part)
    return element


def plural(count: int, singular: str, more: str = "") -> str:
    return f"{count} {singular if count == 1 else more or singular + 's'}"


def unwrapped(holder: Element) -> None:
    """Make a holder of one paragraph that paragraph: a page has thousands of elements, and this is one less."""
    if len(holder) == 1 and holder[0].tag == "p" and not (holder.text or "").strip():
        paragraph = holder[0]
        holder.remove(paragraph)
        holder.tag, holder.text = "p", paragraph.text
        holder.extend(list(paragraph))


def prose(tag: str, text: str, css: str = "") -> Element:
    """An element whose text is read as Markdown's inline marks (code, emphasis, formulas, links)."""
    element = make(tag, css)
    element.text = text
    return element
