"""Wrong initializers, each with the clause that must catch it."""

from __future__ import annotations

import itertools
import math

import numpy as np

from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.training.initialization import scaled_law, variance_scaling_law

MUTANTS = Mutants()
SCALED = ("lecun_uniform", "glorot_uniform", "he_uniform", "lecun_normal", "glorot_normal", "he_normal")
CALLS = itertools.count(1)
UNIFORM = ("lecun_uniform", "glorot_uniform", "he_uniform")


def unlike(w, factor):
    """The entries times a factor, in their dtype."""
    return (w.astype(np.float64) * factor).astype(w.dtype)


# ---- any initializer


@MUTANTS.each("another framework's kernels lie the other way round", "init.shape")
def gives_the_shape_the_other_way_round(f, shape, **given):
    return np.swapaxes(f(shape, **given), -1, -2)


@MUTANTS.each("the dtype is taken, and the default one used", "init.shape")
def draws_in_float32_always(f, shape, *, dtype="float32", **given):
    return f(shape, **given)


@MUTANTS.each("the seed is taken, and never used", "init.repeatable")
def ignores_the_seed(f, shape, *, seed, **given):
    return f(shape, seed=0, **given)


@MUTANTS.each("a global generator beside the seed", "init.repeatable")
def draws_anew_each_time(f, shape, *, seed, **given):
    return f(shape, seed=next(CALLS), **given)


