"""Tests of initialization: exact bounds and shapes, and statistics of 320,000 draws, which see a scale 2 % off."""

import numpy as np

from nnspec_conformance.cases import clause, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.training.initialization import Law, fans, scaled_law, start_law
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
    "orthogonal_init": {"gain": 1.7},
    "identity_init": {"gain": 1.7},
}


EXACT = ("zeros_init", "constant_init", "orthogonal_init", "identity_init", "delta_init")


def law_of(name: str, shape: tuple[int, ...], readings: dict) -> Law:
    """What the entries of this initializer are drawn from."""
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
    return (DENSE,) if name in GIVEN else (DENSE, WINDOW)


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
    n, deviation = 2**22, 1e-3
    w = trial.draws((2048, 2048), seeds=1, deviation=deviation, bound=2.0)[0]
    largest = float(np.abs(w).max())
    trial.require(largest < 7.5 * deviation, f"of {n} draws one is {largest!r}, {largest / deviation:.4g} deviations")
    about = "variance, in squares of the deviation"
    trial.expect(np.mean((w / deviation) ** 2), variance(1.0, 3.0, n), about)


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
    trial.expect(trial.call(SMALL, seed=1), exact(np.zeros(SMALL)), "zeros")


@clause("constant-init.value")
def constant(trial):
    for value in (0.3, -2.5, 0.0):
        want = exact(np.full(SMALL, np.float32(value)))
        trial.expect(trial.call(SMALL, seed=1, value=value), want, f"the constant {value}")


@clause("identity-init.value")
def identity(trial):
    for size in ((5, 5), (5, 3), (3, 5)):
        want = exact(np.float32(1.7) * np.eye(*size))
        trial.expect(trial.call(size, seed=1, gain=1.7), want, f"identity of {size}")


@clause("delta-init.value")
def delta(trial):
    for size in ((3, 5, 4, 6), (5, 3, 6, 4), (3, 2, 4), (4, 3, 3)):
        want = np.zeros(size)
        want[tuple(n // 2 for n in size[:-2])] = np.eye(*size[-2:])
        trial.expect(trial.call(size, seed=1), exact(want), f"delta of {size}")


# ---- orthogonal matrices


@clause("orthogonal-init.orthonormal")
def orthonormal(trial):
    for size in ((80, 30), (30, 80), (3, 4, 10, 20), (1, 5)):
        for gain in (1.0, 1.7):
            q = np.asarray(trial.call(size, seed=2, gain=gain), np.float64).reshape(-1, size[-1])
            q = q if q.shape[0] >= q.shape[1] else q.T
            eye = gain**2 * np.eye(q.shape[1])
            absolute = np.full(eye.shape, gain**2)  # a product of two columns of that length
            about = f"products of the {'columns' if q.shape[1] == size[-1] else 'rows'} of {size}, gain {gain}"
            trial.expect(q.T @ q, bound(eye, absolute, q.shape[0], "float32"), about)


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


def start_is(trial, size: tuple[int, ...]) -> None:
    w = drawn(trial, size)
    law = start_law(trial.readings["start"], *fans(size))
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
    yield refusal(operation, (0, 3), valid=((5, 3),), seed=1, note="a fan of 0 is divided by")


@clause("init.negative")
def negative(operation):
    for name in GIVEN[operation]:
        bad = GIVEN[operation] | {name: -0.3}
        yield refusal(operation, (5, 3), valid=GIVEN[operation], seed=1, note=f"{name} is negative", **bad)
