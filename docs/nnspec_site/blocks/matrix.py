"""``/// matrix | all`` and its kin: results as tables.

``all`` sections by subjects; ``frameworks`` a bar for each subject; ``<page>`` that page's clauses by subjects,
``explore`` every row, asked by the reader; ``lists`` the pages of results; ``try`` a reader's own function;
``subjects`` versions and dates; ``readings`` who has which reading; ``mutants`` the kill table; ``experiments`` every
outcome; ``data`` the files of results.
"""

from __future__ import annotations

from collections.abc import Callable

from nnspec_site import data as site_data
from nnspec_site import tables
from nnspec_site.blocks.base import SiteBlock, options
from nnspec_site.data import Data
from nnspec_site.html import Element, make

VIEWS: dict[str, Callable[[Data], Element | None]] = {
    "all": tables.sections,
    "frameworks": tables.frameworks,
    "explore": tables.explore,
    "lists": tables.result_lists,
    "try": tables.tryout,
    "subjects": tables.subjects,
    "readings": tables.readings,
    "mutants": tables.mutants,
    "experiments": tables.experiments,
    "data": tables.data_files,
}


class MatrixBlock(SiteBlock):
    """One table, made anew at every build from the recorded results."""

    NAME = "matrix"
    OPTIONS = options("matrix")

    def on_create(self, parent: Element) -> Element:
        data = site_data.current()
        if self.argument in VIEWS:
            table = VIEWS[self.argument](data)
        elif self.argument in data.spec.pages:
            table = tables.page(data, self.argument)
        else:
            known = ", ".join([*VIEWS, *(name for name in data.spec.pages if "/" in name)])
            raise self.fail(f"no such view or spec page; known: {known}")
        holder = make(
            "div", "nn-matrix", table if table is not None else make("p", "nn-unproven", "No results recorded yet.")
        )
        parent.append(holder)
        return holder
