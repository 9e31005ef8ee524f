"""The duty of sizes: which lengths are asked, what is expected of them, and whom it finds."""

import importlib.util
import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance import sizes
from nnspec_conformance.asked import own_question, question
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.engine import run_instance
from nnspec_conformance.home import Home
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.sizes import Axes, pairwise, plan
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite.duties.test_sizes import many, wants

SPEC = own_spec()
OWING = SPEC.clauses["duty.sizes"].operations


def home(name, **readings):
    return Home(SPEC.operations[name], definitions(name) | readings)


def definitions(name):
    return {clause.keyword: clause.definition for clause in SPEC.governing(name)}


def subject(slow=False, **functions):
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), **functions), slow=slow)


# ---- which lengths


def test_any_two_choices_meet():
    choices = {"a": (1, 2, 3), "b": "xyzw", "c": (True, False)}
    rows = pairwise(choices)
    for one, other in itertools.combinations(choices, 2):
        assert {(row[one], row[other]) for row in rows} == set(itertools.product(choices[one], choices[other]))
    assert len(rows) < 3 * 4 * 2


def test_a_single_axis_has_a_row_for_each_length():
    assert pairwise({"n": (1, 4)}) == [{"n": 1}, {"n": 4}]


def rest(name, word, n):
    """What is missing of a length that has to be a multiple of a number."""
    return -n % SPEC.operations[name].multiples.get(word, 1)


@pytest.mark.parametrize("name", OWING)
def test_every_axis_is_short_and_long_and_beside_every_other(name):
    asked, axes = [size.lengths for size in plan(home(name))], Axes.of(home(name))
    fit = [word for word in axes.words if not any("window" in other for other in axes.words)]  # else it has to fit
    kept = any(attribute.name == "window" for attribute in SPEC.operations[name].attributes)  # is never changed
    for word in fit:
        lengths = {
            n + rest(name, word, n) for n in axes.lengths if n > 1 or not kept or word not in ("height", "width")
        }
        assert lengths <= {asked_for.get(word) for asked_for in asked}
    for one, other in itertools.combinations([] if kept else fit, 2):
        pairs = itertools.product(axes.lengths, repeat=2)
        whole = {(n + rest(name, one, n), m + rest(name, other, m)) for n, m in pairs}
        for pair in whole - {(n.get(one), n.get(other)) for n in asked}:  # only what is too large beside any others
            short = dict.fromkeys(axes.words, 2) | dict(zip((one, other), pair, strict=True))
            assert not sizes.is_possible(home(name), short)


@pytest.mark.parametrize("name", ["decoder", "encoder_decoder"])
def test_pairs_of_a_row_that_is_too_large_meet_beside_short_lengths(name):
    axes, planned = Axes.of(home(name)), [size.lengths for size in plan(home(name))]
    rows = [axes.row(row).lengths for row in pairwise(axes.choices(axes.lengths))]
    large = [row for row in rows if not sizes.is_possible(home(name), row)]
    assert large
    assert all(sizes.is_possible(home(name), row, most=math.inf) for row in large)
    assert all(sizes.is_possible(home(name), row) for row in planned)


@pytest.mark.parametrize("name", [name for name in OWING if Axes.of(home(name)).stars])
def test_leading_axes_are_none_to_five(name):
    axes = Axes.of(home(name))
    ranks = {len(size.lengths[axes.stars[0]]) for size in plan(home(name))}
    assert ranks >= {1, 2, 3, 4, 5}
    assert axes.ranked or 0 in ranks


@pytest.mark.parametrize("name", OWING)
def test_a_compiling_subject_is_asked_little_and_the_slow_run_everything(name):
    lean, normal, slow = (plan(home(name), **how) for how in ({"lean": True}, {}, {"lean": True, "slow": True}))
    assert 1 < len(lean) <= 4 < len(normal) < len(slow)


# ---- what is expected


@pytest.mark.parametrize("name", [n for n in OWING if SPEC.operations[n].form != "stepper"])
def test_every_operation_states_its_answer_for_any_arrays(name):
    assert own_question(name, "call", definitions(name)) is not None


def test_the_question_of_another_size_has_the_keywords_and_the_tolerance_of_the_clause():
    case = question(home("softmax"), "call", "float64")
    assert (case.attributes, case.want.dtype, case.want.value.shape) == ({"axis": -1}, "float64", (5,))


# ---- more than one launch covers

BESIDE_WEIGHTS = ("backpropagation", "batch_gradient")  # whose bound would tell no row


