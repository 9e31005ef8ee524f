"""What the search's files hold, from pages, specification and glossary."""

from __future__ import annotations

import json

import pytest

from nnspec_site import finding
from nnspec_site.errors import SiteError

HITS = {
    "spec/components/topic.md": [
        {"location": "spec/components/topic.html", "title": "Topic", "text": "<p>One &amp; two. Then three.</p>"},
        {"location": "spec/components/topic.html#why", "title": "Why", "text": "<p>Because <code>x</code>.</p>"},
        {"location": "spec/components/topic.html#act.nan", "title": "act.nan", "text": "MUST <p>verdict pass</p>"},
        {"location": "spec/components/topic.html#vanishing", "title": "vanishing", "text": "<p>folded</p>"},
    ],
    "api/topic.md": [
        {
            "location": "api/topic.html#nnspec.topic.relu",
            "title": "relu",
            "text": "<pre>relu(x)</pre> <p>Clip.</p>Source code in x<pre>secret</pre>",
        },
        {"location": "api/topic.html#nnspec.topic.Layer.get_weights", "title": "get_weights", "text": ""},
    ],
    "results/mutants.md": [{"location": "results/mutants.html", "title": "Wrong", "text": "<p>Wrong ones.</p>"}],
}
GLOSSARY = """# Glossary

**Dying ReLU** { #dying-relu }
:   A unit that is never positive. [Activations](../spec/components/topic.md#why)

**Not a number** { #not-a-number }
:   What [act.nan][] is about: *NaN*. [act.nan][]

**Report** { #report }
:   What a run has written.
"""


@pytest.fixture
def entries(spec):
    return {entry.title: entry for entry in [*finding.pages(HITS, spec), *finding.terms(GLOSSARY, spec)]}


def test_a_page_has_its_first_sentence_and_its_text(entries):
    page = entries["Topic"]
    assert (page.kind, page.sentence, page.text) == ("topic", "One & two.", "One & two. Then three.")


def test_a_section_names_its_page(entries):
    assert entries["Why · Topic"].text == "Because x."


def test_a_clause_has_its_statement_with_formulas_as_text_and_not_its_verdicts(entries):
    assert entries["act.nan"].text == "Where the input is NaN the result MUST be NaN, also for x2."


def test_a_clause_without_a_heading_is_found_too(spec):
    known = {"spec/components/topic.html#act.nan", "spec/components/topic.html#leaky-relu.slope"}
    (entry,) = finding.fine_print(known, spec)
    assert (entry.title, entry.sentence) == ("gelu.form", "gelu MUST be one of these.")


def test_an_experiment_has_its_claim(entries):
    assert (entries["vanishing"].kind, entries["vanishing"].text) == ("experiment", "Sigmoids make gradients vanish.")


def test_of_code_the_name_and_its_sentence_are_found(entries):
    assert (entries["relu"].sentence, entries["relu"].text) == ("Clip.", "")
    assert "get_weights" not in entries


def test_wrong_implementations_are_left_out(entries):
    assert "Wrong" not in entries


def test_a_term_leads_to_where_its_thing_is_told(entries):
    assert entries["Dying ReLU"].address == "spec/components/topic.html#why"
    assert entries["Dying ReLU"].sentence == "A unit that is never positive."
    assert entries["Not a number"].address == "spec/components/topic.html#act.nan"
    assert entries["Not a number"].sentence == "What act.nan is about: NaN."
    assert entries["Report"].address == "guides/glossary.html#report"


@pytest.mark.parametrize(
    ("kind", "key"),
    [("pages", "components/topic"), ("clauses", "act.nan"), ("terms", "Report"), ("sections", "components/topic#why")],
)
def test_other_names_are_given(entries, kind, key):
    finding.name(list(entries.values()), {kind: {key: ["other"]}})
    assert [entry.aliases for entry in entries.values() if entry.aliases] == [["other"]]


def test_an_other_name_of_nothing_is_refused(entries):
    with pytest.raises(SiteError, match=r"aliases\.toml: clauses has 'act\.gone', which is not on the site"):
        finding.name(list(entries.values()), {"clauses": {"act.gone": ["other"]}})


def test_a_long_sentence_is_cut_at_a_word():
    cut = finding.first("word " * 100)
    assert cut.endswith("word ...")
    assert len(cut) <= finding.LENGTH + 4


def test_files_are_scripts_that_name_what_has_more_than_its_sentence(tmp_path, spec, monkeypatch):
    monkeypatch.setattr(finding, "ALIASES", tmp_path / "aliases.toml")
    finding.ALIASES.write_text("", encoding="utf-8")
    finding.write(tmp_path, HITS, spec, GLOSSARY)
    titles = (tmp_path / "search" / "titles.js").read_text(encoding="utf-8")
    rows = json.loads(titles.removeprefix('(globalThis.nnspecSearch ??= {})["titles"] = ').rstrip(";\n"))
    text = (tmp_path / "search" / "text.js").read_text(encoding="utf-8")
    assert rows[0] == ["spec/components/topic.html", "topic", "Topic", "One & two."]
    assert text.endswith('= [[0,"One & two. Then three."]];\n')
