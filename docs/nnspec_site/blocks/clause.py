"""``/// clause | id``: the statement as a short card that leads to the clause's own page."""

from __future__ import annotations

from nnspec_conformance.clauses import Clause, Statement
from nnspec_site import data as site_data
from nnspec_site.blocks.base import SiteBlock, heading_below, options
from nnspec_site.data import Data
from nnspec_site.html import Element, code, make, prose, unwrapped
from nnspec_site.proof import groups, line, readings_of
from nnspec_site.rendering import clause_address


class ClauseBlock(SiteBlock):
    """A heading with the clause's id, its level and kind, the text, the readings, a line of verdicts."""

    NAME = "clause"
    OPTIONS = options("clause")

    def on_create(self, parent: Element) -> Element:
        self.data = site_data.current()
        if self.argument not in self.data.spec.clauses:
            raise self.fail("no such clause in the specification; clauses are written on spec pages only")
        self.clause = self.data.spec.clauses[self.argument]
        self.text = make("div", "nn-clause-text")
        if self.clause.fine:
            to = clause_address(self.clause.page, self.clause.id)
            name = make("a", "nn-fine-id", self.clause.id, id=self.clause.id, href=to)
            short = make("div", "nn-fine", name, " ", self.text)
            parent.append(short)
            return short
        return card(parent, self.clause, self.text)

    def on_add(self, block: Element) -> Element:
        return self.text

    def on_end(self, block: Element) -> None:
        unwrapped(self.text)
        if self.clause.fine:
            block.extend(groups(self.data, self.clause))
            return
        if self.clause.variants:
            block.append(readings(self.clause))
        block.append(line(self.data, self.clause))


def card(parent: Element, law: Clause | Statement, text: Element, *words: Element) -> Element:
    """A card at the end of ``parent``: a heading with the id, the level, further words, then the text."""
    heading = make(heading_below(parent), "", law.id, id=law.id)
    made = make("div", "nn-clause", make("div", "nn-clause-head", heading, level(law), *words), text)
    parent.append(made)
    return made


def level(law: Clause | Statement) -> Element:
    css = law.level.split()[0].lower()
    return make("span", f"nn-level nn-level-{css}", law.level)


def readings(clause: Clause) -> Element:
    """Every reading with its meaning; the definition's is marked. Who has which stands on the clause's own page."""
    entries = make("dl", "nn-readings")
    for name, meaning in clause.variants.items():
        ours = name == clause.definition
        entries.append(make("dt", "", code(name), make("span", "nn-definition", "definition") if ours else None))
        entries.append(prose("dd", meaning))
    return entries


def choices_of(data: Data, clause: Clause) -> dict[str, str]:
    """The readings of a clause with their meaning; of a default clause its candidates and whatever else was met."""
    if clause.kind != "default":
        return clause.variants
    met = [reading for subject in data.subjects for reading in readings_of(data, clause, subject)]
    return dict.fromkeys([*map(str, clause.candidates), *met], "")
