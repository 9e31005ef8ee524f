"""An empty cell in the head of a table is no heading: readers by ear are not told of one."""

from __future__ import annotations

from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from nnspec_site.html import Element


class EmptyHeads(Treeprocessor):
    """Turns each ``th`` without content into a ``td``."""

    def run(self, root: Element) -> None:
        for cell in root.iter("th"):
            if not len(cell) and not (cell.text or "").strip():
                cell.tag = "td"


def register(md: Markdown) -> None:
    """After the inline marks are read."""
    md.treeprocessors.register(EmptyHeads(md), "nnspec-table-heads", 14)
