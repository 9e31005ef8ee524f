"""Each block's HTML, and what a wrong one says."""

from __future__ import annotations

import dataclasses
import re

import pytest

from nnspec_conformance.clauses import Statement
from nnspec_conformance.statements import StatementTest
from nnspec_site.errors import SiteError


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def summary(html: str) -> str:
    return re.findall(r"<summary>(.*?)</summary>", html, re.S)[0]


# ------------------------------------------------------------------ clause
def test_clause_is_a_heading_with_its_id_level_kind_and_source(show):
    html = show("act.nan", before="## Clauses\n\n")
    assert '<h3 id="act.nan">act.nan</h3>' in html
    assert '<span class="nn-level nn-level-must">MUST</span>' in html
    assert '<span class="nn-kind">exact</span>' in html
    assert "Source: Somebody 2020, equation 3" in html
    assert "<code>relu</code>" in html


def test_clause_text_is_markdown_with_formulas(show):
    html = show("act.nan")
    assert "<strong>MUST</strong>" in html
    assert 'class="katex"' in html


def test_proof_line_says_what_holds_what_it_catches_and_for_whom(show):
    html = show("act.nan")
    line = text_of(summary(html))
    assert line == "✓ 2 instances hold on the reference, catches 1 wrong implementation ! known failure: torch (1 of 2)"


def test_proof_line_gives_the_worst_error_of_the_reference(show):
    assert "holds on the reference, worst error 0.42 of allowed" in text_of(show("gelu.form"))


def test_unfolded_proof_has_reason_with_link_mutant_and_test(show):
    html = show("act.nan")
    assert '<a href="https://example.org/bug/7">example.org/bug/7</a>' in html
    assert "drops-nan" in html
    assert "returns <code>0</code> for NaN" in html
    assert "∞ × allowed" in html
    assert "<code>test_topic.py::test_nan</code>" in html


def test_every_outcome_has_a_symbol_and_a_word(show):
    html = show("gelu.form")
    assert re.search(
        r'<span class="nn-chip nn-variant"><span [^>]*aria-hidden="true"[^>]*>◐</span> variant</span>', html
    )


def test_readings_are_listed_with_who_has_them(show):
    text = text_of(show("gelu.form"))
    assert "exact definition x times" in text
    assert "the approximation Has it: reference, torch" in text


def test_default_lists_values_that_were_met_though_not_foreseen(show):
    text = text_of(show("leaky-relu.slope"))
    assert "0.01 definition Has it: reference" in text
    assert "0.3 Nobody measured has it." in text
    assert "0.2 Has it: torch" in text


def test_a_result_of_an_earlier_wording_is_stale(data, show):
    data.subjects["reference"]["results"]["gelu.form"]["text_hash"] = "old"
    text = text_of(show("gelu.form"))
    assert "stale: the text has changed since it was measured" in text
    assert "↻ stale" in text


def test_a_clause_nobody_measured_says_so(data, show):
    data.subjects.clear()
    assert "Not measured yet." in show("gelu.form")


def test_search_skips_the_proof(show):
    assert re.search(r'<details class="nn-fold nn-proof" data-search-exclude="">', show("act.nan"))


def test_clause_that_the_specification_does_not_have_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"clause \| act\.unknown: no such clause"):
        convert("/// clause | act.unknown\n    kind: exact\n\nIt **MUST** be.\n///")


def test_unknown_option_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"unknown option 'colour' of 'clause \| act\.nan'; known: applies-to"):
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
    assert 'class="katex"' in html
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
    assert "<code>test_loop.py::test_resumes</code>" in html
    assert "<code>forgets</code>: <span>Starts from <code>zero</code>.</span>" in html
    assert "Source: Somebody 2020" in html


def test_statement_without_a_test_says_so(stated, convert):
    assert "No test yet." in convert(STATEMENT)


def test_statement_that_the_specification_does_not_have_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"statement \| loop\.resumes: no such statement"):
        convert(STATEMENT)


# ------------------------------------------------------------------ experiment
def outcome(spec, **more):
    measured = {
        "id": "vanishing",
        "text_hash": spec.experiments["vanishing"].text_hash,
        "outcome": "holds",
        "prediction": "missed",
        "came": {"ratio": 2e-9, "norm of ReLU": 0.7},
        "recorded": {"hash": "h", "commit": "0123456789abcdef", "known": None},
        "effect": {"name": "ratio", "value": 2e-9, "interval": [1e-9, 3e-9], "unit": ""},
        "seeds": 20,
        "rows": [{"depth": 30, "ratio": 2e-9}],
        "versions": {"jax": "0.9"},
        "date": "2026-01-02",
    }
    return measured | more


def test_experiment_shows_hypothesis_prediction_effect_and_interval(spec, data, show):
    data.experiments["vanishing"] = outcome(spec)
    text = text_of(show("vanishing"))
    assert "✓ holds" in text
    assert "Claim Sigmoids make gradients vanish." in text
    assert "since each layer scales by at most 1/4" in text
    assert "Measured ratio 2e-9 , interval 1e-9 to 3e-9, 20 seeds" in text
    assert "measured 2026-01-02 with jax 0.9" in text


