"""Where a subject has another reading or default than the definition's, and what to write to get the definition's."""

from __future__ import annotations

from dataclasses import dataclass

from nnspec_conformance.clauses import Clause
from nnspec_site import dialects, proof, since
from nnspec_site.blocks.clause import choices_of
from nnspec_site.data import Data
from nnspec_site.html import Element, code, make, prose
from nnspec_site.rendering import clause_address

NAMED = 6  # operations that a line names; of more it says how many


@dataclass(frozen=True)
class Other:
    """A clause of which a subject has something else than the definition.

    Attributes:
        clause: the clause.
        usual: the definition's reading or default.
        met: readings, with the operations that have them; operations that were not judged are left out.
    """

    clause: Clause
    usual: str
    met: dict[tuple[str, ...], list[str]]

    @property
    def both(self) -> list[str]:
        """Operations that can be told to have the definition's reading and another one."""
        several = [names for readings, names in self.met.items() if len(readings) > 1 and self.usual in readings]
        return [name for names in several for name in names]

    @property
    def instances(self) -> list[str]:
        """The instances that have something else."""
        others = {name for readings, names in self.met.items() if readings != (self.usual,) for name in names}
        pairs = zip(self.clause.instances, self.clause.operations, strict=True)
        return [instance for instance, operation in pairs if operation in others]

    @property
    def without(self) -> list[str]:
        """Operations that never have the definition's reading."""
        return [name for readings, names in self.met.items() if self.usual not in readings for name in names]


def others(data: Data, name: str) -> list[Other]:
    """Every clause that a subject reads otherwise, in the order of the specification."""
    found = []
    for clause in data.spec.clauses.values():
        if not clause.variants and clause.kind != "default":
            continue
        usual = str(clause.default if clause.kind == "default" else clause.definition)
        met: dict[tuple[str, ...], list[str]] = {}
        for instance, operation in zip(clause.instances, clause.operations, strict=True):
            if has := tuple(proof.readings_of(data, clause, name, instance)):
                met.setdefault(has, []).append(operation)
        if set(met) - {(usual,)}:
            found.append(Other(clause, usual, met))
    return found


def listed(data: Data, name: str) -> Element | None:
    """The readings of a subject, topic after topic, each with what to write instead; nothing where it has none."""
    made = make("div")
    last = ""
    for one in others(data, name):
        clause = one.clause
        if clause.page != last:
            made.append(make("h3", "", data.spec.pages[clause.page].title))
            last = clause.page
        link = make("a", "", code(clause.id), href=clause_address(clause.page, clause.id))
        made.append(make("p", "reason", link, " ", *_said(data, one)))
        made.append(make("p", "small", *_instead(data, one, name)))
        if measured := since.said(data, name, clause.page, one.instances):
            made.append(make("p", "small", f"{measured}."))
    return made if len(made) else None


def _said(data: Data, one: Other) -> list[Element | str]:
    """``flushed: such a result is zero, of silu. The definition is kept.``; of a default what it is when left out."""
    if one.clause.kind == "default":
        parts: list[Element | str] = ["Left out, ", code(_keyword(one.clause)), " is "]
        parts += [part for readings in one.met for part in (", ", code(" or ".join(readings)))][1:]
        return [*parts, "; the definition's default is ", code(one.usual), "."]
    meanings = choices_of(data, one.clause)
    parts = []
    for readings, operations in one.met.items():
        if readings == (one.usual,):
            continue
        for reading in readings:
            meaning = [": ", prose("span", meanings[reading])] if meanings.get(reading) else []
            parts += ["; ", code(reading), *meaning]
        if len(one.met) > 1:
            parts += [" (", _names(operations), ")"]
    return [*parts[1:], ". The definition is ", code(one.usual), "."]


def _instead(data: Data, one: Other, name: str) -> list[Element | str]:
    """What to write for the definition's reading, or that nothing is known to give it."""
    keyword = code(_keyword(one.clause))
    if one.clause.kind == "default":
        return ["Do not leave it out: say which you mean. ", *_code(data, name, one.clause.operations[0])]
    parts: list[Element | str] = []
    if both := one.both:
        parts += ["It can do either (", keyword, "); say which you mean. ", *_code(data, name, both[0])]
    if one.without:
        ours = make("a", "", "the reference", href=f"/spec/{one.clause.page}.md#{one.clause.id}")
        of = [" of ", _names(one.without)] if len(one.met) > 1 else []
        parts += [" " if parts else "", "No setting that was tried gives the definition's", *of, "; ", ours]
        parts += [" shows what to compute."]
    return parts


def _keyword(clause: Clause) -> str:
    return clause.keyword.replace("-", "_")


def _names(operations: list[str]) -> Element:
    shown = operations[:NAMED] if len(operations) > NAMED + 1 else operations
    rest = f" and {len(operations) - len(shown)} more" if len(operations) > len(shown) else ""
    return make("span", "", *[part for one in shown for part in (", ", code(one))][1:], rest)


def _code(data: Data, name: str, operation: str) -> list[Element | str]:
    """How the suite's adapter tells the subject which reading is meant."""
    declared = data.spec.operations.get(operation)
    for dialect in dialects.of(operation, declared.page) if declared else []:
        if name in dialect.subjects and dialect.listings:
            text = "\n\n".join(text for _, text in dialect.listings)
            summary = make("summary", "", "What the suite writes for ", code(operation))
            return [make("details", "", summary, make("pre", "", code(text)))]
    return []
