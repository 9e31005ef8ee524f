"""Ends the page of a topic with a link to its notebook."""

from __future__ import annotations

from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from nnspec_site import data as site_data
from nnspec_site.html import Element, make
from nnspec_site.notebooks import address


class TakeAlong(Treeprocessor):
    """Ends a page that declares operations of a topic with a line on its notebook."""

    def run(self, root: Element) -> None:
        names = [row.get("id", "") for row in root.iter("th") if row.get("id", "").startswith("operation-")]
        operations = site_data.current().spec.operations
        pages = {
            operations[n.removeprefix("operation-")].page for n in names if n.removeprefix("operation-") in operations
        }
        if len(pages) == 1:
            link = make("a", "", "this page as a notebook", href=f"/{address(pages.pop())}", download="")
            root.append(
                make("p", "nn-provenance", "Take along: ", link, ", with the reference's code in cells that run.")
            )


def register(md: Markdown) -> None:
    """After the tables of operations are there."""
    md.treeprocessors.register(TakeAlong(md), "nnspec-take-along", 14)
