"""Reports as data: finite JSON, files by topic that are read as they were written, and valid JUnit."""

import json
import signal
import sys
import time
from importlib import metadata
from types import ModuleType, SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from nnspec_conformance import report, results
from nnspec_conformance.compare import Finding
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.outcome import Entry, Missing, Result, summary_of
from nnspec_conformance.results import read_json
from nnspec_conformance.subject import Subject


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
        (np.array([1.0, np.inf]), [1.0, "inf"]),
        ({"a": [np.inf, (1, -np.inf)]}, {"a": ["inf", [1, "-inf"]]}),
        ({1: 2}, {"1": 2}),
        (Ellipsis, "Ellipsis"),
    ],
)
def test_what_json_cannot_hold_becomes_text(x, expected):
    assert results.jsonable(x) == expected


@pytest.mark.parametrize("x", [np.float32(0.5), np.int64(3), np.bool_(True)])
def test_numpy_scalars_become_pythons(x):
    assert type(results.jsonable(x)) in (float, int, bool)


def test_floats_are_rounded_to_digits():
    assert results.jsonable({"a": [1 / 3, 12345678.0, 7]}, 4) == {"a": [0.3333, 12350000.0, 7]}


def test_only_imported_packages_are_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    assert "jax" not in results.versions()
    assert results.versions()["numpy"] == np.__version__


def declaring(*names, **more):
    return Subject(SimpleNamespace(NAME="somebody", PACKAGES=names, **more))


def test_the_packages_are_those_that_the_adapter_declares_whatever_was_imported(monkeypatch):
    before = declaring("packaging").packages
    monkeypatch.setattr(results, "_version", lambda name: "1.0")
    monkeypatch.setitem(sys.modules, "tensorflow", ModuleType("tensorflow"))
    assert list(declaring("packaging").packages) == list(before)
    assert list(before) == ["python", "numpy", "scipy", "ml_dtypes", "packaging"]
    assert list(declaring("keras", "torch").packages) == ["python", "numpy", "scipy", "ml_dtypes", "torch", "keras"]


@pytest.mark.parametrize("name", ["no_such_package", 3])
def test_a_declared_package_that_is_not_there_is_named(name):
    with pytest.raises(HarnessError, match=f"PACKAGES holds '?{name}'?, which is no installed package"):
        declaring(name)


def test_a_package_is_named_by_what_is_imported_not_by_how_it_was_installed(monkeypatch):
    def version(name):
        if name != "tensorflow-cpu":
            raise metadata.PackageNotFoundError(name)
        return "2.20.0"

    monkeypatch.setattr(results.metadata, "version", version)
    assert results.installed(["tensorflow", "keras"]) == {"tensorflow": "2.20.0"}


def test_date_can_be_set_for_reproducible_files(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert results.today() == "1970-01-02"


def test_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "r.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="Out of range float"):
        results.write({"ratio": float("inf")}, path)
    assert path.read_text() == "old"


def test_a_line_for_each_entry_down_to_a_depth():
    text = results.as_text({"a": {"b": [1, 2], "c": {}}, "d": [{"e": 1}]}, 2)
    assert text.splitlines() == [
        "{",
        ' "a": {',
        '  "b": [1, 2],',
        '  "c": {}',
        " },",
        ' "d": [',
        '  {"e": 1}',
        " ]",
        "}",
    ]
    assert json.loads(text) == {"a": {"b": [1, 2], "c": {}}, "d": [{"e": 1}]}


@pytest.fixture
def found(suite):
    def one(instance, entry, **given):
        clause, operation = suite.instances[instance]
        return Result([entry], instance=instance, clause=clause, operation=operation, **given)

    right, wrong = Finding(0.5), Finding(float("inf"), "raised \x1b[31m<&>")
    return [
        one("relu.value", Entry("test", cases=1, finding=right)),
        one("gelu.form", Entry("test", cases=1, finding=right), variant=True),
        one("tanh.odd", Entry("test", cases=1, finding=wrong)),
        one("elu.value", Entry("test", cases=1, finding=wrong, reason="a link")),
        one("softplus.large", Entry("test", missing=[Missing((), "softplus")])),
        one("sigmoid.range", Entry("test", fault="oops")),
    ]


def test_junit_counts_what_it_holds(oracle, found):
    suite = ElementTree.fromstring(report.junit(oracle, found)).find("testsuite")
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
    }


def test_junit_names_the_reason_of_a_known_failure(oracle, found):
    root = ElementTree.fromstring(report.junit(oracle, found))
    assert root.find(".//testcase[@name='elu.value']/skipped").get("message") == "a link"


PAGE = "components/activations"


@pytest.fixture
def made(suite, oracle, found):
    return report.as_report(suite, oracle, found)


def test_report_is_json_without_non_numbers(made):
    text = json.dumps(made, allow_nan=False)
    (entry,) = json.loads(text)["topics"][PAGE]["results"]["tanh.odd"]["entries"]
    assert entry["ratio"] == "inf"


def test_report_names_the_clauses_text_hash(made, suite):
    record = made["topics"][PAGE]["results"]["relu.value"]
    assert record["text_hash"] == suite.spec.clauses["relu.value"].text_hash


def test_nothing_that_is_empty_or_passes_is_written_and_no_ratio_of_a_clause_without_errors(made, suite):
    assert made["topics"][PAGE]["results"]["relu.value"] == {
        "outcome": "pass",
        "text_hash": suite.spec.clauses["relu.value"].text_hash,
        "entries": [{"test": "test", "cases": 1}],
    }


