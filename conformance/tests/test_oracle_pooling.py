"""The oracle of pooling: places in fractions, SciPy, differences, the formula of LRN in mpmath, the page's numbers."""

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy import ndimage

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.architectures.convolutional import pooling as oracle
from nnspec_conformance.suite.architectures.convolutional import test_pooling as suite
from nnspec_conformance.windows import pooled

SETTINGS = [
    suite.PLAIN, suite.UNEVEN, *suite.PADS, *suite.UP, suite.BEYOND,
    *((shape, given | {"padding": name}) for shape, given in suite.SAME for name in ("same", "same_lower")),
]  # fmt: skip


def laid(length, axis, given):
    """The first place of every window along an axis, and where what counts as padding ends, by laying windows."""
    k, s = given["window"][axis], given["stride"][axis]
    before, after = given.get("pads", (0,) * 4)[2 * axis : 2 * axis + 2]
    if (name := given.get("padding", "valid")) != "valid":
        total = max((-(-length // s) - 1) * s + k - length, 0)
        before = total // 2 if name == "same" else -(-total // 2)
        after = total - before
    starts, at = [], -before
    while at + k <= length + after or (given.get("ceil_mode") and at < length and (at - s) + k < length + after):
        starts.append(at)
        at += s
    return starts, (-before, length + after)


def place_by_place(x, given, of):
    """``of(entries, places that count with pads)`` for every window; entries of the input in fractions."""
    (rows, high), (columns, wide) = (laid(n, axis, given) for axis, n in enumerate(x.shape[1:3]))
    y = np.zeros((len(x), len(rows), len(columns), x.shape[-1]))
    for b, p, q, c in np.ndindex(y.shape):
        k, m = given["window"]
        there = list(itertools.product(range(rows[p], rows[p] + k), range(columns[q], columns[q] + m)))
        entries = [Fraction(x[b, i, j, c]) for i, j in there if 0 <= i < x.shape[1] and 0 <= j < x.shape[2]]
        padded = sum(high[0] <= i < high[1] and wide[0] <= j < wide[1] for i, j in there)
        y[b, p, q, c] = of(entries, padded)
    return y


@pytest.mark.parametrize(("shape", "given"), SETTINGS)
def test_values_are_those_of_the_entries_of_each_window(shape, given):
    x = normal_draws(1, shape, "float64")

    np.testing.assert_array_equal(oracle.max_pool(x, **given), place_by_place(x, given, lambda e, _: max(e)))
    for reading, right in (("left-out", lambda e, _: sum(e) / len(e)), ("counted", lambda e, n: sum(e) / n)):
        y = oracle.average_pool(x, **given, count_pads=reading)
        np.testing.assert_allclose(y, place_by_place(x, given, right), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("shape", "given"), SETTINGS)
def test_gradients_are_differences(shape, given):
    """Both poolings are made of straight pieces: a small step shows the slope to the last digits."""
    shape = (1, *shape[1:3], 1)
    x = normal_draws(2, shape, "float64")
    for name in ("max_pool", "average_pool"):
        f, vjp = getattr(oracle, name), getattr(oracle, f"{name}_vjp")
        g = normal_draws(3, f(x, **given).shape, "float64")
        (dx,) = vjp(x, g, **given)
        for at in np.ndindex(shape):
            step = np.zeros(shape)
            step[at] = 2.0**-20
            slope = np.sum(g * (f(x + step, **given) - f(x - step, **given))) * 2.0**19
            assert dx[at] == pytest.approx(slope, rel=1e-8, abs=1e-8)


def test_the_maximum_is_the_filter_of_scipy_at_every_stride():
    x = normal_draws(4, (1, 9, 8, 1), "float64")
    for (k, m), (s, t) in itertools.product(((2, 3), (3, 2), (4, 4)), ((1, 1), (2, 3))):
        y = oracle.max_pool(x, window=(k, m), stride=(s, t))[0, ..., 0]
        filtered = ndimage.maximum_filter(x[0, ..., 0], (k, m), origin=(-(k // 2), -(m // 2)))
        np.testing.assert_array_equal(y, filtered[::s, ::t][: y.shape[0], : y.shape[1]])


def test_ties_are_shared_as_each_reading_says():
    x, g = np.array([5.0, 5, 1, 1])[None, None, :, None], np.ones((1, 1, 2, 1))
    for reading, right in (("first", [1, 0, 1, 0]), ("last", [0, 1, 0, 1]), ("equal", [0.5] * 4)):
        (dx,) = oracle.max_pool_vjp(x, g, window=(1, 2), stride=(1, 2), tie_share=reading)
        np.testing.assert_array_equal(dx[0, 0, :, 0], right)
    row = np.ones((1, 2, 2, 1))  # the first is that of the first row
    (dx,) = oracle.max_pool_vjp(row, np.ones((1, 1, 1, 1)), window=(2, 2), tie_share="first")
    np.testing.assert_array_equal(dx[0, ..., 0], [[1, 0], [0, 0]])


@pytest.mark.parametrize("share", ["whole", "divided"])
def test_local_response_normalization_is_the_formula(share):
    x = normal_draws(5, (2, 3, 4, 9), "float64", scale=3.0)
    y = oracle.local_response_normalization(x, size=5, alpha=0.25, beta=0.75, k=1.5, alpha_share=share)
    with mpmath.workdps(40):
        for at in np.ndindex(x.shape):
            near = range(max(0, at[-1] - 2), min(9, at[-1] + 3))
            squares = mpmath.fsum(mpmath.mpf(x[(*at[:-1], e)]) ** 2 for e in near)
            alpha = mpmath.mpf("0.25") / (1 if share == "whole" else 5)
            right = mpmath.mpf(x[at]) / (mpmath.mpf("1.5") + alpha * squares) ** mpmath.mpf("0.75")
            assert y[at] == pytest.approx(float(right), rel=1e-14)


@pytest.mark.parametrize("share", ["whole", "divided"])
def test_the_gradient_of_the_normalization_is_that_of_the_complex_step(share):
    x, g = normal_draws(6, (1, 2, 3, 7), "float64"), normal_draws(7, (1, 2, 3, 7), "float64")
    given = {"size": 3, "alpha": 0.5, "beta": 0.75, "k": 2.0, "alpha_share": share}
    (want,) = complex_step(lambda x: oracle.local_response_normalization(x, **given), (x,), g)

    np.testing.assert_allclose(oracle.local_response_normalization_vjp(x, g, **given)[0], want, rtol=1e-12)


def test_lengths_are_those_of_windows_laid_one_after_the_other():
    for length, k, s, (name, pad, up) in suite.grid():
        given = {"window": (k,), "stride": (s,), "padding": name, "pads": (pad, pad), "ceil_mode": up}
        starts, _ = laid(length, 0, given)
        assert pooled(length, 0, (k,), (s,), name, (pad, pad), up) == len(starts), (length, k, s, name, pad, up)
        assert all(start < length and start + k > 0 for start in starts)  # each holds an entry


def test_the_numbers_of_the_page():
    def row(*numbers):
        return np.array(numbers, float)[None, None, :, None]

    x = row(*suite.EXAMPLE_X)
    for given, count, most, without, counted in suite.EXAMPLE.values():
        told = {"window": (1, 2), "stride": (2, 2)} | given
        np.testing.assert_array_equal(oracle.max_pool(x[:, :, :count], **told)[0, 0, :, 0], most)
        for reading, right in (("left-out", without), ("counted", counted)):
            y = oracle.average_pool(x[:, :, :count], **told, count_pads=reading)
            np.testing.assert_array_equal(y[0, 0, :, 0], right)
    told, g = {"window": (1, 2), "stride": (1, 1)}, row(1, 10, 100, 1000, 10000)
    np.testing.assert_array_equal(oracle.max_pool_vjp(x, g, **told)[0].ravel(), [0, 11, 100, 0, 11000, 0])
    (dx,) = oracle.average_pool_vjp(x, g, **told)
    np.testing.assert_array_equal(dx.ravel(), [0.5, 5.5, 55, 550, 5500, 5000])
    side = {"window": (1, 2), "stride": (1, 2)}
    for place, after in ((0, (9, 0)), (1, (9, 0)), (2, (0, 9)), (3, (0, 9))):
        np.testing.assert_array_equal(oracle.max_pool(row(*np.eye(4)[place] * 9), **side).ravel(), after)
    same = oracle.max_pool(row(-3, -1, -2, -5), window=(1, 3), stride=(1, 1), padding="same")
    np.testing.assert_array_equal(same.ravel(), [-1, -1, -1, -2])
    (dx,) = oracle.max_pool_vjp(row(1, 9, 2), row(1, 1), **told)
    np.testing.assert_array_equal(dx.ravel(), [0, 2, 0])
    sizes = [oracle.max_pool(np.zeros((1, n, n, 1)), **given).shape[1] for n, given in (
        (28, {"window": (2, 2)}), (8, {"window": (3, 3), "stride": (2, 2)}),
        (8, {"window": (3, 3), "stride": (2, 2), "ceil_mode": True}),
    )]  # fmt: skip
    assert sizes == [14, 3, 4]
    lrn = oracle.local_response_normalization(np.ones((1, 1, 1, 3)), size=3, alpha=1.0, beta=1.0, k=2.0)
    assert lrn[0, 0, 0, 1] == 1 / 5
