"""What the operations of a page owe as duties: a fold in its fine print, and a table on the duty's own page."""

from __future__ import annotations

from dataclasses import replace

from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from nnspec_conformance import duties
from nnspec_conformance.clauses import Clause
from nnspec_site import data as site_data
from nnspec_site.data import Data
from nnspec_site.fine_print import is_title
from nnspec_site.html import Element, folded, make, plural, table
from nnspec_site.outcomes import OUTCOMES, tally, worst
from nnspec_site.proof import NAMED, said, subject_name, subjects_in_order
from nnspec_site.rendering import clause_address

UNNAMED = {"pass", "not implemented", "not asked", "not run"}
ROW = "operation-"  # the ids of the rows in a table of operations begin so


class Duties(Treeprocessor):
    """Ends the section "Fine print" with a fold of the duties, else the page's last table of operations."""

    def run(self, root: Element) -> None:
        names = [row.get("id", "").removeprefix(ROW) for row in root.iter("th") if row.get("id", "").startswith(ROW)]
        if not names or (told := fold(site_data.current(), names)) is None:
            return
        parts = list(root)
        start = next((i for i, part in enumerate(parts) if is_title(part)), None)
        if start is None:
            tables = [i for i, part in enumerate(parts) if "nn-operations" in part.get("class", "")]
            root.insert(tables[-1] + 1, told)
            return
        end = next((i for i, part in enumerate(parts) if i > start and part.tag in ("h1", "h2")), len(parts))
        root.insert(end, told)


def register(md: Markdown) -> None:
    """After the inline marks are read, before the fine print is folded."""
    md.treeprocessors.register(Duties(md), "nnspec-duties", 16)


def fold(data: Data, operations: list[str]) -> Element | None:
    """The duties that some operations owe, a line each with everybody's outcome; one line however many there are."""
    found = [(clause, of(clause, operations)) for clause in data.spec.clauses.values() if clause.forms]
    owed = [(clause, its) for clause, its in found if its.applies_to]
    lines = []
    for clause, its in owed:
        name = make("a", "", clause.id.removeprefix(duties.PREFIX), href=clause_address(clause.page, clause.id))
        free = [f"not owed by {n}: {why}" for n, why in duties.exempt(data.spec, clause).items() if n in operations]
        words = "; ".join([*said(data, its), *free])
        lines.append(make("li", "", name, f": {words}" if words else None))
    if not owed:
        return None
    more = make("p", "nn-provenance", make("a", "", "What a duty is", href="/spec/duties.md"))
    summary = f"Beside these: {plural(len(owed), 'duty', 'duties')} of every operation"
    return folded([summary], make("ul", "", *lines), more, css="nn-duties")


def of(duty: Clause, operations: list[str]) -> Clause:
    """The duty for these operations alone."""
    return replace(duty, applies_to=tuple(name for name in duty.applies_to if name in operations))


def by_topic(data: Data, duty: Clause) -> Element:
    """Topics down, subjects across; in a cell how many operations have which outcome, and which ones fail."""
    rows = []
    for page in dict.fromkeys(duty.topics.values()):
        its = of(duty, [name for name, topic in duty.topics.items() if topic == page])
        cells = [_cell(its, data.outcomes(subject, its)) for subject in subjects_in_order(data)]
        rows.append([make("a", "", data.spec.pages[page].title, href=f"/spec/{page}.md"), *cells])
    return table(["topic", *(subject_name(data, name) for name in subjects_in_order(data))], rows, "nn-measured")


def _cell(duty: Clause, outcomes: list[str]) -> Element:
    """How many operations have which outcome; those that do not simply pass are named, where they are few."""
    symbol, css = OUTCOMES[worst(outcomes)]
    words = [f"{count} {outcome}{_named(duty, outcomes, outcome)}" for outcome, count in tally(outcomes)]
    return make("td", f"nn-{css}", f"{symbol} {', '.join(words)}")


def _named(duty: Clause, outcomes: list[str], outcome: str) -> str:
    its = [name for name, one in zip(duty.operations, outcomes, strict=True) if one == outcome]
    return f" ({', '.join(its)})" if outcome not in UNNAMED and 0 < len(its) <= NAMED else ""
