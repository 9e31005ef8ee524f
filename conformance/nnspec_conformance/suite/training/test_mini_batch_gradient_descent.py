"""Tests of the mini-batch gradient: its value, its mean and variance over all batches, its gradient, wrong indices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.training import mini_batch_gradient_descent as oracle
from nnspec_conformance.tolerance import Want, bound, exact, spread
from nnspec_conformance.trial import Trial

EXAMPLES, PARAMETERS = 7, 3
BATCH = [5, 0, 3, 6]  # neither sorted nor in a row; the last example is in it
REPEATED = [4, 1, 4, 4]


def rows(dtype: str = "float32") -> np.ndarray:
    """Gradients of unequal size and with a mean far from zero, no two alike."""
    size = np.linspace(0.5, 3.0, EXAMPLES)[:, None]
    return np.asarray(1.5 + size * normal_draws(21, (EXAMPLES, PARAMETERS), "float64"), DTYPES[dtype])


def indices(batch: list[int]) -> np.ndarray:
    return np.array(batch, np.int32)


def want_of(readings: dict) -> Callable:
    """The function of arrays that makes the expected result."""

    def want(gradients: np.ndarray, batch: np.ndarray) -> Want:
        combined, dtype = partial(oracle.mini_batch_gradient, combine=readings["combine"]), str(gradients.dtype)
        given = wide(gradients)
        return bound(combined(given, batch), combined(np.abs(given), batch), len(batch), dtype)

    return want


# ---- values


@clause("mini-batch-gradient.example")
def test_example(readings: dict) -> Iterator[Case]:
    gradients = np.asarray(oracle.EXAMPLE_GRADIENTS, DTYPES["bfloat16"])  # the narrowest dtype, and so all others
    for batch, mean in oracle.EXAMPLE_BATCHES.items():
        want = exact(np.array([mean if readings["combine"] == "mean" else 2 * mean]), "bfloat16")
        yield call("mini_batch_gradient", gradients, indices(list(batch)), want=want, note="the page's table")


@clause("mini-batch-gradient.combine")
def test_combine(readings: dict) -> Iterator[Case]:
    want = want_of(readings)
    for dtype in DTYPES:
        yield call("mini_batch_gradient", rows(dtype), indices(BATCH), want=want, note="the first rows")
    yield call("mini_batch_gradient", rows(), indices([6, 2]), want=want, note="the size of another batch")
    yield call("mini_batch_gradient", rows(), indices([3, 6, 0, 5, 1, 4, 2]), want=want, note="all examples")
    yield call("mini_batch_gradient", rows(), indices([6, 5, 4, 3, 2, 1, 0, 2, 5]), want=want, note="more than all")
    many = np.resize(1024 * rows(), (300, PARAMETERS))  # more than a byte counts, and larger than any limit of a norm
    yield call("mini_batch_gradient", many, indices([299, 17, 256, 270]), want=want, note="indices kept in a byte")


@clause("mini-batch-gradient.repeated")
def test_repeated(readings: dict) -> Iterator[Case]:
    for batch in (REPEATED, [2, 2, 2, 2], [6, 0, 0, 6]):
        yield call("mini_batch_gradient", rows(), indices(batch), want=want_of(readings), note="counts each once")


@clause("mini-batch-gradient.single")
def test_single() -> Iterator[Case]:
    for dtype in ("float32", "bfloat16"):
        gradients = rows(dtype)
        for i in (0, 3, EXAMPLES - 1):
            want = exact(wide(gradients)[i], dtype)
            yield call("mini_batch_gradient", gradients, indices([i]), want=want, note="the size of another batch")


# ---- all batches


def over_all(trial: Trial, batches: list, statistic: Callable, value: Callable, power: int, about: str) -> None:
    """Hold a statistic of the gradients of all batches to a closed form, within the spread of rounded oracle runs.

    Args:
        trial: the subject.
        batches: the indices of each.
        statistic: of the gradients [batches, parameters].
        value: the closed form for a mean, of the gradients of all examples.
        power: of the batch size, by which the statistic of a sum is larger.
        about: what it is.
    """
    combine = trial.readings["combine"]
    factor = 1 if combine == "mean" else len(batches[0]) ** power
    for dtype in [name for name in ("float32", "float64") if name in trial.dtypes]:
        gradients = rows(dtype)

        def run(rounded: Callable, gradients: np.ndarray = gradients) -> np.ndarray:
            given = wide(gradients)
            return statistic(
                np.stack([rounded(oracle.mini_batch_gradient(rounded(given), b, combine=combine)) for b in batches])
            )

        found = statistic(np.stack([np.asarray(trial.call(gradients, b), np.float64) for b in batches]))
        trial.expect(found, replace(spread(run, dtype), value=factor * value(wide(gradients))), f"{about} in {dtype}")


@clause("mini-batch-gradient.unbiased")
def test_unbiased(trial: Trial) -> None:
    for size in (2, 4):
        about = f"mean over all batches of {size} of {EXAMPLES}"
        over_all(trial, oracle.batches(EXAMPLES, size), lambda g: g.mean(0), lambda g: g.mean(0), 1, about)


@clause("mini-batch-gradient.variance")
def test_variance(trial: Trial) -> None:
    for size in (2, 4):
        about = f"variance over all batches of {size} of {EXAMPLES}"
        closed = partial(oracle.variance, size=size)
        over_all(trial, oracle.batches(EXAMPLES, size), lambda g: g.var(0), closed, 2, about)


@clause("mini-batch-gradient.replacement")
def test_replacement(trial: Trial) -> None:
    closed = partial(oracle.variance, size=2, replacement=True)
    about = f"variance over all draws of 2 of {EXAMPLES}"
    over_all(trial, oracle.draws(EXAMPLES, 2), lambda g: g.var(0), closed, 2, about)


# ---- gradients


@clause("mini-batch-gradient.gradient")
def test_gradient(readings: dict) -> Iterator[Case]:
    def want(gradients: np.ndarray, batch: np.ndarray, cotangents: np.ndarray) -> tuple[Want]:
        given, dtype = wide((gradients, cotangents)), str(gradients.dtype)
        (right,) = oracle.mini_batch_gradient_vjp(given[0], batch, given[1], combine=readings["combine"])
        return (bound(right, np.abs(right), len(batch), dtype),)

    for dtype in DTYPES:
        g = normal_draws(22, (PARAMETERS,), dtype)
        for batch in (BATCH, REPEATED) if dtype == "float32" else (REPEATED,):
            note = "assigns, and adds not"
            yield gradient("mini_batch_gradient", rows(dtype), indices(batch), cotangents=g, want=want, note=note)


# ---- refusals


def refused(batch: list[int], note: str) -> ErrorCase:
    return refusal("mini_batch_gradient", rows(), indices(batch), valid=(rows(), indices(BATCH)), note=note)


@clause("mini-batch-gradient.index-range")
def test_index_range() -> Iterator[ErrorCase]:
    yield refused([5, 0, EXAMPLES, 6], "the index 7 of 7 examples")
    yield refused([5, 0, 3, 1000], "the index 1000 of 7 examples")


@clause("mini-batch-gradient.negative-index")
def test_negative_index() -> Iterator[ErrorCase]:
    yield refused([5, 0, -1, 6], "the index -1")
    yield refused([-EXAMPLES, 0, 3, 6], "the index -7 of 7 examples")


@clause("mini-batch-gradient.empty")
def test_empty() -> Iterator[ErrorCase]:
    yield refused([], "a batch without examples")
