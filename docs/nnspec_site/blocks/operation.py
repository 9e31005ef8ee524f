"""``/// operation | name``: a row of the page's table of operations; blocks that follow one another share a table."""

from __future__ import annotations

import re

from nnspec_conformance import signatures
from nnspec_conformance.axes import BRACES
from nnspec_conformance.operations import Operation
from nnspec_site import data as site_data
from nnspec_site.blocks.base import SiteBlock, options
from nnspec_site.html import Element, code, folded, make, plural, table, unwrapped

HEAD = ("operation", "what it does, takes and gives")
CALL = re.compile(r"(\w+)\((\w+),[^()]*\)")  # windows(length, ...): the page says how many they are
MOST = 6  # arguments and keywords that are shown at once


class OperationBlock(SiteBlock):
    """The name, the sentence below the options, and each argument, keyword and result in a line."""

    NAME = "operation"
    OPTIONS = options("operation")

    def on_create(self, parent: Element) -> Element:
        operations = site_data.current().spec.operations
        if self.argument not in operations:
            raise self.fail("no such operation in the specification; operations are declared on spec pages only")
        self.operation, self.text = operations[self.argument], make("div")
        row = make(
            "tr",
            "",
            make("th", "", code(self.argument), scope="row", id=f"operation-{self.argument}"),
            make("td", "", self.text, lines(self.operation)),
        )
        body(parent).append(row)
        return row

    def on_add(self, block: Element) -> Element:
        return self.text

    def on_end(self, block: Element) -> None:
        unwrapped(self.text)


def body(parent: Element) -> Element:
    """Where the rows of the operations' table stand that ends the page so far; a new table if none does."""
    last = parent[-1] if len(parent) else None
    if last is None or "nn-operations" not in last.get("class", ""):
        last = table(HEAD, [], "nn-operations")
        parent.append(last)
    return next(last.iter("tbody"))


def lines(operation: Operation) -> Element:
    """What a call takes and gives; folded where it takes much."""
    taken = signatures.arguments(operation) | signatures.keywords(operation)
    entries = [make("li", "", code(name), " ", *indexed(words)) for name, words in taken.items()]
    given = make("li", "", "gives ", *indexed(CALL.sub(r"\1 of \2", signatures.result(operation))))
    if len(entries) <= MOST:
        return make("ul", "nn-takes", *entries, given)
    return make(
        "div", "", make("ul", "nn-takes", given),
        folded([f"Takes {plural(len(entries), 'argument')}"], make("ul", "nn-takes", *entries)),
    )  # fmt: skip


def indexed(words: str) -> list[Element | str]:
    """Text whose braces are indices: below the line in ``n{l+1}``, in italics in ``kernel_{l}``."""
    parts: list[Element | str] = []
    for i, part in enumerate(BRACES.split(words)):
        tag = "em" if parts and str(parts[-1]).endswith("_") else "sub"
        parts.append(make(tag, "", part) if i % 2 else part)
    return [part for part in parts if part != ""]
