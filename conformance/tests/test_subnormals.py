"""Numbers below the smallest normal one: what an adapter declares of them, and what follows for its verdicts."""

from types import SimpleNamespace

import pytest

from nnspec_conformance.adapters.numpy_oracle.rounding import flushing
from nnspec_conformance.engine import run_instance, validate
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.outcome import FAIL, PASS, VARIANT, Entry
from nnspec_conformance.subject import Subject
from nnspec_conformance.subnormals import declared, lost, of_results
from nnspec_conformance.vectors import Recorder, load, replay
from nnspec_conformance.verdict import covered

TABLE = {"float32": "flushed", "float64": "flushed", "tanh": {"float32": "kept"}}


def oracle_that(*operations, **declarations):
    """The oracle with some operations that flush, and declarations."""

    def flushed(function):
        return lambda *arrays, **given: flushing(function)(*arrays, **given, subnormals="flushed")

    changed = {name: flushed(getattr(ORACLE, name)) for name in operations}
    return Subject(SimpleNamespace(**vars(ORACLE) | changed | declarations))


def test_an_operation_has_its_own_reading_before_the_general_one():
    assert declared(TABLE, "tanh") == {"float32": "kept", "float64": "flushed"}
    assert declared(TABLE, "relu") == {"float32": "flushed", "float64": "flushed"}


@pytest.mark.parametrize(("reading", "results"), [("kept", "kept"), ("flushed", "flushed"), ("intermediate", "kept")])
def test_an_intermediate_that_underflows_leaves_results_as_they_are(reading, results):
    assert of_results({"float32": reading}, "relu") == results


@pytest.mark.parametrize(
    ("readings", "dtypes"),
    [
        ({}, {"float32": "flushed", "float64": "flushed"}),
        ({"subnormals": "flushed"}, {"float32": "flushed", "float64": "flushed"}),
        ({"subnormals": "kept"}, {}),
    ],
)
def test_the_reading_of_an_operations_results_decides_over_the_declaration(readings, dtypes):
    assert lost(TABLE, "relu", readings) == dtypes


def test_who_says_flushed_of_no_dtype_says_it_of_those_that_processors_flush():
    assert lost({}, "relu", {"subnormals": "flushed"}) == dict.fromkeys(("float32", "bfloat16", "float64"), "flushed")


def test_the_reading_is_that_of_the_dtypes_that_the_subject_has():
    assert of_results(TABLE, "tanh") == "flushed"
    assert of_results(TABLE, "tanh", ("float32", "bfloat16")) == "kept"
    assert lost(TABLE, "tanh", {"subnormals": "flushed"}, ("float32",))["float32"] == "flushed"


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"float23": "flushed"}, "names no dtype and no operation: 'float23'.*float32"),
        ({"rellu": {"float32": "flushed"}}, "names no dtype and no operation: 'rellu'.*relu"),
        ({"float32": "zero"}, "has float32 'zero'; the readings are kept, flushed and intermediate"),
        ({"relu": "flushed"}, "SUBNORMALS\\['relu'\\] is 'flushed', expected a reading for each dtype"),
        ({"relu": {"half": "flushed"}}, "SUBNORMALS\\['relu'\\] names no dtype: 'half'"),
    ],
)
def test_a_wrong_declaration_is_one_line(suite, table, problem):
    with pytest.raises(HarnessError, match=problem):
        validate(suite, Subject(SimpleNamespace(NAME="mine", SUBNORMALS=table)))


@pytest.mark.parametrize("instance", ["softmax.value[softmax]", "dense.value"])
def test_flushing_fails_value_clauses_unless_it_is_declared(suite, instance):
    operation = suite.instances[instance][1]
    assert run_instance(suite, oracle_that(operation), instance).outcome == FAIL
    every = dict.fromkeys(("float16", "bfloat16", "float32", "float64"), "flushed")
    result = run_instance(suite, oracle_that(operation, SUBNORMALS=every), instance)
    assert (result.outcome, covered(result)) == (PASS, "pass, flushes, as declared")
    assert 0 < result.ratio < 0.9


def test_the_word_says_what_is_declared(suite):
    table = {"softmax": dict.fromkeys(("float16", "bfloat16", "float32", "float64"), "intermediate")}
    result = run_instance(suite, oracle_that("softmax", SUBNORMALS=table), "softmax.value[softmax]")
    assert covered(result) == "pass, an intermediate underflows, as declared"


def test_the_declaration_is_the_reading_of_the_results(suite):
    table = {"float32": "flushed", "bfloat16": "flushed", "float64": "flushed"}
    result = run_instance(suite, oracle_that("relu", SUBNORMALS=table), "activation.subnormals[relu]")
    assert (result.outcome, result.readings) == (VARIANT, {"activation.subnormals": ["flushed"]})
    assert run_instance(suite, oracle_that(SUBNORMALS=table), "activation.subnormals[relu]").outcome == FAIL


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_every_dtype_is_held_to_its_own_reading(suite, dtype):
    """What flushes in three of them fails in the one of which nothing is said, and in float16 if that is said to."""
    rest = {"float32": "flushed", "bfloat16": "flushed", "float64": "flushed"}
    del rest[dtype]
    result = run_instance(suite, oracle_that("relu", SUBNORMALS=rest), "activation.subnormals[relu]")
    assert {entry.dtype for entry in result.entries if entry.failed} == {dtype}
    every = rest | {dtype: "flushed", "float16": "flushed"}
    result = run_instance(suite, oracle_that("relu", SUBNORMALS=every), "activation.subnormals[relu]")
    assert {entry.dtype for entry in result.entries if entry.failed} == {"float16"}


def test_a_vector_is_replayed_in_the_reading_of_its_dtype(suite, tmp_path):
    recorder, table = Recorder(), {"float32": "flushed", "bfloat16": "flushed", "float64": "flushed"}
    flushes = oracle_that("relu", SUBNORMALS=table)
    run_instance(suite, flushes, "activation.subnormals[relu]", record=recorder)
    recorder.write(tmp_path)
    cases = load(tmp_path, suite.spec)
    assert [item.outcome for item in replay(cases, flushes, suite.spec)] == ["pass"] * 4
    kept = oracle_that(SUBNORMALS={"float32": "flushed"})  # in float32 it says what it does not do
    assert [item.outcome for item in replay(cases, kept, suite.spec)] == ["pass", "fail"]


def test_a_record_keeps_the_word():
    entry = Entry("a test", dtype="float32", cases=1, subnormals="flushed")
    assert Entry.from_record(entry.as_record(())).subnormals == "flushed"