def test_what_follows_from_the_entries_is_read_from_them(made, found):
    for result in found:
        shown = summary_of(made["topics"][PAGE]["results"][result.instance])
        for name in ("outcome", "message", "reason", "cases"):
            assert (shown.get(name) or None) == (getattr(result, name) or None)


def test_record_that_contradicts_its_entries_is_refused(made):
    record = made["topics"][PAGE]["results"]["tanh.odd"] | {"outcome": "pass"}
    with pytest.raises(ValueError, match="outcome 'pass', but its entries come to 'fail'"):
        summary_of(record)


@pytest.mark.parametrize("name", ["r.json", "folder"])
def test_report_is_read_as_it_was_written(made, tmp_path, name):
    report.write_report(made, tmp_path / name)
    read = report.read_report(tmp_path / name)
    assert read["topics"][PAGE]["results"] == made["topics"][PAGE]["results"]
    assert read["subject"] == made["subject"]


def test_folder_has_a_file_for_each_topic_and_a_line_for_each_instance(made, tmp_path):
    report.write_report(made, tmp_path)
    lines = (tmp_path / f"{PAGE}.json").read_text().splitlines()
    assert sum('"entries"' in line for line in lines) == len(made["topics"][PAGE]["results"])


def other_page(made):
    """The same report, about another topic."""
    return made | {"topics": {"components/layers": made["topics"][PAGE]}}


@pytest.mark.parametrize(
    ("name", "keep", "left"), [("f", False, True), ("r.json", True, True), ("r.json", False, False)]
)
def test_other_topics_stay(made, tmp_path, name, keep, left):
    report.write_report(made, tmp_path / name)
    report.write_report(other_page(made), tmp_path / name, keep=keep)
    assert (PAGE in report.read_report(tmp_path / name)["topics"]) is left


@pytest.mark.parametrize("name", ["folder", "r.json"])
@pytest.mark.parametrize(
    ("inputs", "asked_all", "stays"),
    [("others", False, True), ("others", True, False), ("the same", False, True), ("none", False, False)],
)
def test_older_record_stays_until_its_topic_was_asked_whole(made, tmp_path, name, inputs, asked_all, stays):
    topic, first = made["topics"][PAGE], next(iter(made["topics"][PAGE]["results"]))
    old = topic if inputs == "the same" else topic | {"inputs": "0123456789abcdef"}
    if inputs != "none":
        report.write_report(made | {"topics": {PAGE: old}}, tmp_path / name)
    part = made | {"topics": {PAGE: topic | {"results": {first: topic["results"][first]}}}}
    unfinished = frozenset() if asked_all else frozenset({PAGE})
    report.write_report(part, tmp_path / name, keep=True, unfinished=unfinished)
    read = report.read_report(tmp_path / name)["topics"][PAGE]
    assert (len(read["results"]) > 1) is stays
    assert (read["inputs"] == topic["inputs"]) is (inputs != "others" or asked_all)


def test_interrupted_run_leaves_the_older_record_of_its_topic(background, adapter, tmp_path):
    mark, folder = tmp_path / "called", tmp_path / "mine"
    page, asked = folder / f"{PAGE}.json", ("identity.value", "relu.value")
    whole = adapter("""
        def identity(x):
            return x

        def relu(x):
            return np.maximum(x, 0)
    """)
    _, err = background("check", whole, *asked, "--report", folder).communicate(timeout=60)
    assert set(json.loads(page.read_text())["results"]) == set(asked), err
    changed = adapter(f"""
        import pathlib, time

        def identity(x):
            return +x

        def relu(x):
            pathlib.Path({str(mark)!r}).touch()
            time.sleep(600)
    """)
    before = page.read_bytes()
    started = background("check", changed, *asked, "--report", folder, "--if-stale")
    while not mark.exists() and started.poll() is None:
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    _, err = started.communicate(timeout=60)
    assert "interrupted after 1 of 2 instances" in err
    assert page.read_bytes() == before


def instances(path):
    return list(report.read_report(path)["topics"][PAGE]["results"])


@pytest.mark.parametrize(("inputs", "left"), [("same", ["relu.value", "tanh.odd"]), ("other", ["tanh.odd"])])
def test_instances_of_the_same_inputs_stay(made, tmp_path, inputs, left):
    def only(name, **more):
        topic = made["topics"][PAGE]
        return made | {"topics": {PAGE: topic | {"results": {name: topic["results"][name]}} | more}}

    report.write_report(only("relu.value"), tmp_path)
    report.write_report(only("tanh.odd", **({} if inputs == "same" else {"inputs": "1" * 16})), tmp_path)
    assert instances(tmp_path) == left


def test_topic_of_another_environment_is_stale(made, tmp_path, monkeypatch):
    report.write_report(made, tmp_path / "subjects" / "mine")
    moved = other_page(made) | {"environment": made["environment"] | {"device": "gpu"}}
    report.write_report(moved, tmp_path / "subjects" / "mine")
    monkeypatch.setattr(report, "results_dirs", lambda: [tmp_path])
    made["topics"][PAGE]["results"].pop("relu.value")
    shown = report.load_subjects()["mine"]["results"]
    assert shown["relu.value"].get("stale") is None  # read last, of the other topic
    (tmp_path / "subjects" / "mine" / "components" / "layers.json").unlink()
    assert report.load_subjects()["mine"]["results"]["relu.value"]["stale"] is True


def test_counts_leave_out_what_did_not_occur(found):
    assert report.counts(found[:2]) == {"pass": 1, "variant": 1}


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
