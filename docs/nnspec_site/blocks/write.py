"""``/// write | gelu``: what one writes for an operation, a tab for each framework, from the suite's own adapters.

The argument may be a clause of one operation instead, ``gelu.form``: then its readings alone are told.
"""

from __future__ import annotations

from nnspec_conformance.clauses import Clause
from nnspec_conformance.operations import Operation
from nnspec_site import data as site_data
from nnspec_site import dialects, highlighting
from nnspec_site.blocks.base import SiteBlock, options
from nnspec_site.data import Data
from nnspec_site.dialects import Dialect
from nnspec_site.html import Element, code, make
from nnspec_site.proof import readings_of
from nnspec_site.tables import anchor


class WriteBlock(SiteBlock):
    """The readings that a framework has, and the code that gets them; frameworks without the operation in a line."""

    NAME = "write"
    OPTIONS = options("write")

    def on_create(self, parent: Element) -> Element:
        data = site_data.current()
        operation, clauses = self._subject(data)
        found = dialects.of(operation.name, operation.page)
        shown = [dialect for dialect in found if dialect.listings]
        holder = make("div", "nn-write", tabs(self.argument, {d.name: self._tab(data, d, clauses) for d in shown}))
        if missing := [part for dialect in found if not dialect.listings for part in (", ", code(dialect.name))][1:]:
            holder.append(make("p", "nn-provenance", "Without it: ", *missing, "."))
        parent.append(holder)
        return holder

    def _subject(self, data: Data) -> tuple[Operation, list[Clause]]:
        """The operation that is meant, and the clauses whose readings are told."""
        spec = data.spec
        if self.argument in spec.operations:
            name = self.argument
            governing = [
                c for c in spec.clauses.values() if name in c.operations and (c.variants or c.kind == "default")
            ]
            return spec.operations[name], [
                c for c in governing if not c.applies_to or c.kind == "default" or is_told(data, c, name)
            ]
        if self.argument not in spec.clauses:
            raise self.fail("no such operation or clause in the specification")
        clause = spec.clauses[self.argument]
        if len(clause.operations) > 1:
            raise self.fail(f"a clause of {len(clause.operations)} operations; name one of the operations instead")
        return spec.operations[clause.operation], [clause]

    def _tab(self, data: Data, dialect: Dialect, clauses: list[Clause]) -> list[Element]:
        told = [line for clause in clauses if (line := readings(data, dialect, clause, self.argument)) is not None]
        parts = [make("ul", "nn-told", *told)] if told else []
        for who, source in dialect.listings:
            if who:
                parts.append(make("p", "nn-provenance", code(who), ", which differs:"))
            parts.append(make("div", "nn-code", highlighting.stored(self.md, source)))
        return parts


def is_told(data: Data, clause: Clause, operation: str) -> bool:
    """Whether somebody has several readings, so that one writes which is meant."""
    return any(len(readings_of(data, clause, name, clause.instance(operation))) > 1 for name in data.subjects)


def readings(data: Data, dialect: Dialect, clause: Clause, argument: str) -> Element | None:
    """``form: exact, tanh (gelu.form)`` as recorded of the dialect's subjects, apart where they differ."""
    operation = argument if argument in clause.operations else clause.operation
    groups: dict[tuple[str, ...], list[str]] = {}
    for subject in dialect.subjects:
        if subject in data.subjects and (met := readings_of(data, clause, subject, clause.instance(operation))):
            groups.setdefault(tuple(met), []).append(subject)
    if not groups:
        return None
    name = code(clause.keyword.replace("-", "_"))
    line = make("li", "", name, " left out: " if clause.kind == "default" else ": ")
    for i, (met, subjects) in enumerate(groups.items()):
        words = [part for reading in met for part in (" or ", code(reading))][1:]
        where = f" ({', '.join(subjects)})" if len(groups) > 1 else ""
        line.extend([make("span", "", "; " if i else "", *words, where)])
    line.append(make("small", "", " ", anchor(clause.page, clause.id, code(clause.id))))
    return line


def tabs(name: str, blocks: dict[str, list[Element]]) -> Element:
    """A set of tabs as the theme styles them: it works without scripts, and prints one below the other."""
    group = f"write-{name}"
    inputs, labels, contents = [], make("div", "tabbed-labels"), make("div", "tabbed-content")
    for i, (title, parts) in enumerate(blocks.items()):
        checked = {"checked": "checked"} if i == 0 else {}
        inputs.append(make("input", "", id=f"{group}-{i + 1}", name=group, type="radio", **checked))
        labels.append(make("label", "", title, for_=f"{group}-{i + 1}"))
        contents.append(make("div", "tabbed-block", make("p", "nn-print-title", title), *parts))
    return make("div", "tabbed-set tabbed-alternate", *inputs, labels, contents, data_tabs=f"{group}:{len(blocks)}")