def test_experiment_shows_expected_and_came_and_two_words(spec, data, show):
    data.experiments["vanishing"] = outcome(spec)
    text = text_of(show("vanishing"))
    assert "✓ holds ✗ prediction missed" in text
    assert "ratio 2e-9 ✗ 1e-18 to 1e-17 ✓ 0 to 0.001" in text
    assert "norm of ReLU 0.7 – ✓ not 0 to 0.001, or it has a condition" in text


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        (None, "Prediction committed before this run, in 0123456789."),
        ("2025-12-31", "in 0123456789; a result of 2025-12-31 was known when it was put into these numbers."),
    ],
)
def test_experiment_says_when_its_prediction_was_written(spec, data, show, known, shown):
    recorded = {"hash": "h", "commit": "0123456789abcdef", "known": known}
    data.experiments["vanishing"] = outcome(spec, recorded=recorded)
    assert shown in text_of(show("vanishing"))


def test_experiment_that_is_stale_has_no_verdict_on_its_prediction(spec, data, show):
    data.experiments["vanishing"] = outcome(spec, text_hash="old")
    assert "prediction missed" not in text_of(show("vanishing"))


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"outcome": "does not hold"}, "✗ does not hold"),
        ({"outcome": "holds when", "when": "depth > 5"}, "◐ holds when depth &gt; 5"),
        ({"text_hash": "old"}, "↻ stale"),
    ],
)
def test_experiment_outcomes(spec, data, change, shown, show):
    data.experiments["vanishing"] = outcome(spec, **change)
    assert shown in text_of(show("vanishing"))


def test_experiment_shows_why_it_came_otherwise(spec, data, show):
    data.experiments["vanishing"] = outcome(spec, note="Contradicts the prediction: units die.")
    assert "Contradicts the prediction: units die." in show("vanishing")


def test_experiment_not_run_says_so(show):
    assert "not run" in text_of(show("vanishing"))


# ------------------------------------------------------------------ fine print
FINE = """/// clause | act.nan
    kind: exact
    applies-to: [relu, tanh]
    fine: true

Where the input is NaN the result **MUST** be NaN.
///
"""


@pytest.fixture
def fine(spec):
    spec.clauses["act.nan"] = dataclasses.replace(spec.clauses["act.nan"], fine=True)


def test_clause_of_the_fine_print_is_a_line_with_id_level_statement_and_verdicts(fine, convert):
    html = convert(FINE)
    assert '<a class="nn-fine-id" href="#act.nan" id="act.nan"><code>act.nan</code></a>' in html
    assert "act.nan MUST Where the input is NaN the result MUST be NaN. ! known failure: torch (1 of 2)" in text_of(
        html
    )
    assert "<details" not in html


def test_section_of_the_fine_print_is_folded_up_to_the_next_section(fine, convert):
    html = convert(f"## Fine print\n\nFor every function.\n\n{FINE}\n## Cost\n\nOne pass.\n")
    start, end, cost = html.index("<details"), html.index("</details>"), html.index('<h2 id="cost">')
    assert html.index('<h2 id="fine-print">') < start < html.index("act.nan") < end < cost
    assert summary(html) == "Show 1 clause"


# ------------------------------------------------------------------ exercise
EXERCISE = "/// exercise | which-input\n{options}\nWhich input breaks $x^2$?\n\n---\n\nThe **NaN**.\n///\n"


def test_exercise_has_its_answer_folded(convert):
    html = convert(EXERCISE.format(options=""))
    before, fold = html.split("<details", 1)
    assert 'id="exercise-which-input"' in before
    assert "Which input breaks" in before
    assert "<strong>NaN</strong>" in fold
    assert summary("<details" + fold) == "Answer"
    assert "<hr" not in html


def test_exercise_from_a_mutant_names_the_clauses_that_catch_it(convert):
    html = convert(EXERCISE.format(options="    mutant: drops-nan\n"))
    assert '<a href="/spec/components/topic.md#act.nan"><code>act.nan</code></a>' in html
    assert "The suite holds this wrong implementation: drops-nan ; it is caught by act.nan ." in text_of(html)


def test_exercise_without_an_answer_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"exercise \| which-input: has no answer"):
        convert("/// exercise | which-input\n\nWhich input?\n///\n")


# ------------------------------------------------------------------ write
def test_write_shows_each_framework_its_readings_and_the_code_of_its_adapter(data, convert):
    operations = data.spec.operations
    operations["gelu"] = dataclasses.replace(operations["gelu"], page="components/activations")
    html = convert("/// write | gelu.form\n///\n")
    labels = re.findall(r"<label[^>]*>(.*?)</label>", html)
    assert labels[-1] == "reference"
    assert {"torch", "flax_optax", "keras"} <= set(labels)
    text = text_of(html)
    assert "form : tanh gelu.form" in text
    assert "return F . gelu ( x , ** given )" in text


def test_write_of_a_family_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"write \| act\.nan: a clause of 2 operations; name one"):
        convert("/// write | act.nan\n///\n")


def test_write_names_who_lacks_the_operation(data, convert):
    assert "Without it: flax_optax" in text_of(convert("/// write | network\n///\n"))


