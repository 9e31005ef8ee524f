"""Tolerance classes: each allows exactly what it says, and the statistical ones have the power that they claim."""

import re

import ml_dtypes
import numpy as np
import pytest

from nnspec_conformance.compare import compare
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import network, normal_draws, wide
from nnspec_conformance.tolerance import (
    POWER,
    QUANTILE,
    bound,
    carried,
    equally_often,
    exact,
    function_error,
    product_error,
    share,
    smallest_normal,
    spread,
    statistical,
    ulp,
    ulps,
    uncorrelated,
    unit,
    variance,
)
from nnspec_conformance.trees import mapped

NUMBERS = [1.0, 1.5, -2.0, 3.0, 0.1, -7e-5, 1000.0, 6.1e4]


@pytest.mark.parametrize("dtype", DTYPES)
def test_unit_is_half_the_distance_from_one_to_the_next_number(dtype):
    one = np.ones(1, DTYPES[dtype])
    above = np.nextafter(one, np.full(1, 2, DTYPES[dtype]))
    assert unit(dtype) == float(above[0].astype(np.float64) - 1) / 2


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_ulp_is_numpys_spacing(dtype):
    info = np.finfo(dtype)
    x = np.array([*NUMBERS, info.max / 2, info.smallest_normal, info.smallest_subnormal, 0.0], dtype)
    with np.errstate(over="ignore"):  # at the largest number NumPy looks for the next
        spacing = np.spacing(np.abs(x)).astype(np.float64)
    np.testing.assert_array_equal(ulp(x, dtype), spacing)


def test_ulp_of_bfloat16_is_the_distance_to_the_next_number():
    x = np.array(NUMBERS, ml_dtypes.bfloat16)
    following = (np.abs(x).view(np.uint16) + np.uint16(1)).view(ml_dtypes.bfloat16)
    distance = following.astype(np.float64) - np.abs(x).astype(np.float64)
    np.testing.assert_array_equal(ulp(x, "bfloat16"), distance)


def test_ulp_of_an_infinity_is_finite():
    assert np.isfinite(ulp(np.array([np.inf, np.nan]), "float32")).all()


@pytest.mark.parametrize(("steps", "holds"), [(4, True), (5, False)])
def test_ulps_allows_so_many_steps_and_no_more(f32, steps, holds):
    x = f32(1.25)
    got = (x.view(np.int32) + np.int32(steps)).view(np.float32)
    assert (compare(got, ulps(x, 4, "float32")).ratio <= 1) is holds


def test_ulps_is_measured_at_the_larger_scale():
    assert ulps(0.001, 4, "float32", scale=1.0).allowed == 4 * 2.0**-23


def test_ulps_adds_what_a_moved_input_changes():
    assert ulps(1.0, 4, "float32", moved=0.5).allowed == 4 * 2.0**-23 + 0.5


def test_flushed_result_may_be_off_by_a_smallest_normal_times_the_magnitude():
    want = ulps(np.ones(2), 1, "float32", magnitude=np.array([0.5, 3.0]))
    np.testing.assert_array_equal(want.flushed, smallest_normal("float32") * np.array([1.0, 3.0]))


FLUSHED = {"float32": "flushed"}


def test_exact_allows_nothing_even_to_those_who_flush(f32):
    assert compare(f32(0.0), exact(f32(1e-40)), subnormals=FLUSHED).ratio == np.inf


def test_what_was_flushed_is_no_error_and_is_named():
    want = ulps(np.array([1e-40, 1.0]), 4, "float32")
    found = compare(np.array([0.0, 1 + 2.0**-22], np.float32), want, subnormals=FLUSHED)
    assert (found.ratio, found.subnormals) == (0.5, "flushed")


def test_nothing_is_named_where_nothing_was_flushed():
    found = compare(np.ones(1, np.float32), ulps(np.ones(1), 4, "float32"), subnormals=FLUSHED)
    assert (found.ratio, found.subnormals) == (0.0, None)


@pytest.mark.parametrize("subnormals", [{}, {"float64": "flushed"}])
def test_flushing_that_is_not_declared_for_the_dtype_is_an_error(subnormals):
    assert compare(np.zeros(1, np.float32), ulps(np.full(1, 1e-40), 4, "float32"), subnormals=subnormals).ratio > 1e3


def test_more_than_a_smallest_normal_is_no_flushed_number():
    found = compare(np.zeros(1, np.float32), ulps(np.full(1, 3e-38), 4, "float32"), subnormals=FLUSHED)
    assert found.ratio > 2
    assert found.subnormals is None


