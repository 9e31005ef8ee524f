"""Tests of training/batch_normalization: batches with padding, long batches, and the statistics of many batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.training import batch_normalization as oracle
from nnspec_conformance.suite.training._long_means import LONG, TAIL, summed_in_turn
from nnspec_conformance.suite.training.test_batch_normalization import (
    EPSILON,
    EXAMPLES,
    FEATURES,
    WIDE_DTYPES,
    batch,
    batches,
    of_training,
    of_use,
    statistics,
    weights,
)
from nnspec_conformance.tolerance import Shape, Want, carried, exact, spread, ulps, unit
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial
from nnspec_conformance.wanted import value_of

SENTENCES = (3, 5)  # sentences and their tokens


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


# ---- the layer that is told whether it trains


def by_mode(default: str) -> Callable[..., Want]:
    """What is expected of the layer, which does as it is told and else as it does by default."""

    def want(x: np.ndarray, mean: np.ndarray, variance: np.ndarray, *, epsilon: float, mode: str = default) -> Want:
        if mode == "train":
            return value_of(oracle.batch_norm)(x, epsilon=epsilon)
        return value_of(oracle.batch_norm_eval)(x, mean, variance, epsilon=epsilon)

    return want


def slope_by_mode(default: str) -> Callable[..., tuple[Want | Shape, ...]]:
    """What is expected of its gradients; none is asked of the statistics."""

    def want(
        x: np.ndarray, mean: np.ndarray, variance: np.ndarray, g: np.ndarray, *, epsilon: float, mode: str = default
    ) -> tuple[Want | Shape, ...]:
        if mode == "train":
            return (of_training(x, g, epsilon=epsilon)[0], Shape(None), Shape(None))
        return of_use(x, mean, variance, g, epsilon=epsilon)

    return want


@clause("batch-norm-layer.value")
def test_layer() -> Iterator[Case]:
    for mode in ("train", "eval"):
        note = "the other one of the two functions"
        for dtype in DTYPES:
            arrays, given = (batch(dtype), *statistics(dtype)), {"mode": mode, "epsilon": EPSILON}
            yield call("batch_norm_layer", *arrays, **given, want=by_mode(mode), note=note)


@clause("batch-norm-layer.gradient")
def test_layer_gradient() -> Iterator[Case]:
    for mode in ("train", "eval"):
        note = "the gradient of the other one"
        for dtype in DTYPES:
            arrays, g = (batch(dtype), *statistics(dtype)), normal_draws(128, (*EXAMPLES, FEATURES), dtype)
            given = {"mode": mode, "epsilon": EPSILON}
            yield gradient("batch_norm_layer", *arrays, cotangents=g, **given, want=slope_by_mode(mode), note=note)


@clause("batch-norm-layer.mode")
def test_layer_mode(default: str) -> Iterator[Case]:
    arrays, g, note = (batch(), *statistics()), normal_draws(128, (*EXAMPLES, FEATURES)), "the other mode by default"
    yield call("batch_norm_layer", *arrays, epsilon=EPSILON, want=by_mode(default), note=note)
    want = slope_by_mode(default)
    yield gradient("batch_norm_layer", *arrays, cotangents=g, epsilon=EPSILON, want=want, note=note)


@clause("batch-norm-layer.no-statistics")
def test_layer_without_statistics() -> Iterator[ErrorCase]:
    x, note = batch(), "it normalizes by the batch, or by a mean of 0 and a variance of 1"
    given = {"mode": "eval", "epsilon": EPSILON}
    yield refusal("batch_norm_layer", x, **given, valid=(x, *statistics()), note=note)


# ---- in which dtype statistics are kept

STEPS, DECAY = 64, 0.99  # the running mean of a feature of mean 1 is at 0.474 in float32, and at 0.39 in bfloat16


@clause("batch-norm-collected.statistics-dtype")
def test_statistics_dtype(trial: Trial, default: str) -> None:
    for dtype in [name for name in ("bfloat16", "float16") if name in trial.dtypes]:
        x = (np.stack([batch("float64", seed=240 + k) for k in range(STEPS)]) + 1).astype(DTYPES[dtype])
        kept = "float32" if default == "float32" else dtype
        z = x.astype(np.float64)
        weights_of_steps = (1 - DECAY) * DECAY ** np.arange(STEPS - 1, -1, -1.0)[:, None]
        mean = (weights_of_steps * z.mean(1)).sum(0)
        biased, unbiased = (DECAY**STEPS + (weights_of_steps * z.var(1, ddof=d)).sum(0) for d in (0, 1))
        middle = (biased + unbiased) / 2
        slack = STEPS * 4 * unit(kept)  # each step rounds what it has, twice
        wants = (
            carried(mean, slack * (1 + np.abs(mean)), kept),
            carried(middle, (unbiased - biased) / 2 + slack * (1 + middle), kept),
        )
        got = trial.call(x, decay=DECAY)
        for what, one, want in zip(("mean", "variance"), got, wants, strict=True):
            found = np.asarray(one).dtype
            words = f"the running {what} of batches in {dtype} is kept in {found}, declared is {kept}"
            trial.require(found == DTYPES[kept], words)
            trial.expect(one, want, f"the running {what} after {STEPS} batches in {dtype}", (x,))


# ---- refusals


@clause("masked-batch-norm.epsilon-range")
def test_masked_epsilon() -> Iterator[ErrorCase]:
    for epsilon in (-1e-5, -2.0):
        yield refusal(
            "masked_batch_norm", *padded(), *weights(), epsilon=epsilon, valid={"epsilon": -epsilon},
            note="the root of a negative number",
        )  # fmt: skip


@clause("batch-norm-statistics.decay-range")
def test_averaged_decay() -> Iterator[ErrorCase]:
    for decay in (-0.25, 1.25):
        x, note = np.stack(batches(3)), "an average that is none"
        yield refusal("batch_norm_statistics", x, decay=decay, valid={"decay": 0.75}, note=note)


@clause("batch-norm-statistics.empty")
def test_averaged_empty() -> Iterator[ErrorCase]:
    x = np.stack(batches(3))
    yield refusal("batch_norm_statistics", x[:, :0], decay=0.75, valid=(x,), note="the mean is NaN")
