"""The oracle of batch norm: the formulas in mpmath, the complex step, and the numbers of the page."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.training import batch_normalization as oracle
from nnspec_conformance.suite.training import test_batch_normalization as suite
from nnspec_conformance.suite.training import test_batch_normalization_batches as batches

BATCHES = {
    "draws": normal_draws(1, (20, 5), "float64"),
    "images": normal_draws(2, (2, 3, 4, 2), "float64"),
    "a large mean": normal_draws(3, (6, 4), "float64") + 1e4,
    "small numbers": normal_draws(4, (6, 4), "float64") * 1e-9,
    "one example": normal_draws(5, (1, 4), "float64"),
}


def moments(x):
    """Mean and sum of squared deviations of each feature, with 60 digits."""
    for column in x.reshape(-1, x.shape[-1]).T:
        entries = [mpmath.mpf(float(e)) for e in column]
        mean = mpmath.fsum(entries) / len(entries)
        yield entries, mean, mpmath.fsum((e - mean) ** 2 for e in entries)


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("epsilon", [1e-12, 1e-5, 0.5])
def test_values_are_those_of_the_formula(name, epsilon):
    x = BATCHES[name]
    scale, bias = normal_draws(6, x.shape[-1:], "float64"), normal_draws(7, x.shape[-1:], "float64")
    want = np.zeros((x.size // x.shape[-1], x.shape[-1]))
    with mpmath.workdps(60):
        for i, (entries, mean, squares) in enumerate(moments(x)):
            root = mpmath.sqrt(squares / len(entries) + mpmath.mpf(epsilon))
            for j, e in enumerate(entries):
                want[j, i] = float((e - mean) / root * mpmath.mpf(float(scale[i])) + mpmath.mpf(float(bias[i])))
    allowed = 1e-10 if name == "a large mean" else 1e-13  # the mean is rounded once

    got = oracle.batch_norm(x, scale, bias, epsilon=epsilon)

    np.testing.assert_allclose(got, want.reshape(x.shape), rtol=0, atol=allowed)


@pytest.mark.parametrize("name", [name for name in BATCHES if name != "one example"])
@pytest.mark.parametrize("reading", ["unbiased", "biased"])
def test_running_statistics_are_those_of_the_formula(name, reading):
    x = BATCHES[name]
    m, s = normal_draws(8, x.shape[-1:], "float64"), normal_draws(9, x.shape[-1:], "float64") ** 2
    with mpmath.workdps(60):
        found = [(mean, squares / (len(e) - (reading == "unbiased"))) for e, mean, squares in moments(x)]
        want = [[float(0.75 * mpmath.mpf(float(old)) + 0.25 * new) for old, new in zip(olds, news, strict=True)]
                for olds, news in zip((m, s), zip(*found, strict=True), strict=True)]  # fmt: skip

    got = oracle.batch_norm_update(x, m, s, decay=0.75, running_variance=reading)

    np.testing.assert_allclose(got, want, rtol=1e-11)


def test_in_use_the_formula_has_the_given_statistics():
    x, m, s = BATCHES["draws"], np.arange(5.0), np.arange(1.0, 6)
    with mpmath.workdps(60):
        want = [[float((mpmath.mpf(float(e)) - i) / mpmath.sqrt(i + 1 + mpmath.mpf(0.05))) for i, e in enumerate(row)]
                for row in x]  # fmt: skip

    np.testing.assert_allclose(oracle.batch_norm_eval(x, m, s, epsilon=0.05), want, rtol=1e-14)


@pytest.mark.parametrize("name", ["batch_norm", "batch_norm_eval"])
@pytest.mark.parametrize("leading", [(6,), (2, 3, 4)])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_gradients_are_those_of_the_complex_step(name, leading, count):
    arrays = (*suite.given(name, "float64", leading), *suite.weights("float64")[:count])
    g = normal_draws(10, arrays[0].shape, "float64")

    want = complex_step(lambda *given: getattr(oracle, name)(*given, epsilon=0.05), arrays, g)
    got = getattr(oracle, f"{name}_vjp")(*arrays, g, epsilon=0.05)

    skipped = (1, 2) if name == "batch_norm_eval" else ()  # running statistics hand no gradient on
    for place, (one, other) in enumerate(zip(got, want, strict=True)):
        np.testing.assert_allclose(one, 0 * other if place in skipped else other, rtol=1e-12, atol=1e-14)


def test_the_numbers_of_the_page():
    x = np.array(suite.X, float)[:, None]
    two, one = np.array([2.0]), np.array([1.0])

    np.testing.assert_array_equal(oracle.batch_norm(x, two, one, epsilon=1.0)[:, 0], suite.Y)
    g = np.array(suite.COTANGENT, float)[:, None]
    np.testing.assert_array_equal(oracle.batch_norm_vjp(x, two, one, g, epsilon=1.0)[0][:, 0], suite.SLOPE)
    for reading, variance in (("unbiased", 1.75), ("biased", 1.5)):
        mean, found = oracle.batch_norm_update(x, 0 * one, one, decay=0.75, running_variance=reading)
        assert (mean[0], found[0]) == (0.5, variance)
    in_use = oracle.batch_norm_eval(x, np.array([0.5]), np.array([1.75]), two, one, epsilon=1.0)
    assert in_use[3, 0] == pytest.approx(6.43, abs=0.005)


def test_accumulated_gradients_are_not_those_of_the_whole_batch():
    x, g = normal_draws(11, (8, 3), "float64"), normal_draws(12, (8, 3), "float64")
    whole = oracle.batch_norm_vjp(x, g, epsilon=0.05)[0]
    halves = np.concatenate([oracle.batch_norm_vjp(x[at], g[at], epsilon=0.05)[0] for at in np.split(np.arange(8), 2)])

    assert np.abs(whole - halves).max() > 0.1
    m, s = normal_draws(13, (3,), "float64"), np.ones(3)
    whole = oracle.batch_norm_eval_vjp(x, m, s, g, epsilon=0.05)[0]
    halves = [oracle.batch_norm_eval_vjp(x[at], m, s, g[at], epsilon=0.05)[0] for at in np.split(np.arange(8), 2)]
    np.testing.assert_array_equal(whole, np.concatenate(halves))


@pytest.mark.parametrize("leading", [suite.EXAMPLES, batches.SENTENCES])
@pytest.mark.parametrize("count", [0, 2])
def test_a_masked_batch_is_the_batch_of_those_that_take_part(leading, count):
    (x, mask), weights = batches.padded("float64", leading), suite.weights("float64")[:count]
    g = normal_draws(14, x.shape, "float64")

    got = oracle.masked_batch_norm(x, mask, *weights, epsilon=0.05)
    np.testing.assert_allclose(got[mask], oracle.batch_norm(x[mask], *weights, epsilon=0.05), rtol=1e-14, atol=1e-14)
    want = complex_step(lambda x, *those: oracle.masked_batch_norm(x, mask, *those, epsilon=0.05), (x, *weights), g)
    found = oracle.masked_batch_norm_vjp(x, mask, *weights, g, epsilon=0.05)
    for one, other in zip(found, want, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="mask has the shape"):
        oracle.masked_batch_norm(np.ones((6, 3)), np.ones(5, bool), epsilon=0.05)


def test_the_statistics_of_many_batches_are_the_recursion_and_its_solution():
    x = normal_draws(15, (7, 5, 3), "float64")
    means, variances = x.mean(1), x.var(1, ddof=1)

    mean, variance = oracle.batch_norm_statistics(x, decay=0.75)
    weights = 0.25 * 0.75 ** np.arange(6, -1, -1.0)
    np.testing.assert_allclose(mean[-1], weights @ means, rtol=1e-13)
    np.testing.assert_allclose(variance[-1], 0.75**7 + weights @ variances, rtol=1e-13)
    mean, variance = oracle.batch_norm_statistics(x, decay=0.75, average="cumulative")
    for k in range(7):
        np.testing.assert_allclose(mean[k], means[: k + 1].mean(0), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(variance[k], variances[: k + 1].mean(0), rtol=1e-12)


def test_a_sum_in_turn_is_within_the_bound_of_a_long_batch():
    case = next(iter(batches.test_long_batch()))
    x = case.arrays[0]
    mean = np.add.accumulate(x, 0, dtype=np.float32)[-1] / np.float32(len(x))
    square = np.add.accumulate(x * x, 0, dtype=np.float32)[-1] / np.float32(len(x))
    want = batches.summed_in_turn(x, epsilon=1e-5)

    one_pass = (x - mean) / np.sqrt(square - mean * mean + np.float32(1e-5))
    assert (np.abs(one_pass - want.value) <= want.allowed).all()
