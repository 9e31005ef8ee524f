"""The history of a subject: a line for each version, replaced when that version is measured again."""

from __future__ import annotations

import pytest

from nnspec_conformance import history
from nnspec_conformance.errors import HarnessError


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
    }


def test_new_version_is_a_line_more_and_the_same_version_takes_its_place():
    first, again, later = (history.line(report(v, **{"pass": n})) for v, n in (("1.0", 1), ("1.0", 2), ("1.1", 3)))
    lines = history.with_new(history.with_new([first], later), again)
    assert [(one["version"], one["outcomes"]["pass"]) for one in lines] == [("1.1", 3), ("1.0", 2)]


def test_what_is_no_line_is_told_with_its_place(tmp_path):
    (tmp_path / history.FILE).write_text('{"version": 1}\n', encoding="utf-8")
    with pytest.raises(HarnessError, match=r"history\.jsonl:1: no line of a history"):
        history.read(tmp_path)
    assert history.read(tmp_path / "nowhere") == []
