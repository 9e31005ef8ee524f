"""Duties: who owes them, what is said of a wrong declaration, and the question that all of them start from."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance import duties
from nnspec_conformance.cases import Case
from nnspec_conformance.clauses import load_spec, own_spec
from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import NotImplementedBySubject, SpecError
from nnspec_conformance.home import Home, homes
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite.duties.test_dtype import questions
from nnspec_conformance.trees import leaves, mapped

DUTY = """# Duties

What all owe.

/// clause | duty.dtype
    kind: shape
    {options}

It **MUST**.
///
"""
TOPIC = """# Topic

/// operation | {name}
    form: {form}
    {options}

Something.
///
"""
MAP = 'arrays: {x: "*shape"}\n    result: "*shape"'


@pytest.fixture
def spec_of(tmp_path):
    """A specification of one duty and some operations: name -> form and further options."""

    def write(options="forms: [map]", **operations):
        (tmp_path / "components").mkdir()
        (tmp_path / "duties.md").write_text(DUTY.format(options=options))
        for name, (form, own) in operations.items():
            text = TOPIC.format(name=name, form=form, options=own)
            (tmp_path / "components" / f"{name}s.md").write_text(text)
        return load_spec(tmp_path)

    return write


# ---- who owes what
def test_a_relation_to_an_operation_that_nobody_declares_is_refused(spec_of):
    with pytest.raises(SpecError, match=r"double equals 'halve\(x\)', but there is no operation 'halve'"):
        spec_of(double=("map", f'{MAP}\n    equals: {{"halve(x)": {{}}}}'))


def test_every_operation_of_the_forms_owes_a_duty(spec_of):
    spec = spec_of(step=("stepper", "params: any"), double=("map", MAP), half=("map", MAP))
    assert spec.clauses["duty.dtype"].instances == ("duty.dtype[double]", "duty.dtype[half]")


def test_a_family_that_is_set_apart_owes_nothing(spec_of):
    options = "forms: [map, stepper]\n    apart: [optimizers]"
    spec = spec_of(options, step=("stepper", "params: any\n    family: optimizers"), double=("map", MAP))
    assert spec.clauses["duty.dtype"].operations == ("double",)


def test_an_operation_that_does_not_owe_it_says_why(spec_of):
    spec = spec_of(word=("map", f"{MAP}\n    exempt: {{dtype: it answers with a word}}"), double=("map", MAP))
    duty = spec.clauses["duty.dtype"]
    assert (duty.operations, duties.exempt(spec, duty)) == (("double",), {"word": "it answers with a word"})


@pytest.mark.parametrize(
    ("options", "own", "message"),
    [
        ("forms: [series]", MAP, "duties.md:5: clause duty.dtype: no operation owes it; its forms are series"),
        (
            "forms: [map]",
            f"{MAP}\n    exempt: {{dtyp: never}}",
            "operation double is exempt from 'dtyp', which is no duty",
        ),
        ("forms: [map]", f"{MAP}\n    exempt: {{dtype: }}", "has no reason why it does not owe 'dtype'"),
        (
            "forms: [map]\n    apart: [all]",
            f"{MAP}\n    family: all\n    exempt: {{dtype: never}}",
            "operation double does not owe 'dtype' anyway; take it out",
        ),
        (
            "forms: [map]\n    about: everything",
            MAP,
            "clause duty.dtype: about 'everything'; write one of: arrays that",
        ),
        ("fine: true", MAP, "a duty, and only a duty, has an id duty.<name> and the option 'forms'"),
    ],
)
def test_wrong_declarations_are_told_in_one_line(spec_of, options, own, message):
    with pytest.raises(SpecError) as error:
        spec_of(options, double=("map", own))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


# ---- where they belong
def test_a_topic_stands_for_the_duties_of_its_operations_which_come_last(suite):
    chosen = suite.select(["components/layers"])
    owed = [name for name in chosen if name.startswith("duty.")]
    assert chosen[-len(owed) :] == owed
    assert {"duty.dtype[dense]", "duty.dtype[mlp]", "duty.names[mlp]"} <= {*owed}
    assert {suite.page_of(name) for name in chosen} == {"components/layers"}
    assert "duty.dtype[dense]" in suite.select(["duties"])


def test_a_subject_that_compiles_is_asked_in_the_first_of_its_readings(suite):
    asked = {}
    for compiles in (False, True):
        who = subject(gelu=lambda x, form: x, COMPILES=compiles, VARIANTS={"gelu.form": ("exact", "tanh")})
        result = run_instance(suite, who, "duty.dtype[gelu]")
        asked[compiles] = {entry.readings["form"] for entry in result.entries}
    assert asked == {False: {"exact", "tanh"}, True: {"exact"}}


# ---- the home question
@pytest.mark.parametrize("name", sorted(own_spec().operations))
def test_home_hands_over_arrays_of_one_dtype_of_any_rank(name):
    operation = own_spec().operations[name]
    readings = {a.name: a.values[0] for a in operation.attributes if a.readings}
    for home in homes(operation, readings).values():
        arrays = leaves(home.arrays("bfloat16"))
        assert all(isinstance(x, np.ndarray) for x in arrays)
        assert {str(x.dtype) for x in arrays if x.dtype.kind not in "iub"} <= {"bfloat16"}


def test_home_leaves_out_what_may_be_left_out_and_names_what_frameworks_differ_in():
    home = Home(own_spec().operations["softmax_cross_entropy_with_integer_labels"], {})
    assert home.attributes == {"reduction": "none"}
    assert [x.shape for x in home.arrays("float32")] == [(5, 2), (5,)]
    assert Home(own_spec().operations["mlp"], {}).attributes == {"activation": "tanh"}


# ---- the dtype
def subject(**functions):
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32", "float64", "bfloat16"), **functions))


def test_right_dtypes_pass(suite):
    result = run_instance(suite, subject(relu=lambda x: np.maximum(x, x.dtype.type(0))), "duty.dtype[relu]")
    assert result.outcome == PASS


PROMOTED = (
    "the answer of relu has an array in float32, of shape [5], where all that was handed over is bfloat16 (duty.dtype)"
)


def test_one_dtype_that_is_promoted_is_told(suite):
    result = run_instance(suite, subject(relu=lambda x: np.maximum(x, np.float32(0))), "duty.dtype[relu]")
    assert (result.outcome, result.message) == (FAIL, PROMOTED)


def test_a_shape_that_is_refused_counts_as_not_asked(suite):
    def relu(x):
        if not x.ndim:
            raise ValueError("needs an axis")
        return np.maximum(x, x.dtype.type(0))

    result = run_instance(suite, subject(relu=relu), "duty.dtype[relu]")
    assert result.outcome == PASS
    assert "for a single example, which it refuses" in result.not_run


def test_the_home_question_must_not_be_refused(suite):
    def relu(x):
        raise ValueError("never")

    assert run_instance(suite, subject(relu=relu), "duty.dtype[relu]").outcome == FAIL


def test_what_may_be_refused_is_not_implemented_for_everybody_who_asks():
    def nothing(x):
        raise ValueError("no")

    with pytest.raises(NotImplementedBySubject, match="no examples, which it refuses"):
        Case(operation="nothing", arrays=(np.ones(1),), may_refuse="no examples").ask(subject(nothing=nothing), {})


def test_random_maps_get_a_seed_and_state_maps_answer_with_their_state(spec_of):
    state = 'arrays: {x: "batch n"}\n    state: {mean: n}\n    result: "batch n"'
    spec = spec_of("forms: [random map, state map]", drop=("random map", MAP), norm=("state map", state))
    drop, *_ = questions(Home(spec.operations["drop"], {}), "float32")
    assert drop.attributes == {"seed": 0}
    norm, slope = questions(Home(spec.operations["norm"], {}), "float64")
    assert [want.dtype for want in norm.want] == ["float64", "float64"]
    assert [want.dtype for want in slope.want] == ["float64", "float64"]
    assert mapped(np.shape, slope.cotangents) == mapped(np.shape, norm.arrays)


def test_readings_that_few_inputs_show_are_asked_by_their_own_clauses(suite, oracle):
    def asked(clause_id):
        settings = oracle.settings(suite.spec, suite.spec.clauses[clause_id], "lstm")
        return {setting.readings["padded_outputs"] for setting in settings}

    own = suite.spec.clauses["lstm.padded-outputs"]
    assert asked(own.id) == set(own.variants)
    assert asked("duty.gradient") == {own.definition}
