"""What the operations of a page owe as duties, in its fine print and on the duty's own page."""

import re

import pytest

from nnspec_conformance.clauses import load_spec
from nnspec_site.clause_pages import pages
from nnspec_site.data import Data

DUTY = """# Duties

What all owe.

/// clause | duty.dtype
    kind: shape
    forms: [map]

It **MUST** have the dtype.
///
"""
TOPIC = """# Topic

/// operation | double
    form: map
    arrays: {x: "*shape"}
    result: "*shape"

Twice.
///

/// operation | word
    form: map
    arrays: {x: "*shape"}
    result: "*shape"
    exempt: {dtype: it answers with a word}

A word.
///
"""
ROWS = TOPIC.partition("\n\n")[2]


@pytest.fixture
def data(tmp_path):
    """A specification of one duty and two operations, and what two frameworks did."""
    (tmp_path / "components").mkdir()
    (tmp_path / "duties.md").write_text(DUTY)
    (tmp_path / "components" / "topic.md").write_text(TOPIC)
    spec = load_spec(tmp_path)
    done = {"text_hash": spec.clauses["duty.dtype"].text_hash, "cases": 1, "entries": []}

    def report(outcome):
        results = {"duty.dtype[double]": done | {"outcome": outcome}}
        return {"subject": {"name": "one", "version": "1", "role": "framework"}, "results": results}

    return Data(spec, subjects={"one": report("pass"), "two": report("fail")})


def text_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_fold_of_a_line_each_ends_the_fine_print_and_is_folded_with_it(convert):
    html = convert(f"{ROWS}\n## Fine print\n\nFor both.\n\n## Cost\n")
    fold = html[html.index("<details") : html.rindex("</details>")]
    told = (
        "Beside these: 1 duty of every operation dtype : pass: one; fail: two; not owed by word: it answers with a word"
    )
    assert told in text_of(fold)
    assert fold.count("<details") == 2
    assert fold.count("<li") == 1


def test_without_fine_print_it_follows_the_table_of_operations(convert):
    html = convert(f"{ROWS}\n## Cost\n")
    assert html.index("nn-operations") < html.index("nn-duties") < html.index("Cost")


def test_a_page_without_operations_has_none(convert):
    assert "nn-duties" not in convert("## Cost\n")


def test_its_own_page_has_a_row_for_each_topic(data):
    _, html = next(pages(data))
    told = text_of(html)
    assert "Owed by all 1 declared operations of the forms map" in told
    assert "Not owed by word : it answers with a word" in told
    assert re.search(r"Topic ✓ 1 pass ✗ 1 fail \(double\)", told)
