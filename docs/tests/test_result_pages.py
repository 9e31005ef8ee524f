"""Results without scripts: a page for each topic and subject, and the findings."""

from __future__ import annotations

import html as html_module
import json
import re
from dataclasses import replace
from xml.etree.ElementTree import tostring

import pytest

from nnspec_conformance import history
from nnspec_site import data as site_data
from nnspec_site import result_pages, subject_readings


def text_of(html: str) -> str:
    return html_module.unescape(" ".join(re.sub(r"<[^>]+>", " ", html).split()))


@pytest.fixture
def pages(data):
    """The HTML of every page of results, by address."""
    return lambda: dict(result_pages.pages(data))


def test_topic_has_every_clause_with_everybody(pages):
    said = text_of(pages()["results/topics/components/topic.html"])
    assert "act.nan ! known failure (relu) ✓ pass" in said
    assert "gelu.form ◐ variant ✓ pass" in said


def test_subject_tells_what_is_wrong_by_consequence_with_the_command_that_shows_it(data, pages):
    worst = {"call": "relu(float32[9])", "input": "nan at index (3,)", "got": "0", "expected": "nan"}
    data.subjects["torch"]["results"]["act.nan[relu]"]["worst"] = worst
    html = pages()["results/subjects/torch.html"]
    assert "Other numbers: 1 cause" in html
    assert "swallows NaN" in html
    assert 'href="https://example.org/bug/7"' in html
    assert "Came: 0 , right is nan" in text_of(html)
    assert (
        "nnspec reproduce torch &#x27;act.nan[relu]&#x27;" in html or "nnspec reproduce torch 'act.nan[relu]'" in html
    )


def test_finding_says_which_version_was_measured_and_when(data, pages):
    assert "Measured with torch 1.0 on 2026-01-02" in text_of(pages()["results/subjects/torch.html"])
    data.subjects["torch"]["topics"] = {"components/topic": {"date": "2026-03-04"}}
    assert "Measured with torch 1.0 on 2026-03-04" in text_of(pages()["results/subjects/torch.html"])


WRONG = {"act.nan[relu]": "wrong"}


def kept(version: str, otherwise: dict[str, str] | None = None) -> dict:
    line = {"version": version, "suite": "0.1.0", "date": "2025-12-01", "outcomes": {"pass": 1}}
    return line if otherwise is None else line | {"otherwise": otherwise}


@pytest.mark.parametrize(
    ("lines", "since"),
    [
        ([kept("0.9", WRONG)], "; the same since torch 0.9"),
        ([kept("0.8", WRONG), kept("0.9", WRONG)], "; the same since torch 0.8"),
        ([kept("0.8", WRONG), kept("0.9", {})], ""),  # right in between
        ([kept("0.9")], ""),  # of which only counts are known
        ([kept("0.9", {"act.nan[tanh]": "wrong"})], ""),
        ([], ""),
    ],
)
def test_finding_says_since_which_of_the_kept_versions_it_is_so(data, pages, lines, since):
    data.history["torch"] = [*lines, kept("1.0")]
    finding = text_of(pages()["results/subjects/torch.html"]).partition("swallows NaN")[2]
    found = re.search(r"Measured with torch 1\.0 on 2026-01-02(; the same since torch [\d.]+)?", finding)
    assert found
    assert (found[1] or "") == since


def test_reading_says_which_version_was_measured_and_since_which_it_is_so(data, pages):
    def said() -> str:
        return text_of(pages()["results/subjects/torch.html"]).partition("gelu.form tanh")[2]

    assert "Measured with torch 1.0 on 2026-01-02." in said()
    data.history["torch"] = [kept("0.9", {"gelu.form": "tanh"}), kept("1.0")]
    assert "Measured with torch 1.0 on 2026-01-02; the same since torch 0.9." in said()
    data.history["torch"] = [kept("0.9", {"gelu.form": "steps"}), kept("1.0")]
    assert "the same since" not in said()


def test_line_as_it_is_recorded_says_since_when(data, pages):
    before = data.subjects["torch"] | {"subject": {"version": "0.9"}, "suite": {"version": "0.1.0"}}
    data.history["torch"] = [history.line(before), kept("1.0")]
    said = text_of(pages()["results/subjects/torch.html"])
    for begin in ("swallows NaN", "gelu.form tanh"):
        assert "; the same since torch 0.9" in said.partition(begin)[2].partition("Measured with")[2][:80]


