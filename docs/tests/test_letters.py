"""Every letter of a clause is explained where the clause is read: by its page, by the notation, or by itself."""

from __future__ import annotations

import dataclasses
import re

import pytest

from nnspec_conformance.clauses import load_spec
from nnspec_site import letters
from nnspec_site.clause_pages import page


def test_every_letter_of_a_clause_is_explained():
    assert letters.unexplained(load_spec()) == {}


@pytest.fixture
def said(spec):
    """The letters that nothing explains, of a clause with a text on a page that also says something."""

    def run(text: str, also: str = "") -> list[str]:
        path = spec.pages["components/topic"].path
        path.write_text(path.read_text(encoding="utf-8") + f"\n\n{also}\n", encoding="utf-8")
        notation = path.parents[1] / "notation.md"
        notation.write_text("# Notation\n\n| $x$ | input |\n", encoding="utf-8")
        pages = spec.pages | {"notation": dataclasses.replace(spec.pages["components/topic"], path=notation)}
        clauses = {"act.nan": dataclasses.replace(spec.clauses["act.nan"], text=text)}
        made = dataclasses.replace(spec, pages=pages, clauses=clauses)
        return letters.unexplained(made).get("act.nan", [])

    return run


@pytest.mark.parametrize(
    ("text", "also", "left"),
    [
        ("It **MUST** be $x$.", "", []),
        ("It **MUST** be $x + k$.", "", ["k"]),
        ("It **MUST** be $x + \\tau$.", "", ["\\tau"]),
        ("It **MUST** be $x + k$.", "On this page $k$ is a\nnumber.", []),
        ("It **MUST** be $x + k$.", "Elsewhere $k$ is a number.", ["k"]),
        ("With $k$ inputs it **MUST** be $x + k$.", "", []),
        ("It **MUST** be $x + k$, with $k = 3$.", "", []),
        ("It **MUST** be $\\sum_k x_k$ and $\\operatorname{relu}(x)$.", "", []),
        ("It **MUST** be `k`.", "", []),
    ],
)
def test_what_explains_a_letter(said, text, also, left):
    assert said(text, also) == left


def test_page_of_a_clause_repeats_what_its_topic_says_of_its_letters(data):
    path = data.spec.pages["components/topic"].path
    path.write_text(path.read_text() + "\n\nOn this page $x$ is one element.\n", encoding="utf-8")
    assert re.search(r"Here <.*>x</span> is one element\.", page(data, data.spec.clauses["act.nan"], None, None))
    assert "is one element." not in page(data, data.spec.clauses["leaky-relu.slope"], None, None)