def test_what_was_flushed_anywhere_in_an_answer_is_named():
    small, one = ulps(np.full(1, 1e-40), 4, "float32"), ulps(np.ones(1), 4, "float32")
    got = {"a": np.zeros(1, np.float32), "b": np.full(1, 1 + 2.0**-22, np.float32)}
    found = compare(got, {"a": small, "b": one}, subnormals=FLUSHED)
    assert (found.ratio, found.subnormals) == (0.5, "flushed")


@pytest.mark.parametrize("terms", [2, 9])
def test_every_term_of_a_sum_may_be_flushed(terms):
    each = 0.9 * smallest_normal("float32")
    want = bound(terms * each, terms * each, terms, "float32")
    assert compare(np.float32(0), want, subnormals=FLUSHED).ratio <= 1
    assert (
        compare(np.float32(0), bound(2 * terms * each, 2 * terms * each, terms, "float32"), subnormals=FLUSHED).ratio
        > 1
    )


def test_products_that_are_subnormal_numbers_are_rounded_each():
    a, b = np.full(9, 1.1e-19, np.float32), np.full(9, 0.9e-20, np.float32)
    terms = np.float64(a) * np.float64(b)
    total = np.float32(0)
    for x, y in zip(a, b, strict=True):
        total = np.float32(total + x * y)
    assert compare(total, bound(terms.sum(), terms.sum(), 9, "float32")).ratio <= 1


def test_nothing_is_allowed_at_an_infinity():
    assert ulps(np.array([np.inf, 1.0]), 4, "float32").allowed[0] == 0


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_bound_holds_for_a_sum_in_any_order(seed, dtype):
    random = np.random.default_rng(seed)
    a, b = random.standard_normal((2, 200)).astype(DTYPES[dtype])
    terms = np.float64(a) * np.float64(b)
    total = np.zeros((), DTYPES[dtype])
    for x, y in random.permutation(np.stack([a, b], 1)):
        total = (total + (x * y).astype(total.dtype)).astype(total.dtype)
    assert compare(total, bound(terms.sum(), np.abs(terms).sum(), 200, dtype)).ratio <= 1


def test_bound_catches_a_lost_term():
    terms = np.full(200, 0.5)
    assert compare(np.float64(terms[1:].sum()), bound(terms.sum(), terms.sum(), 200, "float32")).ratio > 100


def test_bound_is_factor_times_terms_and_one_times_unit_and_half_an_ulp():
    assert bound(8.0, 8.0, 9, "float32", factor=1.0).allowed == 10 * 2.0**-24 * 8 + 2.0**-21


def descent(rounding, dtype=np.float64, rate=0.1, steps=20):
    """Gradient descent on x^2 / 2 + cos x: a closed loop, each step from the last one's result."""
    x, out = dtype(2.0), []
    for _ in range(steps):
        x = dtype(rounding(x)) - dtype(rate) * (dtype(rounding(x)) - np.sin(dtype(rounding(x))))
        out.append({"x": np.asarray(x)})
    return out


def test_trajectory_in_float32_stays_within_the_spread():
    want = spread(descent, "float32")
    got = descent(lambda x: x, np.float32)
    assert max(compare(g["x"], w["x"]).ratio for g, w in zip(got, want, strict=True)) <= 1


def test_trajectory_catches_a_rate_that_is_off_by_a_thousandth():
    want = spread(descent, "float32")
    got = descent(lambda x: x, np.float32, rate=0.1001)
    assert max(compare(g["x"], w["x"]).ratio for g, w in zip(got, want, strict=True)) > 10


def test_spread_keeps_the_nesting():
    x = np.ones(2)
    want = spread(lambda rounded: (rounded(x), {"k": [rounded(3 * x)]}), "float32")
    assert mapped(lambda _: None, want) == want
    assert isinstance(want, tuple)
    np.testing.assert_array_equal(want[1]["k"][0].value, [3, 3])


def test_spread_in_float64_allows_4_ulp_more_as_the_oracle_is_rounded_itself():
    (wide, narrow) = (spread(lambda rounded: np.asarray(3.0), dtype).allowed for dtype in ("float64", "float32"))
    assert (wide / ulp(3.0, "float64"), narrow / ulp(3.0, "float32")) == (5, 1)


def test_trajectory_is_the_same_every_time():
    first, second = spread(descent, "float32"), spread(descent, "float32")
    assert [w["x"].allowed for w in first] == [w["x"].allowed for w in second]


def test_trajectory_allows_8_times_the_largest_rounding_of_16():
    ((step,),) = [spread(lambda rounded: [{"x": rounded(np.ones(()))}], "float32")]
    assert 6 < (step["x"].allowed - ulp(1.0, "float32")) / unit("float32") <= 8


