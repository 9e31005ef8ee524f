"""The JSON Schemas: every file that the commands write and every committed result is valid, and a broken one is not."""

import copy
import functools
import json

import jsonschema
import numpy as np
import pytest

from nnspec_conformance import report, results
from nnspec_conformance.engine import run_instance
from nnspec_conformance.kill_table import as_record
from nnspec_conformance.mutation import kill_table
from nnspec_conformance.vectors import Recorder

SCHEMAS = results.COMMITTED.parent / "schemas"
COMMITTED = sorted(results.COMMITTED.glob("subjects/**/*.json"))
MUTANTS = sorted(results.COMMITTED.glob("mutants/**/*.json"))


@functools.cache
def validator(name):
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")))


def errors(name, data):
    return [f"{e.json_path}: {e.message}" for e in validator(name).iter_errors(data)]


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda p: p.stem)
def test_schema_is_a_schema(path):
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def fresh(suite, oracle):
    chosen = ["relu.value", "gelu.form", "elu.alpha", "softmax.axis-error[softmax]", "tanh.odd"]
    return report.as_report(suite, oracle, [run_instance(suite, oracle, name) for name in chosen])


@pytest.fixture
def failed(suite, subject_of):
    def relu(x):
        if x.dtype == np.float64:
            raise NotImplementedError("soon")
        return x

    chosen = ["relu.value", "activation.nan[relu]", "tanh.odd"]
    subject = subject_of(relu, KNOWN_FAILURES={"relu.value": "is the identity; link"}, DTYPES=("float32", "float64"))
    return report.as_report(suite, subject, [run_instance(suite, subject, name) for name in chosen])


@pytest.fixture(scope="module")
def manifest(suite, oracle):
    recorder = Recorder()
    for name in ("leaky-relu.value", "softmax.gradient[softmax]", "gelu.default-form", "activation.shape[tanh]"):
        run_instance(suite, oracle, name, record=recorder)
    return {"schema": "nnspec-vectors/1", "arrays": "arrays.safetensors", "cases": recorder.cases}


@pytest.fixture(scope="module")
def kills(suite):
    rows = {
        instance: [{"name": k.mutant.name, "story": k.mutant.story, "distance": k.distance} for k in kills]
        for instance, kills in kill_table(suite, ["relu.value", "gelu.form", "log-softmax.large"]).items()
    }
    return as_record(suite, "components/activations", rows)


def test_fresh_report_is_valid(fresh):
    assert errors("report", fresh) == []


def test_report_of_failures_is_valid(failed):
    assert errors("report", failed) == []


def test_recorded_manifest_is_valid(manifest):
    assert errors("vectors", manifest) == []


def test_recorded_kill_table_is_valid(kills):
    assert errors("mutants", kills) == []


@pytest.mark.parametrize("path", COMMITTED, ids=lambda p: f"{p.parent.parent.stem}-{p.stem}")
def test_committed_report_is_valid(path):
    assert errors("report", results.read_json(path)) == []


@pytest.mark.parametrize("path", MUTANTS, ids=lambda p: p.stem)
def test_committed_kill_table_is_valid(path):
    assert errors("mutants", results.read_json(path)) == []


def changed(data, path, value):
    """A copy with one place changed; DROP removes it."""
    made = copy.deepcopy(data)
    *way, last = path
    inner = made
    for key in way:
        inner = inner[key]
    if value is DROP:
        del inner[last]
    else:
        inner[last] = value
    return made


DROP = object()
TOPIC = ("topics", "components/activations")
RELU = (*TOPIC, "results", "relu.value")
ENTRY = (*RELU, "entries", 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "nnspec-report/1"),
        (("extra",), 1),
        (("subject", "role"), "friend"),
        (("subject", "dtypes"), ["float8"]),
        (("subject", "dtypes"), []),
        (("environment", "packages", "numpy"), 2),
        (("environment", "packages", "python"), DROP),
        ((*TOPIC, "date"), DROP),
        ((*TOPIC, "date"), "today"),
        ((*TOPIC, "inputs"), "main"),
        ((*RELU, "outcome"), "ok"),
        ((*RELU, "level"), "MUST"),
        ((*RELU, "text_hash"), ""),
        ((*RELU, "entries"), []),
        ((*ENTRY, "ratio"), "infinite"),
        ((*ENTRY, "ratio"), 2.0),
        ((*ENTRY, "cases"), 0),
        ((*ENTRY, "cases"), DROP),
        ((*ENTRY, "dtype"), "float8"),
        ((*ENTRY, "seconds"), 1),
        ((*ENTRY, "reason"), "why"),
        ((*ENTRY, "outcome"), "pass"),
        ((*ENTRY, "outcome"), "known failure"),
        ((*ENTRY, "outcome"), "fail"),
        ((*ENTRY, "outcome"), "not implemented"),
        ((*ENTRY, "outcome"), "harness error"),
    ],
)
def test_broken_report_is_refused(fresh, path, value):
    assert errors("report", changed(fresh, path, value)) != []


def test_result_of_no_clause_id_is_refused(fresh):
    records = {"Relu.Value": fresh["topics"][TOPIC[1]]["results"]["relu.value"]}
    assert errors("report", changed(fresh, (*TOPIC, "results"), records)) != []


def test_failed_entry_needs_words(failed):
    (entry, *_) = failed["topics"][TOPIC[1]]["results"]["activation.nan[relu]"]["entries"]
    bare = {name: value for name, value in entry.items() if name not in ("message", "worst")}
    place = (*TOPIC, "results", "activation.nan[relu]", "entries")
    assert errors("report", changed(failed, place, [bare])) != []


def test_known_failure_needs_a_reason(failed):
    assert errors("report", changed(failed, (*ENTRY, "reason"), DROP)) != []


@pytest.mark.parametrize("name", ["subject.json", "components/activations.json"])
def test_files_by_topic_are_valid(fresh, tmp_path, name):
    report.write_report(fresh, tmp_path)
    assert errors("report", results.read_json(tmp_path / name)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "nnspec-vectors/0"),
        (("arrays",), "../arrays.safetensors"),
        (("cases", 0, "operation"), DROP),
        (("cases", 0, "what"), "guess"),
        (("cases", 0, "want"), {"value": 3}),
        (("cases", 0, "want", "dtype"), "float8"),
        (("cases", 0, "attributes"), {"f": {"code": "import os"}}),
        (("cases", 0, "comment"), ""),
    ],
)
def test_broken_manifest_is_refused(manifest, path, value):
    assert errors("vectors", changed(manifest, path, value)) != []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("date",), DROP),
        (("inputs",), "main"),
        (("instances", "relu.value"), {}),
        (("instances", "relu.value"), ["shifted"]),
        (("instances", "relu.value", "shifted"), "much"),
        (("stories",), {"shifted": ""}),
    ],
)
def test_broken_kill_table_is_refused(kills, path, value):
    assert errors("mutants", changed(kills, path, value)) != []
