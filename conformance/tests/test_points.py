"""Questions thinned to a few points: right by the oracle, and wrong by the bugs that are listed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nnspec_conformance.cases import Case
from nnspec_conformance.loading import load_subject
from nnspec_conformance.points import plain, points, thinned
from nnspec_conformance.suite_loader import load_suite
from nnspec_conformance.tolerance import Want


@pytest.fixture(scope="module")
def suite():
    return load_suite()


@pytest.fixture(scope="module")
def oracle():
    return load_subject("numpy_oracle")


def test_elementwise_questions_have_at_most_so_many_points_special_ones_among_them(suite, oracle):
    found = points(suite, oracle, "gelu", 20)
    sizes = [len(case["arrays"][0]) for case in found["cases"] if isinstance(case["arrays"][0], list)]
    assert max(sizes) <= 12 * 20
    given = {x for case in found["cases"] for x in np.ravel(np.array(case["arrays"][0], object))}
    assert {"NaN", "Infinity", "-Infinity"} <= given


def test_every_bug_is_wrong_where_it_says(suite, oracle):
    found = points(suite, oracle, "relu", 20)
    assert found["bugs"]
    for bug in found["bugs"]:
        for number, answer in bug["answers"].items():
            case = found["cases"][int(number)]
            assert json.dumps(answer) != json.dumps(case["right"]), (bug["name"], number)


def test_steps_have_gradients_and_rates(suite, oracle):
    (first, *_) = points(suite, oracle, "momentum", 20)["cases"]
    assert first["what"] == "trajectory"
    assert len(first["grads"]) == len(first["right"]) > 2


def test_operation_along_a_slice_is_not_thinned_to_points(suite, oracle):
    setting = oracle.settings(suite.spec, suite.spec.clauses["softmax.sum"], "softmax")[0]
    x = np.linspace(-1, 1, 600)
    right = np.exp(x) / np.exp(x).sum()
    want = Want(right, np.full(600, 1e-12), np.zeros(600), "float64", "bound")
    case = thinned(Case(operation="softmax", arrays=(x,), want=want), oracle, setting, 20)
    assert case is not None
    assert case.arrays[0].shape == (20,)  # and the oracle, asked again, finds another sum: it is left out
    assert case.judge(case.ask(oracle, setting.told), setting.told).ratio > 1


def test_plain_numbers_are_those_of_json():
    assert plain(np.array([np.nan, np.inf, -np.inf, 1.5])) == ["NaN", "Infinity", "-Infinity", 1.5]
    assert plain({"a": (np.int64(3), None, True)}) == {"a": [3, None, True]}
    json.dumps(plain(np.float32([0.1])), allow_nan=False)