@pytest.mark.parametrize("name", OWING)
def test_more_is_asked_than_one_launch_covers(name):
    there, axes = home(name), Axes.of(home(name))
    if axes.separate:
        assert any(sizes.ROWS in size.lengths[axes.stars[0]] for size in plan(there))
        assert not list(many(there, "float32", gradients=False))
    elif name not in BESIDE_WEIGHTS:
        (case,) = many(there, "float32", gradients=False)
        assert max(want.value.size for want in wants(case.want)) >= sizes.ROWS


def test_many_examples_have_the_answers_of_a_few():
    (case,) = many(home("elman_step"), "float32", gradients=False)
    few = question(replace(home("elman_step"), sizes=sizes.few_examples(home("elman_step")).lengths), "call", "float32")
    assert [x.shape[0] for x in case.arrays if isinstance(x, np.ndarray)] == [sizes.ROWS] * 2
    assert case.want.value.shape == case.want.allowed.shape == (sizes.ROWS, *few.want.value.shape[1:])
    for row in (0, 3, sizes.ROWS - 1):
        assert np.array_equal(case.want.value[row], few.want.value[row % sizes.FEW])


def test_many_parameters_are_stepped_as_a_few():
    (case,) = many(home("adam"), "float32", gradients=False)
    (params,) = case.arrays
    name = max(params, key=lambda one: params[one].size)
    assert params[name].size >= sizes.ELEMENTS
    assert {step[name].shape for step in case.grads} == {params[name].shape}
    assert case.want[-1][name].value.shape == params[name].shape


def test_right_for_one_launch_of_parameters_fails(suite):
    def descent(params, *, learning_rate, **_):
        now = dict(params)

        def step(grads, rate=None):
            for name, g in grads.items():
                moved = np.array(now[name] - g.dtype.type(learning_rate) * g)
                moved.reshape(-1)[65536:] = 0
                now[name] = moved
            return dict(now)

        return step

    result = run_instance(suite, subject(gradient_descent=descent), "duty.sizes[gradient_descent]")
    assert result.outcome == FAIL
    assert "float32[65538, 2]" in result.finding.call


# ---- whom it finds


def up_to(count):
    def relu(x):
        y = np.maximum(x, 0)
        y.reshape(-1)[count:] = 0
        return y

    return relu


def test_right_for_all_sizes_passes(suite):
    assert (
        run_instance(suite, subject(relu=lambda x: np.maximum(x, x.dtype.type(0))), "duty.sizes[relu]").outcome == PASS
    )


@pytest.mark.parametrize("count", [16, 65536])
def test_right_for_so_many_elements_fails_with_the_call(suite, count):
    result = run_instance(suite, subject(relu=up_to(count)), "duty.sizes[relu]")
    assert (result.outcome, result.finding.got) == (FAIL, "0")
    assert result.finding.call.startswith("relu(float32[")


def test_right_for_sixteen_elements_fails_on_pytorch(suite):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    from nnspec_conformance.loading import load_subject

    right = load_subject("torch").adapter
    torch = importlib.import_module("torch")

    def tanh(x):
        y = torch.tanh(x)
        return torch.where(torch.arange(y.numel()).reshape(y.shape) < 16, y, 0 * y)

    wrong = Subject(SimpleNamespace(**vars(right) | {"tanh": tanh, "KNOWN_FAILURES": {}}))
    assert run_instance(suite, wrong, "duty.sizes[tanh]").outcome == FAIL


def test_a_number_of_axes_that_is_refused_is_told_once(suite):
    def relu(x):
        if x.ndim > 2:
            raise ValueError("at most two axes")
        return np.maximum(x, 0)

    result = run_instance(suite, subject(relu=relu), "duty.sizes[relu]")
    assert result.outcome == PASS
    assert [words for words in result.not_run if "3 axes" in words] == ["for an array of 3 axes, which it refuses"]


def test_a_length_must_not_be_refused(suite):
    def relu(x):
        if x.size > 64:
            raise ValueError("too large")
        return np.maximum(x, 0)

    assert run_instance(suite, subject(relu=relu), "duty.sizes[relu]").outcome == FAIL


def test_a_wrong_gradient_of_many_elements_fails(suite):
    def relu_vjp(x, cotangents):
        return (np.where(np.arange(x.size).reshape(x.shape) < 32, cotangents * (x > 0), 0),)

    found = run_instance(suite, subject(relu=lambda x: np.maximum(x, 0), relu_vjp=relu_vjp), "duty.sizes[relu]")
    assert (found.outcome, "gradient of relu" in found.finding.call) == (FAIL, True)
