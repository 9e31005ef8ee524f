"""Tests of architectures/transformer/decoding: what is drawn, and how often."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance.cases import Case, call, clause
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import wide
from nnspec_conformance.layouts import transposed
from nnspec_conformance.oracles.architectures.transformer import decoding as oracle
from nnspec_conformance.suite.architectures.transformer.test_decoding import DYADIC
from nnspec_conformance.tolerance import exact, share, uncorrelated
from nnspec_conformance.trial import Trial

N = 2**16


def drawn(trial: Trial, x: np.ndarray, seeds: int = 1) -> np.ndarray:
    """Tokens for many copies of one row of logits."""
    return trial.draws(np.broadcast_to(x, (N, len(x))).copy(), seeds=seeds)


def expect_shares(trial: Trial, tokens: np.ndarray, q: np.ndarray, what: str) -> None:
    for token, p in enumerate(q):
        trial.expect((tokens == token).mean(), share(float(p), N), f"share of token {token}{what}")


@clause("sample-token.repeatable")
def test_repeatable(trial: Trial) -> None:
    x = np.zeros((64, 7), np.float32)
    first, again, *others = (trial.call(x, seed=seed) for seed in (3, 3, 4, 3 + 2**16))
    trial.expect(again, exact(first), "draws with the same seed")
    for other in others:
        trial.require(bool((np.asarray(first) != np.asarray(other)).any()), "the same draws for another seed")


@clause("sample-token.frequencies")
def test_frequencies(trial: Trial, lean: bool) -> None:
    many = 3 if lean else 32
    rare = np.array([1 - many / 160, *[1 / 160] * many])
    for q in (DYADIC, np.array([0.05, 0.7, 0.05, 0.2]), rare):
        expect_shares(trial, drawn(trial, np.log(q).astype(np.float32)), q, f" of {q.tolist()}")


@clause("sample-token.independence")
def test_independence(trial: Trial) -> None:
    one, other = drawn(trial, np.zeros(4, np.float32), seeds=2) < 2
    trial.expect(np.corrcoef(one[1:], one[:-1])[0, 1], uncorrelated(N - 1), "correlation of neighbouring rows")
    trial.expect(np.corrcoef(one, other)[0, 1], uncorrelated(N), "correlation of what two seeds draw")
    moved = np.corrcoef(one[1:], other[:-1])[0, 1], np.corrcoef(one[:-1], other[1:])[0, 1]
    for value in moved:
        trial.expect(value, uncorrelated(N - 1), "correlation of neighbouring rows of two seeds")
    with trial.part():  # a subject may take rows along one axis alone
        apart = trial.call(np.zeros((2, N // 2, 4), np.float32), seed=5) < 2
        trial.expect(np.corrcoef(*apart)[0, 1], uncorrelated(N // 2), "correlation along the first of two axes of rows")


def sure(shape: tuple[int, ...], dtype: str, other: float = -200.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of which one of each row is far above all others, and the tokens that these are."""
    random = np.random.default_rng(shape)
    tokens = np.asarray(random.integers(shape[-1], size=shape[:-1]))
    likely = np.arange(shape[-1]) == tokens[..., None]
    return np.where(likely, random.uniform(1, 9, shape), other - random.uniform(0, 9, shape)).astype(
        DTYPES[dtype]
    ), tokens


@clause("sample-token.certain")
def test_certain(lean: bool) -> Iterator[Case]:
    for dtype in DTYPES:
        for shape in ((5, 7),) if lean and dtype in ("float32", "bfloat16") else ((5, 7), (4, 6)):
            x, tokens = sure(shape, dtype)
            yield call("sample_token", x, seed=3, want=exact(tokens), note="another token")
    for shape in ((7, 7), (7,), (1, 5, 7), (2, 3, 2, 5), *(() if lean else ((2, 3, 7),))):
        x, tokens = sure(shape, "float32")
        yield call("sample_token", x, seed=3, want=exact(tokens), note="another axis, or rows in another order")
    x, tokens = sure((5, 7), "float32")
    yield call("sample_token", transposed(x), seed=3, want=exact(tokens), note="what lies in memory")
    x, tokens = sure((5, 7), "float32", -np.inf)
    yield call("sample_token", x, seed=3, want=exact(tokens), note="infinity minus infinity")


@clause("sample-token.impossible")
def test_sample_impossible(trial: Trial) -> None:
    for x in ([-np.inf, 0.0, 1.0, -np.inf], [-np.inf, -np.inf, -np.inf, 0.0], [0.0, -np.inf, -np.inf, -np.inf]):
        tokens = drawn(trial, np.array(x, np.float32))
        wrong = np.isneginf(np.array(x))[tokens.astype(int)].sum()
        trial.require(wrong == 0, f"{wrong} of {N} draws from {x} are of probability 0")


@clause("sample-token.large-logits")
def test_sample_large(trial: Trial) -> None:
    x = np.array([10000.0, 10001.0, 9990.0, 10000.5], np.float32)
    expect_shares(trial, drawn(trial, x), oracle.softmax(wide(x)), " of logits of 10,000")
    expect_shares(trial, drawn(trial, -x), oracle.softmax(-wide(x)), " of logits of -10,000")


@clause("sample-token.half-precision")
def test_sample_half(trial: Trial, lean: bool) -> None:
    halves = [d for d in ("bfloat16", "float16") if d in trial.dtypes]
    for dtype in halves[:1] if lean else halves:
        with trial.part():
            n, vocabulary = 2**13, 512
            tokens = trial.draws(np.zeros((n, vocabulary), DTYPES[dtype]), seeds=1)
            what = f"share of the first half of {vocabulary} equally probable tokens in {dtype}"
            trial.expect((tokens < vocabulary // 2).mean(), share(0.5, n), what)
