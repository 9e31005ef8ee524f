"""Tests of architectures/transformer/attention_dropout: values that show the weights show what a seed drops."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES, float_dtype
from nnspec_conformance.errors import Refused
from nnspec_conformance.oracles.architectures.transformer import attention_dropout as oracle
from nnspec_conformance.suite.architectures._sequences import remembered
from nnspec_conformance.suite.architectures.transformer import test_attention as attention
from nnspec_conformance.tolerance import Shape, Want, equally_often, exact, share, spread, uncorrelated
from nnspec_conformance.trial import Trial

NAME = "attention_dropout"
BATCH, QUERIES, KEYS, HEADS = 3, 5, 4, 2  # the depth is that of the keys, so that values can show the weights
RATE, SEED = 0.4, 3  # a seed that keeps all four weights of some query, and none of another one
LARGE = (2, 256, 256, 2)  # 262,144 weights; 65,536 where heads and examples share them
TRAIN: dict[str, Any] = {"train": True}
GIVEN: dict[str, Any] = {"seed": SEED, "rate": RATE, **TRAIN}
OFTEN: dict[str, Any] = GIVEN | {"rate": 0.6}

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


# ---- what is asked


def arrays(dtype: str = "float32", keys: int = KEYS) -> Arrays:
    """Queries, keys and values, no two numbers alike."""
    return attention.arrays(dtype, queries=QUERIES, keys=keys, heads=HEADS, batch=BATCH, depth=keys)


def showing(dtype: str, batch: int, queries: int, keys: int, heads: int) -> Arrays:
    """Equal scores, and for each key a value of its own: entry j of a result is not zero where weight j is kept."""
    zeros = np.zeros((batch, queries, heads, keys), DTYPES[dtype])
    rows = np.eye(keys, dtype=DTYPES[dtype])[None, :, None]
    shape = (batch, keys, heads, keys)
    return zeros, np.zeros(shape, DTYPES[dtype]), np.ascontiguousarray(np.broadcast_to(rows, shape))


def a_mask() -> np.ndarray:
    """A mask in which every query sees its first key, and no two see the same ones."""
    found = attention.a_mask(QUERIES, KEYS, HEADS, BATCH)
    found[..., 0] = True
    return found


def what_is_kept(
    trial: Trial, dtype: str = "float32", sizes: tuple = (BATCH, QUERIES, KEYS, HEADS), *mask: Any, **given: Any
) -> np.ndarray:
    """The mask of a seed: [batch, heads, queries, keys]."""
    y = trial.call(*showing(dtype, *sizes), *mask, **GIVEN | given)
    return np.asarray(y != 0).swapaxes(1, 2)


def several(trial: Trial, dtype: str = "float32", **given: Any) -> np.ndarray:
    """The masks of many weights; one alone where heads and examples share theirs."""
    kept = what_is_kept(trial, dtype, LARGE, **{"rate": 0.25} | given)
    return kept[:1, :1] if trial.readings["masks"] == "shared" else kept


# ---- what is expected


def value(kept: Any, *operands: Any, **given: Any) -> Want:
    """The oracle with this mask, and what it moves when all it computes with is rounded at random."""
    run = partial(oracle.attention_dropout, *attention.widened(operands), kept=kept, **given)
    return spread(lambda rounded: run(rounded=rounded), float_dtype(operands) or "float32")


def gradients(kept: Any, *operands: Any, **given: Any) -> tuple[Want, ...]:
    """The oracle's gradients with this mask, with the same tolerance."""
    run = partial(oracle.attention_dropout_vjp, *attention.widened(operands), kept=kept, **given)
    return spread(lambda rounded: run(rounded=rounded), float_dtype(operands) or "float32")


@remembered
def plain(*operands: Any, **given: Any) -> Want:
    return attention.value(*operands, **_of_attention(given))


@remembered
def plain_gradients(*operands: Any, **given: Any) -> tuple[Want, ...]:
    return attention.gradients(*operands, **_of_attention(given))


