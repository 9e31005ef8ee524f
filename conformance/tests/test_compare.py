"""Comparison: NaN, infinities, overflow, shapes, types and structures, and where it is worst."""

import ml_dtypes
import numpy as np
import pytest

from nnspec_conformance.compare import Finding, compare, worst
from nnspec_conformance.tolerance import Shape, Want, bound, exact, ulps

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("got", "expected", "holds"),
    [
        (1.0, 1.0, True),
        (NAN, NAN, True),
        (INF, INF, True),
        (-INF, -INF, True),
        (0.0, -0.0, True),
        (NAN, 1.0, False),
        (1.0, NAN, False),
        (INF, -INF, False),
        (INF, NAN, False),
        (INF, 1.0, False),
        (1.0, INF, False),
        (3.4028235e38, INF, False),
    ],
)
def test_special_values(f32, got, expected, holds):
    assert (compare(f32(got), ulps(np.array([expected]), 4, "float32")).ratio <= 1) is holds


@pytest.mark.parametrize(("expected", "holds"), [(3.4028235e38, True), (-3.4028235e38, False), (3.3e38, False)])
def test_rounding_past_the_largest_number_may_give_infinity(f32, expected, holds):
    assert (compare(f32(INF), ulps(np.array([expected]), 4, "float32")).ratio <= 1) is holds


def test_overflow_is_not_allowed_where_nothing_is(f32):
    assert compare(f32(INF), exact(np.array([3.4028235e38]))).ratio == INF


def test_infinite_error_is_not_within_an_infinite_tolerance(f32):
    want = Want(np.ones(1), np.array([INF]), np.zeros(1), "float32", "none")
    assert compare(f32(NAN), want).ratio == INF


def test_nan_tolerance_allows_nothing(f32):
    want = Want(np.ones(1), np.array([NAN]), np.zeros(1), "float32", "none")
    assert compare(f32(1.5), want).ratio == INF


def test_infinite_scale_of_a_bound_does_not_hide_an_error(f32):
    assert compare(f32(NAN), bound(np.ones(1), np.array([INF]), 3, "float32")).ratio == INF


def test_ratio_is_error_over_allowed(f32):
    want = Want(np.array([1.0, 2.0]), np.array([0.5, 0.5]), np.zeros(2), "float32", "half")
    assert compare(f32(1.25, 3.0), want).ratio == 2.0


def test_worst_place_is_told(f32):
    x = f32(5, 6, 7)
    found = compare(f32(1, 2, 4), ulps(np.array([1.0, 2.0, 3.0]), 1, "float32"), arrays=(x,))
    assert (found.input, found.got, found.expected, found.error) == ("7 at index (2,)", "4", "3", 1.0)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.bool_, np.uint8, np.float16, ml_dtypes.bfloat16])
def test_every_kind_of_number_is_compared_by_value(dtype):
    assert compare(np.array([0, 1], dtype), exact(np.array([0.0, 1.0]))).ratio == 0


def test_python_number_is_a_scalar_array():
    assert compare(1.5, exact(np.float64(1.5))).ratio == 0


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (np.zeros(3), "result has shape (3,), expected (2,)"),
        (np.zeros((2, 1)), "result has shape (2, 1), expected (2,)"),
        (np.array(["a", "b"]), "result has dtype <U1, expected numbers"),
        (np.array([None, 1], object), "result has dtype object, expected numbers"),
        (np.array([1j, 0]), "result has dtype complex128, expected numbers"),
        ((np.zeros(2),), "result is tuple, expected an array"),
        ({"y": np.zeros(2)}, "result is dict, expected an array"),
        (1.0, "result is float, expected an array"),
        ("text", "result is str, expected an array"),
    ],
)
def test_what_is_no_such_array_is_named(got, words):
    found = compare(got, exact(np.zeros(2)))
    assert (found.ratio, found.message) == (INF, words)


def test_empty_arrays_agree():
    assert compare(np.zeros((0, 3), np.float32), exact(np.zeros((0, 3)))).ratio == 0


@pytest.mark.parametrize(
    ("got", "message"),
    [
        (np.zeros((2, 3), np.float32), None),
        (np.zeros((3, 2), np.float32), "result has shape (3, 2), expected (2, 3)"),
        (np.zeros((2, 3), np.float64), "result has dtype float64, expected float32"),
        (1.0, "result is float, expected an array"),
    ],
)
def test_shape_and_dtype(got, message):
    assert compare(got, Shape((2, 3), "float32")).message == message


def test_shape_alone_lets_any_dtype_pass():
    assert compare(np.zeros(2, np.float64), Shape((2,))).ratio == 0


@pytest.mark.parametrize(
    ("got", "message"),
    [
        ((np.zeros(1), np.ones(1)), None),
        ([np.zeros(1), np.ones(1)], None),
        ((np.zeros(1),), "result is 1 arrays, expected 2 arrays"),
        (np.zeros(2), "result is ndarray, expected 2 arrays"),
    ],
)
def test_tuples(got, message):
    assert compare(got, (exact(np.zeros(1)), exact(np.ones(1)))).message == message


@pytest.mark.parametrize(
    ("got", "message"),
    [
        ({"a": np.zeros(1), "b": 3}, None),
        ({"a": np.zeros(1), "b": np.array(3)}, None),
        ({"a": np.zeros(1), "b": 4}, "result['b'] is 4, expected 3"),
        ({"a": np.zeros(1)}, "result has names ['a'], expected ['a', 'b']"),
        ({"a": np.zeros(1), 5: 3}, "result has names ['5', 'a'], expected ['a', 'b']"),
        (np.zeros(1), "result has names ndarray, expected ['a', 'b']"),
    ],
)
def test_dicts(got, message):
    assert compare(got, {"a": exact(np.zeros(1)), "b": 3}).message == message


def test_array_is_no_plain_value():
    assert compare(np.zeros(2), 3).ratio == INF


def test_place_in_a_structure_is_told():
    want = {"carry": (exact(np.zeros(1)), exact(np.ones(1)))}
    assert compare({"carry": (np.zeros(1), np.zeros(1))}, want).call == "result['carry'][1][0]"


def test_worst_finding_is_the_one_with_the_largest_ratio():
    assert worst([Finding(0.5), Finding(2.0), Finding(1.0)]).ratio == 2.0


def test_no_finding_is_no_error():
    assert worst([]).ratio == 0


@pytest.mark.parametrize(
    ("dtype", "expected"), [("float32", "0.1"), ("float64", "0.1"), ("float64", "0.10000000000000002")]
)
def test_numbers_have_the_digits_that_tell_them_apart(dtype, expected):
    found = compare(np.array([0.3], dtype), ulps(np.array([float(expected)]), 1, dtype))
    assert (found.got, found.expected) == ("0.300000012" if dtype == "float32" else "0.3", expected)
