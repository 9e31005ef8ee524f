"""Mutants: a clause that cannot be red is reported, and a failure is explained by the bug or reading that fits."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.cases import clause
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.identify import identify
from nnspec_conformance.mutant import ORACLE, Mutant, Mutants
from nnspec_conformance.mutation import (
    LEAST_POWER,
    blunt_dtypes,
    kill,
    kill_table,
    module_mutants,
    mutants_of,
    power,
    reading_pairs,
    weak,
)
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite


@pytest.fixture
def changed(suite):
    """The project's suite with the mutants that are given."""

    def make(*mutants):
        module = type(np)("mutants_of_the_test")
        module.MUTANTS = list(mutants)
        return Suite(suite.spec, suite.tests, [module])

    return make


def relu_mutant(function, name="relu mutant"):
    return Mutant(name, "a story", ("relu.value",), {"relu": function})


# ---- written by decorators


def test_the_operation_follows_from_the_clauses_and_the_name_from_the_function():
    mutants = Mutants()

    @mutants.add("a story", "leaky-relu.value", "activation.nan[leaky_relu]")
    def does_this_or_that(x):
        return x

    assert mutants == [
        Mutant(
            "does this or that",
            "a story",
            ("leaky-relu.value", "activation.nan[leaky_relu]"),
            {"leaky_relu": does_this_or_that},
        )
    ]


def test_derivatives_are_parts_of_the_operation_and_a_name_may_be_given():
    mutants = Mutants()
    mutants.add("a story", "activation.gradient[elu]", part="_vjp", name="a name")(ORACLE.elu_vjp)
    assert [(m.name, list(m.changes)) for m in mutants] == [("a name", ["elu_vjp"])]


def test_one_function_may_be_several_mutants():
    mutants = Mutants()

    @mutants.add("a story", "relu.value")
    @mutants.add("another story", "identity.value")
    def negates(x):
        return -x

    assert [(m.story, m.changes) for m in mutants] == [
        ("another story", {"identity": negates}),
        ("a story", {"relu": negates}),
    ]


def test_each_operation_of_a_family_gets_a_mutant_that_is_handed_the_right_one():
    mutants = Mutants()

    @mutants.each("a story", "layers.shape", "layers.empty-batch")
    def adds_one(f, x, *weights, **given):
        return f(x, *weights, **given) + 1

    assert [(m.name, m.catches) for m in mutants] == [
        ("adds one", ("layers.shape[dense]", "layers.empty-batch[dense]")),
        ("adds one", ("layers.shape[mlp]", "layers.empty-batch[mlp]")),
    ]
    x = np.ones((1, 2), np.float32)
    assert mutants[0].subject().call("dense", x, np.ones((2, 1), np.float32), np.ones(1, np.float32)) == 4


def test_operations_of_straight_pieces_are_declared_and_exist():
    from nnspec_conformance.mutants.components.activations import MUTANTS
    from nnspec_conformance.mutants.duties import second

    assert "relu" in MUTANTS.straight
    assert "relu" in second.STRAIGHT
    assert "softplus" not in second.STRAIGHT
    with pytest.raises(HarnessError, match=r"straight pieces name rlu, .*did you mean relu"):
        Mutants(straight=["rlu"])


def test_each_may_be_told_the_operations():
    mutants = Mutants()
    mutants.each("a story", "activation.nan", operations=["relu", "elu"])(lambda f, x, **given: f(x, **given))
    assert [m.catches for m in mutants] == [("activation.nan[relu]",), ("activation.nan[elu]",)]


@pytest.mark.parametrize(
    ("write", "problem"),
    [
        (lambda m: m.add("s", "relu.valeu"), r"no clause or instance 'relu\.valeu'.*relu\.value"),
        (lambda m: m.add("s", "activation.nan"), r"no clause or instance 'activation\.nan'"),
        (lambda m: m.add("s", "relu.value", "elu.value"), r"put to elu, relu; add a mutant to each"),
        (lambda m: m.add("s"), r"'s' names no clause that catches it"),
        (lambda m: m.each("s", "activation.nann"), r"no clause 'activation\.nann'.*activation\.nan"),
        (lambda m: m.each("s"), r"'s' names no clause that catches it"),
        (lambda m: m.each("s", "activation.nan", operations=["dense"])(max), r"activation\.nan\[dense\]"),
    ],
)
def test_what_no_clause_could_catch_is_refused(write, problem):
    with pytest.raises(HarnessError, match=problem):
        write(Mutants())


def test_another_adapter_and_specification_can_be_changed(spec_of):
    spec = spec_of("""
    # Toys
    /// clause | twice.value
        kind: exact
        source: somebody 2020

    `twice` **MUST** be twice its input.
    ///
    """)
    mutants = Mutants(SimpleNamespace(twice=lambda x: 2 * x, once=lambda x: x), spec)
    mutants.add("a story", "twice.value")(np.negative)
    subject, x = mutants[0].subject(), np.ones(1, np.float32)
    assert (subject.call("twice", x), subject.call("once", x)) == (-1, 1)


