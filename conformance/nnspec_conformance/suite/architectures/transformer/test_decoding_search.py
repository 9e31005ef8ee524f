"""Tests of architectures/transformer/decoding: beam search on a table of log-probabilities."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import wide
from nnspec_conformance.oracles.architectures.transformer import decoding as oracle
from nnspec_conformance.tolerance import Want, carried, exact, ulps, unit
from nnspec_conformance.trial import Trial

END, A, B = 0, 1, 2
PLAIN = {"end": END, "limit": 4}


def searched(readings: dict) -> Callable[..., tuple[Want, Want]]:
    """Tokens exactly, and the score within the bound of the page."""

    def want(first: np.ndarray, following: np.ndarray, **given: Any) -> tuple[Want, Want]:
        dtype, penalty = str(first.dtype), {"penalty": readings["penalty"]} if "penalty" in readings else {}
        first, following = wide(first), wide(following)
        tokens, score = oracle.beam_search(first, following, **given, **penalty)
        cut = _cut(tokens.tolist(), given["end"])
        terms = [first[cut[0]], *(following[a, b] for a, b in itertools.pairwise(cut))]
        divisor = oracle.divisor(len(cut), given.get("alpha", 0.0), penalty.get("penalty", "length"))
        off = 2 * (given["limit"] + 2) * unit(dtype) * np.abs(terms).sum() / divisor
        return exact(tokens), carried(np.asarray(score), np.asarray(off), dtype)

    return want


def _cut(tokens: list[int], end: int) -> list[int]:
    """A text up to its end, with it."""
    return tokens[: tokens.index(end) + 1] if end in tokens else tokens


def once(readings: dict, lean: bool) -> bool:
    """Whether to ask less, since the other penalty was asked the same: without ``alpha`` each of the two is 1."""
    return lean and readings.get("penalty") == "wu"


def table(seed: int, vocabulary: int = 5, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities of which some are small, so that a wide beam and a narrow one differ."""
    random = np.random.default_rng(seed)
    first, following = random.dirichlet([0.7] * vocabulary), random.dirichlet([0.7] * vocabulary, vocabulary)
    return np.log(first + 1e-4).astype(DTYPES[dtype]), np.log(following + 1e-4).astype(DTYPES[dtype])


@clause("beam-search.example")
def test_example(readings: dict, lean: bool) -> Iterator[Case]:
    first = np.array([1e-9, 0.6, 0.4])
    following = np.array([[1.0, 1e-9, 1e-9], [0.4, 0.3, 0.3], [0.9, 0.05, 0.05]])
    arrays = [np.log(a).astype(np.float32) for a in (first, following)]
    answers = ((1, (A, END), 0.24), (2, (B, END), 0.36))
    for beams, text, p in answers[1:] if once(readings, lean) else answers:
        want = (exact(np.array(text)), ulps(np.log(p), 4, "float32"))
        yield call("beam_search", *arrays, beams=beams, end=END, limit=2, want=want, note="greedy, whatever the beam")


@clause("beam-search.value")
def test_value(readings: dict, lean: bool) -> Iterator[Case]:
    want = searched(readings)
    other = once(readings, lean)
    for dtype in ("float32",) if other else DTYPES:
        yield call("beam_search", *table(1, dtype=dtype), beams=3, **PLAIN, want=want, note="another text")
    for seed, end in enumerate((0, 4, 1, 2, 3, 0), 2):
        for beams in (1, 3) if lean else (1, 2, 3):
            given = {"beams": beams, "end": end, "limit": 4}
            yield call("beam_search", *table(seed), **given, want=want, note="the wrong beam extended")
    for vocabulary in (33,) if other else (1, 33) if lean else (1, 2, 33):  # fewer than beams, and a wide row
        yield call("beam_search", *table(9, vocabulary), beams=3, **PLAIN, want=want, note="texts that are none")
    for seed in () if other else (79, 111, 132):
        given = {"beams": 5, "end": END, "limit": 5}
        yield call("beam_search", *table(seed, 3), **given, want=want, note="no more beams than there are tokens")
    first, following = table(10)
    first[END] = following[:, END] = -19  # no text ends
    yield call("beam_search", first, following, beams=2, end=END, limit=12, want=want, note="a text that is cut off")
    first, following = table(8)
    first[[A, 3]] = following[A, B] = following[B, [END, 3]] = following[3:, A] = -np.inf
    yield call("beam_search", first, following, beams=3, **PLAIN, want=want, note="minus infinity times zero")
    equal = np.full(5, -1.5, np.float32), np.full((5, 5), -1.5, np.float32)
    yield call("beam_search", *equal, beams=3, end=4, limit=4, want=want, note="equal scores in another order")


@clause("beam-search.penalty")
def test_penalty(readings: dict) -> Iterator[Case]:
    for seed, alpha in itertools.product(range(11, 23), (0.6, 1.0, 2.0)):
        yield call(
            "beam_search", *table(seed), beams=3, **PLAIN, alpha=alpha, want=searched(readings), note="the other one"
        )


def scores(first: np.ndarray, following: np.ndarray, limit: int) -> dict[tuple[int, ...], float]:
    """The sum of log-probabilities of every text."""
    found = {}
    for text in itertools.product(range(len(first)), repeat=limit):
        cut = tuple(_cut(list(text), END))
        found[cut] = float(first[cut[0]] + sum(following[a, b] for a, b in itertools.pairwise(cut)))
    return found


@clause("beam-search.greedy")
def test_greedy() -> Iterator[Case]:
    for seed in range(21, 27):
        first, following = table(seed)
        text = [int(first.argmax())]
        while len(text) < 4:
            text.append(END if text[-1] == END else int(following[text[-1]].argmax()))
        cut = _cut(text, END)
        score = wide(first)[cut[0]] + sum(wide(following)[a, b] for a, b in itertools.pairwise(cut))
        want = (exact(np.array(text)), ulps(score, 6, "float32"))
        yield call("beam_search", first, following, beams=1, **PLAIN, want=want, note="looks ahead, or at another row")


@clause("beam-search.exhaustive")
def test_exhaustive(trial: Trial) -> None:
    for seed in range(31, 35):
        first, following = table(seed, 3)
        best = max(scores(wide(first), wide(following), 4).values())
        _, score = trial.call(first, following, beams=81, end=END, limit=4)
        trial.expect(score, ulps(best, 6, "float32"), f"the best of all texts, table {seed}", (first, following))


@clause("beam-search.ended")
def test_ended(readings: dict) -> Iterator[Case]:
    want = searched(readings)
    for seed in (41, 42, 43):
        first, following = table(seed)
        first[END] = -0.125  # most texts end early, and nothing of this row may be used
        for row in (1.0, -9.0):
            following[END] = [-9.0, row, -9.0, row, row]
            given = {"beams": 3, **PLAIN}
            yield call("beam_search", first, following.copy(), **given, want=want, note="goes on behind the end")
            yield call("beam_search", first, following.copy(), alpha=1.0, **given, want=want, note="counts on")


@clause("beam-search.range")
def test_range() -> Iterator[ErrorCase]:
    right = {"beams": 3, "end": 0, "limit": 3, "alpha": 0.5}
    for bad in ({"beams": 0}, {"limit": 0}, {"alpha": -0.5}, {"end": 5}, {"end": -1}):
        valid = {name: right[name] for name in bad}
        yield refusal("beam_search", *table(1), **right | bad, valid=valid, note="no search")
