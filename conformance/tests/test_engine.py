"""What comes of a clause: the six outcomes, readings, defaults, dtypes and known failures, on a toy specification."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.cases import call, clause, refusal
from nnspec_conformance.engine import run_instance, validate
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.outcome import FAIL, HARNESS_ERROR, KNOWN, NOT_IMPLEMENTED, OUTCOMES, PASS, VARIANT
from nnspec_conformance.subject import Subject
from nnspec_conformance.tolerance import exact
from nnspec_conformance.verdict import covered, status

PAGE = """\
# Toys

/// clause | scale.factor
    kind: exact
    definition: two
    variants:
      two: x times 2
      three: x times 3

`scale` **MUST** multiply by the declared factor.
///

/// clause | scale.sign
    kind: exact
    definition: kept
    variants:
      kept: x
      turned: -x

`scale` **MUST** keep the sign or turn it, as declared.
///

/// clause | scale.offset
    kind: default
    default: 0
    candidates: [0, 1]

Without `offset` nothing **SHOULD** be added.
///

/// clause | scale.refusal
    kind: error

`scale` **MUST** refuse an integer array.
///
"""
TIMES = {"two": 2, "three": 3}
SIGN = {"kept": 1, "turned": -1}


def wanted(readings, x):
    return x * TIMES[readings["factor"]] * SIGN[readings["sign"]]


@pytest.fixture
def toys(suite_of, f32):
    x = f32(1, -2)

    @clause("scale.factor")
    def proves_factor(readings):
        for dtype in ("float32", "float64"):
            y = x.astype(dtype)
            yield call("scale", y, offset=0, want=exact(wanted(readings, y), dtype))

    @clause("scale.sign")
    def proves_sign(readings):
        yield call("scale", x, offset=0, want=exact(wanted(readings, x)))

    @clause("scale.offset")
    def proves_offset(readings, default):
        yield call("scale", x, want=exact(wanted(readings, x) + default))

    @clause("scale.refusal")
    def proves_refusal():
        bad = np.array([1, 2])
        yield refusal("scale", bad, offset=0, valid=(x,), note="integers")

    return suite_of(PAGE, proves_factor, proves_sign, proves_offset, proves_refusal)


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


def test_there_are_six_outcomes():
    assert len(set(OUTCOMES)) == 6


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


def test_every_combination_of_readings_is_told(toys, subject_of):
    told = []

    def scale_and_tell(x, **given):
        told.append((given["factor"], given["sign"]))
        return scale(x, **given)

    scale_and_tell.__name__ = "scale"
    subject = subject_of(scale_and_tell, VARIANTS={"scale.factor": ("two", "three"), "scale.sign": ("kept", "turned")})
    run_instance(toys, subject, "scale.sign")
    assert told == list(itertools.product(("two", "three"), ("kept", "turned")))


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


def test_clause_in_none_of_the_dtypes_is_not_implemented(outcome):
    assert outcome("scale.sign", scale, DTYPES=("float64",)).outcome == NOT_IMPLEMENTED


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


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"DTYPES": {"scal": ("float32",)}}, "DTYPES names no operation: 'scal'; did you mean scale"),
        ({"VARIANTS": {"scale.facto": "two"}}, "VARIANTS names no clause: 'scale.facto'; did you mean scale.factor"),
        ({"VARIANTS": {"zzz.zzz": "two"}}, "'zzz.zzz'; nnspec clauses lists them all"),
        ({"VARIANTS": {"scale.factor": "four"}}, "VARIANTS['scale.factor'] is 'four'; the clause has two, three"),
        ({"VARIANTS": {"scale.factor": ("two", "four")}}, "is 'four'; the clause has two, three"),
        ({"VARIANTS": {"scale.factor": ()}}, "is (); the clause has two, three"),
        ({"VARIANTS": {"scale.factor": [["two"]]}}, "is ['two']; the clause has two, three"),
        ({"VARIANTS": {"scale.offset": "two"}}, "is 'two'; the clause has no variants; take it out"),
        ({"DEFAULTS": {"scale.offse": 1}}, "DEFAULTS names no clause: 'scale.offse'; did you mean scale.offset"),
        ({"DEFAULTS": {"scale.factor": "two"}}, "the clause is of kind exact, not default; take it out"),
        ({"KNOWN_FAILURES": {"scale.sgn": "why"}}, "KNOWN_FAILURES names no clause: 'scale.sgn'; did you mean"),
        ({"KNOWN_FAILURES": {"scale.sign": ""}}, "is ''; give the reason and a link"),
        ({"KNOWN_FAILURES": {"scale.sign": True}}, "is True; give the reason and a link"),
        ({"KNOWN_FAILURES": {"scale.sign": ("r", 3)}}, "has a probe that is 3; give a function of no arguments"),
        ({"KNOWN_FAILURES": {"scale.sign; float8": "r"}}, "['scale.sign; float8']: 'float8' is no dtype and no readin"),
        ({"KNOWN_FAILURES": {"scale.sign; sign=two": "r"}}, "'sign=two' is no dtype and no reading of scale; use fact"),
        ({"KNOWN_FAILURES": {"scale.sign;": "r"}}, "'' is no dtype and no reading of scale; use factor=two, factor=th"),
        ({"KNOWN_FAILURES": {"scale.sign": "r; version<2"}, "VERSION": "git"}, "VERSION is 'git', with which 'vers"),
    ],
)  # fmt: skip
def test_wrong_declaration_is_one_line(toys, subject_of, declared, words):
    with pytest.raises(HarnessError) as caught:
        validate(toys, subject_of(scale, **declared))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_known_failure_of_a_whole_family_is_refused(suite, subject_of):
    with pytest.raises(HarnessError, match=r"is a family; name its instance, such as activation\.nan\[identity\]"):
        validate(suite, subject_of(KNOWN_FAILURES={"activation.nan": "why"}))


def test_selection_names_what_is_near(suite):
    with pytest.raises(HarnessError, match=r"no clause, instance or section 'relu\.valeu'; did you mean relu\.value"):
        suite.select(["relu.valeu"])


@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        ("relu.value", "relu.value"),
        ("activation.nan[relu]", "activation.nan[relu]"),
        ("activation.nan", "activation.nan[identity]"),
        ("activations", "activation.gradient[identity]"),
        ("components", "neuron.value"),
        ("components/activations", "activation.gradient[identity]"),
    ],
)
def test_selection_by_clause_instance_page_and_section(suite, pattern, first):
    assert suite.select([pattern])[0] == first


TWICE = """\
# Toys