def _of_attention(given: dict) -> dict:
    return {name: word for name, word in given.items() if name == "causal"}


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two masks; one that is all zeros or all ones has none, and counts as a copy."""
    if one.std() == 0 or other.std() == 0:
        return 1.0
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


# ---- what a mask does to the numbers


@clause("attention-dropout.value")
def test_value(trial: Trial, lean: bool) -> None:
    for dtype in trial.dtypes[: 2 if lean else None]:
        operands = arrays(dtype)
        want = value(what_is_kept(trial, dtype), *operands, **GIVEN)
        trial.expect(trial.call(*operands, **GIVEN), want, f"the result in {dtype}", operands)
    few = arrays(keys=2)
    want = value(what_is_kept(trial, "float32", (BATCH, QUERIES, 2, HEADS)), *few, **GIVEN)
    trial.expect(trial.call(*few, **GIVEN), want, "two keys", few)
    masked = (*arrays(), a_mask())
    kept = what_is_kept(trial, "float32", (BATCH, QUERIES, KEYS, HEADS), a_mask())
    trial.expect(trial.call(*masked, **GIVEN), value(kept, *masked, **GIVEN), "beside a mask", masked)
    square = attention.arrays(queries=KEYS, keys=KEYS, heads=HEADS, batch=BATCH, depth=KEYS)
    for mask in ((),) if lean else ((), (a_mask()[:, :, :KEYS],)):
        kept = what_is_kept(trial, "float32", (BATCH, KEYS, KEYS, HEADS), *mask, causal=True)
        want = value(kept, *square, *mask, **GIVEN, causal=True)
        about = "causal, beside a mask" if mask else "causal"
        trial.expect(trial.call(*square, *mask, **GIVEN, causal=True), want, about, square)


@clause("attention-dropout.gradient")
def test_gradient(trial: Trial, lean: bool) -> None:
    for dtype in trial.dtypes[: 1 if lean else None]:
        operands = arrays(dtype)
        g = attention.cotangents(operands[0], operands[2])
        want = gradients(what_is_kept(trial, dtype), *operands, g, **GIVEN)
        trial.expect(trial.vjp(operands, g, **GIVEN), want, f"gradients in {dtype}", operands)
    masked = (*arrays(), a_mask())
    g = attention.cotangents(masked[0], masked[2])
    kept = what_is_kept(trial, "float32", (BATCH, QUERIES, KEYS, HEADS), a_mask())
    found = trial.vjp(masked, g, **GIVEN)
    trial.expect(tuple(found)[:3], gradients(kept, *masked, g, **GIVEN), "gradients beside a mask", masked)


@clause("attention-dropout.no-keys")
def test_no_keys(trial: Trial) -> None:
    told, mask = {"no_keys": trial.readings["no_keys"]}, a_mask()
    mask[1, :, 1] = False
    operands = (*arrays(), mask)
    kept = what_is_kept(trial, "float32", (BATCH, QUERIES, KEYS, HEADS), mask)
    left = bool(kept[1, :, 1].any())  # told by results that are not 0
    trial.require(left or told["no_keys"] != "uniform", "a query that sees no key has zeros, declared is a mean")
    for about, given in {"in training": GIVEN, "out of training": GIVEN | {"train": False}}.items():
        want = value(kept, *operands, **given, **told)
        trial.expect(trial.call(*operands, **given), want, f"beside a query that sees nothing, {about}", operands)
    if told["no_keys"] == "zeros":
        g = attention.cotangents(operands[0], operands[2])
        want = gradients(kept, *operands, g, **GIVEN, **told)
        trial.expect(tuple(trial.vjp(operands, g, **GIVEN))[:3], want, "gradients beside such a query", operands)


@clause("attention-dropout.dropped")
def test_dropped(trial: Trial) -> None:
    q, k, v = arrays()
    gone = ~what_is_kept(trial)[..., 1].swapaxes(1, 2)  # of the second key: [batch, queries, heads]
    other = v.copy()
    other[:, 1] = 1e30
    before, after = (np.asarray(trial.call(q, k, x, **GIVEN)) for x in (v, other))
    trial.require(bool(gone.any() and not gone.all()), "the second key is dropped for all queries or for none")
    trial.expect(after[gone], exact(before[gone]), "the results of queries that have lost a key", (q, k, other))
    g = np.where(gone[..., None], attention.cotangents(q, v), 0).astype(np.float32)
    slope = np.asarray(trial.vjp((q, k, v), g, **GIVEN)[2])[:, 1]
    trial.expect(slope, exact(np.zeros(slope.shape)), "the gradient of its value from these queries")


@clause("attention-dropout.nothing-kept")
def test_nothing_kept(trial: Trial) -> None:
    kept = what_is_kept(trial, "float32", (BATCH, QUERIES, 2, HEADS), rate=0.6)
    empty = np.asarray(~kept.any(-1)).swapaxes(1, 2)
    trial.require(bool(empty.any() and not empty.all()), "of 30 queries with two keys some lose both, and some none")
    y = np.asarray(trial.call(*arrays(keys=2), **OFTEN))
    trial.expect(y[empty], exact(np.zeros(y[empty].shape)), "queries that have lost both keys")
    g = np.where(empty[..., None], np.float32(1), np.float32(0)) * np.ones_like(arrays(keys=2)[0])
    for name, slope in zip("qkv", trial.vjp(arrays(keys=2), g, **OFTEN), strict=True):
        trial.expect(slope, exact(np.zeros(slope.shape)), f"their gradient for {name}")


@clause("attention-dropout.mask-blind")
def test_mask_blind(trial: Trial) -> None:
    kept = what_is_kept(trial)
    q, k, v = showing("float32", BATCH, QUERIES, KEYS, HEADS)
    drawn = arrays()
    for about, operands in {
        "other queries and keys": (*drawn[:2], v),
        "larger scores": (2 * drawn[0], drawn[1], v),
        "negative values": (q, k, -v),
        "large values": (q, k, np.float32(1e30) * v),
    }.items():
        found = np.asarray(trial.call(*operands, **GIVEN)) != 0
        trial.expect(found.astype(np.float32).swapaxes(1, 2), exact(kept.astype(np.float32)), about, operands)
    other = np.concatenate([q[:1], drawn[0][1:]]), np.concatenate([k[:1], drawn[1][1:]]), v
    found = np.asarray(trial.call(*other, **GIVEN)) != 0
    trial.expect(found[0].astype(np.float32).swapaxes(0, 1), exact(kept[0].astype(np.float32)), "other examples", other)


@clause("attention-dropout.repeatable")
def test_repeatable(trial: Trial) -> None:
    first, again, other = (trial.call(*arrays(), seed=seed, rate=RATE, **TRAIN) for seed in (3, 3, 4))
    trial.expect(again, exact(first), "the same seed")
    trial.require(bool((first != other).any()), "another seed gives the same result")


@clause("attention-dropout.eval")
def test_eval(lean: bool) -> Iterator[Case]:
    yield from without_dropout(lean, rate=RATE, train=False)


@clause("attention-dropout.rate-zero")
def test_rate_zero(lean: bool) -> Iterator[Case]:
    yield from without_dropout(lean, rate=0.0, train=True)


def without_dropout(lean: bool, **given: Any) -> Iterator[Case]:
    for dtype in attention.first_dtypes(lean):
        operands = arrays(dtype)
        g = attention.cotangents(operands[0], operands[2])
        yield call(NAME, *operands, seed=SEED, **given, want=plain, note="weights that are dropped, or scaled")
        note = "the gradient alone"
        yield gradient(NAME, *operands, seed=SEED, **given, cotangents=g, want=plain_gradients, note=note)
    yield call(NAME, *arrays(), a_mask(), seed=SEED, **given, want=plain, note="a mask that is lost")


# ---- shares of many draws


@clause("attention-dropout.example")
def test_example(trial: Trial) -> None:
    n = 2**14
    one = (np.array(rows, np.float32) for rows in (oracle.EXAMPLE_Q, oracle.EXAMPLE_K, oracle.EXAMPLE_V))
    q, k, v = one
    operands = (
        np.tile(q[None, :, None], (2, n // 2, 1, 1)), np.tile(k[None, :, None], (2, 1, 1, 1)),
        np.tile(v[None, :, None], (2, 1, 1, 1)),
    )  # fmt: skip
    y = np.asarray(trial.call(*operands, seed=SEED, rate=0.5, **TRAIN))[:, :, 0]
    y = y[:1] if trial.readings["masks"] == "shared" else y
    kept = (y[..., :2] != 0).astype(int)
    table = np.array(oracle.EXAMPLE_Y, np.float64)  # log 3 is rounded, and so are the weights
    rows = np.concatenate([table[kept[..., 1], kept[..., 0]], np.zeros((*kept.shape[:-1], 2))], -1)
    right = Want(rows, 16 * np.spacing(np.float32(12)) * (rows != 0), 0 * rows, "float32", "log 3 as float32 has it")
    trial.expect(y, right, "one of the four rows")
    found = np.bincount((kept @ np.array([1, 2])).ravel(), minlength=4)
    trial.expect(np.sum((found - kept[..., 0].size / 4) ** 2) / (kept[..., 0].size / 4),
                 equally_often(3, kept[..., 0].size), "how often each row comes")  # fmt: skip


@clause("attention-dropout.fraction")
def test_fraction(trial: Trial) -> None:
    for dtype in trial.dtypes:
        for rate in (0.25, 0.001):
            kept = several(trial, dtype, rate=rate)
            trial.expect((~kept).mean(), share(rate, kept.size), f"share dropped at the rate {rate} in {dtype}")


@clause("attention-dropout.independence")
def test_independence(trial: Trial) -> None:
    kept = several(trial)
    for lag in (1, 2, 3, 4):
        about = f"correlation of what is dropped with the key at distance {lag}"
        n = kept[..., lag:].size
        trial.expect(correlation(kept[..., lag:], kept[..., :-lag]), uncorrelated(n), about)
    one, next_one = kept[:, :, 1:], kept[:, :, :-1]
    trial.expect(correlation(one, next_one), uncorrelated(one.size), "correlation with the same key of the next query")


@clause("attention-dropout.masks")
def test_masks(trial: Trial) -> None:
    kept = what_is_kept(trial, "float32", LARGE, rate=0.25)
    pairs = {"heads": (kept[:, 0], kept[:, 1]), "examples": (kept[0], kept[1])}
    for name, (one, other) in pairs.items():
        if trial.readings["masks"] == "shared":
            trial.expect(one.astype(np.float32), exact(other.astype(np.float32)), f"the masks of two {name}")
        else:
            about = f"correlation of the masks of two {name}"
            trial.expect(correlation(one, other), uncorrelated(one.size), about)


@clause("attention-dropout.seeds")
def test_seeds(trial: Trial) -> None:
    one, *others = (several(trial, seed=seed) for seed in (2, 3, 2 + 2**16))
    for other, far in zip(others, (1, 2**16), strict=True):
        about = f"correlation of seeds that differ by {far}"
        trial.expect(correlation(one, other), uncorrelated(one.size), about)
        about += ", one weight on"
        trial.expect(correlation(one.ravel()[1:], other.ravel()[:-1]), uncorrelated(one.size - 1), about)


# ---- where implementations differ, and what is refused


@clause("attention-dropout.mode")
def test_mode(trial: Trial, default: bool) -> None:
    operands, given = arrays(), {"seed": SEED, "rate": RATE}
    g = attention.cotangents(operands[0], operands[2])
    y, slopes = trial.call(*operands, **given), trial.vjp(operands, g, **given)
    if not default:
        trial.expect(y, plain(*operands), "the attention itself when nothing is said")
        trial.expect(slopes, plain_gradients(*operands, g), "its gradients when nothing is said")
        return
    shown = np.asarray(trial.call(*showing("float32", BATCH, QUERIES, KEYS, HEADS), **given)) != 0
    trial.require(not shown.all(), "nothing is dropped when nothing is said; declared is that it drops")
    kept = shown.swapaxes(1, 2)
    trial.expect(y, value(kept, *operands, **GIVEN), "the result when nothing is said")
    trial.expect(slopes, gradients(kept, *operands, g, **GIVEN), "its gradients when nothing is said")


@clause("attention-dropout.rate-one")
def test_rate_one(trial: Trial) -> None:
    operands: Any = arrays()
    given: dict[str, Any] = GIVEN | {"rate": 1.0}
    trial.call(*operands, **GIVEN)
    refused = trial.readings["rate_one"] == "refused"
    try:
        y = trial.call(*operands, **given)
        slopes = trial.vjp(operands, np.ones_like(operands[0]), **given)
    except Refused:
        trial.require(refused, "the rate 1 is refused, declared are zeros")
        return
    trial.require(not refused, "the rate 1 is taken, declared is a refusal")
    trial.expect(y, exact(np.zeros(operands[0].shape)), "the rate 1")
    for name, slope in zip("qkv", slopes, strict=True):
        trial.expect(slope, exact(np.zeros(slope.shape)), f"gradient for {name} at the rate 1")


@clause("attention-dropout.rate-range")
def test_rate_range() -> Iterator[ErrorCase]:
    for rate in (-0.1, 1.1, 50.0, float("nan")):
        note = "all dropped, or scaled down"
        yield refusal(NAME, *arrays(), seed=SEED, rate=rate, **TRAIN, valid={"rate": 0.5, **TRAIN}, note=note)


@clause("attention-dropout.shape")
def test_shape(lean: bool) -> Iterator[Case]:
    sizes = [(2, 3, 5, 2), (2, 1, 5, 2), (2, 3, 1, 2), (1, 3, 5, 1)]
    for batch, queries, keys, heads in sizes[: 2 if lean else None]:
        operands = attention.arrays(queries=queries, keys=keys, heads=heads, batch=batch)
        want = Shape(operands[0].shape)
        yield call(NAME, *operands, **GIVEN, want=want, note="an axis of length 1 that is lost")
