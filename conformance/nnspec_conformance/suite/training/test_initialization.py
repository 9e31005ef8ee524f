"""Tests of initialization: exact bounds and shapes, and statistics of 320,000 draws, which see a scale 2 % off."""

import math
from dataclasses import replace

import numpy as np

from nnspec_conformance.cases import clause, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.training.initialization import (
    CUT,
    Law,
    depthwise_fans,
    fans,
    grouped_fans,
    scaled_law,
    start_law,
    variance_scaling_law,
)
from nnspec_conformance.tolerance import (
    Shape,
    bound,
    equally_often,
    exact,
    share,
    statistical,
    uncorrelated,
    unit,
    variance,
)

DENSE, WINDOW = (400, 800), (4, 5, 40, 400)  # 320,000 entries each; [in, out] and [*window, in, out]
SMALL = (4, 5, 6, 7)  # no two axes alike
HALVES = ("bfloat16", "float16")
CELLS = 16
GIVEN = {  # keywords of the initializers that have some
    "constant_init": {"value": 0.3},
    "uniform_init": {"bound": 0.3},
    "normal_init": {"deviation": 0.3},
    "truncated_normal_init": {"deviation": 0.3, "bound": 0.6},
    "variance_scaling": {"scale": 0.7, "fans": "out", "distribution": "normal"},
    "grouped_convolution_start": {"groups": 4},
    "orthogonal_init": {"gain": 1.7},
    "identity_init": {"gain": 1.7},
}


EXACT = ("zeros_init", "constant_init", "orthogonal_init", "identity_init", "delta_init")


def law_of(name: str, shape: tuple[int, ...], readings: dict) -> Law:
    """What the entries of this initializer are drawn from."""
    if name == "variance_scaling":
        return variance_scaling_law(shape, *GIVEN[name].values())
    if name in GIVEN:
        kind, scale = {"uniform": ("uniform", "bound"), "normal": ("normal", "deviation")}.get(
            name.removesuffix("_init"), ("truncated", "deviation")
        )
        return Law(kind, GIVEN[name][scale])  # type: ignore[arg-type]
    return scaled_law(name, shape, readings.get("tails", "normal"))


def drawn(trial, shape, **given):
    return trial.draws(shape, seeds=1, **GIVEN.get(trial.operation, {}) | given)[0]


def shapes_of(name: str) -> tuple[tuple[int, ...], ...]:
    """Where the fans count, a kernel with a window too."""
    return (DENSE,) if name in GIVEN and name != "variance_scaling" else (DENSE, WINDOW)


def in_cells(law: Law, w: np.ndarray) -> float:
    """Pearson's statistic of the entries in cells that are equally likely under the law."""
    cells = np.minimum((law.below(w) * CELLS).astype(int), CELLS - 1)
    expected = w.size / CELLS
    return float(np.sum((np.bincount(cells.ravel(), minlength=CELLS) - expected) ** 2) / expected)


# ---- every initializer


@clause("init.shape")
def shape(trial):
    name, given = trial.operation, GIVEN.get(trial.operation, {})
    small = SMALL[2:] if name == "identity_init" else SMALL
    for dtype in ("float32", *HALVES):
        with trial.part(dtype=dtype):
            size = small if name in EXACT else WINDOW if dtype == "float32" and name not in GIVEN else DENSE
            w = trial.call(size, seed=0, dtype=dtype, **given)
            trial.expect(w, Shape(size, dtype), f"{name} in {dtype}")


@clause("init.repeatable")
def repeatable(trial):
    size = SMALL if trial.operation in EXACT else DENSE
    given = GIVEN.get(trial.operation, {})
    first, again, other = (trial.call(size, seed=seed, **given) for seed in (0, 0, 1))
    trial.expect(again, exact(first), f"{trial.operation} with the same seed")
    trial.require(bool((first != other).any()), f"{trial.operation} gives the same entries for another seed")


# ---- independent entries


@clause("init.mean")
def mean(trial):
    w, law = drawn(trial, DENSE), law_of(trial.operation, DENSE, trial.readings)
    about = f"mean of {trial.operation}, in deviations"
    trial.expect(w.mean() / law.variance**0.5, statistical(0.0, 1.0, w.size), about)


