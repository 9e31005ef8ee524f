"""Tests of training/batch_normalization: batches with padding, long batches, and the statistics of many batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nnspec_conformance.cases import Case, call, clause, gradient
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.training import batch_normalization as oracle
from nnspec_conformance.suite.training.test_batch_normalization import (
    EPSILON,
    EXAMPLES,
    FEATURES,
    WIDE_DTYPES,
    batch,
    batches,
    weights,
)
from nnspec_conformance.tolerance import Want, carried, exact, spread, ulp, ulps, unit
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial
from nnspec_conformance.wanted import value_of

SENTENCES = (3, 5)  # sentences and their tokens
LONG, TAIL = 33_000, 232  # the first power of two below is 32,768


# ---- padding


def takes_part(leading: tuple[int, ...]) -> np.ndarray:
    """Sentences of 4, 1 and 3 tokens; of a plain batch all but two examples that lie between others."""
    if leading == SENTENCES:
        return np.arange(SENTENCES[1]) < np.array([[4], [1], [3]])
    return ~np.isin(np.arange(leading[0]), (1, 4))


def padded(dtype: str = "float32", leading: tuple[int, ...] = EXAMPLES) -> tuple[np.ndarray, ...]:
    """The batch, with padding that is not zero, and the mask."""
    mask = takes_part(leading)
    far = np.where(mask[..., None], 0, 2).astype(DTYPES[dtype])
    return batch(dtype, leading) + far, mask


def of_padding(x: np.ndarray, mask: np.ndarray, *rest: np.ndarray, epsilon: float) -> tuple[Want, ...]:
    """What is expected of the gradients: 8 times what they move when every operand is rounded, plus an ulp."""
    x64, *others = wide((x, *rest))
    return spread(
        lambda r: oracle.masked_batch_norm_vjp(r(x64), mask, *mapped(r, tuple(others)), epsilon=epsilon, rounded=r),
        str(x.dtype),
    )


@clause("masked-batch-norm.value")
def test_masked() -> Iterator[Case]:
    want, name = value_of(oracle.masked_batch_norm), "masked_batch_norm"
    for dtype, leading in (*((dtype, EXAMPLES) for dtype in DTYPES), ("float32", SENTENCES)):
        note = "zeros for the padding, and the whole count"
        yield call(name, *padded(dtype, leading), *weights(dtype), epsilon=EPSILON, want=want, note=note)
    x, mask = padded()
    x = x * (np.arange(x.size).reshape(x.shape) % 5 != 1)
    zeros = [weight * (np.arange(FEATURES) != place) for place, weight in enumerate(weights())]
    yield call(name, x, mask, *zeros, epsilon=EPSILON, want=want, note="a zero for what does not take part")
    everything = np.ones(EXAMPLES, bool)
    yield call(name, batch(), everything, *weights(), epsilon=EPSILON, want=want, note="a mask that leaves nothing out")
    for count in range(2):
        yield call(name, *padded(), *weights()[:count], epsilon=EPSILON, want=want, note="zeros for the scale")


@clause("masked-batch-norm.gradient")
def test_masked_gradient() -> Iterator[Case]:
    for dtype, leading in (*((dtype, EXAMPLES) for dtype in DTYPES), ("float32", SENTENCES)):
        g = normal_draws(126, (*leading, FEATURES), dtype)
        yield gradient(
            "masked_batch_norm", *padded(dtype, leading), *weights(dtype), epsilon=EPSILON, cotangents=g,
            want=of_padding, note="the gradient of the whole batch",
        )  # fmt: skip


@clause("masked-batch-norm.padding")
def test_padding(trial: Trial) -> None:
    (x, mask), rest = padded(leading=SENTENCES), weights()
    first = np.asarray(trial.call(x, mask, *rest, epsilon=EPSILON))[mask]
    for filling in (0.0, 1000.0, -1e6):
        other = np.where(mask[..., None], x, np.float32(filling))
        got = np.asarray(trial.call(other, mask, *rest, epsilon=EPSILON))[mask]
        trial.expect(got, exact(first), f"those that take part, with {filling:g} in the padding", (other, mask))


# ---- long batches


def summed_in_turn(x: np.ndarray, *, epsilon: float) -> Want:
    """The result, and what it may be off by where n terms are added one after the other, in one pass or in two."""
    z, dtype = wide(x), str(x.dtype)
    nu = len(z) * unit(dtype)
    mean, size, square = z.mean(0), np.abs(z).mean(0), (z * z).mean(0)
    root = np.sqrt(z.var(0) + epsilon)
    y = (z - mean) / root
    of_mean = nu * size
    of_variance = nu * (square + 2 * np.abs(mean) * size) + of_mean**2
    rounding = 8 * unit(dtype) * (np.abs(y) + np.abs(mean) / root)  # subtraction, root, quotient
    return carried(y, of_mean / root + np.abs(y) * of_variance / (2 * root**2) + rounding + ulp(y, dtype), dtype)


@clause("batch-norm.long-batch")
def test_long_batch() -> Iterator[Case]:
    x = normal_draws(127, (LONG, 2), "float64")
    x[-TAIL:] += [50.0, -30.0]
    note = "what lies beyond 32,768 examples is dropped"
    yield call("batch_norm", x.astype(np.float32), epsilon=1e-5, want=summed_in_turn, note=note)


# ---- many batches


def layer_after(x: np.ndarray, reading: str, decay: float) -> tuple[np.ndarray, np.ndarray]:
    """What a new layer has after one batch, by the page: shares of 0 and 1, and of the batch's mean and variance."""
    z = wide(x)
    return (1 - decay) * z.mean(0), decay + (1 - decay) * z.var(0, ddof=1 if reading == "unbiased" else 0)


@clause("batch-norm-statistics.start")
def test_start(trial: Trial) -> None:
    decay, x = 0.75, batch(seed=210)
    got = trial.call(x[None], decay=decay)
    weight = 0.0 if trial.readings["average"] == "cumulative" else decay  # the plain average of one batch
    right = layer_after(x, trial.readings["running_variance"], weight)
    for what, one, value in zip(("mean", "variance"), got, right, strict=True):
        want = ulps(value[None], 4, "float32", scale=1)
        trial.expect(one, want, f"the running {what} of a new layer after its first batch", (x[None],))


def averaged(readings: dict) -> Callable:
    """What is expected of the subject's readings, where the call does not say another."""

    def want(*arrays: np.ndarray, **attributes: float) -> tuple:
        told = {name: readings[name] for name in ("average", "running_variance")} | attributes
        return value_of(oracle.batch_norm_statistics)(*arrays, **told)

    return want


@clause("batch-norm-statistics.average")
def test_average(readings: dict) -> Iterator[Case]:
    for dtype in WIDE_DTYPES:
        x, note = np.stack(batches(5)).astype(DTYPES[dtype]), "each batch weighs as much as the others"
        yield call("batch_norm_statistics", x, decay=0.75, want=averaged(readings), note=note)


@clause("batch-norm-statistics.variance")
def test_averaged_variance(readings: dict) -> Iterator[Case]:
    x = np.stack([batch(leading=(2, 3, 4), seed=220 + k) for k in range(3)])
    note = "a divisor that counts the examples, not the positions"
    yield call("batch_norm_statistics", x, decay=0.875, want=averaged(readings), note=note)
    x = np.stack([batch(leading=(2,), seed=230 + k) for k in range(3)])
    x = x * (np.arange(x.size).reshape(x.shape) % 5 != 1)
    yield call("batch_norm_statistics", x, decay=0.75, want=averaged(readings), note="another divisor")
