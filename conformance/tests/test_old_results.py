"""Results of earlier versions are read as what they said, or refused in one line."""

import json

import pytest

from nnspec_conformance import kill_table, report
from nnspec_conformance.errors import HarnessError

WORST = {"call": "relu(x)", "dtype": "float32", "input": None, "got": "0", "expected": "1", "error": 1.0, "allowed": 0}


def old(outcome, **more):
    """A result as it was written."""
    shared = {"level": "MUST", "kind": "exact", "page": "components/toys", "text_hash": "0" * 16, "readings": {}}
    found = {
        "ratio": 0.5,
        "cases": 3,
        "dtypes": ["float32"],
        "seconds": 0.1,
        "message": None,
        "reason": None,
        "fits": [],
    }
    return shared | {"outcome": outcome} | found | {"worst": None} | more


RESULTS = {
    "toy.pass": old("pass"),
    "toy.variant": old("variant", readings={"toy.variant": ["b"]}),
    "toy.known": old("known failure", ratio="inf", message="off", reason="a link", worst=WORST),
    "toy.fail": old("fail", ratio=3.5, message="got 0, expected 1", worst=WORST, fits=["a bug"]),
    "toy.stale": old("fail", ratio=0.5, message="declared as a known failure but holds now", reason="a link"),
    "toy.absent": old("not implemented", ratio=None, cases=0, dtypes=[], message="toy"),
    "toy.fault": old("harness error", ratio=None, cases=0, dtypes=[], message="oops"),
}
REPORT = {
    "schema": "nnspec-report/1",
    "subject": {"name": "toy", "version": "1", "role": "user", "dtypes": ["float32"], "variants": {}, "defaults": {}},
    "environment": {"python": "3.11.7", "platform": "Linux", "device": "cpu", "packages": {"numpy": "2"}},
    "date": "2026-01-02",
    "suite": {"version": "0.1.0", "tree": "0" * 16, "tier": "normal", "complete": True},
    "results": RESULTS,
}


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """What is read of a file in the old place."""

    def read(data):
        (tmp_path / "subjects").mkdir()
        (tmp_path / "subjects" / "toy.json").write_text(json.dumps(data))
        monkeypatch.setattr(report, "results_dirs", lambda: [tmp_path])
        return report.load_subjects()["toy"]

    return read


def test_old_report_says_what_it_said(shown):
    read = shown(REPORT)
    assert (read["date"], read["environment"]["packages"]) == ("2026-01-02", {"python": "3.11.7", "numpy": "2"})
    for name, record in RESULTS.items():
        for key in ("outcome", "cases", "dtypes", "readings", "fits", "message"):
            assert (read["results"][name].get(key) or None) == (record[key] or None), (name, key)
    assert float(read["results"]["toy.fail"]["ratio"]) == 3.5
    assert read["results"]["toy.known"]["reason"] == "a link"


def test_old_report_can_be_written_as_a_new_one(shown, tmp_path):
    read = shown(REPORT)
    report.write_report(report.read_report(tmp_path / "subjects" / "toy.json"), tmp_path / "subjects" / "toy")
    assert report.load_subjects()["toy"]["results"] == read["results"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "nnspec-report/0"}, "schema is 'nnspec-report/0', expected 'nnspec-report/2'; write it again"),
        ({"results": {"toy.pass": {}}}, "toy.pass: no report of an earlier version (KeyError('page')); write it again"),
        ({"environment": {}}, "its head: no report of an earlier version (KeyError('python')); write it again"),
        ({"results": []}, "its head: no report of an earlier version (AttributeError("),
    ],
)
def test_what_is_no_report_is_one_line(shown, change, words):
    with pytest.raises(HarnessError) as caught:
        shown(REPORT | change)
    assert f"toy.json: {words}" in str(caught.value)
    assert "\n" not in str(caught.value)


MUTANT = {"name": "shifted", "story": "an epsilon", "caught": True, "distance": 12.5}


def test_old_kill_table_is_read(tmp_path, monkeypatch):
    rows = {"toy.pass": {"power": 12.5, "nearest": "shifted", "mutants": [MUTANT]}}
    old_table = {"schema": "nnspec-mutants/1", "date": "2026-01-02", "instances": rows}
    (tmp_path / "mutants.json").write_text(json.dumps(old_table))
    monkeypatch.setattr(kill_table, "results_dirs", lambda: [tmp_path])
    assert kill_table.load_mutants() == rows


@pytest.mark.parametrize(("path", "data"), [("mutants.json", {"schema": "x"}), ("mutants/a/b.json", {"schema": "x"})])
def test_what_is_no_kill_table_is_one_line(tmp_path, monkeypatch, path, data):
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(json.dumps(data))
    monkeypatch.setattr(kill_table, "results_dirs", lambda: [tmp_path])
    with pytest.raises(HarnessError, match=r"\.json: .*; (remove it|write it again)"):
        kill_table.load_mutants()


def mutant(name, story, distance):
    return {"name": name, "story": story, "caught": float(distance) > 1, "distance": distance}


ROWS = {
    "relu.value": [mutant("off", "one is added", "inf"), mutant("stays", "as it was", 0.5)],
    "tanh.odd": [mutant("off", "two is added", 70.0)],
    "tanh.range": [mutant("off", "three is added", 80.0)],
}


def test_kill_table_is_read_as_it_was_written(suite, tmp_path):
    made = kill_table.as_record(suite, "components/activations", ROWS)
    (tmp_path / "m.json").write_text(json.dumps(made))
    read = kill_table.read_kills(tmp_path / "m.json")
    assert {instance: row["mutants"] for instance, row in read.items()} == ROWS
    assert (read["relu.value"]["power"], read["relu.value"]["nearest"]) == (0.5, "stays")


def test_story_of_a_name_that_several_have_is_found_by_operation_or_by_instance(suite):
    made = kill_table.as_record(suite, "components/activations", ROWS)
    assert made["stories"] == {
        "off | relu": "one is added",
        "stays": "as it was",
        "off | tanh.odd": "two is added",
        "off | tanh.range": "three is added",
    }


def test_two_mutants_of_one_instance_have_two_names(suite):
    rows = {"tanh.odd": [mutant("off", "two is added", 70.0), mutant("off", "three is added", 80.0)]}
    with pytest.raises(HarnessError, match=r"tanh\.odd has several mutants named 'off'; give each a name of its own"):
        kill_table.as_record(suite, "components/activations", rows)
