"""The history of a subject: a line for each version, replaced when that version is measured again."""

from __future__ import annotations

import json

import pytest

from nnspec_conformance import cli, history
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.report import load_subjects


def report(version: str, **outcomes: int) -> dict:
    results = {f"{name}.{i}": {"outcome": name} for name, count in outcomes.items() for i in range(count)}
    return {
        "subject": {"version": version},
        "suite": {"version": "0.1.0"},
        "date": "2026-01-02",
        "results": results,
    }


def test_line_counts_outcomes_and_leaves_out_what_nobody_had():
    assert history.line(report("1.0", fail=1, **{"pass": 2})) == {
        "version": "1.0",
        "suite": "0.1.0",
        "date": "2026-01-02",
        "outcomes": {"pass": 2, "fail": 1},
        "otherwise": {"fail.0": "wrong"},
    }


def test_line_says_by_instance_what_was_no_pass():
    told = report("1.0")
    told["results"] = {
        "gelu.value[gelu]": {"outcome": "known failure"},
        "gelu.form[gelu]": {"outcome": "variant", "readings": {"gelu.form": ["exact", "tanh"]}},
        "gelu.nan[gelu]": {"outcome": "variant"},
        "gelu.shape[gelu]": {"outcome": "not implemented"},
        "relu.value": {"outcome": "pass", "readings": {"relu.value": ["plain"]}},
    }
    assert history.line(told)["otherwise"] == {
        "gelu.value[gelu]": "wrong",
        "gelu.form[gelu]": "exact, tanh",
        "gelu.nan[gelu]": "variant",
    }


def test_recorded_line_is_read_as_it_was_written_and_an_early_one_stays_valid(tmp_path, monkeypatch):
    folder = tmp_path / "subjects" / "mine"
    folder.mkdir(parents=True)
    early = {name: value for name, value in history.line(report("0.9", fail=1)).items() if name != "otherwise"}
    (folder / history.FILE).write_text(json.dumps(early) + "\n", encoding="utf-8")
    monkeypatch.setattr(history, "COMMITTED", tmp_path)
    monkeypatch.setattr(history, "load_subjects", lambda: {"mine": report("1.0", fail=1)})
    assert cli.main(["history", "--record"]) == 0
    assert history.read(folder) == [early, history.line(report("1.0", fail=1)) | {"otherwise": {"fail.0": "wrong"}}]


def test_lines_stay_small():
    sizes = {name: len(json.dumps(history.line(told))) for name, told in load_subjects().items()}
    assert {name: size for name, size in sizes.items() if size > 60_000} == {}


def test_new_version_is_a_line_more_and_the_same_version_takes_its_place():
    first, again, later = (history.line(report(v, **{"pass": n})) for v, n in (("1.0", 1), ("1.0", 2), ("1.1", 3)))
    lines = history.with_new(history.with_new([first], later), again)
    assert [(one["version"], one["outcomes"]["pass"]) for one in lines] == [("1.1", 3), ("1.0", 2)]


WHOLE = '{"version": "1", "suite": "1", "date": "2026-01-02", "outcomes": {}, "otherwise": 3}'


@pytest.mark.parametrize("line", ['{"version": 1}', WHOLE])
def test_what_is_no_line_is_told_with_its_place(tmp_path, line):
    (tmp_path / history.FILE).write_text(line + "\n", encoding="utf-8")
    with pytest.raises(HarnessError, match=r"history\.jsonl:1: no line of a history"):
        history.read(tmp_path)
    assert history.read(tmp_path / "nowhere") == []