def test_no_two_mutants_of_an_operation_have_one_name(suite):
    told = {}
    for mutant in module_mutants(suite):
        told.setdefault((mutant.name, suite.instances[mutant.catches[0]][1]), set()).add(mutant.story)
    assert {name: stories for name, stories in told.items() if len(stories) > 1} == {}


# ---- put to their clauses


def test_mutant_is_the_oracle_with_one_thing_wrong():
    subject = relu_mutant(lambda x: -x).subject()
    x = np.ones(1, np.float32)
    assert (subject.call("relu", x)[0], subject.call("identity", x)[0]) == (-1, 1)


def test_caught_mutant_is_no_problem(changed):
    suite = changed(relu_mutant(np.abs))
    assert weak(suite, kill_table(suite, ["relu.value"])) == []


def test_surviving_mutant_is_reported(changed):
    suite = changed(relu_mutant(ORACLE.relu, "right after all"))
    assert weak(suite, kill_table(suite, ["relu.value"])) == [
        "relu.value: lets 'right after all' pass; sharpen its test"
    ]


def overwriting(instance):
    """Answers and fills whatever it was handed with 7."""

    def spoiled(function):
        def call(*arrays, **attributes):
            answer = function(*arrays, **attributes)
            for x in arrays:
                x.fill(7)
            return answer

        return call

    changes = {name: spoiled(getattr(ORACLE, name)) for name in ("softplus", "softplus_vjp")}
    return Mutant("writes into what it was handed", "a story", (instance,), changes)


@pytest.mark.parametrize("instance", ["activation.tail[softplus]", "activation.gradient[softplus]"])
def test_what_one_mutant_does_to_its_arrays_no_other_sees(changed, instance):
    """All are asked the same cases, and the last of these is right."""
    right = Mutant("right after all", "a story", (instance,), {})
    table = kill_table(changed(overwriting(instance), overwriting(instance), right), [instance])
    assert [k.caught for k in table[instance]] == [False, False, False]


def test_cases_are_made_once_for_all_mutants(suite):
    counted = []
    (test,) = suite.tests["gelu.form"]

    def proves_form(readings):
        counted.append(readings["form"])
        yield from test.function(readings)

    bound = dataclasses.replace(test, function=proves_form)
    kills = kill_table(dataclasses.replace(suite, tests=suite.tests | {"gelu.form": [bound]}), ["gelu.form"])
    assert len(kills["gelu.form"]) > 3
    assert sorted(counted) == ["exact", "sigmoid", "tanh"]


def test_missing_mutant_is_reported(changed):
    suite = changed()
    assert weak(suite, kill_table(suite, ["relu.value"])) == [
        "relu.value: no mutant; add one to mutants/components/activations.py"
    ]


def test_missing_mutant_of_an_untestable_clause_is_none(changed):
    suite = changed()
    suite.spec.untestable["relu.value"] = {"reason": "r"}
    try:
        assert weak(suite, kill_table(suite, ["relu.value"])) == []
    finally:
        del suite.spec.untestable["relu.value"]


def test_weak_power_is_reported(changed):
    def nearly(x, *, axis=-1):
        y = ORACLE.softmax(x, axis=axis)
        return y * x.dtype.type(1 + 60 * 2.0**-23) if x.dtype == np.float32 else y

    suite = changed(Mutant("nearly", "s", ("softmax.value[softmax]",), {"softmax": nearly}))
    table = kill_table(suite, ["softmax.value[softmax]"])
    assert 1 < power(table["softmax.value[softmax]"]) < LEAST_POWER
    assert "'nearly' is only " in weak(suite, table)[0]
    assert "choose inputs on which it differs more" in weak(suite, table)[0]


def test_kill_tells_the_distance_in_tolerances(changed):
    found = kill(changed(), "activation.nan[relu]", relu_mutant(lambda x: ORACLE.relu(x) + x.dtype.type(1)))
    assert (found.caught, found.distance) == (True, 4.0)


def gelu_off(form, by):
    """Right but for one form, where it is off by a part of the result."""

    def gelu(x, **given):
        y = ORACLE.gelu(x, **given)
        return (y * (1 + x.dtype.type(by))).astype(x.dtype) if given["form"] == form else y

    return Mutant(f"off in {form}", "s", ("gelu.form",), {"gelu": gelu})


def test_the_distance_is_that_in_the_reading_in_which_a_mutant_shows_least(changed):
    def gelu(x, *, form):
        return (ORACLE.gelu(x, form=form) * (2 if form == "tanh" else 3)).astype(x.dtype)

    everywhere = kill(changed(), "gelu.form", Mutant("off", "s", ("gelu.form",), {"gelu": gelu}))
    alone = {
        form: kill(changed(), "gelu.form", gelu_off(form, by)).distance for form, by in (("tanh", 1), ("exact", 2))
    }
    assert everywhere.distance == alone["tanh"] < alone["exact"]