# ------------------------------------------------------------------ figure, benchmark, matrix
def test_figure_of_unknown_name_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"no figure maker docs/nnspec_site/figures/no_such\.py"):
        convert("/// figure | no-such\n    alt: nothing\n///")


def test_benchmark_without_results_gives_the_command(convert):
    assert "<code>nnspec bench --device cpu --out r.json</code>" in convert("/// benchmark | activations\n///")


def test_benchmark_draws_share_of_copy_and_marks_peers(convert, data):
    work = {
        "set": "activations",
        "name": "gelu",
        "pass": "forward",
        "size": 1024,
        "dtype": "float32",
        "operations": 1024,
        "least_bytes": 8192,
    }
    work |= {
        "nnspec": {"seconds": 1.6e-6, "share_of_copy": 0.5},
        "peers": {"torch": {"seconds": 3.2e-6}},
        "ratio": {"torch": 0.5},
    }
    machine = {"name": "box", "device": "cpu", "processor": "P", "cores": 2, "platform": "Linux"}
    data.benchmarks["box"] = {
        "machine": machine,
        "ceilings": {"copy_bytes_per_s": 1e10},
        "workloads": [work],
        "date": "2026-01-02",
    }
    html = convert("/// benchmark | activations\n///")
    assert "width:51.2%" in html
    assert "left:25.6%" in html
    assert "1.6 µs" in html
    assert "2^10" in html
    assert "No result on a GPU or TPU yet." in text_of(html)
    assert "Not measured on this machine (box): identity, relu, leaky_relu" in text_of(html)
    assert "Measured 2026-01-02 in 1 process" in text_of(html)


def test_benchmark_names_times_that_cannot_be_right(convert, data):
    def work(size, seconds, runs):
        cost = {"set": "activations", "name": "gelu", "pass": "forward", "operations": 1, "least_bytes": 1}
        return cost | {"size": size, "nnspec": {"seconds": seconds, "runs": runs}, "peers": {}}

    machine = {"name": "box", "device": "cpu", "processor": "P", "cores": 2, "platform": "Linux"}
    workloads = [work(1024, 1.6e-5, [1.6e-5] * 3), work(16384, 7e-6, [7e-6, 7e-6, 8e-6])]
    data.benchmarks["box"] = {"machine": machine, "ceilings": {"copy_bytes_per_s": 1e9}, "workloads": workloads}
    text = text_of(convert("/// benchmark | activations\n///"))
    assert "gelu, forward, by nnspec: 16.0 µs for 1024 elements, at most 8.0 µs for 16384." in text
    assert "in 3 processes" in text


def test_benchmark_of_a_set_that_no_machine_has_says_so(convert, data):
    machine = {"name": "box", "device": "cpu", "processor": "P", "cores": 2, "platform": "Linux"}
    data.benchmarks["box"] = {"machine": machine, "ceilings": {}, "workloads": [], "date": "2026-01-02"}
    text = text_of(convert("/// benchmark | layers\n///"))
    assert "Not measured on this machine (box): dense, mlp." in text
    assert "Not measured on any machine yet." in text


def test_benchmark_of_all_sets_has_a_heading_for_each(convert):
    html = convert("/// benchmark | sets\n///")
    assert '<h2 id="activations">Activations</h2>' in html
    assert '<h2 id="layers">Layers</h2>' in html


def test_time_of_several_processes_shows_its_spread():
    from nnspec_site.blocks.benchmark import spread

    assert spread({"seconds": 2e-6, "runs": [1e-6, 2e-6, 4e-6]}) == "2 µs (1 µs to 4 µs)"
    assert spread({"seconds": 2e-6}) == "2 µs"


def test_matrix_of_all_sections_counts_instances(convert):
    text = text_of(convert("/// matrix | all\n///"))
    assert "Topic ✓ 4 pass ✓ 1 pass ◐ 2 variant ! 1 known failure" in text


def test_matrix_of_a_page_links_each_clause(convert):
    html = convert("/// matrix | components/topic\n///")
    assert '<a href="/spec/components/topic.md#gelu.form"><code>gelu.form</code></a>' in html
    assert "known failure (1 of 2)" in html


def test_matrix_of_an_unknown_page_stops_the_build(convert):
    with pytest.raises(SiteError, match="no such view or spec page; known: all, clauses, subjects"):
        convert("/// matrix | components/nothing\n///")


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("clauses", "gelu.form"),
        ("subjects", "2026-01-02"),
        ("readings", "exact, tanh"),
        ("mutants", "drops-nan"),
        ("experiments", "vanishing"),
    ],
)
def test_other_views(convert, view, shown):
    assert shown in text_of(convert(f"/// matrix | {view}\n///"))


def test_an_oracle_is_called_one_and_left_out_of_the_proof_line(spec, data, show, result, report):
    results = {"gelu.form": result(spec.clauses["gelu.form"])}
    data.subjects["numpy_oracle"] = report("numpy_oracle", "oracle", results)
    html = show("gelu.form")
    assert "numpy_oracle" not in summary(html)
    assert "<small> oracle</small>" in html
