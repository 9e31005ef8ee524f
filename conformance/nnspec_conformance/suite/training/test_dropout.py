"""Tests of training/dropout: nobody can be handed a mask, so relations between calls, and shares of many draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.tolerance import ALARM, POWER, Want, equally_often, exact, share, ulps, uncorrelated
from nnspec_conformance.trial import Trial

RATE = 0.25  # not 1/2, at which keeping and dropping cannot be told apart
TRAIN: dict[str, Any] = {"train": True}
SMALL = {"dropout": (64, 5), "feature_dropout": (16, 3, 5), "repeated_dropout": (64, 5)}
LARGE = {"dropout": (256, 1030), "feature_dropout": (256, 2, 1030), "repeated_dropout": (256, 260)}  # 263,680 units
SEED = 3


def units(operation: str, y: np.ndarray) -> np.ndarray:
    """One number for each that is drawn, of shape [examples, entries]: the first place of a feature stands for all."""
    return y[:, 0] if operation == "feature_dropout" else y


def scaled(x: np.ndarray, y: np.ndarray, rate: float) -> Want:
    """What is not zero, over 1 - p; where the expected number is tiny, a zero is allowed by the mask alone."""
    return ulps(np.where(np.asarray(y, np.float64) == 0, 0, wide(x) / (1 - rate)), 2, str(x.dtype))


def rate_had(trial: Trial, rate: float) -> float:
    """The rate that a subject has in its scale: where it rounds the rate first, 1 - p is another number."""
    return float(np.float32(rate)) if trial.readings.get("scale_by", "").startswith("rounded") else rate


def ones(operation: str, dtype: str = "float32") -> np.ndarray:
    return np.ones(LARGE[operation], DTYPES[dtype])


def masks(y: Any) -> np.ndarray:
    """1 where a result is not zero, and 0 where it is."""
    return (np.asarray(y) != 0).astype(np.float32)


# ---- what a mask does to the numbers


SHAPES = {  # the first one in every dtype: what is left over of a block of 8; then few and many axes, and long ones
    "dropout": ((129,), (2, 3, 67), (1,), (), (0, 3), (1, 3)),
    "feature_dropout": (
        (3, 2, 67), (2, 3, 4, 5), (1, 1, 1), (70, 2, 3), (2, 129, 3), (3, 3, 3), (5, 7), (2, 3, 1, 2, 4), (0, 3, 5),
    ),
    "repeated_dropout": ((129,), (2, 3, 67), (1,), (), (0, 3), (1, 3)),
}  # fmt: skip


@clause("dropout.shapes")
def test_shapes(trial: Trial, operation: str, lean: bool) -> None:
    first, *others = SHAPES[operation]
    asked = [(first, dtype) for dtype in trial.dtypes] + [(shape, "float32") for shape in others]
    for shape, dtype in asked[: 1 if lean else None]:
        for rate in (0.6, 0.0):
            with trial.part(shape=shape):
                consistent(trial, operation, contents(7, shape, dtype), rate)
    if not lean:  # as a transposition leaves it
        twice = contents(7, (*SMALL[operation][:0:-1], 2 * SMALL[operation][0]), "float32")
        consistent(trial, operation, twice.T[::2], 0.6)


def contents(seed: int, shape: tuple, dtype: str) -> np.ndarray:
    """Numbers with one zero among them, where there are many."""
    x = np.asarray(normal_draws(seed, shape, dtype)).copy()
    x.reshape(-1)[3:4] = 0
    return x


def consistent(trial: Trial, operation: str, x: np.ndarray, rate: float) -> None:
    """Each number is 0 or the input over 1 - p, and the gradient is by the mask of the forward pass."""
    given: dict[str, Any] = {"seed": SEED, "rate": rate} | ({} if operation == "repeated_dropout" else TRAIN)
    plain = trial.call(np.ones_like(x), **given)
    y = trial.call(x, **given)
    several = y if isinstance(y, tuple) else (y,)
    kept = [np.asarray(part, np.float64) != 0 for part in (plain if isinstance(plain, tuple) else (plain,))]
    left = 1 - rate_had(trial, rate)
    g = [np.asarray(contents(8 + i, (*x.shape, 2), str(x.dtype)))[..., 0] for i in range(len(several))]
    for part, mask in zip(several, kept, strict=True):
        trial.expect(part, ulps(np.where(mask, wide(x) / left, 0), 2, str(x.dtype)), "what is kept", (x,))
    parts = [np.where(mask, wide(c) / left, 0) for mask, c in zip(kept, g, strict=True)]
    want = ulps(sum(parts), 2 * len(g), str(x.dtype), scale=sum(map(np.abs, parts)))
    got = trial.vjp((x,), tuple(g) if isinstance(y, tuple) else g[0], **given)
    trial.expect(got, (want,), "gradient", (x,))


@clause("dropout.memory")
def test_memory(trial: Trial, operation: str) -> None:
    shape = SMALL[operation]
    plain = masks(trial.call(np.ones(shape, np.float32), seed=SEED, rate=RATE, **TRAIN))
    for about, x in {
        "transposed": np.ones(shape[::-1], np.float32).T,
        "every second row": np.ones((2 * shape[0], *shape[1:]), np.float32)[::2],
        "every second feature": np.ones((*shape[:-1], 2 * shape[-1]), np.float32)[..., ::2],
    }.items():
        kept = masks(trial.call(x, seed=SEED, rate=RATE, **TRAIN))
        trial.expect(kept, exact(plain), f"what is kept of an array that lies {about} in memory", (x,))


@clause("dropout.gradient")
def test_gradient(trial: Trial, operation: str) -> None:
    for dtype in trial.dtypes:
        x, g = (normal_draws(seed, SMALL[operation], dtype) for seed in (5, 6))
        given = {"seed": SEED, "rate": RATE, **TRAIN}
        y = trial.call(x, **given)
        want = ulps(np.where(np.asarray(y, np.float64) == 0, 0, wide(g) / (1 - RATE)), 2, dtype)
        trial.expect(trial.vjp((x,), g, **given), (want,), f"gradient in {dtype}", (x,))


@clause("dropout.mask-blind")
def test_mask_blind(trial: Trial, operation: str) -> None:
    given = {"seed": SEED, "rate": RATE, **TRAIN}
    shape = SMALL[operation]
    kept = masks(trial.call(np.ones(shape, np.float32), **given))
    mixed = normal_draws(8, shape)
    for about, x in {
        "negative numbers": -np.ones(shape, np.float32),
        "large numbers": np.full(shape, 1e30, np.float32),
        "numbers of both signs and all sizes": mixed**3,
        "other examples": np.concatenate([np.ones((1, *shape[1:]), np.float32), 1e6 * mixed[1:]]),
    }.items():
        trial.expect(masks(trial.call(x, **given)), exact(kept), f"what is kept of {about}", (x,))
    x = mixed.copy()
    x[::2] = 0  # an entry that is zero is drawn for, too
    trial.expect(masks(trial.call(x, **given))[1::2], exact(kept[1::2]), "what is kept beside zeros")


@clause("dropout.repeatable")
def test_repeatable(trial: Trial, operation: str) -> None:
    x = normal_draws(5, SMALL[operation])
    first, again, other = (trial.call(x, seed=seed, rate=RATE, **TRAIN) for seed in (3, 3, 4))
    trial.expect(again, exact(first), "the same seed")
    trial.require(bool((first != other).any()), "another seed gives the same result")


@clause("dropout.eval")
def test_eval(operation: str) -> Iterator[Case]:
    for dtype in DTYPES:
        yield from unchanged(operation, dtype, rate=RATE, train=False)


@clause("dropout.rate-zero")
def test_rate_zero(operation: str) -> Iterator[Case]:
    for dtype in DTYPES:
        yield from unchanged(operation, dtype, rate=0.0, train=True)


def unchanged(operation: str, dtype: str, **given: Any) -> Iterator[Case]:
    x, g = (normal_draws(seed, SMALL[operation], dtype) for seed in (5, 6))
    x[:3, ..., 0] = np.asarray([np.nan, -np.inf, -0.0], x.dtype).reshape(3, *[1] * (x.ndim - 2))
    yield call(operation, x, seed=SEED, **given, want=exact(x, dtype), note="scaled by 1 - p, as in the first paper")
    yield gradient(operation, x, seed=SEED, **given, cotangents=g, want=(exact(g, dtype),), note="the gradient alone")


# ---- shares of many draws


@clause("dropout.example")
def test_example(trial: Trial) -> None:
    n = 2**14
    rows = np.tile(np.array([1, 2, 3], np.float32), (n, 1))
    drawn = np.asarray(trial.call(rows, seed=SEED, rate=0.5, **TRAIN))
    kept = drawn != 0
    trial.expect(drawn, exact(np.where(kept, 2 * rows, 0)), "what is kept is doubled")
    found = np.bincount(kept @ np.array([1, 2, 4]), minlength=8)
    trial.expect(np.sum((found - n / 8) ** 2) / (n / 8), equally_often(7, n), "how often each mask comes")


@clause("dropout.fraction")
def test_fraction(trial: Trial, operation: str) -> None:
    for dtype in trial.dtypes:
        for rate in (RATE, 0.001):
            y = units(operation, trial.draws(ones(operation, dtype), seeds=1, rate=rate, **TRAIN)[0])
            trial.expect((y == 0).mean(), share(rate, y.size), f"share dropped at the rate {rate} in {dtype}")


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two masks; one that is all zeros or all ones has none, and counts as a copy."""
    if one.std() == 0 or other.std() == 0:
        return 1.0
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@clause("dropout.independence")
def test_independence(trial: Trial, operation: str) -> None:
    dropped = units(operation, trial.draws(ones(operation), seeds=1, rate=RATE, **TRAIN)[0]) == 0
    flat = dropped.ravel()
    for lag in (1, 2, 3, 4):
        about = f"correlation of what is dropped with the neighbour at distance {lag}"
        trial.expect(correlation(flat[lag:], flat[:-lag]), uncorrelated(flat.size - lag), about)
    pairs = dropped[1:].size
    trial.expect(correlation(dropped[1:], dropped[:-1]), uncorrelated(pairs), "correlation with the next example")


