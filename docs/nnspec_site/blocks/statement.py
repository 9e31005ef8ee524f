"""``/// statement | id``: what the reference alone promises, with the test that proves it folded below."""

from __future__ import annotations

from nnspec_site import data as site_data
from nnspec_site.blocks.base import SiteBlock, options
from nnspec_site.blocks.clause import card
from nnspec_site.data import Data
from nnspec_site.html import Element, breakable, code, folded, make, plural, prose


class StatementBlock(SiteBlock):
    """A heading with the statement's id and level, the text, the proof."""

    NAME = "statement"
    OPTIONS = options("statement")

    def on_create(self, parent: Element) -> Element:
        self.data = site_data.current()
        if self.argument not in self.data.spec.statements:
            raise self.fail("no such statement in the specification; statements are written on spec pages only")
        self.statement = self.data.spec.statements[self.argument]
        self.text = make("div", "nn-clause-text")
        return card(parent, self.statement, self.text, make("span", "nn-kind", "reference alone"))

    def on_add(self, block: Element) -> Element:
        return self.text

    def on_end(self, block: Element) -> None:
        if self.statement.source:
            block.append(make("p", "nn-clause-meta", prose("span", f"Source: {self.statement.source}")))
        block.append(proof(self.data, self.argument))


def proof(data: Data, statement: str) -> Element:
    """One line that names the tests and counts what they catch, unfolding into the wrong implementations."""
    tests = [test for test in data.statement_tests if test.statement == statement]
    if not tests:
        return make("p", "nn-unproven", "No test yet.")
    wrong = {name: story for test in tests for name, story in test.mutants.items()}
    caught = plural(len(wrong), "wrong implementation")
    line = make("span", "nn-facts", f"proven by {plural(len(tests), 'test')} of the reference, catches {caught}")
    names = [part for test in tests for part in (", ", breakable(test.name))][1:]
    stories = [make("li", "", code(name), ": ", prose("span", story)) for name, story in wrong.items()]
    return folded(
        [line],
        make("p", "nn-tests", "Test: " if len(tests) == 1 else "Tests: ", *names),
        make("p", "nn-proof-title", "Each test fails on"),
        make("ul", "", *stories),
        css="nn-proof",
    )
