"""Folds the section "Fine print" of a page: its clauses are read when somebody needs one of them."""

from __future__ import annotations

from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from nnspec_site.html import Element, make, plural

TITLE = "Fine print"


class FinePrint(Treeprocessor):
    """Puts all that stands below the heading ``## Fine print``, up to the next of its level, into a fold."""

    def run(self, root: Element) -> None:
        parts = list(root)
        start = next((i for i, part in enumerate(parts) if is_title(part)), None)
        if start is None:
            return
        end = next((i for i, part in enumerate(parts) if i > start and part.tag in ("h1", "h2")), len(parts))
        inside = parts[start + 1 : end]
        count = sum("nn-fine" in part.get("class", "").split() for part in inside)
        fold = make("details", "nn-fold nn-fine-print", make("summary", "", f"Show {plural(count, 'clause')}"), *inside)
        for part in inside:
            root.remove(part)
        root.insert(start + 1, fold)


def is_title(part: Element) -> bool:
    return part.tag == "h2" and "".join(part.itertext()).strip() == TITLE


def register(md: Markdown) -> None:
    """After the inline marks are read, before headings get their ids."""
    md.treeprocessors.register(FinePrint(md), "nnspec-fine-print", 15)