def largest_of(count: int, one: Want, n: int) -> Want:
    """The largest of so many correlations of ``n`` pairs: a right one is refused once in a million for all of them."""
    from scipy.stats import norm

    allowed = float(norm.isf(ALARM / (2 * count)))
    caught = f"catches one of {count} correlations off by {(allowed + POWER) / np.sqrt(n):.3g} with probability 0.999"
    name = f"statistical n={n}, false alarms {ALARM:g}, {caught}"
    return replace(one, allowed=np.full_like(one.allowed, allowed / np.sqrt(n)), tolerance=name)


@clause("dropout.distances")
def test_distances(trial: Trial, operation: str) -> None:
    dropped = units(operation, trial.draws(ones(operation), seeds=1, rate=RATE, **TRAIN)[0]) == 0
    trial.require(0 < dropped.mean() < 1, "all or nothing is dropped")
    centred = dropped.ravel() - dropped.mean()
    n = centred.size
    power = np.abs(np.fft.rfft(centred)) ** 2
    of_lag = np.fft.irfft(power, n)[1 : n // 2 + 1] / (n * centred.var())  # with the array as a ring
    worst = int(np.argmax(np.abs(of_lag)))
    want = largest_of(of_lag.size, uncorrelated(n), n)
    trial.expect(of_lag[worst], want, f"the largest correlation with an entry further on, {worst + 1}")


TALL = {"dropout": (4096, 65), "feature_dropout": (4096, 1, 65)}  # many examples: a pair of features needs them


@clause("dropout.pairs")
def test_pairs(trial: Trial, operation: str) -> None:
    from scipy.stats import binom

    x = np.ones(TALL[operation], np.float32)
    coins = 2 * masks(units(operation, np.asarray(trial.call(x, seed=SEED, rate=0.5, **TRAIN)))) - 1
    n, features = coins.shape
    one, other = np.triu_indices(features, 1)
    alike = (n + (coins.T @ coins)[one, other]) / 2  # how many examples have both or neither
    allowed = (float(binom.isf(ALARM / (2 * alike.size), n, 0.5)) - n / 2) / n
    name = f"statistical n={n}, false alarms {ALARM:g}, catches one of {alike.size} shares off by"
    name = f"{name} {allowed + POWER / (2 * np.sqrt(n)):.3g} with probability 0.999"
    want = replace(share(0.5, n), allowed=np.float64(allowed), tolerance=name)
    worst = int(np.argmax(np.abs(alike - n / 2)))
    trial.expect(alike[worst] / n, want, f"how often features {one[worst]} and {other[worst]} fare alike")


COINS = 48  # of 320 entries no pair fares alike in all of them, but once in three billion runs


@clause("dropout.places")
def test_places(trial: Trial, operation: str) -> None:
    x = np.ones(SMALL[operation], np.float32)
    drawn = [np.asarray(trial.call(x, seed=seed, rate=0.5, **TRAIN)) for seed in range(COINS)]
    dropped = np.stack([units(operation, y).ravel() == 0 for y in drawn])  # [seeds, entries]
    often = dropped.sum(0)
    trial.expect(np.sum(often == 0), exact(np.float64(0)), f"entries that no seed of {COINS} drops")
    trial.expect(np.sum(often == COINS), exact(np.float64(0)), f"entries that every seed of {COINS} drops")
    coins = 2.0 * dropped - 1
    together = np.abs(np.triu(coins.T @ coins, 1)) == COINS
    trial.expect(np.sum(together), exact(np.float64(0)), f"pairs of entries alike, or never, with {COINS} seeds")


FINE = {2.4e-4: "12 bits", 2.0**-21: "16 bits"}  # of random numbers that round it down to nothing, and up
CALLS = 44  # of 263,680 units each


@clause("dropout.resolution")
def test_resolution(trial: Trial, operation: str) -> None:
    x = ones(operation)
    x = x[:, :1] if operation == "feature_dropout" else x
    n = CALLS * x.size
    for rate, bits in FINE.items():
        drawn = (np.asarray(trial.call(x, seed=seed, rate=rate, **TRAIN)) for seed in range(CALLS))
        found = sum(y.size - int(np.count_nonzero(y)) for y in drawn) / n
        trial.expect(found, share(rate, n), f"share dropped at the rate {rate:g}, which no number of {bits} tells")


@clause("dropout.seeds")
def test_seeds(trial: Trial, operation: str) -> None:
    x = ones(operation)
    one, *others = (
        units(operation, np.asarray(trial.call(x, seed=seed, rate=RATE, **TRAIN))) == 0 for seed in (2, 3, 2 + 2**16)
    )
    for other, far in zip(others, (1, 2**16), strict=True):
        trial.expect(correlation(one, other), uncorrelated(one.size), f"correlation of seeds that differ by {far}")
        about = f"correlation of seeds that differ by {far}, one entry on"
        trial.expect(correlation(one.ravel()[1:], other.ravel()[:-1]), uncorrelated(one.size - 1), about)


@clause("feature-dropout.shared")
def test_shared(trial: Trial) -> None:
    for shape in ((64, 3, 5), (32, 2, 3, 5), (32, 2, 2, 3, 5)):
        x = np.abs(normal_draws(5, shape)) + 1
        kept = masks(trial.call(x, seed=SEED, rate=RATE, **TRAIN))
        first = kept.reshape(len(x), -1, shape[-1])[:, :1]
        want = np.broadcast_to(first.reshape(len(x), *[1] * (len(shape) - 2), shape[-1]), shape)
        trial.expect(kept, exact(want), f"kept at the first place and elsewhere, shape {shape}", (x,))
        trial.require(bool((first != first[:, :, :1]).any()), f"all features of an example alike, shape {shape}")


# ---- a layer that is called twice


@clause("repeated-dropout.value")
def test_repeated_value(trial: Trial, operation: str, lean: bool) -> None:
    for dtype in trial.dtypes[: 1 if lean else None]:
        x = normal_draws(5, SMALL[operation], dtype)
        for name, y in zip(("first", "second"), trial.call(x, seed=SEED, rate=RATE), strict=True):
            trial.expect(y, scaled(x, y, RATE), f"what the {name} call keeps of {dtype}", (x,))
    x = ones(operation)
    for name, y in zip(("first", "second"), trial.call(x, seed=SEED, rate=RATE), strict=True):
        trial.expect((np.asarray(y) == 0).mean(), share(RATE, x.size), f"share that the {name} call drops")


@clause("repeated-dropout.gradient")
def test_repeated_gradient(trial: Trial, operation: str, lean: bool) -> None:
    for dtype in trial.dtypes[: 1 if lean else None]:
        x, *g = (normal_draws(seed, SMALL[operation], dtype) for seed in (5, 6, 7))
        kept = [np.asarray(y, np.float64) != 0 for y in trial.call(x, seed=SEED, rate=RATE)]
        parts = [np.where(k, wide(c) / (1 - RATE), 0) for k, c in zip(kept, g, strict=True)]
        want = ulps(sum(parts), 4, dtype, scale=sum(map(np.abs, parts)))
        trial.expect(trial.vjp((x,), tuple(g), seed=SEED, rate=RATE), (want,), f"gradient of two calls in {dtype}")


@clause("repeated-dropout.independent")
def test_repeated_independent(trial: Trial, operation: str) -> None:
    x = ones(operation)
    first, second = (np.asarray(y) == 0 for y in trial.call(x, seed=SEED, rate=RATE))
    trial.expect(correlation(first, second), uncorrelated(x.size), "correlation of what two calls drop")


# ---- where implementations differ, and rates that are none


@clause("dropout.mode")
def test_mode(trial: Trial, operation: str, default: bool) -> None:
    x = np.abs(normal_draws(5, SMALL[operation])) + 1
    y = np.asarray(trial.call(x, seed=SEED, rate=RATE))
    if default:
        trial.require(bool((y == 0).any()), "nothing is dropped when nothing is said; declared is that it drops")
        trial.expect(y, scaled(x, y, RATE), "what is kept when nothing is said")
    else:
        trial.expect(y, exact(x), "the input when nothing is said")
    g = normal_draws(6, SMALL[operation])
    slope = scaled(g, y, RATE) if default else exact(g)
    trial.expect(trial.vjp((x,), g, seed=SEED, rate=RATE), (slope,), "gradient when nothing is said")


@clause("dropout.dropped")
def test_dropped(trial: Trial, operation: str, readings: dict) -> None:
    given = {"seed": SEED, "rate": RATE, **TRAIN}
    plain = np.ones(SMALL[operation], np.float32)
    kept = np.asarray(trial.call(plain, **given)) != 0
    gone = 0.0 if readings["dropped"] == "zero" else np.nan
    for number in (np.nan, np.inf, -np.inf):
        x = np.full(plain.shape, number, np.float32)
        want = exact(np.where(kept, number, gone))
        trial.expect(trial.call(x, **given), want, f"{number} in every place", (x,))
        trial.expect(trial.vjp((plain,), x, **given), (want,), f"cotangents of {number}")


@clause("dropout.rate-one")
def test_rate_one(trial: Trial, operation: str, readings: dict) -> None:
    x = normal_draws(5, SMALL[operation])
    given: dict[str, Any] = {"seed": SEED, "rate": 1.0} | ({} if operation == "repeated_dropout" else TRAIN)
    control: dict[str, Any] = given | {"rate": 0.5}
    trial.call(x, **control)
    refused = readings["rate_one"] == "refused"
    try:
        y = trial.call(x, **given)
        results = y if isinstance(y, tuple) else (y,)
        cotangents = tuple(np.ones_like(x) for _ in results)
        slope = trial.vjp((x,), cotangents if isinstance(y, tuple) else cotangents[0], **given)
    except Refused:
        trial.require(refused, "the rate 1 is refused, declared are zeros")
        return
    trial.require(not refused, "the rate 1 is taken, declared is a refusal")
    for result in results:
        trial.expect(result, exact(np.zeros(x.shape)), "the rate 1")
    trial.expect(slope, (exact(np.zeros(x.shape)),), "gradient at the rate 1")


@clause("dropout.rate-range")
def test_rate_range(operation: str) -> Iterator[ErrorCase]:
    x = normal_draws(5, SMALL[operation])
    for rate in (-0.1, 1.1, 50.0, float("nan")):
        yield refusal(operation, x, seed=SEED, rate=rate, valid={"rate": 0.5}, note="all dropped, or scaled down")