@clause("init.variance")
def second_moment(trial):
    for size in shapes_of(trial.operation):
        w, law = drawn(trial, size), law_of(trial.operation, size, trial.readings)
        about = f"variance of {trial.operation}({size}), over what it has to be"
        trial.expect(np.mean(w**2) / law.variance, variance(1.0, law.kurtosis, w.size), about)


@clause("init.distribution")
def distribution(trial):
    w, law = drawn(trial, DENSE), law_of(trial.operation, DENSE, trial.readings)
    about = f"entries of {trial.operation} in {CELLS} equally likely cells, Pearson's statistic"
    trial.expect(in_cells(law, w), equally_often(CELLS - 1, w.size), about)


@clause("init.tails")
def tails(trial):
    distribution(trial)


@clause("variance-scaling.law")
def scaled(trial):
    for by in ("in", "out", "average"):
        for distribution in ("normal", "truncated", "uniform"):
            with trial.part(fans=by, distribution=distribution):
                given = {"scale": 0.7, "fans": by, "distribution": distribution}
                cells = in_cells(variance_scaling_law(DENSE, *given.values()), drawn(trial, DENSE, **given))
                about = f"entries in {CELLS} equally likely cells, fans {by}, {distribution}, Pearson's statistic"
                trial.expect(cells, equally_often(CELLS - 1, np.prod(DENSE)), about)


@clause("init.half-moments")
def half_moments(trial):
    name, given = trial.operation, GIVEN.get(trial.operation, {})
    law = law_of(name, DENSE, trial.readings)
    for dtype in HALVES:
        with trial.part(dtype=dtype):
            w = trial.draws(DENSE, seeds=4, dtype=dtype, **given) / law.variance**0.5
            trial.expect(w.mean(), statistical(0.0, 1.0, w.size), f"mean of {name} in {dtype}, in deviations")
            about = f"variance of {name} in {dtype}, over what it has to be"
            want = variance(1.0, law.kurtosis, w.size)
            rounded = replace(want, allowed=want.allowed + 2 * unit(dtype))  # of a scale that is itself rounded
            trial.expect(np.mean(w**2), rounded, about)


@clause("init.reach")
def reach(trial):
    law = law_of(trial.operation, DENSE, trial.readings)
    far = law.scale * (3.9 if law.kind == "normal" else 0.99 * CUT)  # right draws stay within once in 2 million times
    for dtype in ("float32", *HALVES):
        with trial.part(dtype=dtype):
            w = drawn(trial, DENSE, dtype=dtype)
            words = (
                f"{trial.operation} in {dtype} lies between {w.min():.4g} and {w.max():.4g}; one in 320,000 is beyond"
            )
            trial.require(w.min() < -far and w.max() > far, f"{words} {far:.4g} on either side")


@clause("init.independent")
def independent(trial):
    one, other = trial.draws(DENSE, seeds=2, **GIVEN.get(trial.operation, {}))
    pairs = {
        "neighbours in a row": (one[:, 1:], one[:, :-1]),
        "neighbours in a column": (one[1:], one[:-1]),
        "the two halves": (one[:200], one[200:]),
        "two seeds": (one, other),
    }
    for words, (a, b) in pairs.items():
        about = f"correlation of {words} of {trial.operation}"
        trial.expect(np.corrcoef(a.ravel(), b.ravel())[0, 1], uncorrelated(a.size), about)
        about = f"correlation of the sizes of {words} of {trial.operation}"
        trial.expect(np.corrcoef(a.ravel() ** 2, b.ravel() ** 2)[0, 1], uncorrelated(a.size), about)


@clause("init.bounds")
def bounds(trial):
    limit = law_of(trial.operation, DENSE, trial.readings).bound
    for dtype in ("float32", *HALVES):
        with trial.part(dtype=dtype):
            w = drawn(trial, DENSE, dtype=dtype)
            most = float(np.asarray(limit).astype(DTYPES[dtype]))
            largest = float(np.abs(w).max())
            trial.require(largest <= most, f"{trial.operation} in {dtype} has {largest!r}, beyond the bound {most!r}")
            near = limit * (1 - 1e-3) - 2 * unit(dtype) * limit  # missed by 320,000 right draws less than once in 1e6
            trial.require(largest >= near, f"{trial.operation} in {dtype} stays below {largest!r}; bound {most!r}")


