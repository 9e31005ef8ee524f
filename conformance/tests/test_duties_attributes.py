"""The duty of keywords: which values are asked, and whom it finds, on NumPy and on PyTorch."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.asked import question
from nnspec_conformance.axes import Interval
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.engine import run_instance
from nnspec_conformance.home import Home
from nnspec_conformance.keywords import LEFT_OUT, choices_of, completed, edges, fits, plan, with_defaults
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.operations import Attribute
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.subject import Subject

SPEC = own_spec()
OWING = SPEC.clauses["duty.attributes"].operations
LEAKY, MLP = "duty.attributes[leaky_relu]", "duty.attributes[mlp]"


def home(name):
    operation = SPEC.operations[name]
    axes = {"leading": (5, 3)} if any(a.kind == "axis" for a in operation.attributes) else {}
    return Home(operation, {clause.keyword: clause.definition for clause in SPEC.governing(name)}, **axes)


# ---- which values


@pytest.mark.parametrize(
    ("kind", "interval", "values", "found"),
    [
        ("number", "(-inf, inf)", (0.2,), [0.0, -0.75, 16.0]),
        ("number", "(0, inf)", (0.5, 16.0), [1 / 64]),
        ("number", "[0, 1)", (0.5,), [0.0, 63 / 64]),
        ("number", "[0, inf]", (0.5,), [0.0, 16.0, float("inf")]),
        ("integer", "[1, inf)", (3, 2), [1]),
        ("integer", "(-inf, inf)", (-100,), [0]),
        ("shape", "[1, inf)", ((2, 3),), []),
    ],
)
def test_edges_of_a_range(kind, interval, values, found):
    assert edges(Attribute("a", kind, values, Interval.parse(interval))) == found


@pytest.mark.parametrize("name", OWING)
def test_every_value_that_fits_is_asked_and_any_two(name):
    there = home(name)
    operation, choices, asked = there.operation, choices_of(there), [one.home.keywords for one in plan(there)]
    for attribute in operation.attributes:
        shapes = attribute.kind in ("integer", "shape") or attribute.when  # which may not fit
        values = () if attribute.readings or shapes else (*choices[attribute.name], *edges(attribute))
        for value in (
            v for v in values if (name, attribute.name, v) != ("clamp", "minimum", 16.0)
        ):  # above the maximum
            assert any(keywords.get(attribute.name, LEFT_OUT) == value for keywords in asked), (attribute.name, value)
    for pair in itertools.combinations(choices, 2):
        stand = {tuple(keywords.get(key, LEFT_OUT) for key in pair) for keywords in asked}
        for two in itertools.product(*(choices[key] for key in pair)):
            assert two in stand or not may_stand(there, dict(zip(pair, two, strict=True))), (pair, two)


def may_stand(there, two):
    """Whether two choices fit each other and the lengths, with other keywords as in the home question.

    A keyword that others depend on may have any of its values.
    """
    ruling = {other for attribute in there.operation.attributes for other in attribute.when} - {*two}
    values = [[(key, value) for value in there.operation.attribute(key).values] for key in sorted(ruling)]
    for chosen in itertools.product(*values):
        keywords = completed(there.operation, there.attributes | dict(chosen) | two)
        if all(keywords.get(key, LEFT_OUT) == value for key, value in two.items()):
            if fits(replace(there, keywords=keywords)):
                return True
    return False


def test_the_pads_of_a_convolution_are_asked_beside_a_stride_and_groups():
    asked = [one.home.keywords for one in plan(home("convolution_2d")) if "pads" in one.home.keywords]
    assert {key for keywords in asked for key in keywords} >= {"stride", "groups"}


@pytest.mark.parametrize("name", OWING)
def test_a_compiling_subject_is_asked_two_settings_that_differ_from_the_home_question(name):
    there = home(name)
    few = [setting.home for setting in plan(there, lean=True)]
    assert 1 <= len(few) <= 2
    changed = {key for one in few for key, value in one.keywords.items() if value != there.attributes.get(key)}
    changed |= {key for one in few for key in there.attributes if key not in one.keywords}
    others = {
        a.name for a in there.operation.attributes if not (a.readings or a.when) and len(choices_of(there)[a.name]) > 1
    }
    assert (others <= changed) or name == "parameter_count"


@pytest.mark.parametrize("name", OWING)
def test_every_operation_states_its_answer_for_any_keywords(name):
    for setting in plan(home(name), lean=True):
        assert question(setting.home, "call", "float32") is not None


def test_what_is_left_out_stands_for_its_default_in_the_expected_values_only():
    pool = SPEC.operations["max_pool"]
    assert completed(pool, {"window": (2, 2), "padding": "same", "pads": (1, 1, 1, 1)}) == {
        "window": (2, 2), "padding": "same",
    }  # fmt: skip
    told = with_defaults(pool, {"window": (2, 2), "padding": "same"})
    assert not {"pads", "stride"} & {*told}  # the one does not apply, the other is a formula
    assert with_defaults(SPEC.operations["leaky_relu"], {}) == {"negative_slope": 0.01}


def test_a_least_number_above_the_greatest_is_no_setting():
    asked = [setting.home.keywords for setting in plan(home("clamp"))]
    assert all(keywords["minimum"] <= keywords["maximum"] for keywords in asked)


# ---- whom it finds


def leaky_relu(slope_of, backward=None):
    """Somebody's leaky ReLU: what its call and its backward pass make of the keyword."""
    backward = backward or slope_of

    def call(x, **given):
        return np.where(x > 0, x, x.dtype.type(slope_of(**given)) * x)

    def vjp(x, g, **given):
        return (np.where(x > 0, g, x.dtype.type(backward(**given)) * g),)

    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), leaky_relu=call, leaky_relu_vjp=vjp))