def test_a_dtype_in_which_a_mutant_hardly_shows_is_told(suite):
    (found,) = kill_table(suite, ["activation.tail[softplus]"])["activation.tail[softplus]"]
    assert found.by_dtype["float32"] > LEAST_POWER > found.by_dtype["bfloat16"] > 1
    assert blunt_dtypes([found]) == {"bfloat16": found.by_dtype["bfloat16"]}


def test_a_mutant_whose_code_cannot_run_is_not_caught(changed):
    suite = changed(broken := relu_mutant(lambda x, *, slope: x))
    found = kill(suite, "relu.value", broken)
    (problem,) = weak(suite, {"relu.value": [found]})
    assert (found.caught, found.distance) == (False, 0)
    assert problem.startswith("relu.value: 'relu mutant' cannot run, relu raised TypeError: ")


def test_a_look_up_that_fails_in_the_mutant_is_not_caught_and_one_in_the_oracle_is(changed):
    broken = relu_mutant(lambda x: {}["no such name"])
    found = kill(changed(broken), "relu.value", broken)
    assert (found.caught, found.broke) == (False, "relu raised KeyError: 'no such name'")
    refuses = relu_mutant(lambda x: ORACLE.softmax(x, axis=9))
    assert kill(changed(refuses), "relu.value", refuses).caught


def test_a_mutant_is_handed_the_right_function_under_its_name():
    handed = Mutants()
    handed.each("s", "duty.gradient", operations=("leaky_relu",), part="_vjp")(lambda f, *arrays, **given: f.__name__)
    assert handed[0].changes["leaky_relu_vjp"]() == "leaky_relu_vjp"


def test_a_mutant_that_refuses_is_caught(changed):
    refuses = relu_mutant(lambda x: int("refused"))  # a ValueError
    assert kill(changed(), "relu.value", refuses).caught


@pytest.mark.parametrize(("instance", "pairs"), [("gelu.form", 6), ("leaky-relu.negative-slope", 12)])
def test_every_ordered_pair_of_readings_is_a_mutant(suite, instance, pairs):
    clause_of, operation = suite.instances[instance]
    assert len(list(reading_pairs(clause_of, operation))) == pairs


def test_every_pair_is_caught(suite):
    kills = kill_table(suite, ["gelu.form", "hard-sigmoid.default-form"])
    assert all(k.caught for row in kills.values() for k in row)


def test_every_mutant_names_an_instance_of_the_suite(suite):
    assert {name for m in module_mutants(suite) for name in m.catches} - set(suite.instances) == set()


def test_mutants_of_an_instance_are_those_that_it_must_catch(suite):
    assert {m.name for m in mutants_of(suite, "relu.value")} == {
        "relu by absolute value",
        "relu shifted by epsilon",
    }


def identified(suite, subject):
    return {row.instance: row for row in identify(suite, subject)}


@pytest.fixture(scope="module")
def impostor(suite):
    """Declares the exact form and the sixth, has tanh and half; its slope at zero is the declared one."""

    def gelu(x, **given):
        return ORACLE.gelu(x, form="tanh")

    def hard_sigmoid(x, **given):
        return ORACLE.hard_sigmoid(x, form="half")

    namespace = {"NAME": "impostor", "gelu": gelu, "hard_sigmoid": hard_sigmoid, "leaky_relu": ORACLE.leaky_relu}
    namespace |= {"leaky_relu_vjp": ORACLE.leaky_relu_vjp}
    return identified(
        suite, Subject(type("Adapter", (), {k: staticmethod(v) if callable(v) else v for k, v in namespace.items()}))
    )


@pytest.mark.parametrize(
    ("instance", "declared", "found"),
    [
        ("gelu.form", ["exact"], ["tanh"]),
        ("gelu.default-form", ["exact"], ["tanh"]),
        ("hard-sigmoid.form", ["sixth"], ["half"]),
        ("leaky-relu.gradient-at-zero", ["slope"], ["slope"]),
        ("leaky-relu.negative-slope", [0.01], [0.01]),
    ],
)
def test_reading_is_found_by_behaviour(impostor, instance, declared, found):
    assert (impostor[instance].declared, impostor[instance].found) == (declared, found)


def test_reading_of_what_is_missing_is_not_found(impostor):
    assert (impostor["elu.alpha"].found, impostor["elu.alpha"].implemented) == ([], False)


def test_subject_that_can_be_told_has_all_its_readings(suite):
    readings = ("exact", "tanh", "sigmoid")
    subject = Subject(SimpleNamespace(NAME="told", gelu=ORACLE.gelu, VARIANTS={"gelu.form": readings}))
    assert identified(suite, subject)["gelu.form"].found == [*readings]


def test_test_that_asks_for_what_nobody_knows_is_refused():
    with pytest.raises(TypeError, match=r"proves asks for \['mystery'\]; known: "):

        @clause("relu.value")
        def proves(mystery):
            pass