@clause("truncated-normal-init.far-bounds")
def far_bounds(trial):
    for dtype, size, deviation in (
        ("float32", (2048, 2048), 1e-3),
        ("bfloat16", DENSE, 0.02),
        ("float16", DENSE, 0.02),
    ):
        with trial.part(dtype=dtype):
            n, given = math.prod(size), {} if dtype == "float32" else {"dtype": dtype}
            w = trial.draws(size, seeds=1, deviation=deviation, bound=2.0, **given)[0] / deviation
            largest = float(np.abs(w).max())
            trial.require(largest < 7.5, f"of {n} draws in {dtype} one is {largest:.4g} deviations off")
            about = f"variance in {dtype}, in squares of the deviation"
            trial.expect(np.mean(w**2), variance(1.0, 3.0, n), about)


# ---- the theorem


@clause("he-normal.second-moment")
def preserves(trial):
    n, m = DENSE
    w = drawn(trial, DENSE)
    x = np.linalg.qr(np.random.default_rng(7).standard_normal((n, n)))[0] * np.sqrt(n)  # orthogonal, of mean square 1
    kept = law_of("he_normal", DENSE, trial.readings).variance * n / 2  # 0.774 where it is cut off and not widened
    ratios = np.mean(np.maximum(x @ w, 0) ** 2, axis=1) / kept
    trial.expect(ratios.mean(), statistical(1.0, 5**0.5, n * m), f"mean of {n} ratios of second moments, {m} units")
    about = f"variance of {n} ratios, in units of 5/{m}"
    kurtosis = 3 + 22.4 / m  # of a mean of m terms 2 relu(g)^2, each of fourth central moment 633 = 25.4 * 5^2
    trial.expect(np.mean((ratios - 1) ** 2) * m / 5, variance(1.0, kurtosis, n), about)


# ---- exact ones


@clause("zeros-init.value")
def zeros(trial):
    for dtype in ("float32", *HALVES):
        with trial.part(dtype=dtype):
            trial.expect(trial.call(SMALL, seed=1, dtype=dtype), exact(np.zeros(SMALL), dtype), f"zeros in {dtype}")


@clause("constant-init.value")
def constant(trial):
    for dtype in ("float32", *HALVES):
        with trial.part(dtype=dtype):
            for value in (0.3, -2.5, 0.0, 3e4):
                want = exact(np.full(SMALL, value).astype(DTYPES[dtype]), dtype)
                about = f"the constant {value} in {dtype}"
                trial.expect(trial.call(SMALL, seed=1, value=value, dtype=dtype), want, about)


@clause("identity-init.value")
def identity(trial):
    for dtype in ("float32", *HALVES):
        with trial.part(dtype=dtype):
            for size, gain in (((5, 5), 1.7), ((5, 3), -0.3), ((3, 5), 300.7)):
                want = exact((gain * np.eye(*size)).astype(DTYPES[dtype]), dtype)
                about = f"identity of {size}, gain {gain}, in {dtype}"
                trial.expect(trial.call(size, seed=1, gain=gain, dtype=dtype), want, about)