def right(negative_slope=0.01):
    return negative_slope


@pytest.mark.parametrize(
    ("slope_of", "backward", "shown"),
    [
        (lambda negative_slope=None: negative_slope or 0.01, None, "negative_slope=0.0"),
        (lambda negative_slope=0.01: abs(negative_slope), None, "negative_slope=-0.75"),
        (lambda negative_slope=0.01: min(negative_slope, 10.0), None, "negative_slope=16.0"),
        (right, lambda negative_slope=0.01: 0.2, "gradient of leaky_relu"),
    ],
)
def test_a_keyword_that_is_right_for_some_values_fails_for_the_others(suite, slope_of, backward, shown):
    assert run_instance(suite, leaky_relu(right), LEAKY).outcome == PASS
    result = run_instance(suite, leaky_relu(slope_of, backward), LEAKY)
    assert result.outcome == FAIL
    assert shown in result.finding.call


def test_an_edge_that_is_refused_counts_as_not_asked(suite):
    def positive(negative_slope=0.01):
        if negative_slope < 0:
            raise ValueError("negative")
        return negative_slope

    result = run_instance(suite, leaky_relu(positive), LEAKY)
    assert (result.outcome, "negative_slope=-0.75" in " ".join(result.not_run)) == (PASS, True)


def test_a_network_right_only_with_tanh_fails_on_numpy_and_on_torch(suite):
    def tanh_backward(x, weights, g, *, activation):
        return ORACLE.mlp_vjp(x, weights, g, activation="tanh")

    somebody = SimpleNamespace(NAME="somebody", DTYPES=("float32",), mlp=ORACLE.mlp, mlp_vjp=tanh_backward)
    assert run_instance(suite, Subject(somebody), MLP).outcome == FAIL

    pytest.importorskip("torch", reason="PyTorch is not installed")
    from nnspec_conformance.adapters.torch import transport
    from nnspec_conformance.adapters.torch.components import layers

    names = {name: getattr(transport, name) for name in ("asarray", "to_numpy", "vjp")}

    def mlp(x, weights, *, activation):
        return layers.mlp(x, weights, activation="tanh")

    result = run_instance(suite, Subject(SimpleNamespace(NAME="s", DTYPES=("float32",), mlp=mlp, **names)), MLP)
    assert result.outcome == FAIL
