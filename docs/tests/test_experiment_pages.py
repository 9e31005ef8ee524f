"""The page of an experiment: the measure, the prediction, every number, and the command that runs it again."""

from __future__ import annotations

import dataclasses
import html as html_module
import re

import pytest

from nnspec_site import experiment_pages

ADDRESS = "experiments/components/topic/vanishing.html"


def text_of(html: str) -> str:
    return html_module.unescape(" ".join(re.sub(r"<[^>]+>", " ", html).split()))


@pytest.fixture
def page(data):
    """The HTML of the page of the fixture's experiment."""
    return lambda: dict(experiment_pages.pages(data))[ADDRESS]


def test_page_has_claim_measure_and_prediction(page):
    text = text_of(page())
    assert "vanishing not run" in text.replace("· ", "")
    assert "Sigmoids make gradients vanish." in text
    assert "Measure norm of the gradient" in text
    assert "Predicted a factor of" in text
    assert "nnspec experiments --slow vanishing" in text
    assert "Expected and came" not in text


def test_page_has_effect_rows_and_versions(page, data, outcome):
    data.experiments["vanishing"] = outcome()
    text = text_of(page())
    assert "Measured ratio 2e-9 , interval 1e-9 to 3e-9, 20 seeds." in text
    assert "Rows depth ratio 30 2e-9" in text
    assert "measured 2026-01-02 with jax 0.9" in text


def test_page_has_expected_and_came_and_two_words(page, data, outcome):
    data.experiments["vanishing"] = outcome()
    text = text_of(page())
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
def test_page_says_when_the_prediction_was_written(page, data, outcome, known, shown):
    data.experiments["vanishing"] = outcome(recorded={"hash": "h", "commit": "0123456789abcdef", "known": known})
    assert shown in text_of(page())


def test_page_says_why_it_came_otherwise(page, data, outcome):
    data.experiments["vanishing"] = outcome(note="Contradicts the prediction: units die.")
    assert "Remarks Contradicts the prediction: units die." in text_of(page())


def test_page_leads_back_and_describes_itself(page):
    html = page()
    assert 'href="../../../spec/components/topic.html#vanishing"' in html
    assert '<meta name="description" content="Sigmoids make gradients vanish.">' in html
    assert "rel=" not in html.partition("<body>")[2]


def test_page_has_the_figure_that_follows_the_experiment(page, data):
    path = data.spec.pages["components/topic"].path
    figure = "\n/// figure | edges\n    alt: What is\n      seen.\n\nA *caption*.\n///\n"
    written = path.read_text(encoding="utf-8")
    start = written.index("/// experiment | vanishing")
    end = written.index("\n///\n", start) + len("\n///\n")
    path.write_text(written[:end] + figure + written[end:], encoding="utf-8")
    html = page()
    assert 'alt="What is seen." class="light"' in html
    assert 'src="../../../assets/generated/figures/edges-light.svg"' in html
    assert "edges-dark.svg" in html
    assert "A <em>caption</em>." in html
    path.write_text(written[:end] + "\n### Another thing\n" + figure + written[end:], encoding="utf-8")
    assert "edges-light.svg" not in page()


def test_page_says_which_statement_of_the_source_it_tests(page, data):
    data.spec.source = {"A.9": {"statement": "it *learns*", "page": "components/topic"}}
    data.spec.experiments["vanishing"] = dataclasses.replace(data.spec.experiments["vanishing"], proves=("A.9",))
    assert "The source, A.9 : it learns" in text_of(page())
