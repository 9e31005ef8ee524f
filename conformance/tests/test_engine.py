"""What comes of a clause: the seven outcomes, readings, defaults, dtypes and known failures, on a toy specification."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.cases import call, clause
from nnspec_conformance.engine import run_instance, validate
from nnspec_conformance.outcome import FAIL, HARNESS_ERROR, KNOWN, NOT_ASKED, NOT_IMPLEMENTED, OUTCOMES, PASS, VARIANT
from nnspec_conformance.setting import combinations
from nnspec_conformance.subject import Subject
from nnspec_conformance.tolerance import exact
from nnspec_conformance.verdict import covered, status

TIMES = {"two": 2, "three": 3}
SIGN = {"kept": 1, "turned": -1}


def scale(x, *, factor="two", sign="kept", offset=0):
    if x.dtype.kind != "f":
        raise TypeError("expected floats")
    return (x * TIMES[factor] * SIGN[sign] + offset).astype(x.dtype)


def doing(**given):
    """An implementation with fixed readings."""

    def fixed(x, **others):
        return scale(x, **(given | others))

    fixed.__name__ = "scale"
    return fixed


@pytest.fixture
def outcome(toys, subject_of):
    def run(instance, *functions, **declared):
        return run_instance(toys, subject_of(*functions, **declared), instance)

    return run


def test_definition_passes(outcome):
    assert outcome("scale.factor", scale).outcome == PASS


def test_declared_reading_is_a_variant(outcome):
    assert outcome("scale.factor", doing(factor="three"), VARIANTS={"scale.factor": "three"}).outcome == VARIANT


def test_reading_that_is_not_the_declared_one_fails(outcome):
    assert outcome("scale.factor", doing(factor="three")).outcome == FAIL


def test_missing_function_is_not_implemented(outcome):
    assert outcome("scale.factor").outcome == NOT_IMPLEMENTED


def test_not_implemented_error_is_not_implemented(outcome):
    def scale(x, **given):
        raise NotImplementedError("soon")

    result = outcome("scale.factor", scale)
    assert (result.outcome, result.message) == (NOT_IMPLEMENTED, "scale: soon")


def test_known_failure_is_shown_with_its_reason(outcome):
    result = outcome("scale.factor", doing(factor="three"), KNOWN_FAILURES={"scale.factor": "triples; link"})
    assert (result.outcome, result.reason) == (KNOWN, "triples; link")


def test_harness_error_is_the_suites_fault(toys, subject_of):
    def broken(readings):
        raise ZeroDivisionError("oops")

    toys.tests["scale.factor"] = [clause("scale.factor")(broken).__nnspec__]
    result = run_instance(toys, subject_of(scale), "scale.factor")
    assert result.outcome == HARNESS_ERROR
    assert "ZeroDivisionError in " in result.message
    assert "test_engine.py:" in result.message


def test_clause_without_a_test_is_a_harness_error(toys, subject_of):
    toys.tests.pop("scale.sign")
    assert run_instance(toys, subject_of(scale), "scale.sign").outcome == HARNESS_ERROR


def test_there_are_seven_outcomes():
    assert len(set(OUTCOMES)) == 7


def test_stale_known_failure_fails(outcome):
    result = outcome("scale.factor", scale, KNOWN_FAILURES={"scale.factor": "triples"})
    assert (result.outcome, "holds now; take it out of KNOWN_FAILURES" in result.message) == (FAIL, True)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [("<2", KNOWN), ("<=1.0", KNOWN), ("==1.0", KNOWN), (">=1", KNOWN), ("<1", FAIL), (">1.0", FAIL)],
)
def test_known_failure_holds_for_its_versions_only(outcome, condition, expected):
    known = {"scale.factor": f"triples; https://example.org/1; version{condition}"}
    assert outcome("scale.factor", doing(factor="three"), KNOWN_FAILURES=known).outcome == expected


def test_version_condition_is_no_part_of_the_reason(outcome):
    result = outcome("scale.factor", doing(factor="three"), KNOWN_FAILURES={"scale.factor": "triples; version<2"})
    assert result.reason == "triples"


def wrong_where(bad):
    """An implementation that is off by one where ``bad(x, factor)`` says so."""

    def scale_wrongly(x, *, factor="two", **given):
        return scale(x, factor=factor, **given) + int(bad(x, factor))

    scale_wrongly.__name__ = "scale"
    return scale_wrongly


BOTH = {"DTYPES": ("float32", "float64"), "VARIANTS": {"scale.factor": ("two", "three")}}
NARROW = wrong_where(lambda x, factor: x.dtype == np.float32)
THRICE = wrong_where(lambda x, factor: factor == "three")


@pytest.mark.parametrize(
    ("function", "condition", "expected"),
    [
        (NARROW, "", KNOWN),
        (NARROW, "; float32", KNOWN),
        (NARROW, ";float32,two , three", KNOWN),
        (NARROW, "; float64", FAIL),
        (NARROW, "; float32, float64", FAIL),  # holds in float64
        (NARROW, "; float32, two", FAIL),  # fails with three, too
        (THRICE, "; factor=three", KNOWN),
        (THRICE, "; three, float32, float64", KNOWN),
        (THRICE, "; three, float32", FAIL),  # fails in float64, too
        (THRICE, "; two", FAIL),
        (THRICE, "; two, three", FAIL),  # holds with two
        (scale, "; float16", PASS),  # a dtype that this subject has not
    ],
)
def test_known_failure_holds_where_it_says(outcome, function, condition, expected):
    known = {f"scale.factor{condition}": "off by one"}
    assert outcome("scale.factor", function, KNOWN_FAILURES=known, **BOTH).outcome == expected


def test_several_known_failures_name_one_instance(outcome):
    both = wrong_where(lambda x, factor: x.dtype == np.float32 or factor == "three")
    known = {"scale.factor; float32, two": "narrow", "scale.factor; three": "thrice"}
    result = outcome("scale.factor", both, KNOWN_FAILURES=known, **BOTH)
    assert (result.outcome, result.reason) == (KNOWN, "narrow / thrice")


def test_stale_condition_is_told(outcome):
    result = outcome("scale.factor", NARROW, KNOWN_FAILURES={"scale.factor; float32, float64": "narrow"}, **BOTH)
    assert "declared as a known failure in float64 but holds now; take it out" in result.message


@pytest.mark.parametrize(("occurs", "expected"), [(True, KNOWN), (False, FAIL)])
def test_probe_says_whether_the_failure_occurs_here(outcome, occurs, expected):
    known = {"scale.factor; float32": ("narrow", lambda: occurs)}
    assert outcome("scale.factor", NARROW, KNOWN_FAILURES=known, **BOTH).outcome == expected


def test_failure_that_does_not_occur_here_is_not_stale(outcome):
    known = {"scale.factor": ("off by one", lambda: False)}
    assert outcome("scale.factor", scale, KNOWN_FAILURES=known).outcome == PASS


def test_probe_is_asked_once(toys, subject_of):
    asked = []
    subject = subject_of(scale, KNOWN_FAILURES={"scale.factor": ("off by one", lambda: asked.append(1))})
    validate(toys, subject)
    run_instance(toys, subject, "scale.factor")
    assert asked == [1]


def test_exact_gelu_broken_on_purpose_fails_beside_a_known_tanh_form(suite, oracle):
    gelu = oracle.adapter.gelu

    def broken(forms):
        namespace = dict(vars(oracle.adapter)) | {
            "gelu": lambda x, **given: gelu(x, **given) * (1.1 if given.get("form") in forms else 1),
            "KNOWN_FAILURES": {"activation.accuracy[gelu]; form=tanh": "a tenth too large; a link"},
        }
        return run_instance(suite, Subject(SimpleNamespace(**namespace)), "activation.accuracy[gelu]").outcome

    assert (broken({"tanh"}), broken({"tanh", "exact"})) == (KNOWN, FAIL)


def test_choice_of_readings_is_run_once_for_each(outcome):
    result = outcome("scale.factor", scale, VARIANTS={"scale.factor": ("two", "three")})
    assert (result.outcome, result.cases, result.readings["scale.factor"]) == (PASS, 2, ["two", "three"])


def test_each_own_reading_is_told_with_each_of_another_keyword(toys, subject_of):
    told = []

    def scale_and_tell(x, **given):
        told.append((given["factor"], given["sign"]))
        return scale(x, **given)

    scale_and_tell.__name__ = "scale"
    subject = subject_of(scale_and_tell, VARIANTS={"scale.factor": ("two", "three"), "scale.sign": ("kept", "turned")})
    run_instance(toys, subject, "scale.sign")
    assert sorted(told) == sorted(itertools.product(("two", "three"), ("kept", "turned")))


CHOICES = {"factor": ("two", "three"), "sign": ("kept", "turned"), "axis": ("last", "first", "all")}


def test_readings_that_no_clause_relates_do_not_meet():
    asked = [tuple(readings.values()) for readings in combinations(CHOICES, "offset")]
    usual = ("two", "kept", "last")
    departures = [
        ("three", "kept", "last"),
        ("two", "turned", "last"),
        ("two", "kept", "first"),
        ("two", "kept", "all"),
    ]
    assert asked == [usual, *departures]


def test_own_readings_meet_every_other():
    asked = [tuple(readings.values()) for readings in combinations(CHOICES, "sign")]
    factor_and_axis = [("two", "last"), ("three", "last"), ("two", "first"), ("two", "all")]
    assert asked == [(factor, sign, axis) for sign in ("kept", "turned") for factor, axis in factor_and_axis]


def test_single_reading_is_never_passed(toys, subject_of):
    def scale_without_keywords(x, *, offset):
        return -2 * x

    scale_without_keywords.__name__ = "scale"
    subject = subject_of(scale_without_keywords, VARIANTS={"scale.sign": "turned"})
    assert run_instance(toys, subject, "scale.sign").outcome == VARIANT


def test_choice_that_ignores_the_keyword_fails(outcome):
    def ignores(x, *, factor, offset):
        return x * 2

    ignores.__name__ = "scale"
    assert outcome("scale.factor", ignores, VARIANTS={"scale.factor": ("two", "three")}).outcome == FAIL


def test_default_of_the_definition_passes(outcome):
    assert outcome("scale.offset", scale).outcome == PASS


def test_declared_default_is_a_variant(outcome):
    result = outcome("scale.offset", doing(offset=1), DEFAULTS={"scale.offset": 1})
    assert (result.outcome, result.readings) == (VARIANT, {"scale.offset": [1]})


def test_default_that_is_not_the_declared_one_fails(outcome):
    assert outcome("scale.offset", doing(offset=1)).outcome == FAIL


def test_only_declared_dtypes_are_asked(outcome):
    assert outcome("scale.factor", scale).dtypes == ["float32"]


def test_every_declared_dtype_is_asked(outcome):
    assert outcome("scale.factor", scale, DTYPES=("float64", "float32")).dtypes == ["float32", "float64"]


def test_clause_in_none_of_the_dtypes_is_not_asked(outcome):
    assert outcome("scale.sign", scale, DTYPES=("float64",)).outcome == NOT_ASKED


def test_refusal_passes(outcome):
    assert outcome("scale.refusal", scale).outcome == PASS


def test_refusal_in_another_dtype_than_the_cases_passes(outcome):
    def narrow(x, **given):
        assert x.dtype != np.float32
        return scale(x, **given)

    narrow.__name__ = "scale"
    assert outcome("scale.refusal", narrow, DTYPES=("float64",)).outcome == PASS


def test_accepting_what_must_be_refused_fails(outcome):
    def accepts(x, **given):
        return x * 2

    accepts.__name__ = "scale"
    result = outcome("scale.refusal", accepts)
    assert (result.outcome, result.message) == (FAIL, "accepted what it must refuse (integers)")


def test_refusing_everything_is_no_refusal(outcome):
    def refuses(x, **given):
        raise TypeError("no")

    refuses.__name__ = "scale"
    result = outcome("scale.refusal", refuses)
    assert (result.outcome, result.message) == (FAIL, "refuses valid input too: scale raised TypeError: no")


def test_failure_after_a_pass_is_told_not_the_pass(outcome):
    def only_narrow(x, **given):
        if x.dtype == np.float64:
            raise ValueError("too wide")
        return scale(x, **given)

    only_narrow.__name__ = "scale"
    result = outcome("scale.factor", only_narrow, DTYPES=("float32", "float64"))
    assert (result.finding.call, result.finding.got) == ("scale([ 1., -2.], offset=0) in float64", None)


def lacking(lacks, *, wrong=()):
    """An implementation that raises NotImplementedError for some dtypes or factors, and is wrong in others."""

    def scale_in_part(x, *, factor="two", **given):
        if {str(x.dtype), factor} & {*lacks}:
            raise NotImplementedError("soon")
        return scale(x, factor=factor, **given) + int(str(x.dtype) in wrong)

    scale_in_part.__name__ = "scale"
    return scale_in_part


def test_failure_is_not_overwritten_by_what_is_not_implemented(outcome):
    result = outcome("scale.factor", lacking(["float64"], wrong=["float32"]), **BOTH)
    assert (result.outcome, result.not_run) == (FAIL, ["in float64"])


def test_failure_is_not_overwritten_by_a_fault_of_the_suite(toys, subject_of, f32):
    @clause("scale.factor")
    def proves(readings):
        yield call("scale", f32(1), want=exact(f32(7)))
        raise ZeroDivisionError("oops")

    toys.tests["scale.factor"] = [proves.__nnspec__]
    result = run_instance(toys, subject_of(scale), "scale.factor")
    assert (result.outcome, status([result])) == (FAIL, 2)


@pytest.mark.parametrize(
    ("lacks", "expected"),
    [(["float64"], ["in float64"]), (["three"], ["for factor=three"]), ([], []), (["float32", "float64"], [])],
)
def test_verdict_names_what_it_does_not_cover(outcome, lacks, expected):
    result = outcome("scale.factor", lacking(lacks), **BOTH)
    assert (result.outcome, result.not_run) == (NOT_IMPLEMENTED if len(lacks) == 2 else PASS, expected)


def test_one_attribute_of_several_that_is_lacking_is_named(toys, subject_of, f32):
    @clause("scale.sign")
    def proves_sign(readings):
        for offset in (0, 1, 2):
            yield call("scale", f32(1), offset=offset, want=exact(f32(2 + offset)))

    def scale_without_one(x, *, offset):
        if offset == 1:
            raise NotImplementedError
        return scale(x, offset=offset)

    scale_without_one.__name__ = "scale"
    toys.tests["scale.sign"] = [proves_sign.__nnspec__]
    result = run_instance(toys, subject_of(scale_without_one), "scale.sign")
    assert (covered(result), status([result])) == ("pass, not for offset=1", 0)


def test_dtypes_can_be_said_by_operation(outcome):
    result = outcome("scale.factor", scale, DTYPES={"*": ("float32", "float64"), "scale": ("float64",)})
    assert (result.dtypes, covered(result)) == (["float64"], "pass, not in float32")


def test_dtypes_of_other_operations_are_those_of_the_star(subject_of):
    subject = subject_of(scale, DTYPES={"other": ("float64",), "*": ("float32",)})
    assert (subject.dtypes_of("scale"), subject.dtypes) == (("float32",), ("float32", "float64"))
