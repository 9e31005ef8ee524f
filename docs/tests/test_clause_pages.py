"""The page of a clause: all that was measured, what fails and why, what is caught; and lines to paste that run."""

from __future__ import annotations

import html as html_module
import re
import textwrap

import pytest

from nnspec_conformance.loading import load_subject
from nnspec_site import clause_pages
from nnspec_site.errors import SiteError
from nnspec_site.rendering import Renderer
from nnspec_site.snippets import snippet


def text_of(html: str) -> str:
    return html_module.unescape(" ".join(re.sub(r"<[^>]+>", " ", html).split()))


@pytest.fixture
def page(data):
    """The HTML of the page of one of the fixture's clauses."""

    def run(clause: str) -> str:
        return dict(clause_pages.pages(data))[f"clauses/components/topic/{clause}.html"]

    return run


def test_page_has_statement_source_and_formulas(page):
    html = page("act.nan")
    assert "the result <strong>MUST</strong> be NaN" in html
    assert "Source: Somebody 2020, equation 3" in html
    assert '<span class="nn-flat">x<sup>2</sup></span>' in html
    assert '<link rel="stylesheet" href="../../../assets/generated/math/math.css">' in html


def test_page_is_its_own_description_for_whoever_shares_it(page):
    html = page("act.nan")
    assert "<title>act.nan - nnspec</title>" in html
    assert '<meta property="og:title" content="act.nan: Topic">' in html
    assert '<meta name="description" content="Where the input is NaN the result MUST be NaN, also for x^2.">' in html


def test_page_leads_to_its_topic_and_the_clauses_beside_it(page):
    html = page("gelu.form")
    assert 'href="../../../spec/components/topic.html#gelu.form"' in html
    assert '<a class="before" href="act.nan.html" rel="prev">' in html
    assert '<a class="after" href="leaky-relu.slope.html" rel="next">' in html


def test_page_has_the_command_that_runs_it(page):
    assert "nnspec check torch gelu.form" in page("gelu.form")


def test_family_is_measured_by_subject_and_operation_frameworks_first(page):
    html = page("act.nan")
    assert "subject relu tanh torch 1.0 ! known failure ∞ ✓ pass reference 1.0 ✓ pass ✓ pass" in text_of(html)


def test_known_failures_are_told_once_a_reason_with_link_and_case(data, page):
    results = data.subjects["torch"]["results"]
    results["act.nan[tanh]"] = dict(results["act.nan[relu]"])
    worst = {"call": "relu(float32[9])", "input": "nan at index (3,)", "got": "0", "expected": "nan"}
    results["act.nan[relu]"]["worst"] = worst
    html = page("act.nan")
    assert html.count("swallows NaN") == 1
    assert "torch : relu, tanh. swallows NaN" in text_of(html)
    assert '<a href="https://example.org/bug/7">example.org/bug/7</a>' in html
    assert "relu(float32[9]) , at nan at index (3,) : 0 , right is nan ." in text_of(html)
    assert "answer = load_subject(&#x27;torch&#x27;).call" in html or "load_subject('torch').call('relu', x)" in html


def test_what_is_caught_names_the_whole_family_in_a_word(data, page):
    html = page("act.nan")
    assert "drops-nan" in html
    assert "returns <code>0</code> for NaN" in html
    assert "∞ × allowed" in html
    clause = data.spec.clauses["act.nan"]
    family = [f"f{i}" for i in range(13)]
    object.__setattr__(clause, "applies_to", tuple(family))
    assert text_of(clause_pages.proof.of_operations(clause, family).text) == "all 13"
    assert clause_pages.proof.of_operations(clause, family[1:]).text == "all but f0"


def test_readings_say_who_has_them(page):
    assert "exact definition x times" in text_of(page("gelu.form"))
    assert "the approximation torch, reference" in text_of(page("gelu.form"))


def test_default_that_was_met_though_not_foreseen_is_listed_and_one_that_nobody_has_is_not(page):
    text = text_of(page("leaky-relu.slope"))
    assert "0.01 definition reference" in text
    assert "0.2 torch" in text
    assert "0.3" not in text


def test_single_entries_are_folded_where_there_are_several(data, page):
    entries = [
        {
            "test": "test_topic.py::test_form",
            "readings": {"form": "tanh"},
            "dtype": "float16",
            "cases": 3,
            "ratio": 0.5,
        },
        {
            "test": "test_topic.py::test_form",
            "dtype": "float32",
            "cases": 2,
            "outcome": "known failure",
            "ratio": "inf",
        },
    ]
    assert "Each test" not in page("gelu.form")
    data.subjects["torch"]["results"]["gelu.form"]["entries"] = entries
    text = text_of(page("gelu.form"))
    assert "Each test, reading and dtype: 2 rows" in text
    assert "torch test_form form=tanh float16 ✓ pass 0.5 3 torch test_form – float32 ! known failure ∞ 2" in text


def test_clause_that_nobody_measured_says_so(data, page):
    data.subjects.clear()
    assert "Not measured yet." in page("gelu.form")


def test_links_of_a_text_lead_from_the_page_of_the_clause(data):
    renderer = Renderer(data.spec, "clauses/components/topic/gelu.form.html", "spec/components/topic.md")
    text = "[gelu.form][], [words][act.nan], [p](../conformance.md#x), [q](https://e.org/a.md), [`nnspec.a.b.c`][]"
    assert re.findall('href="(.*?)"', renderer.html(renderer.block(text))) == [
        "gelu.form.html",
        "act.nan.html",
        "../../../spec/conformance.html#x",
        "https://e.org/a.md",
        "../../../api/a/b.html#nnspec.a.b.c",
    ]


def test_reference_to_nothing_stops_the_build(data):
    renderer = Renderer(data.spec, "clauses/components/topic/gelu.form.html", "spec/components/topic.md")
    with pytest.raises(SiteError, match=r"\[gelu\.frm\]\[\] leads to nothing"):
        renderer.html(renderer.block("See [gelu.frm][]."))


# ------------------------------------------------------------------ lines to paste
@pytest.mark.parametrize(
    ("call", "given", "printed"),
    [
        ("relu(bfloat16[9])", "-2 at index (3,)", 0.0),
        ("gelu(float16[9], form='exact')", "-inf at index (3,)", 0.0),
        ("gradient of leaky_relu(float64[7803], negative_slope=0.2)", "-2580.3183102057114 at index (0,)", 0.2),
        ("second derivative of softplus(float64[9])", "20 at index (3,)", 2.06e-9),
    ],
)
def test_lines_to_paste_run_and_answer(capsys, call, given, printed):
    lines = snippet("numpy_oracle", {"call": call, "input": given, "got": "a", "expected": "b"})
    assert lines is not None
    exec(compile(textwrap.dedent(lines), "snippet", "exec"), {})
    assert float(capsys.readouterr().out) == pytest.approx(printed, rel=1e-3)
    assert load_subject("numpy_oracle").has(call.split("(")[0].split()[-1])


@pytest.mark.parametrize(
    "worst",
    [
        {},
        {"call": "dense(float32[6, 3], float32[3, 5])", "input": "1 at index (0, 1)"},
        {"call": "relu(float32[9])"},
        {"call": "softmax(float32[5, 7], axis=-1)", "input": "-1.1 at index (1, 0)"},
    ],
)
def test_a_case_of_another_form_has_no_lines(worst):
    assert snippet("torch", worst) is None
