"""Fine print, exercises, and what to write in each framework."""

from __future__ import annotations

import dataclasses
import re

import pytest

from nnspec_site import learning_path
from nnspec_site.errors import SiteError


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def summary(html: str) -> str:
    return re.findall(r"<summary>(.*?)</summary>", html, re.S)[0]


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


def test_clause_of_the_fine_print_is_a_line_with_id_statement_and_verdicts(fine, convert):
    html = convert(FINE)
    assert '<a class="nn-fine-id" href="/clauses/components/topic/act.nan.html" id="act.nan">act.nan</a>' in html
    assert "act.nan Where the input is NaN the result MUST be NaN. ! known failure: torch (relu)" in text_of(html)
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


def test_exercise_of_the_learning_path_has_its_step(convert, monkeypatch):
    text = "### 1. One neuron\n\nRead.\n\n### 2. Two\n\n**Try** [it](../spec/a.md#exercise-which-input).\n"
    assert learning_path.steps(text) == {"which-input": (2, "/guides/learning-path.md#2-two")}
    monkeypatch.setattr(learning_path, "step_of", learning_path.steps(text).get)
    html = convert(EXERCISE.format(options=""))
    assert '<a href="/guides/learning-path.md#2-two">Learning path, step 2</a>' in html
    assert "Learning path" not in convert(EXERCISE.format(options="").replace("which-input", "another"))


def test_exercise_without_an_answer_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"exercise \| which-input: has no answer"):
        convert("/// exercise | which-input\n\nWhich input?\n///\n")


# ------------------------------------------------------------------ reference
def test_reference_shows_the_program_with_the_line_of_the_equation_and_folds_the_rest(convert):
    html = convert("/// reference | nnspec.training.schedules.decay.exponential_decay\n\\[r^{t/n}\\]\n///\n")
    before, _, fold = html.partition("<details")
    assert "jnp.float32(decay_rate)" in text_of(before).partition("def _exponential")[2]
    found = summary("<details" + fold)
    assert found.startswith("It rests on")
    assert "_exponential" not in found


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
    assert "F.gelu(x, **given)" in text


def test_write_of_a_family_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"write \| act\.nan: a clause of 2 operations; name one"):
        convert("/// write | act.nan\n///\n")


def test_write_names_who_lacks_the_operation(data, convert):
    assert "Without it: flax_optax" in text_of(convert("/// write | network\n///\n"))
