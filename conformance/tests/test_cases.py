"""The verbs of a test: what they make of what is written, and that a value clause answers for any arrays."""

import numpy as np
import pytest

from nnspec_conformance.cases import call, gradient, refusal, steps
from nnspec_conformance.compare import compare
from nnspec_conformance.errors import ClauseFailed
from nnspec_conformance.inputs import network, normal_draws
from nnspec_conformance.mutation import module_mutants
from nnspec_conformance.tolerance import exact


def doubled(x, **attributes):
    return exact(2 * x.astype(np.float64), str(x.dtype))


def test_call_keeps_arrays_attributes_and_note(f32):
    case = call("double", f32(1), f32(2), form="exact", want=exact(f32(3)), note="halves")
    assert (case.what, case.operation, len(case.arrays), case.note) == ("call", "double", 2, "halves")
    assert case.attributes == {"form": "exact"}


@pytest.mark.parametrize("word", ["cotangents", "grads", "rates", "valid"])
def test_an_attribute_named_like_a_keyword_of_a_verb_is_refused(f32, word):
    with pytest.raises(TypeError, match=f"double: attribute '{word}' is a keyword of the verb"):
        call("double", f32(1), want=exact(f32(2)), **{word: 3})


def test_an_attribute_named_note_is_refused(f32):
    with pytest.raises(TypeError, match="double: note is 3, expected a text"):
        call("double", f32(1), want=exact(f32(2)), note=3)


def test_an_attribute_may_be_named_operation(f32):
    assert call("double", f32(1), operation="sum", want=exact(f32(2))).attributes == {"operation": "sum"}


def test_want_may_be_a_function_of_arrays_and_attributes(f32):
    def scaled(x, *, factor):
        return exact(factor * x)

    assert call("scale", f32(1, -2), factor=3, want=scaled).want.value.tolist() == [3, -6]


def test_want_of_a_gradient_is_handed_the_cotangents(f32):
    case = gradient("double", f32(1, -2), cotangents=f32(5, 7), want=lambda x, g: (exact(2 * g),))
    assert case.want[0].value.tolist() == [10, 14]


def test_a_case_with_a_function_can_be_asked_about_other_arrays(f32):
    other = call("double", f32(1), want=doubled).on(np.ones((2, 3)))
    assert (other.arrays[0].shape, other.want.value.shape, other.dtype) == ((2, 3), (2, 3), "float64")


def test_a_case_with_a_stated_value_cannot(f32):
    with pytest.raises(ValueError, match="double: what is expected is stated for its own arrays only"):
        call("double", f32(1), want=exact(f32(2))).on(f32(4))


# ---- refusals


def lenient(x, *, axis=0):
    return x.sum(axis)


@pytest.mark.parametrize(
    "case",
    [
        refusal("strict", np.ones(1), axis=0, valid=(np.ones(2),), note="one entry"),
        refusal("strict", np.ones(2), axis=7, valid={"axis": 0}, note="axis 7 of one"),
    ],
    ids=["arrays", "keywords"],
)
def test_a_refusal_asks_the_valid_call_first(subject_of, case):
    asked = []

    def strict(x, *, axis=0):
        asked.append((x.size, axis))
        if asked[-1] != (2, 0):
            raise ValueError("no")
        return x

    assert case.run(subject_of(strict, DTYPES=("float64",)), {}).ratio == 0
    assert asked == [(2, 0), (case.bad.arrays[0].size, case.bad.attributes["axis"])]


def test_a_refusal_of_valid_input_too_fails_the_clause(subject_of):
    def never(x, *, axis=0):
        raise ValueError("no")

    case = refusal("never", np.ones(2), axis=7, valid={"axis": 0}, note="axis 7 of one")
    with pytest.raises(ClauseFailed, match="refuses valid input too"):
        case.run(subject_of(never, DTYPES=("float64",)), {})


def test_a_refusal_that_does_not_come_shows_call_and_answer(subject_of, f32):
    found = refusal("lenient", f32(1, 2), valid=(f32(3),), note="two entries").run(subject_of(lenient), {})
    assert (found.ratio, found.call, found.got) == (np.inf, "lenient([1., 2.])", "3.")


# ---- the value clauses of the suite, asked about other arrays

