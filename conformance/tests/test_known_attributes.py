"""Known failures that are limited to an attribute: judged apart, recorded, and of the attribute's kind."""

from types import SimpleNamespace

import pytest

from nnspec_conformance.engine import run_instance, validate
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.known_failures import is_value
from nnspec_conformance.outcome import FAIL, KNOWN, PASS, Result
from nnspec_conformance.subject import Subject


def huber_wrong_at(delta):
    """The oracle's Huber loss, twice as large with one delta, and what it declares of that."""

    def made(oracle, known, value=1.0):
        right = oracle.adapter.huber

        def huber(*arrays, **given):
            wrong = given.get("delta") == delta or value == "all"
            return right(*arrays, **given) * (2 if wrong else 1)

        declared = {"huber": huber, "KNOWN_FAILURES": known, "DTYPES": ("float32",)}
        return Subject(SimpleNamespace(**(dict(vars(oracle.adapter)) | declared)))

    return made


ASKED = "duty.attributes[huber]"


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("; delta=0.6", 1.0, KNOWN),
        ("; delta=0.60, float32", 1.0, KNOWN),  # a number, however it is written
        ("; delta=1", 1.0, FAIL),
        ("; delta=0.6", "all", FAIL),  # what it does not name is judged as ever
        ("; delta=0.6, float64", 1.0, FAIL),
        ("", 1.0, KNOWN),
    ],
)
def test_known_failure_is_limited_to_an_attribute(suite, oracle, condition, value, expected):
    subject = huber_wrong_at(0.6)(oracle, {ASKED + condition: "twice; a link"}, value)
    assert run_instance(suite, subject, ASKED).outcome == expected


def test_an_attribute_that_holds_is_told(suite, oracle):
    known = {f"{ASKED}; delta=0.6, delta=2": "twice; a link"}
    message = run_instance(suite, huber_wrong_at(0.6)(oracle, known), ASKED).message
    assert "declared as a known failure in delta=2 but holds now; take it out" in message


def test_what_is_judged_apart_is_recorded(suite, oracle):
    known = {f"{ASKED}; delta=0.6": "twice; a link"}
    result = run_instance(suite, huber_wrong_at(0.6)(oracle, known), ASKED)
    entries = {str(e.get("attributes")): e.get("outcome", PASS) for e in result.as_record()["entries"]}
    assert entries == {"None": PASS, "{'delta': '0.6'}": KNOWN}
    again = Result.from_record(ASKED, result.clause, "huber", result.as_record())
    assert [e.attributes for e in again.entries] == [e.attributes for e in result.entries]


def test_the_value_of_an_attribute_is_of_its_kind(suite, oracle):
    with pytest.raises(HarnessError, match=r"delta: 'half' is no number"):
        validate(suite, huber_wrong_at(0.6)(oracle, {f"{ASKED}; delta=half": "twice"}))


def test_what_a_test_asks_for_itself_has_attributes_too(suite, oracle):
    known = {"duty.gradient[huber]; delta=2": "twice; a link"}
    wrong = {"huber": lambda *arrays, **given: 2 * oracle.adapter.huber(*arrays, **given)}
    subject = Subject(SimpleNamespace(**(dict(vars(oracle.adapter)) | wrong | {"KNOWN_FAILURES": known})))
    result = run_instance(suite, subject, "duty.gradient[huber]")
    assert {"delta": "2"} in [entry.attributes for entry in result.entries if entry.outcome == KNOWN]


@pytest.mark.parametrize(
    ("written", "value", "same"),
    [
        *[("0", 0.0, True), ("1e-2", 0.01, True), ("(2, 2)", (2, 2), True), ("True", True, True), ("1", True, False)],
        *[("''", "", True), ("''", "x", False)],
    ],
)
def test_a_value_is_known_by_what_is_written(written, value, same):
    assert is_value(written, value) is same