@MUTANTS.each("one number drawn for two entries", "init.independent")
def draws_pairs(f, shape, **given):
    w = f(shape, **given)
    half = w[..., : (shape[-1] + 1) // 2]
    return np.repeat(half, 2, -1)[..., : shape[-1]]


@MUTANTS.each("antithetic draws: the second half is minus the first", "init.independent")
def mirrors_the_first_half(f, shape, **given):
    w = f(shape, **given)
    half = len(w) // 2
    return np.concatenate([w[: len(w) - half], -w[:half]])


@MUTANTS.each("the last bit of the seed is lost", "init.independent")
def draws_the_same_at_the_next_seed(f, shape, *, seed, **given):
    return f(shape, seed=seed // 2, **given)


@MUTANTS.each("one row of the kernel is drawn, and the generator started anew for the next", "init.independent")
def starts_anew_for_each_row(f, shape, **given):
    w = f(shape, **given)
    return np.broadcast_to(w[:1], w.shape).copy()


@MUTANTS.each("drawn from 0 to the bound, as a random number is", "init.mean")
def draws_positive_entries(f, shape, **given):
    return np.abs(f(shape, **given))


@MUTANTS.each("the variance is taken for the standard deviation", "init.variance", operations=SCALED)
def takes_the_variance_for_the_deviation(f, shape, **given):
    law = scaled_law(f.__name__, shape, given.get("tails", "normal"))
    return unlike(f(shape, **given), math.sqrt(law.variance))


@MUTANTS.each("the kernel of another framework: fan-in and fan-out the other way round", "init.variance",
              operations=("lecun_uniform", "he_uniform", "lecun_normal", "he_normal"))  # fmt: skip
def divides_by_the_fan_out(f, shape, **given):
    return unlike(f(shape, **given), math.sqrt(shape[-2] / shape[-1]))


@MUTANTS.each("the fan is that of a dense layer", "init.variance", operations=SCALED)
def forgets_the_window(f, shape, **given):
    return unlike(f(shape, **given), math.sqrt(math.prod(shape[:-2])))


@MUTANTS.each("LeCun's variance before a ReLU", "init.variance", operations=("he_uniform", "he_normal"))
def forgets_the_gain_of_He(f, shape, **given):
    return unlike(f(shape, **given), math.sqrt(0.5))


@MUTANTS.each("the sum of the fans without its half", "init.variance", operations=("glorot_uniform", "glorot_normal"))
def does_not_halve_the_sum_of_the_fans(f, shape, **given):
    return unlike(f(shape, **given), math.sqrt(0.5))


@MUTANTS.each("the deviation is taken for the bound", "init.variance", operations=UNIFORM)
def forgets_the_root_of_3(f, shape, **given):
    return unlike(f(shape, **given), math.sqrt(1 / 3))


@MUTANTS.each("the name says normal, the draws are uniform", "init.tails", operations=SCALED[3:])
def is_uniform_of_the_same_variance(f, shape, *, seed, dtype="float32", **given):
    w = getattr(right, f.__name__.replace("normal", "uniform"))(shape, seed=seed, dtype=dtype)
    law = scaled_law(f.__name__, shape, given.get("tails", "normal"))
    return unlike(w, math.sqrt(law.variance / scaled_law(f.__name__, shape).variance))


@MUTANTS.each("normal draws of the right variance under the name of uniform ones", "init.distribution", "init.bounds",
              operations=UNIFORM)  # fmt: skip
def is_normal_of_the_same_variance(f, shape, **given):
    return getattr(right, f.__name__.replace("uniform", "normal"))(shape, **given)


@MUTANTS.each("a bound in float32, whose draws are rounded up in the coarser dtype", "init.bounds",
              operations=("uniform_init", "truncated_normal_init", *UNIFORM))  # fmt: skip
def rounds_beyond_the_bound(f, shape, *, dtype="float32", **given):
    w = f(shape, dtype=dtype, **given)
    most = np.abs(w).max()
    above = np.nextafter(most, np.asarray(np.inf, DTYPES[dtype]))
    return np.where(np.abs(w) == most, np.sign(w) * above, w).astype(w.dtype)


# ---- half precision


@MUTANTS.each("a number of few bits, rounded down", "init.half-moments")
def rounds_down_in_half_precision(f, shape, *, dtype="float32", **given):
    w = f(shape, dtype=dtype, **given)
    if dtype == "float32":
        return w
    step = np.sqrt(np.mean(w.astype(np.float64) ** 2)) / 6
    return (np.floor(w.astype(np.float64) / step) * step).astype(w.dtype)


@MUTANTS.each("a scale that is rounded before it is used", "init.half-moments")
def has_a_power_of_two_for_its_size(f, shape, *, dtype="float32", **given):
    w = f(shape, dtype=dtype, **given)
    size = np.sqrt(np.mean(w.astype(np.float64) ** 2))
    return w if dtype == "float32" else unlike(w, 2.0 ** np.floor(np.log2(size)) / size)


@MUTANTS.each("the quantile of one of 128 uniform numbers", "init.reach")
def ends_early_in_half_precision(f, shape, *, dtype="float32", **given):
    w = f(shape, dtype=dtype, **given)
    most = np.abs(w).max() * np.asarray(1.0 if dtype == "float32" else 0.55, w.dtype)
    return np.clip(w, -most, most)


@MUTANTS.add("the first of many numbers is kept, and minus it", "init.reach[normal_init]")
def has_no_large_negative_numbers(shape, *, deviation, **given):
    w = right.normal_init(shape, deviation=deviation, **given)
    return np.maximum(w, np.asarray(-3.5 * deviation, w.dtype))


# ---- variance scaling


@MUTANTS.add("the mode is taken, and never used", "variance-scaling.law")
def takes_the_fan_in_always(shape, *, fans, **given):
    return right.variance_scaling(shape, fans="in", **given)


@MUTANTS.add("the sum of the fans without its half", "variance-scaling.law")
def divides_by_the_sum_of_the_fans(shape, *, fans, **given):
    w = right.variance_scaling(shape, fans=fans, **given)
    return unlike(w, math.sqrt(0.5)) if fans == "average" else w


@MUTANTS.add("the scale is that of the deviation", "variance-scaling.law", "init.variance[variance_scaling]")
def scales_the_deviation(shape, *, scale, **given):
    return right.variance_scaling(shape, scale=scale**2, **given)


@MUTANTS.add("what is cut off is not made up for", "variance-scaling.law")
def does_not_widen_what_is_cut(shape, *, scale, distribution, **given):
    law = variance_scaling_law(shape, scale, given["fans"], distribution)
    lost = law.variance / law.scale**2 if distribution == "truncated" else 1.0
    return right.variance_scaling(shape, scale=scale * lost, distribution=distribution, **given)


@MUTANTS.add("the fans are not looked at", "variance-scaling.law", "init.variance[variance_scaling]")
def forgets_the_fans(shape, **given):
    w = right.variance_scaling(shape, **given)
    return unlike(w, math.sqrt(shape[-1]))


@MUTANTS.add("a scale of 0 is a layer of zeros, a negative one a slip", "variance-scaling.positive")
def takes_any_scale(shape, *, scale, **given):
    return right.variance_scaling(shape, scale=abs(scale) or 1e-30, **given)


# ---- given sizes


@MUTANTS.add("the deviation is meant, the variance given", "init.variance[normal_init]")
def squares_the_deviation(shape, *, deviation, **given):
    return right.normal_init(shape, deviation=deviation**2, **given)


@MUTANTS.add("normal draws are cheaper to have", "init.distribution[uniform_init]")
def draws_normal_entries(shape, *, bound, **given):
    return right.normal_init(shape, deviation=bound / math.sqrt(3), **given)


@MUTANTS.add("a few uniform numbers are added, and taken for normal", "init.distribution[normal_init]")
def adds_three_uniform_numbers(shape, *, seed, deviation, **given):
    parts = [right.uniform_init(shape, seed=3 * seed + i, bound=deviation, **given) for i in range(3)]
    return sum(parts[1:], parts[0])


@MUTANTS.add("the width of the interval is taken for its half", "init.variance[uniform_init]")
def takes_the_bound_for_the_width(shape, *, bound, **given):
    return right.uniform_init(shape, bound=bound / 2, **given)


@MUTANTS.add("what lies beyond is moved to the bound, and not drawn again", "init.distribution[truncated_normal_init]")
def clips_at_the_bound(shape, *, deviation, bound, **given):
    w = right.normal_init(shape, deviation=deviation, **given)
    return np.clip(w, -np.asarray(bound, w.dtype), np.asarray(bound, w.dtype))


@MUTANTS.add("widened, so that the deviation is that of the result", "init.variance[truncated_normal_init]")
def widens_what_is_cut(shape, *, deviation, **given):
    return right.truncated_normal_init(shape, deviation=deviation / 0.87962566, **given)


@MUTANTS.add("bounds are not looked at", "init.bounds[truncated_normal_init]")
def cuts_nothing_off(shape, *, deviation, bound, **given):
    return right.normal_init(shape, deviation=deviation, **given)


@MUTANTS.add("a uniform number that rounds to 0 has an infinite quantile, which is clipped to the bound",
             "truncated-normal-init.far-bounds")  # fmt: skip
def has_entries_at_far_bounds(shape, *, bound, **given):
    w = right.truncated_normal_init(shape, bound=bound, **given)
    w[(0,) * w.ndim] = bound
    return w


@MUTANTS.each("a sign typed wrong is mended in silence", "init.negative")
def takes_the_size_of_a_negative_number(f, shape, **given):
    return f(shape, **{name: abs(v) if isinstance(v, float) else v for name, v in given.items()})


# ---- the theorem


@MUTANTS.add("LeCun's variance: half of the mean square is lost in each ReLU", "he-normal.second-moment",
             name="halves the signal in each layer")  # fmt: skip
def halves_the_signal(shape, **given):
    return unlike(right.he_normal(shape, **given), math.sqrt(0.5))


@MUTANTS.add("columns of one length, as weight normalization makes them", "he-normal.second-moment")
def repeats_one_unit(shape, **given):
    w = right.he_normal(shape, **given)
    return np.broadcast_to(w[..., :1], w.shape).copy()


# ---- exact ones


@MUTANTS.add("small random numbers, as for a kernel", "zeros-init.value")
def starts_at_small_numbers(shape, **given):
    return right.normal_init(shape, deviation=1e-3, **given)


@MUTANTS.add("the constant's place is taken by one", "constant-init.value")
def is_one_always(shape, *, value, **given):
    return right.constant_init(shape, value=1.0, **given)


@MUTANTS.add("an `or` takes the constant 0 for none", "constant-init.value")
def takes_the_constant_0_for_1(shape, *, value, **given):
    return right.constant_init(shape, value=value or 1.0, **given)


@MUTANTS.add("the gain is taken and never used", "identity-init.value")
def forgets_the_gain_of_the_identity(shape, *, gain, **given):
    return right.identity_init(shape, gain=1.0, **given)


@MUTANTS.add("the diagonal that ends in the last corner", "identity-init.value")
def has_the_diagonal_from_the_end(shape, **given):
    return right.identity_init(shape, **given)[::-1, ::-1]


@MUTANTS.add("the middle of a window of even length is one earlier", "delta-init.value")
def stands_before_the_middle(shape, **given):
    w, moved = right.delta_init(shape, **given), np.zeros(shape, DTYPES[given.get("dtype", "float32")])
    moved[tuple((n - 1) // 2 for n in shape[:-2])] = w[tuple(n // 2 for n in shape[:-2])]
    return moved


@MUTANTS.add("ones at every place of the window: a sum", "delta-init.value")
def stands_everywhere(shape, **given):
    w = right.delta_init(shape, **given)
    return np.broadcast_to(w[tuple(n // 2 for n in shape[:-2])], shape).copy()


# ---- orthogonal matrices


def factor(shape, seed):
    """Q of a tall normal matrix, as LAPACK signs it."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q = np.linalg.qr(np.random.default_rng(seed).standard_normal((max(rows, columns), min(rows, columns))))[0]
    return (q if rows >= columns else q.T).reshape(shape)


@MUTANTS.add("Q is taken as it comes", "orthogonal-init.uniform")
def leaves_the_signs_of_the_decomposition(shape, *, seed, gain, dtype="float32"):
    return (gain * factor(shape, seed)).astype(DTYPES[dtype])


@MUTANTS.add("the gain is taken for that of the squares", "orthogonal-init.orthonormal")
def takes_the_root_of_the_gain(shape, *, gain, **given):
    return right.orthogonal_init(shape, gain=math.sqrt(gain), **given)


@MUTANTS.add("normal draws of the same mean square", "orthogonal-init.orthonormal")
def is_orthogonal_on_average(shape, *, gain, **given):
    return right.normal_init(shape, deviation=gain / math.sqrt(max(math.prod(shape[:-1]), shape[-1])), **given)


@MUTANTS.add("the last axis by all others, as where outputs come first", "orthogonal-init.orthonormal")
def flattens_all_axes_but_the_first(shape, **given):
    if len(shape) == 2:
        return right.orthogonal_init(shape, **given)
    return right.orthogonal_init((*shape[1:], shape[0]), **given).reshape(shape)


# ---- bad input


@MUTANTS.each("a vector counts as a column", "init.vector")
def takes_a_vector(f, shape, **given):
    return f((*shape, 1), **given).reshape(shape) if len(shape) == 1 else f(shape, **given)


@MUTANTS.each("a fan of 0 counts as 1", "init.no-fan")
def gives_an_empty_kernel(f, shape, **given):
    return np.zeros(shape, np.float32) if 0 in shape else f(shape, **given)


# ---- what layers start with


def started(story: str, operation: str, clause: str):
    """A layer that starts with twice the variance."""

    @MUTANTS.add(story, f"{operation.replace('_', '-')}.{clause}", name="starts with twice the variance")
    def starts_larger(shape, **given):
        return unlike(getattr(right, operation)(shape, **given), math.sqrt(2))


@MUTANTS.add("all inputs of the convolution are counted", "grouped-convolution-start.kernel")
def counts_the_inputs_of_all_groups(shape, *, groups, **given):
    return unlike(right.grouped_convolution_start(shape, groups=groups, **given), math.sqrt(1 / groups))


@MUTANTS.add("the shape of the kernel is taken for its fans", "depthwise-convolution-start.kernel")
def sums_over_all_channels(shape, **given):
    return unlike(right.depthwise_convolution_start(shape, **given), math.sqrt(1 / shape[-2]))


for layer, part in (
    ("dense_start", "kernel"),
    ("convolution_start", "kernel"),
    ("grouped_convolution_start", "kernel"),
    ("depthwise_convolution_start", "kernel"),
    ("transposed_convolution_start", "kernel"),
    ("embedding_start", "table"),
    ("attention_start", "kernel"),
):
    started("a default that changed from one version to the next", layer, part)
