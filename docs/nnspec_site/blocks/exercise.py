"""``/// exercise | slug``: a question and, below a line ``---``, its folded answer.

With ``mutant: drops NaN`` the exercise is made from that wrong implementation of the suite; the answer says so, and
which clauses catch it. One that the learning path names has its step.
"""

from __future__ import annotations

from nnspec_conformance.blocks import Block
from nnspec_conformance.errors import SpecError
from nnspec_site import data as site_data
from nnspec_site import learning_path
from nnspec_site.blocks.base import SiteBlock, options
from nnspec_site.data import Data
from nnspec_site.html import Element, code, make, unwrapped
from nnspec_site.tables import anchor

RULE = "---"
MOST = 3  # clauses that are named; others are counted


class ExerciseBlock(SiteBlock):
    """The question, numbered by the style sheet, and the answer as a fold."""

    NAME = "exercise"
    OPTIONS = options("exercise")

    def on_create(self, parent: Element) -> Element:
        self.text = make("div", "nn-exercise-text")
        step = learning_path.step_of(self.argument)
        mark = (
            make("p", "nn-provenance", make("a", "", f"Learning path, step {step[0]}", href=step[1])) if step else None
        )
        made = make("div", "nn-exercise", mark, self.text, id=f"exercise-{self.argument}")
        parent.append(made)
        return made

    def on_add(self, block: Element) -> Element:
        return self.text

    def on_end(self, block: Element) -> None:
        parts = list(self.text)
        rule = next((i for i, part in enumerate(parts) if part.tag == "hr"), None)
        if rule is None or rule == len(parts) - 1:
            raise self.fail("has no answer; write it below a line --- with a blank line on both sides")
        answer = make("details", "nn-fold nn-answer", make("summary", "", "Answer"), *parts[rule + 1 :])
        if mutant := self.options["mutant"]:
            answer.append(made_from(site_data.current(), str(mutant)))
        for part in parts[rule:]:
            self.text.remove(part)
        unwrapped(self.text)
        block.append(answer)


def made_from(data: Data, mutant: str) -> Element:
    """A line that says which clauses catch this wrong implementation of the suite."""
    clauses = {
        clause.id: clause
        for clause in data.spec.clauses.values()
        for instance in clause.instances
        if any(found["name"] == mutant for found in data.mutants.get(instance, {}).get("mutants", []))
    }
    links = [anchor(clause.page, clause.id, code(clause.id)) for clause in list(clauses.values())[:MOST]]
    parts = [part for link in links for part in (", ", link)][1:]
    more = f" and {len(clauses) - MOST} more" if len(clauses) > MOST else ""
    words = ["; it is caught by ", *parts, more] if links else []
    return make("p", "nn-provenance", "The suite holds this wrong implementation: ", code(mutant), *words, ".")


def check(block: Block) -> SpecError | None:
    """What is wrong with the text of an exercise, before Markdown reads it: ``---`` below text makes that a heading."""
    lines = block.text.splitlines()
    at = [i for i, line in enumerate(lines) if line.strip() == RULE]
    if len(at) != 1:
        return block.fail(f"exercise {block.argument} has {len(at)} lines {RULE}; write one, between text and answer")
    before, after = lines[: at[0]], lines[at[0] + 1 :]
    if not any(before) or not any(after):
        return block.fail(f"exercise {block.argument} lacks its {'answer' if any(before) else 'question'}; write it")
    if before[-1].strip() or after[0].strip():
        return block.fail(f"exercise {block.argument}: put a blank line on both sides of {RULE}")
    return None