OTHERS = {
    "dense.value": lambda: (normal_draws(1, (2, 3, 4)), normal_draws(2, (4, 6)), normal_draws(3, (6,))),
    "dense.gradient": lambda: (normal_draws(1, (2, 3, 4)), normal_draws(2, (4, 6)), normal_draws(3, (6,))),
    "neuron.value": lambda: (normal_draws(1, (2, 3, 7)), normal_draws(2, (7,)), np.asarray(-0.5, np.float32)),
    "neuron.activation": lambda: (normal_draws(1, (4, 7)), normal_draws(2, (7,)), np.asarray(-0.5, np.float32)),
    "neuron.gradient": lambda: (normal_draws(1, (2, 3, 7)), normal_draws(2, (7,)), np.asarray(-0.5, np.float32)),
    "mlp.value": lambda: network((4, 3, 3), leading=(2, 3), seed=7),
    "mlp.gradient": lambda: network((4, 3, 3), leading=(2, 3), seed=7),
    "forward.composition": lambda: network((4, 3, 3), leading=(2, 3), seed=7),
    "activation.accuracy[gelu]": lambda: (normal_draws(1, (2, 3, 4)),),
    "activation.accuracy[leaky_relu]": lambda: (normal_draws(1, (2, 3, 4)),),
    "activation.gradient[elu]": lambda: (normal_draws(1, (2, 3, 4)),),
    "relu.value": lambda: (normal_draws(1, (2, 3, 4)),),
    "leaky-relu.value": lambda: (normal_draws(1, (2, 3, 4)),),
    "elu.value": lambda: (normal_draws(1, (2, 3, 4)),),
    "softmax.value[softmax]": lambda: (normal_draws(1, (2, 3, 4)),),
    "softmax.value[log_softmax]": lambda: (normal_draws(1, (2, 3, 4)),),
    "softmax.gradient[softmax]": lambda: (normal_draws(1, (2, 3, 4)),),
}


def asked_about_others(suite, subject, instance):
    """The worst ratio over the cases of an instance, each on arrays that its test does not have."""
    clause, operation = suite.instances[instance]
    setting = subject.settings(suite.spec, clause, operation)[0]
    (test,) = suite.tests[clause.id]
    available, ratios = {"operation": operation, "readings": setting.readings, "lean": False}, []
    for case in test.function(**{name: available[name] for name in test.wants}):
        others, cotangents = OTHERS[instance](), None
        if case.what == "gradient":
            result = subject.call(operation, *others, **case.attributes | setting.told)
            cotangents = normal_draws(9, result.shape, "float32")
        other = case.on(*others, cotangents=cotangents)
        ratios.append(compare(other.ask(subject, setting.told), other.want).ratio)
    return max(ratios)


@pytest.mark.parametrize("instance", OTHERS)
def test_a_value_clause_answers_for_other_shapes(suite, oracle, instance):
    assert asked_about_others(suite, oracle, instance) <= 1


@pytest.mark.parametrize("instance", ["dense.value", "mlp.value", "forward.composition", "softmax.value[softmax]"])
def test_and_its_mutants_are_caught_there_too(suite, instance):
    caught = []
    for mutant in module_mutants(suite):
        if instance in mutant.catches:
            try:
                caught.append(asked_about_others(suite, mutant.subject(), instance))
            except Exception:  # one that cannot answer at all
                caught.append(np.inf)
    assert max(caught) > 10


def test_wide_and_network(f32):
    x, table = network((3, 5, 2), leading=(4, 2), seed=3)
    assert {name: w.shape for name, w in table.items()} == {
        "kernel_0": (3, 5),
        "bias_0": (5,),
        "kernel_1": (5, 2),
        "bias_1": (2,),
    }
    assert x.shape == (4, 2, 3)
    entries = np.concatenate([x.ravel(), *(w.ravel() for w in table.values())])
    assert len(set(entries.tolist())) == entries.size
    assert (entries != 0).all()


def test_steps_holds_gradients_and_rates(f32):
    grads = [{"w": f32(1)}, {"w": f32(2)}]
    case = steps("sgd", {"w": f32(0)}, grads=grads, rates=[0.5, 0.25], want=[], momentum=0.5)
    assert (case.what, case.rates, case.attributes) == ("trajectory", [0.5, 0.25], {"momentum": 0.5})
