"""Tests of stochastic gradient descent: the sampler, and what gradient descent makes of single examples."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance import steppers
from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.inputs import wide
from nnspec_conformance.oracles.components.optimization import gradient_descent
from nnspec_conformance.oracles.training import stochastic_gradient_descent as oracle
from nnspec_conformance.steppers import lean
from nnspec_conformance.tolerance import Want, equally_often, exact, spread, statistical, variance
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial

N, MANY = 12, 4096  # examples, and epochs of what is counted
GIVEN: dict[str, Any] = {"examples": N, "batch_size": 5, "epochs": 3, "seed": 3}
LONG: dict[str, Any] = GIVEN | {"epochs": MANY, "seed": 11, "shuffle": True}


def orders(got: np.ndarray) -> np.ndarray:
    """The examples of each epoch in a row, without what fills the short batch."""
    rows = got.reshape(len(got), -1)
    return rows[rows >= 0].reshape(len(got), -1)


def once(test: Callable[[Trial], None]) -> Callable[[Trial], None]:
    """Ask a subject that can be told readings in the definition's only; these questions are about none of them."""

    @functools.wraps(test)
    def asked(trial: Trial) -> None:
        if trial.setting.told.get("too_large") != "short":
            test(trial)

    return asked


# ---- what an epoch holds


@clause("batches.epoch")
def test_epoch(trial: Trial) -> None:
    for batch_size, shuffle in ((5, True), (1, True), (4, True), (12, True), (5, False)):
        given = GIVEN | {"batch_size": batch_size, "shuffle": shuffle, "last": "kept"}
        want = exact(np.tile(np.arange(N), (3, 1)))
        trial.expect(np.sort(orders(trial.call(**given))), want, f"examples of each epoch, sorted, of {given}")


@clause("batches.order")
def test_order() -> Iterator[Case]:
    """Rows are told from columns, and a whole last batch from a short one."""
    for examples, batch_size, last in (
        (7, 3, "kept"),
        (7, 3, "dropped"),
        (6, 3, "kept"),
        (5, 5, "kept"),
        (4, 1, "kept"),
    ):
        epochs, seed = (3, 0) if batch_size == 1 else (2, 3)
        given: dict[str, Any] = {"examples": examples, "batch_size": batch_size, "last": last}
        want = exact(oracle.cut(np.tile(np.arange(examples), (epochs, 1)), batch_size, last))
        yield call("batches", epochs=epochs, seed=seed, shuffle=False, **given, want=want)


@clause("batches.short-last")
def test_short_last(trial: Trial) -> None:
    for batch_size in (5, 4):
        got = trial.call(**GIVEN | {"batch_size": batch_size, "shuffle": True, "last": "kept"})
        filled = np.tile(np.arange(3 * batch_size) >= N, (3, 1)).reshape(3, 3, batch_size)
        trial.expect((got < 0).astype(int), exact(filled.astype(int)), f"where batches of {batch_size} are filled")


@clause("batches.dropped")
def test_dropped(trial: Trial) -> None:
    for size, whole in ((5, 2), (4, 3)):
        got = trial.call(**GIVEN | {"batch_size": size, "shuffle": True, "last": "dropped"})
        trial.expect(np.array(got.shape), exact(np.array([3, whole, size])), f"shape of whole batches of {size}")
        trial.require(bool((got >= 0).all() and (got < N).all()), "an entry is the number of no example")
        distinct = np.array([len(set(row.ravel().tolist())) for row in got])
        trial.expect(distinct, exact(np.full(3, size * whole)), "how many different examples an epoch has")


# ---- how the examples are shuffled


def long_orders(trial: Trial) -> np.ndarray:
    """The orders of many epochs, each of them a permutation."""
    found = orders(trial.call(**LONG, last="kept"))
    if found.shape != (MANY, N) or (np.sort(found) != np.arange(N)).any():
        raise ValueError("an epoch is no permutation of its examples")
    return found


def pearson(drawn: np.ndarray, cells: int) -> float:
    """Pearson's statistic of draws that are numbers of equally likely cells."""
    expected = drawn.size / cells
    return float(((np.bincount(drawn, minlength=cells) - expected) ** 2 / expected).sum())


def matched(places: np.ndarray) -> float:
    """Pearson's statistic of permutations, one a row: how often each thing is at each place.

    The counts of a row and of a column have a fixed sum, which the factor makes up for.
    """
    return (N - 1) / N * pearson((np.arange(N) * N + places).ravel(), N * N)


@clause("batches.positions")
@once
def test_positions(trial: Trial) -> None:
    trial.expect(
        matched(long_orders(trial)), equally_often((N - 1) ** 2, MANY, rows=N - 1), "which example comes at which place"
    )


@clause("batches.neighbours")
@once
def test_neighbours(trial: Trial) -> None:
    """One pair an epoch, so that the draws are independent: at places 0 and 1, then at 1 and 2, and so on."""
    found, epoch = long_orders(trial), np.arange(MANY)
    first, second = (found[epoch, epoch % (N - 1) + i] for i in range(2))
    pair = (N - 1) * first + second - (second > first)
    cells = N * (N - 1)
    trial.expect(pearson(pair, cells), equally_often(cells - 1, MANY), "which example follows which")