@clause("delta-init.value")
def delta(trial):
    for size in ((3, 5, 4, 6), (5, 3, 6, 4), (3, 2, 4), (4, 3, 3)):
        want = np.zeros(size)
        want[tuple(n // 2 for n in size[:-2])] = np.eye(*size[-2:])
        trial.expect(trial.call(size, seed=1), exact(want), f"delta of {size}")
    for dtype in HALVES:
        with trial.part(dtype=dtype):
            trial.expect(trial.call(size, seed=1, dtype=dtype), exact(want, dtype), f"delta of {size} in {dtype}")


# ---- orthogonal matrices


@clause("orthogonal-init.orthonormal")
def orthonormal(trial):
    for size in ((80, 30), (30, 80), (3, 4, 10, 20), (1, 5)):
        for gain in (1.0, 1.7, -300.0):
            keeps_lengths(trial, size, gain)
    for dtype in HALVES:
        with trial.part(dtype=dtype):
            keeps_lengths(trial, (80, 30), 1.7, dtype=dtype)


def keeps_lengths(trial, size: tuple[int, ...], gain: float, **given) -> None:
    """The products of the columns, or of the rows where there are more columns; half precision rounds each entry."""
    q = np.asarray(trial.call(size, seed=2, gain=gain, **given), np.float64).reshape(-1, size[-1])
    q = q if q.shape[0] >= q.shape[1] else q.T
    eye = gain**2 * np.eye(q.shape[1])
    absolute = np.full(eye.shape, gain**2)  # a product of two columns of that length
    about = f"products of the {'columns' if q.shape[1] == size[-1] else 'rows'} of {size}, gain {gain}, {given}"
    terms, dtype = (1, given["dtype"]) if given else (q.shape[0], "float32")
    trial.expect(q.T @ q, bound(eye, absolute, terms, dtype), about)


@clause("orthogonal-init.uniform")
def uniform_over_the_group(trial):
    traces = np.trace(trial.draws((200, 200), seeds=50, gain=1.0), axis1=1, axis2=2)
    about = "mean trace of 50 matrices of 200 rows, in deviations of 1"
    trial.expect(traces.mean(), statistical(0.0, 1.0, 50), about)
    n = 128
    q = trial.draws((3, 3), seeds=n, gain=1.0)
    trial.expect(q[:, 0, 0].mean(), statistical(0.0, 3**-0.5, n), f"mean of the first entry of {n} matrices")
    trial.expect((np.linalg.det(q) > 0).mean(), share(0.5, n), f"share of {n} matrices with a positive determinant")


# ---- what layers start with


def start_is(trial, size: tuple[int, ...], found: tuple[int, int] | None = None, shared: int = 1) -> None:
    """The entries of a new layer's kernel are of the declared law, with these fans where the shape does not tell."""
    w = drawn(trial, size)
    law = start_law(trial.readings["start"], *(found or fans(size)), shared)
    about = f"entries of {trial.operation}({size}) in {CELLS} equally likely cells, Pearson's statistic"
    trial.expect(in_cells(law, w), equally_often(CELLS - 1, w.size), about)
    largest = float(np.abs(w).max())
    most = law.bound * (1 + 4 * unit("float32"))
    trial.require(largest <= most, f"{trial.operation} has {largest!r}, beyond the bound {law.bound!r}")


@clause("dense-start.kernel")
def dense(trial):
    start_is(trial, DENSE)


@clause("convolution-start.kernel")
def convolution(trial):
    start_is(trial, WINDOW)


@clause("grouped-convolution-start.kernel")
def grouped_convolution(trial):
    start_is(trial, WINDOW, grouped_fans(WINDOW, 4), 4)


@clause("depthwise-convolution-start.kernel")
def depthwise_convolution(trial):
    size = (4, 5, 400, 40)
    start_is(trial, size, depthwise_fans(size), 400)


@clause("transposed-convolution-start.kernel")
def transposed_convolution(trial):
    start_is(trial, WINDOW)


@clause("embedding-start.table")
def embedding(trial):
    start_is(trial, DENSE)


@clause("attention-start.kernel")
def attention(trial):
    start_is(trial, (400, 400))


# ---- bad input


@clause("init.vector")
def vector(operation):
    given = GIVEN.get(operation, {})
    yield refusal(operation, (5,), valid=((5, 3),), seed=1, note="a vector has no fans", **given)


@clause("init.no-fan")
def no_fan(operation):
    given = GIVEN[operation] | {"fans": "in"} if operation == "variance_scaling" else {}
    yield refusal(operation, (0, 3), valid=((5, 3),), seed=1, note="a fan of 0 is divided by", **given)


@clause("init.negative")
def negative(operation):
    for name in GIVEN[operation]:
        bad = GIVEN[operation] | {name: -0.3}
        yield refusal(operation, (5, 3), valid=GIVEN[operation], seed=1, note=f"{name} is negative", **bad)


@clause("variance-scaling.positive")
def positive():
    given = GIVEN["variance_scaling"]
    for scale in (0.0, -0.3):
        bad = given | {"scale": scale}
        yield refusal("variance_scaling", (5, 3), valid=given, seed=1, note=f"the scale {scale}", **bad)
