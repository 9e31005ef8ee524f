"""Reports as data: finite JSON, valid JUnit, and a hash that follows everything a result depends on."""

import json
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from nnspec_conformance import report
from nnspec_conformance.compare import Finding
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.outcome import Entry, Missing, Result
from nnspec_conformance.results import read_json


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (float("inf"), "inf"),
        (-float("inf"), "-inf"),
        (float("nan"), "nan"),
        (1.5, 1.5),
        (True, True),
        (None, None),
        (np.float32(np.inf), "inf"),
        (np.float64(np.nan), "nan"),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(False), False),
        ({"a": [np.inf, (1, -np.inf)]}, {"a": ["inf", [1, "-inf"]]}),
        ({1: 2}, {"1": 2}),
        (Ellipsis, "Ellipsis"),
    ],
)
def test_what_json_cannot_hold_becomes_text(x, expected):
    assert report.finite(x) == expected


@pytest.mark.parametrize("x", [np.float32(0.5), np.int64(3), np.bool_(True)])
def test_numpy_scalars_become_pythons(x):
    assert type(report.finite(x)) in (float, int, bool)


def test_hash_is_the_same_twice(oracle):
    assert report.tree_hash(oracle.adapter) == report.tree_hash(oracle.adapter)


def test_hash_follows_the_adapters_file(tmp_path):
    adapter = SimpleNamespace(__file__=str(tmp_path / "mine.py"))
    (tmp_path / "mine.py").write_text("NAME = 'a'")
    before = report.tree_hash(adapter)
    (tmp_path / "mine.py").write_text("NAME = 'b'")
    assert report.tree_hash(adapter) != before


@pytest.mark.parametrize("change", ["spec", "nothing"])
def test_hash_follows_the_specification(tmp_path, monkeypatch, change):
    (tmp_path / "toys.md").write_text("# Toys")
    monkeypatch.setattr(report, "find_spec", lambda: tmp_path)
    before = report.tree_hash()
    if change == "spec":
        (tmp_path / "toys.md").write_text("# Games")
    assert (report.tree_hash() != before) is (change == "spec")


def test_date_can_be_set_for_reproducible_files(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert report.today() == "1970-01-02"


def test_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "r.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="Out of range float"):
        report.write({"ratio": float("inf")}, path)
    assert path.read_text() == "old"


@pytest.fixture
def results(suite):
    def one(instance, entry, **given):
        clause, operation = suite.instances[instance]
        return Result(instance, clause, operation, [entry], **given)

    right, wrong = Finding(0.5), Finding(float("inf"), "raised \x1b[31m<&>")
    return [
        one("relu.value", Entry("test", cases=1, finding=right)),
        one("gelu.form", Entry("test", cases=1, finding=right), variant=True),
        one("tanh.odd", Entry("test", cases=1, finding=wrong)),
        one("elu.value", Entry("test", cases=1, finding=wrong, reason="a link")),
        one("softplus.large", Entry("test", missing=[Missing((), "softplus")])),
        one("sigmoid.range", Entry("test", fault="oops")),
    ]


def test_junit_counts_what_it_holds(oracle, results):
    suite = ElementTree.fromstring(report.junit(oracle, results)).find("testsuite")
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
    }


def test_junit_names_the_reason_of_a_known_failure(oracle, results):
    root = ElementTree.fromstring(report.junit(oracle, results))
    assert root.find(".//testcase[@name='elu.value']/skipped").get("message") == "a link"


def test_report_is_json_without_non_numbers(oracle, results):
    text = json.dumps(report.as_report(oracle, results, complete=False), allow_nan=False)
    assert json.loads(text)["results"]["tanh.odd"]["ratio"] == "inf"


def test_report_names_the_clauses_text_hash(oracle, results, suite):
    made = report.as_report(oracle, results, complete=False)
    assert made["results"]["relu.value"]["text_hash"] == suite.spec.clauses["relu.value"].text_hash


def test_counts_leave_out_what_did_not_occur(results):
    assert report.counts(results[:2]) == {"pass": 1, "variant": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not JSON"), ("[]", "expected a JSON object"), (b"\xff", "not JSON"), (None, "no such file")],
)
def test_file_that_is_no_result_is_one_line(tmp_path, text, words):
    path = tmp_path / "r.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(HarnessError, match=rf"r\.json: {words}"):
        read_json(path)