@clause("batches.relative-order")
@once
def test_relative_order(trial: Trial) -> None:
    """The examples 1, 3, 4 and 7; how many of those before it in this list come before each numbers their order."""
    places = np.argsort(long_orders(trial))[:, [1, 3, 4, 7]]
    _, b, c, d = ((places[:, :i] < places[:, i, None]).sum(1) for i in range(4))
    trial.expect(pearson(b + 2 * c + 6 * d, 24), equally_often(23, MANY), "orders of 4 of the examples")


@clause("batches.rises")
@once
def test_rises(trial: Trial) -> None:
    """The 11 steps of an order rise in half of the cases; their number has the variance 13/12."""
    rises = (np.diff(long_orders(trial)) > 0).sum(1)
    trial.expect(rises.mean() / 11, statistical(0.5, np.sqrt(13 / 12) / 11, MANY), "share of steps that rise")


@clause("batches.reshuffled")
@once
def test_reshuffled(trial: Trial) -> None:
    places = np.argsort(long_orders(trial))
    moved = np.take_along_axis(places[1:], np.argsort(places[:-1]), 1)  # where an epoch has what the last had here
    trial.expect(
        matched(moved), equally_often((N - 1) ** 2, MANY - 1, rows=N - 1), "place in an epoch and in the epoch before"
    )


