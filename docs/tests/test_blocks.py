"""Each block's HTML, and what a wrong one says."""

from __future__ import annotations

import dataclasses
import re

import pytest

from nnspec_conformance.clauses import Statement
from nnspec_conformance.statements import StatementTest
from nnspec_site.errors import SiteError
from nnspec_site.flat_formulas import MEDIUM
from nnspec_site.proof import share


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def summary(html: str) -> str:
    return re.findall(r"<summary>(.*?)</summary>", html, re.S)[0]


# ------------------------------------------------------------------ clause
def test_clause_is_a_short_card_with_id_level_kind_and_a_link_to_its_page(show):
    html = show("act.nan", before="## Clauses\n\n")
    assert '<h3 id="act.nan">act.nan</h3>' in html
    assert '<span class="nn-level nn-level-must">MUST</span>' in html
    assert '<span class="nn-kind">exact</span>' in html
    assert '<a class="nn-more" href="/clauses/components/topic/act.nan.html">Proof</a>' in html
    assert "Somebody 2020" not in html
    assert "<details" not in html


def test_line_says_what_holds_what_it_catches_and_which_operation_fails_for_whom(show):
    line = text_of(show("act.nan")).split("exact ✓")[1]
    assert line == " all 2 hold on the reference, catches 1 wrong implementation ! known failure: torch (relu) Proof"


def test_line_counts_the_operations_of_a_large_family(data):
    clause = dataclasses.replace(data.spec.clauses["act.nan"], applies_to=("a", "b", "c", "d", "e"))
    assert share(clause, ["fail", "fail", "fail", "fail", "pass"], "fail") == " (4 of 5)"
    assert share(clause, ["pass"] * 5, "pass") == ""


def test_every_outcome_has_a_symbol_and_a_word(show):
    assert '<span class="nn-chip nn-known">! known failure: torch (relu)</span>' in show("act.nan")


def test_clause_about_a_value_says_which_one_each_framework_has(data, show):
    assert '<span class="nn-chip nn-variant">◐ tanh: torch</span>' in show("gelu.form")
    assert "0.2: torch" in text_of(show("leaky-relu.slope"))
    data.subjects["torch"]["results"]["gelu.form"]["outcome"] = "fail"
    assert "✗ fail: torch" in text_of(show("gelu.form"))


def test_readings_are_listed_with_their_meaning(show):
    assert "exact definition x times" in text_of(show("gelu.form"))


def test_clause_text_is_markdown_with_formulas(show):
    html = show("act.nan")
    assert "<strong>MUST</strong>" in html
    assert "x<sup>2</sup>" in html


def test_proof_line_gives_the_worst_error_of_the_reference(show):
    assert "holds on the reference, worst error 0.42 of the allowed one" in text_of(show("gelu.form"))


def test_a_result_of_an_earlier_wording_is_stale(data, show):
    data.subjects["reference"]["results"]["gelu.form"]["text_hash"] = "old"
    text = text_of(show("gelu.form"))
    assert "stale: the text has changed since it was measured" in text
    assert "↻ stale" in text


def test_a_clause_nobody_measured_says_so(data, show):
    data.subjects.clear()
    assert "Not measured yet." in show("gelu.form")


def test_clause_that_the_specification_does_not_have_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"clause \| act\.unknown: no such clause"):
        convert("/// clause | act.unknown\n    kind: exact\n\nIt **MUST** be.\n///")


def test_unknown_option_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"unknown option 'colour' of 'clause \| act\.nan'; known: about, apart"):
        convert("/// clause | act.nan\n    colour: red\n\nIt **MUST** be.\n///")


def test_missing_argument_stops_the_build(convert):
    with pytest.raises(SiteError, match="block 'matrix' lacks its argument"):
        convert("/// matrix\n///")


# ------------------------------------------------------------------ operation
RELU = (
    '/// operation | relu\n    form: map\n    arrays: {x: "*shape"}\n    result: "*shape"\n\nPositive, $x > 0$.\n///\n'
)
NETWORK = "/// operation | network\n    form: map\n    indices: {l: layers}\n\nLayers.\n///\n"


def test_operations_that_follow_one_another_are_rows_of_one_table(convert):
    html = convert(f"{RELU}\n{NETWORK}")
    assert (html.count("<table"), html.count('scope="row"'), html.count('id="operation-relu"')) == (1, 2, 1)


def test_operations_apart_are_tables_apart(convert):
    assert convert(f"{RELU}\nBetween them.\n\n{NETWORK}").count("<table") == 2


def test_operation_says_what_it_does_takes_and_gives(convert):
    html = convert(RELU)
    assert "x &gt; 0".replace(" ", MEDIUM) in html
    assert "x [*shape] gives [*shape]" in text_of(html)


def test_operation_shows_what_is_declared_with_indices_below_the_line(convert):
    html = convert(NETWORK)
    assert "a table of kernel_<em>l</em> [n<sub>l</sub>, n<sub>l+1</sub>], l = 0 to layers - 1" in html
    assert "activation one of relu, tanh" in text_of(html)


def test_operation_that_takes_much_is_folded(data, convert):
    operation = data.spec.operations["relu"]
    many = tuple(dataclasses.replace(operation.arrays[0], name=f"x{i}") for i in range(7))
    data.spec.operations["relu"] = dataclasses.replace(operation, arrays=many)
    assert summary(convert(RELU)) == "Takes 7 arguments"


def test_operation_that_no_page_declares_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"operation \| rleu: no such operation in the specification"):
        convert(RELU.replace("| relu", "| rleu"))


# ------------------------------------------------------------------ statement
STATEMENT = """/// statement | loop.resumes
    source: Somebody 2020

A resumed run **MUST** be the run.
///
"""


@pytest.fixture
def stated(spec):
    spec.statements["loop.resumes"] = Statement("loop.resumes", "topic", 3, "", "MUST", "Somebody 2020")


def test_statement_names_its_test_and_what_it_fails_on(stated, data, convert):
    story = "Starts from `zero`."
    data.statement_tests.append(StatementTest("loop.resumes", "test_loop.py::test_resumes", {"forgets": story}))
    html = convert(f"## Promises\n\n{STATEMENT}")
    assert '<h3 id="loop.resumes">loop.resumes</h3>' in html
    assert '<span class="nn-level nn-level-must">MUST</span>' in html
    assert "reference alone" in html
    assert text_of(summary(html)) == "proven by 1 test of the reference, catches 1 wrong implementation"
    assert "<code>test_<wbr />loop.<wbr />py::test_<wbr />resumes</code>" in html
    assert "<code>forgets</code>: <span>Starts from <code>zero</code>.</span>" in html
    assert "Source: Somebody 2020" in html


def test_statement_without_a_test_says_so(stated, convert):
    assert "No test yet." in convert(STATEMENT)


def test_statement_that_the_specification_does_not_have_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"statement \| loop\.resumes: no such statement"):
        convert(STATEMENT)


# ------------------------------------------------------------------ experiment
def test_experiment_shows_claim_result_and_the_way_to_the_rest(outcome, data, show):
    data.experiments["vanishing"] = outcome()
    html = show("vanishing")
    text = text_of(html)
    assert "✓ holds ✗ prediction missed" in text
    assert "Claim Sigmoids make gradients vanish." in text
    assert "Measured ratio 2e-9 , interval 1e-9 to 3e-9, 20 seeds. How it was measured" in text
    assert '<a class="nn-more" href="/experiments/components/topic/vanishing.html">' in html
    assert "since each layer" not in text