/// clause | scale.twice
    kind: exact

`scale` **MUST** give for two arrays what it gives for each.
///
"""


def test_relation_of_answers_that_do_not_fit_together_fails_the_clause(suite_of, subject_of, f32):
    @clause("scale.twice")
    def proves_twice(trial):
        trial.require(bool((trial.call(f32(1, 2)) + trial.call(f32(3, 4)) > 0).all()), "not both")

    def scale(x):
        return np.ones(2 if x[0] == 1 else 3)

    result = run_instance(suite_of(TWICE, proves_twice), subject_of(scale), "scale.twice")
    assert result.outcome == FAIL
    assert "the answers of scale do not have the form" in result.message


def test_part_of_a_relation_that_is_lacking_does_not_void_the_others(suite_of, subject_of, f32):
    @clause("scale.twice")
    def proves_twice(trial):
        for factor in ("two", "three"):
            with trial.part(factor=factor):
                trial.require(bool((trial.call(f32(1), factor=factor) > 0).all()), "not positive")

    result = run_instance(suite_of(TWICE, proves_twice), subject_of(lacking(["two"])), "scale.twice")
    assert (result.cases, covered(result)) == (1, "pass, not for factor=two")


def test_failure_of_a_relation_is_not_overwritten(suite_of, subject_of, f32):
    @clause("scale.twice")
    def proves_twice(trial):
        trial.require(bool((trial.call(f32(1)) < 0).all()), "positive")
        trial.call(f32(1), factor="three")

    result = run_instance(suite_of(TWICE, proves_twice), subject_of(lacking(["three"])), "scale.twice")
    assert (result.outcome, result.message) == (FAIL, "positive")


def test_relation_that_breaks_before_it_asks_is_a_harness_error(suite_of, subject_of):
    @clause("scale.twice")
    def proves_twice(trial):
        raise KeyError("a fault of the test")

    result = run_instance(suite_of(TWICE, proves_twice), subject_of(scale), "scale.twice")
    assert result.outcome == HARNESS_ERROR