@clause("batches.left-out")
@once
def test_left_out(trial: Trial) -> None:
    got = trial.call(**LONG, last="dropped").reshape(MANY, -1)
    seen = np.zeros((MANY, N), bool)
    np.put_along_axis(seen, got, True, 1)
    first, second = np.nonzero(~seen)[1].reshape(MANY, 2).T  # two of twelve
    cells = N * (N - 1) // 2
    trial.expect(
        pearson(second * (second - 1) // 2 + first, cells), equally_often(cells - 1, MANY), "which pair is left out"
    )


# ---- seeds


@clause("batches.repeatable")
def test_repeatable(trial: Trial) -> None:
    given: dict[str, Any] = GIVEN | {"shuffle": True, "last": "kept"}
    for seed in (3, 0):  # 0 is a seed, too
        first, _, again = (trial.call(**dict(given, seed=one)) for one in (seed, 4, seed))
        trial.expect(again, exact(first), f"batches of the seed {seed}, another one used in between")


@clause("batches.seeds")
def test_seeds(trial: Trial) -> None:
    given: dict[str, Any] = GIVEN | {"shuffle": True, "last": "kept"}
    found = [tuple(order) for seed in (0, 3, 4, 6) for order in orders(trial.call(**dict(given, seed=seed))).tolist()]
    trial.expect(len(set(found)), exact(12), "different orders in 3 epochs of 4 seeds")


@clause("batches.more-epochs")
@once
def test_more_epochs(trial: Trial) -> None:
    many, few = (trial.call(**dict(LONG, epochs=epochs, last="kept")) for epochs in (MANY, 3))
    trial.expect(few, exact(many[:3]), f"the first 3 of {MANY} epochs")


# ---- defaults


@clause("batches.default-shuffle")
def test_default_shuffle(trial: Trial) -> None:
    """Three orders of 12 are all in order by chance once in 10^26 times."""
    found = orders(trial.call(**GIVEN, last="kept"))
    in_order = bool((found == np.arange(N)).all())
    declared = bool(trial.setting.default)
    trial.require(in_order != declared, f"shuffle={declared} is declared, and the order is {found[0].tolist()}")


@clause("batches.default-last")
def test_default_last(default: str) -> Iterator[Case]:
    want = exact(oracle.cut(np.arange(7)[None], 3, default))
    yield call("batches", examples=7, batch_size=3, epochs=1, seed=3, shuffle=False, want=want)


# ---- refusals


def refused(note: str, right: dict, **wrong: Any) -> ErrorCase:
    return refusal("batches", **GIVEN | wrong, valid=right, note=note)


@clause("batches.batch-size")
def test_batch_size() -> Iterator[ErrorCase]:
    for size in (0, -4):
        yield refused(f"batches of {size}", {"batch_size": 5}, batch_size=size, shuffle=False, last="kept")


@clause("batches.too-large")
def test_too_large(readings: dict) -> Iterator[Case | ErrorCase]:
    given: dict[str, Any] = {"batch_size": 13, "shuffle": False, "last": "kept"}
    if readings["too_large"] == "refused":
        yield refused("a batch of 13 from 12 examples", {"batch_size": 12}, **given)
    else:
        want = exact(oracle.cut(np.tile(np.arange(N), (3, 1)), 13, "kept"))
        yield call("batches", **GIVEN | given, want=want)


@clause("batches.no-batch")
def test_no_batch() -> Iterator[ErrorCase]:
    right = {"batch_size": 12}
    yield refused("no whole batch of 13 in 12 examples", right, batch_size=13, shuffle=False, last="dropped")


@clause("batches.no-examples")
def test_no_examples() -> Iterator[ErrorCase]:
    for shuffle in (True, False):
        yield refused("no examples", {"examples": N}, examples=0, shuffle=shuffle, last="kept")


# ---- what gradient descent makes of it; the gradient of step t is told apart by t, counted anew in every run


def descended(trial: Trial, params: dict, gradient: Callable, rates: list[float]) -> list[dict]:
    """The parameters after each step with the gradient ``gradient(t, now)``."""
    t = iter(range(len(rates)))
    return trial.trajectory(params, lambda now: gradient(next(t), now), rates=rates, learning_rate=rates[0])


def expected(params: dict, gradient: Callable, rates: list[float], dtype: str, values: list[dict]) -> list[dict]:
    """The values of a closed form after each step, with the spread of the oracle as the tolerance."""

    def run(rounded: Callable) -> list[dict]:
        step, now, path = (
            gradient_descent(mapped(rounded, wide(params)), rounded=rounded, learning_rate=0.5),
            params,
            [],
        )
        for t, rate in enumerate(rates):
            now = step(mapped(rounded, gradient(t, wide(now))), rate)
            path.append(now)
        return path

    def moved(want: Want, value: np.ndarray) -> Want:
        return Want(np.asarray(value, np.float64), want.allowed, want.flushed, dtype, want.tolerance)

    wants = spread(run, dtype)
    return [{k: moved(w, value[k]) for k, w in want.items()} for want, value in zip(wants, values, strict=True)]


@clause("gradient-descent.stationary-variance")
def test_stationary_variance(trial: Trial) -> None:
    rate, chains, s2, count = 0.5, 2**15, 4.0, 32
    curvature = {"shallow": 0.5, "steep": 3.0}
    dtype = "float32" if "float32" in trial.dtypes else trial.dtypes[0]
    params = {name: np.zeros(chains, dtype) for name in curvature}
    random = np.random.default_rng(20)

    def gradient(t: int, now: dict) -> dict:
        noise = {name: np.sqrt(s2) * random.standard_normal(chains) for name in now}
        return {name: np.asarray(curvature[name] * x + noise[name], x.dtype) for name, x in now.items()}

    last = descended(trial, params, gradient, [rate] * count)[-1]
    for name, mu in curvature.items():
        v, x = oracle.stationary_variance(rate, mu, s2), np.asarray(last[name], np.float64)
        trial.expect(np.mean(x**2), variance(v, 3.0, chains), f"mean square of {chains} chains, rate times {mu}")
        trial.expect(x.mean(), statistical(0.0, np.sqrt(v), chains), f"mean of {chains} chains, rate times {mu}")


@clause("gradient-descent.zero-noise")
def test_zero_noise(trial: Trial) -> None:
    """Every factor is between -5/8 and 5/8; after 32 steps less than a millionth is left of the distance."""
    rate, count = 0.5, 32
    for dtype in ("float32", "float64"):
        if dtype not in trial.dtypes:
            continue
        params, best = (lean(steppers.tree(seed, dtype), dtype) for seed in (400, 450))
        best = wide(best)
        random = np.random.default_rng(21)
        c = [{k: np.asarray(random.uniform(0.75, 3.25, p.shape)) for k, p in params.items()} for _ in range(count)]

        def gradient(t: int, now: dict, c: list = c, best: dict = best) -> dict:
            return {k: np.asarray(c[t][k] * (x - best[k]), x.dtype) for k, x in now.items()}

        left = {k: wide(p) - best[k] for k, p in params.items()}
        values = []
        for one in c:
            left = {k: left[k] * (1 - rate * one[k]) for k in left}
            values.append({k: best[k] + left[k] for k in left})
        want = expected(params, gradient, [rate] * count, dtype, values)
        path = descended(trial, params, gradient, [rate] * count)
        for t, (now, one) in enumerate(zip(path, want, strict=True), 1):
            trial.expect(now, one, f"step {t} towards a point on which all examples agree, in {dtype}")


@clause("gradient-descent.running-mean")
def test_running_mean(trial: Trial) -> None:
    rates = [1 / t for t in range(1, 17)]
    for dtype in ("float32", "float64"):
        if dtype not in trial.dtypes:
            continue
        params = lean(steppers.tree(400, dtype), dtype)
        examples = [steppers.tree(600 + 10 * t, dtype) for t in range(len(rates))]

        def gradient(t: int, now: dict, examples: list = examples) -> dict:
            return {k: np.asarray(x - examples[t][k], x.dtype) for k, x in now.items()}

        sums = [
            {k: np.sum([wide(one[k]) for one in examples[:t]], 0) for k in params} for t in range(1, len(rates) + 1)
        ]
        values = [{k: one[k] / t for k in one} for t, one in enumerate(sums, 1)]
        want = expected(params, gradient, rates, dtype, values)
        for t, (now, one) in enumerate(zip(descended(trial, params, gradient, rates), want, strict=True), 1):
            trial.expect(now, one, f"mean of {t} examples in {dtype}")