def share_caught(shift: float, runs: int = 4000, n: int = 64) -> float:
    """How often a mean of n normal draws, shifted, is refused."""
    means = np.random.default_rng(0).standard_normal((runs, n)).mean(1) + shift
    return float(np.mean(np.abs(means) > statistical(0.0, 1.0, n).allowed))


def test_statistical_never_refuses_a_right_one_in_thousands_of_runs():
    assert share_caught(0.0) == 0


def test_statistical_catches_the_shift_that_it_names():
    assert share_caught((QUANTILE + POWER) / 8) >= 0.997  # 0.999, less three standard errors of 4000 runs


def test_statistical_misses_half_of_the_shifts_at_its_limit():
    assert 0.47 <= share_caught(QUANTILE / 8) <= 0.53


def test_quantiles_are_those_of_the_stated_rates():
    from scipy.stats import norm

    assert (round(norm.isf(0.5e-6), 4), round(norm.isf(1e-3), 4)) == (QUANTILE, POWER)


def test_statistical_names_the_shift_that_it_catches():
    assert statistical(0.0, 1.0, 64).tolerance == "statistical n=64, catches a shift of 0.998"


# ---- statistics of random maps, by simulation


def outside(values, want):
    return np.abs(values - want.value) > want.allowed


def caught_by(want):
    """The deviation that the tolerance's name says it catches."""
    return float(re.search(r"off by (\S+) with", want.tolerance)[1])


@pytest.mark.parametrize(("p", "n"), [(0.25, 4000), (0.5, 300), (0.9, 1000), (0.01, 5000)])
def test_share_never_refuses_a_right_one_and_catches_what_it_names(p, n):
    shift = caught_by(share(p, n)) * (1 if p < 0.5 else -1)
    draws = np.random.default_rng(1)
    assert not outside(draws.binomial(n, p, 20000) / n, share(p, n)).any()
    caught = outside(draws.binomial(n, p + shift, 20000) / n, share(p, n)).mean()
    assert 0.998 <= caught < 1 or p + shift > 1


def test_share_is_the_binomial_quantile():
    """At most one right share in a million lies outside, and with a bound smaller by one event more do."""
    from scipy.stats import binom

    p, n = 0.25, 400
    most = p * n + float(share(p, n).allowed) * n
    above, below = binom.sf(most, n, p), binom.cdf(2 * p * n - most - 1, n, p)
    assert above + below <= 1e-6
    assert binom.sf(most - 1, n, p) > 0.5e-6


@pytest.mark.parametrize("rho", [0.0, "caught"])
def test_uncorrelated(rho):
    n, runs, want = 400, 4000, uncorrelated(400)
    rho = caught_by(want) if rho else 0.0
    a, b = np.random.default_rng(2).standard_normal((2, runs, n))
    b = rho * a + np.sqrt(1 - rho**2) * b
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    r = (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))
    assert outside(r, want).mean() >= 0.997 if rho else not outside(r, want).any()


@pytest.mark.parametrize("off", [False, True])
@pytest.mark.parametrize(("draw", "kurtosis"), [("standard_normal", 3.0), ("uniform", 1.8)])
def test_variance(draw, kurtosis, off):
    n, runs, sigma2 = 2000, 4000, 0.5
    want = variance(sigma2, kurtosis, n)
    draws = np.random.default_rng(3)
    x = draws.standard_normal((runs, n)) if draw == "standard_normal" else draws.uniform(-(3**0.5), 3**0.5, (runs, n))
    true = sigma2 + (caught_by(want) if off else 0)
    got = outside(true * (x**2).mean(1), want)
    assert got.mean() >= 0.997 if off else not got.any()


@pytest.mark.parametrize("want", [share(0.25, 64), uncorrelated(64), variance(1.0, 3.0, 64)])
def test_a_statistic_says_n_false_alarms_and_what_it_catches(want):
    assert re.fullmatch(
        r"statistical n=64, false alarms 1e-06, catches a \w+ off by \S+ with probability 0.999", want.tolerance
    )


def pearson(counts):
    """The statistic of counts that should be alike, one row a run."""
    expected = counts.mean(-1, keepdims=True)
    return ((counts - expected) ** 2 / expected).sum(-1)


@pytest.mark.parametrize("off", [False, True])
def test_equally_often_in_cells(off):
    n, cells, want = 4000, 24, equally_often(23, 4000)
    p = np.full(cells, 1 / cells)
    if off:  # half of the cells more likely, the others less, each by what the name says
        p *= 1 + caught_by(want) * (-1.0) ** np.arange(cells)
    got = outside(pearson(np.random.default_rng(4).multinomial(n, p, 20000)), want).mean()
    assert 0.995 <= got < 1 if off else got == 0