def test_what_a_line_of_the_history_says_besides_its_counts_is_read(monkeypatch, tmp_path):
    folder = tmp_path / "subjects" / "torch"
    folder.mkdir(parents=True)
    lines = [kept("0.9", {"gelu.form": "tanh"}), kept("1.0")]
    (folder / "history.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    monkeypatch.setattr(site_data.results, "COMMITTED", tmp_path)
    report = {"subject": {"version": "1.0"}, "suite": {"version": "0.1.0"}, "date": "2026-01-02", "results": {}}
    assert site_data._versions("torch", report) == [lines[0], history.line(report)]


def test_finding_has_the_lines_that_show_it_folded(pages, monkeypatch):
    def made(data, wanted):
        return {(one.subject, one.anchor): f"print('{one.instance}')" for one in wanted}

    monkeypatch.setattr(result_pages.finding_snippets, "of", made)
    html = pages()["results/subjects/torch.html"]
    assert "<details><summary>Show it in Python</summary><pre><code>print('act.nan[relu]')" in html


def test_of_what_no_script_can_show_the_check_is_named(pages, monkeypatch):
    monkeypatch.setattr(result_pages, "UNWRITTEN", {"act.nan"})
    assert "nnspec check torch 'act.nan[relu]'" in text_of(pages()["results/subjects/torch.html"])


def test_of_a_compiler_the_check_is_named(data, pages, monkeypatch):
    monkeypatch.setattr(result_pages, "COMPILED", {"torch"})
    said = text_of(pages()["results/subjects/torch.html"])
    assert "nnspec check torch 'act.nan[relu]'" in said
    assert "nnspec reproduce" not in said


def test_subject_tells_its_readings_beside_the_definition(pages):
    said = text_of(pages()["results/subjects/torch.html"])
    assert "gelu.form tanh : the approximation . The definition is exact ." in said
    assert "No setting that was tried gives the definition's; the reference shows what to compute." in said


def test_default_is_written_out(pages):
    said = text_of(pages()["results/subjects/torch.html"])
    assert "leaky-relu.slope Left out, slope is 0.2 ; the definition's default is 0.01 ." in said
    assert "Do not leave it out: say which you mean." in said


def test_choice_is_told_by_its_keyword_with_the_code_of_the_operation_that_has_it(data, pages):
    data.subjects["torch"]["results"]["gelu.form"]["readings"]["gelu.form"] = ["exact", "tanh"]
    said = text_of(pages()["results/subjects/torch.html"])
    assert "It can do either ( form ); say which you mean." in said


def test_operations_of_a_family_that_read_it_otherwise_are_named(data):
    nan = data.spec.clauses["act.nan"]
    data.spec.clauses["act.nan"] = replace(nan, definition="kept", variants={"kept": "stays", "lost": "goes"})
    results = data.subjects["torch"]["results"]
    results["act.nan[relu]"] |= {"outcome": "variant", "readings": {"act.nan": ["lost"]}}
    results["act.nan[tanh]"] |= {"outcome": "pass", "readings": {"act.nan": ["kept"]}}
    said = text_of(tostring(subject_readings.listed(data, "torch"), encoding="unicode"))
    assert "act.nan lost : goes ( relu ). The definition is kept ." in said
    assert "No setting that was tried gives the definition's of relu ; the reference" in said
    assert "either" not in said.partition("gelu.form")[0]


def test_finding_leads_to_the_subject_that_has_it(pages):
    made = pages()
    (link,) = re.findall(r'href="(subjects/torch\.html#finding-\w+)"', made["results/findings.html"])
    assert f'id="{link.partition("#")[2]}"' in made["results/subjects/torch.html"]
    said = text_of(made["results/findings.html"])
    assert "1 cause of wrong answers." in said
    assert "Measured were torch 1.0." in said


def test_reading_is_no_finding(pages):
    assert "gelu.form" not in pages()["results/findings.html"]


def test_what_is_not_implemented_is_listed_and_no_finding(data, pages):
    data.subjects["torch"]["results"]["gelu.form"]["outcome"] = "not implemented"
    made = pages()
    assert "What it does not have" in made["results/subjects/torch.html"]
    assert "gelu" in made["results/subjects/torch.html"].partition("What it does not have")[2]


def test_report_is_told_from_a_search_that_found_none():
    assert result_pages.is_reported("wrong; https://example.org/bug/7")
    assert not result_pages.is_reported("wrong; searched 2026-11-27, not found; https://example.org/tracker")
    assert not result_pages.is_reported("wrong")


def test_without_results_there_are_no_pages(data, pages):
    data.subjects.clear()
    assert pages() == {}


def test_versions_are_told_newest_first(data, pages):
    lines = [
        {"version": v, "suite": "0.1.0", "date": "2026-01-02", "outcomes": {"pass": n}}
        for v, n in (("1.0", 3), ("1.1", 4))
    ]
    data.history["torch"] = lines
    said = text_of(pages()["results/subjects/torch.html"])
    assert said.index("1.1 (suite 0.1.0, 2026-01-02): 4 pass") < said.index("1.0 (suite 0.1.0, 2026-01-02): 3 pass")


def test_what_was_measured_last_is_the_last_line_of_the_history():
    measured = site_data.load()
    assert measured.subjects
    for name, report in measured.subjects.items():
        assert measured.history[name][-1] == history.line(report)
