"""The letters of formulas: a clause is read alone, so its page says what the letters of its topic stand for.

A topic's page says it in paragraphs that hold the words "on this page"; what has one meaning on all pages stands on the
page of notation.
"""

from __future__ import annotations

import functools
import re

from nnspec_conformance.clauses import Clause, Spec
from nnspec_site.sources import formulas

GREEK = re.compile(
    "(?:var)?(?:[Gg]amma|[Dd]elta|[Tt]heta|[Pp]hi|[Ss]igma|alpha|beta|epsilon|zeta|eta|kappa|lambda|mu|nu|xi|pi|rho|tau|chi|psi|omega|ell)"
)
SAYS = re.compile(r"\bon this page\b", re.IGNORECASE)
WORDS = re.compile(r"\\(?:operatorname|text|math[a-z]+)\*?\{[^{}]*\}")
INDEX = re.compile(r"_(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\?[A-Za-z]+|.)")  # it counts, and a sum or the place says what
LETTER = re.compile(r"\\([A-Za-z]+)|([A-Za-z])")
BINDS = r"\b(?i:with|where|and|let|times) \${}(?: |\$)|(?:^|\W){} ="  # what a clause says itself: with $n$ inputs


def of(text: str) -> set[str]:
    """The letters of a text's formulas, without those that are only an index."""
    found = set()
    for _, formula, _ in formulas(text):
        for command, letter in LETTER.findall(INDEX.sub(" ", WORDS.sub(" ", formula))):
            if letter or GREEK.fullmatch(command):
                found.add(letter or f"\\{command}")
    return found


@functools.cache
def paragraphs(text: str) -> dict[str, set[str]]:
    """The paragraphs of a page that say what its letters stand for, each with these letters."""
    said = [paragraph for paragraph in text.split("\n\n") if SAYS.search(paragraph) and not paragraph.startswith("///")]
    return {" ".join(paragraph.split()): letters for paragraph in said if (letters := of(paragraph))}


def explained(spec: Spec, clause: Clause) -> str:
    """What the page of a clause says of the letters in it; nothing where it has none."""
    text, wanted = spec.pages[clause.page].path.read_text(encoding="utf-8"), of(clause.text)
    told = " ".join(one for one, letters in paragraphs(text).items() if wanted & letters)
    return SAYS.sub(lambda found: "Here" if found.group().startswith("O") else "here", told)


def unexplained(spec: Spec) -> dict[str, list[str]]:
    """The letters of each clause that neither its page, nor the page of notation, nor the clause itself explains."""
    known = of(spec.pages["notation"].path.read_text(encoding="utf-8"))
    found = {}
    for clause in spec.clauses.values():
        page = spec.pages[clause.page].path.read_text(encoding="utf-8")
        told = known.union(*paragraphs(page).values())
        bound = {one for one in of(clause.text) if re.search(BINDS.format(re.escape(one), re.escape(one)), clause.text)}
        if left := of(clause.text) - told - bound:
            found[clause.id] = sorted(left)
    return found