@pytest.mark.parametrize("off", [False, True])
def test_equally_often_at_the_places_of_permutations(off):
    """Wrong: in a share of the draws everything stays where it is, which makes n cells likelier and the others less."""
    n, k, runs, draws = 10_000, 4, 200, np.random.default_rng(5)
    want = equally_often((k - 1) ** 2, n, rows=k - 1)
    places = draws.permuted(np.tile(np.arange(k), (runs, n, 1)), axis=2)
    if off:  # the relative deviations are share * (k - 1) at k cells and -share at the others
        share_staying = caught_by(want) / np.sqrt(k - 1)
        places[draws.random((runs, n)) < share_staying] = np.arange(k)
    cells = np.arange(k) * k + places + np.arange(runs)[:, None, None] * k * k
    counts = np.bincount(cells.ravel(), minlength=runs * k * k).reshape(runs, k * k)
    got = outside((k - 1) / k * pearson(counts), want).mean()
    assert got >= 0.98 if off else got == 0  # those that stay fill four cells at once, and vary more


# ---- carried bounds

WIDTHS = (40, 60, 30)


def layers_in(dtype, seed):
    """Two layers with tanh between them, every operation rounded to ``dtype``, and the same exactly."""
    x, table = network(WIDTHS, dtype, seed=100 * seed)

    def values(x, table):
        z = x @ table["kernel_0"] + table["bias_0"]
        a = np.tanh(z)
        return z, a, a @ table["kernel_1"] + table["bias_1"]

    def rounded(x, table):
        z = summed(x, table["kernel_0"], table["bias_0"])
        a = np.tanh(z.astype(np.float64)).astype(z.dtype)
        return z, a, summed(a, table["kernel_1"], table["bias_1"])

    return wide((x, table)), values(*wide((x, table))), rounded(x, table)


def summed(x, kernel, bias):
    """A product that adds one term after the other, rounding each time."""
    total = np.broadcast_to(bias, (len(x), len(bias)))
    for i in range(len(kernel)):
        total = (total + (x[:, i, None] * kernel[i]).astype(x.dtype)).astype(x.dtype)
    return total


def carried_through(x, table, z, a, dtype):
    """The bounds of the three values on the way."""
    errors, inputs, dinputs = [], x, np.zeros_like(x)
    for i, value in enumerate(z):
        kernel, bias = table[f"kernel_{i}"], np.abs(table[f"bias_{i}"])
        dz = product_error(inputs, dinputs, kernel, np.zeros_like(kernel), len(kernel) + 1, dtype, plus=bias)
        errors.append(dz + ulp(value, dtype) / 2)
        inputs, dinputs = a, function_error(value, errors[-1], 1.0, np.tanh(value), 4, dtype)
        errors.append(dinputs)
    return errors[:3]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("seed", range(5))
def test_carried_bound_holds_through_two_layers(dtype, seed):
    (x, table), (z_0, a_0, z_1), got = layers_in(dtype, seed)
    errors = carried_through(x, table, (z_0, z_1), a_0, dtype)
    for value, error, one in zip((z_0, a_0, z_1), errors, got, strict=True):
        assert compare(one, carried(value, error, dtype)).ratio <= 1


def test_carried_bound_catches_a_lost_term():
    (x, table), (z_0, a_0, z_1), _ = layers_in("float32", 0)
    errors = carried_through(x, table, (z_0, z_1), a_0, "float32")
    lost = z_1 - a_0[:, :1] * table["kernel_1"][0]
    assert compare(lost, carried(z_1, errors[-1], "float32")).ratio > 100


@pytest.mark.parametrize("times", [np.matmul, np.multiply])
def test_product_error_is_attained_by_the_worst_factors(times):
    """Every factor off by all that it may be, in the direction that makes the product larger: nothing is left over."""
    a, b, plus = (normal_draws(seed, (3, 3), "float64") for seed in range(3))
    da, db = (np.abs(normal_draws(seed, (3, 3), "float64")) / 8 for seed in (3, 4))
    off = times(np.abs(a) + da, np.abs(b) + db) - times(np.abs(a), np.abs(b))
    rounding = 2 * 5 * unit("float32") * (times(np.abs(a) + da, np.abs(b) + db) + np.abs(plus))
    allowed = product_error(a, da, b, db, 4, "float32", times=times, plus=np.abs(plus))
    np.testing.assert_allclose(allowed, off + rounding, rtol=1e-12)
