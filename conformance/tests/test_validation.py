"""What an adapter declares is checked before anything runs, and what is asked for is found."""

import pytest

from nnspec_conformance.engine import validate
from nnspec_conformance.errors import HarnessError


def scale(x):
    """The one operation of the toys; nothing calls it here."""
    return x


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
        ({"KNOWN_FAILURES": {"scale.sign; sign=two": "r"}}, "'sign=two' is no dtype and no reading or attribute of s"),
        ({"KNOWN_FAILURES": {"scale.sign;": "r"}}, "'' is no dtype and no reading or attribute of scale; use factor=t"),
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
