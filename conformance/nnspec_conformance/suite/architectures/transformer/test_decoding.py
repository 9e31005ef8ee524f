"""Tests of architectures/transformer/decoding: who is kept, and how probable each token is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.transformer import decoding as oracle
from nnspec_conformance.tolerance import Want, bound, exact, unit

CUTS: dict[str, list[dict]] = {
    "token_probabilities": [{}],
    "top_k_probabilities": [{"k": 3}, {"k": 1}],
    "nucleus_probabilities": [{"p": 0.7}, {"p": 0.3}],
    "min_p_probabilities": [{"min_p": 0.3}, {"min_p": 0.05}],
}
DYADIC = np.array([0.5, 0.25, 0.125, 0.125])
HALF_OF_ALL = np.log(DYADIC)


def told(readings: dict, operation: str) -> dict:
    """The readings that the oracle has to be told."""
    names = {"nucleus_probabilities": ("boundary", "order"), "min_p_probabilities": ("order",)}.get(operation, ())
    return {name: readings[name] for name in names if name in readings}


def chosen(dtypes: Iterable[str], readings: dict, lean: bool) -> list[str]:
    """The dtypes to ask in; a lean plan has one for a reading that is not the first.

    Who is kept is told apart in one dtype, and what a dtype makes of the probabilities does not depend on it.
    """
    other = readings.get("boundary") == "exceeds" or readings.get("order") == "after"
    return [d for d in dtypes if d == "float32" or not (lean and other)]


def filled(*made: Any) -> np.ndarray:
    """Rows in float32, one after the other, again and again: as many as `rows` has, and as long."""
    return np.resize(np.asarray(made, np.float32), (6, 7))


def _off(x: np.ndarray, temperature: float) -> np.ndarray:
    """What the rounding of a divided logit makes of its exponential, in units of u / 2."""
    size = np.where(np.isfinite(x), np.abs(x), 0.0)
    return (size + size.max(-1, keepdims=True, initial=0.0)) / temperature


def _undecided(x: np.ndarray, dtype: str, given: dict) -> np.ndarray:
    """Rows in which rounding decides who is kept, [*batch, 1]; nobody is where nothing is cut by a sum."""
    temperature = given.get("temperature", 1.0) if given.get("order") != "after" else 1.0
    near = 4 * (x.shape[-1] + _off(x, temperature).max(-1, keepdims=True)) * min(unit(dtype), unit("float32"))
    if given.get("p", 1.0) < 1:
        sums = np.cumsum(-np.sort(-oracle.softmax(x / temperature), -1), -1)
        return (np.abs(sums - given["p"]) <= near).any(-1, keepdims=True)
    if "min_p" in given:
        ratio = np.exp((x - x.max(-1, keepdims=True)) / temperature)
        return ((np.abs(ratio - given["min_p"]) <= near) & (ratio < 1)).any(-1, keepdims=True)
    return np.zeros_like(near, bool)


def _loosened(want: Want, undecided: np.ndarray, size: Any) -> Want:
    allowed = np.where(undecided, size, want.allowed)
    return Want(want.value, allowed, want.flushed, want.dtype, want.tolerance)


def probabilities(operation: str, readings: dict) -> Callable[..., Want]:
    """The value within the bound of the page."""

    def want(x: np.ndarray, **given: Any) -> Want:
        u, dtype, n, given = wide(x), str(x.dtype), x.shape[-1], given | told(readings, operation)
        y = getattr(oracle, operation)(u, **given)
        off = _off(u, given.get("temperature", 1.0)) / (n + 11)
        return _loosened(bound(y, y * (1 + off), n + 10, dtype), _undecided(u, dtype, given), 1.0)

    return want


def slopes(operation: str, readings: dict) -> Callable[..., tuple[Want]]:
    """The gradient, within the bound of the same sums with every term in absolute value."""

    def want(x: np.ndarray, cotangents: np.ndarray, **given: Any) -> tuple[Want]:
        u, g, dtype, n = wide(x), wide(cotangents), str(x.dtype), x.shape[-1]
        given |= told(readings, operation)
        temperature = given.get("temperature", 1.0)
        r = getattr(oracle, operation)(u, **given)
        (value,) = getattr(oracle, f"{operation}_vjp")(u, g, **given)
        off = 1 + _off(u, temperature) / (n + 11)
        terms = r * (np.abs(g) * off + (r * np.abs(g) * off).sum(-1, keepdims=True)) / temperature
        weight = (np.abs(g) + (r * np.abs(g)).sum(-1, keepdims=True)) / temperature
        close = bound(value, 2 * terms, n + 10, dtype, underflow=np.where(r > 0, weight, 0.0))
        return (_loosened(close, _undecided(u, dtype, given), weight.max(-1, keepdims=True, initial=0.0)),)

    return want


def rows(dtype: str = "float32", seed: int = 41) -> np.ndarray:
    """Rows of different spread; none is in its order, and no two axes are of one length."""
    return normal_draws(seed, (6, 7), dtype, scale=2.0)


# ---- what all of them are


@clause("decoding.example")
def test_example(operation: str, readings: dict) -> Iterator[Case]:
    x = HALF_OF_ALL.astype(np.float32)
    roots, squares = np.sqrt(DYADIC), DYADIC**2
    table: dict[str, list[tuple[dict, Any]]] = {
        "token_probabilities": [
            ({}, DYADIC),
            ({"temperature": 0.5}, squares / squares.sum()),
            ({"temperature": 2.0}, roots / roots.sum()),
        ],
        "top_k_probabilities": [({"k": 3}, np.array([4, 2, 1, 0]) / 7)],
        "nucleus_probabilities": [({"p": 0.7}, np.array([2, 1, 0, 0]) / 3)],
        "min_p_probabilities": [({"min_p": 0.4}, np.array([2, 1, 0, 0]) / 3)],
    }
    for given, y in table[operation]:
        close = probabilities(operation, readings)(x, **given)
        yield call(operation, x, **given, want=bound(y, y * (1 + _off(wide(x), 0.5) / 15), 14, "float32"), note="a row")
        assert np.abs(close.value - y).max() < 1e-6  # the oracle gives the table, too


@clause("decoding.value")
def test_value(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    want = probabilities(operation, readings)
    for dtype in chosen(DTYPES, readings, lean):
        for given in CUTS[operation][: 2 if dtype == "float32" else 1]:
            yield call(operation, rows(dtype), **given, want=want, note="not renormalized")
    given = CUTS[operation][0]
    for temperature in (0.5, 3.0):
        yield call(operation, rows(), temperature=temperature, **given, want=want, note="the temperature not used")
    yield call(operation, normal_draws(42, (2, 3, 7)), **given, want=want, note="cut over another axis")


@clause("decoding.gradient")
def test_gradient(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    want, given = slopes(operation, readings), CUTS[operation][0]
    for dtype in chosen([d for d in DTYPES if not (lean and d == "float64")], readings, lean):
        yield gradient(operation, rows(dtype), cotangents=rows(dtype, 43), **given, want=want, note="no sum over all")
    x, g = (normal_draws(seed, (2, 3, 7), scale=2.0) for seed in (41, 43))
    yield gradient(operation, x, cotangents=g, temperature=2.0, **given, want=want, note="no 1/T")


@clause("decoding.impossible")
def test_impossible(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in chosen(("float32", "bfloat16"), readings, lean):
        x = rows(dtype)
        x[0, [0, 6]] = x[1, 1:] = x[2, :5] = x[3, [3]] = -np.inf
        cold = [] if lean and dtype != "float32" else [{**CUTS[operation][0], "temperature": 0.5}]
        for given in (*CUTS[operation], *cold):
            yield call(operation, x, **given, want=probabilities(operation, readings), note="inf minus inf")


@clause("decoding.large-logits")
def test_large_logits(operation: str, readings: dict) -> Iterator[Case]:
    steps = np.array([0.0, 3.0, -2.0, 1.0, 5.0, -7.0, 4.0])
    x = filled(*(steps + offset for offset in (1e4, -1e4, 88.0)))
    yield call(operation, x, **CUTS[operation][0], want=probabilities(operation, readings), note="no shift")


@clause("decoding.large-vocabulary")
def test_large_vocabulary(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    """A thousand tokens in two heaps, 400 that are e^2 as likely as the others; a cut leaves 390 of these, or all."""
    cuts: dict[str, dict] = {"top_k_probabilities": {"k": 390}, "min_p_probabilities": {"min_p": 0.05}}
    cuts["nucleus_probabilities"] = {"p": float(389.5 / (400 + 600 * np.exp(-2)))}
    heaps = np.where(np.arange(1000) * 7 % 1000 < 400, 1.0, -1.0)[None]
    for dtype in chosen(("float32", "bfloat16"), readings, lean):
        x, given = heaps.astype(DTYPES[dtype]), cuts.get(operation, {})
        y = getattr(oracle, operation)(wide(x), **given, **told(readings, operation))
        want = bound(y, y, 5, dtype) if dtype == "bfloat16" else probabilities(operation, readings)
        yield call(operation, x, **given, want=want, note="a sum that stops growing, or a part of the vocabulary")


@clause("token-probabilities.cold")
def test_cold() -> Iterator[Case]:
    low = (-9.0, -9.0, -20.0)
    x = filled((0.0, 1.0, 0.875, -3.0, *low), (9.0, 8.875, 3.0, 9.0, *low), (-5.0, -5.125, -6.0, -7.0, *low))
    y = filled((0, 1, 0, 0, 0, 0, 0), (0.5, 0, 0, 0.5, 0, 0, 0), (1, 0, 0, 0, 0, 0, 0))
    for dtype in ("float32", "bfloat16"):
        cold = x.astype(DTYPES[dtype])
        yield call("token_probabilities", cold, temperature=1e-6, want=exact(y, dtype), note="an overflow")


# ---- ties and boundaries


def equally(kept: np.ndarray) -> Want:
    """The same probability for all that are kept."""
    y = kept / kept.sum(-1, keepdims=True)
    return bound(y, y, kept.shape[-1] + 10, "float32")


@clause("top-k-probabilities.ties")
def test_top_k_ties() -> Iterator[Case]:
    for k in (1, 2, 5):
        x = np.zeros((2, 40), np.float32)
        yield call("top_k_probabilities", x, k=k, want=equally(0.0 + (np.arange(40) < k) + 0 * x), note="all equal")
    x, kept = filled((1, 2, 1, 2, 1, 2, 0)), filled((0, 1, 0, 1, 0, 0, 0))
    yield call("top_k_probabilities", x, k=2, want=equally(kept), note="the last of the equal ones")


@clause("top-k-probabilities.all")
def test_top_k_all(readings: dict) -> Iterator[Case]:
    for k in (7, 8, 1000):
        yield call(
            "top_k_probabilities", rows(), k=k, want=probabilities("token_probabilities", readings)(rows()), note="all"
        )


@clause("nucleus-probabilities.boundary")
def test_boundary(readings: dict, lean: bool) -> Iterator[Case]:
    more = readings["boundary"] == "exceeds"
    for size in (4,) if lean else (4, 8):
        for count in range(1, size):
            kept = 0.0 + (np.arange(size) < count + more)
            x = np.zeros(size, np.float32)
            yield call("nucleus_probabilities", x, p=count / size, want=equally(kept), note="one token more or less")


@clause("nucleus-probabilities.ties")
def test_nucleus_ties() -> Iterator[Case]:
    for p, count in ((0.3, 2), (0.6, 3)):
        kept = 0.0 + (np.arange(4) < count)
        yield call("nucleus_probabilities", np.zeros(4, np.float32), p=p, want=equally(kept), note="another order")
    x = np.array([0.0, 3.0, 3.0, 0.0], np.float32)
    yield call("nucleus_probabilities", x, p=0.4, want=equally(np.array([0, 1, 0, 0.0])), note="the last one")


@clause("nucleus-probabilities.all")
def test_nucleus_all(readings: dict) -> Iterator[Case]:
    many = np.where(np.arange(1000) * 7 % 1000 < 512, 0.0, -14.0)[None].astype(np.float32)  # 1/512 adds up exactly
    for drawn in (rows(), many):
        want = probabilities("token_probabilities", readings)(drawn)
        yield call("nucleus_probabilities", drawn, p=1.0, want=want, note="a sum that reaches 1 too early")


@clause("min-p-probabilities.ties")
def test_min_p_ties() -> Iterator[Case]:
    x = filled((1.0, 2.0, 1.0, 2.0, 0.0, 2.0, -1.0), (3.0, 3.0, 2.9999, 0.0, 1.0, 2.0, -1.0))
    yield call("min_p_probabilities", x, min_p=1.0, want=equally(0.0 + (x == x.max(-1, keepdims=True))), note="one")


@clause("decoding.order")
def test_order(operation: str, readings: dict) -> Iterator[Case]:
    for temperature in (0.4, 2.5):
        for given in CUTS[operation]:
            want = probabilities(operation, readings)
            yield call(operation, rows(), temperature=temperature, **given, want=want, note="the other order")


def ranked(x: np.ndarray) -> np.ndarray:
    """The tokens by their logits, equal ones by their index."""
    return np.argsort(-wide(x), -1, kind="stable")


@clause("greedy-token.value")
def test_greedy() -> Iterator[Case]:
    def first(x: np.ndarray) -> Want:
        return exact(ranked(x)[..., 0])

    for dtype in DTYPES:
        yield call("greedy_token", rows(dtype), want=first, note="another token")
    for shape in ((2, 3, 7), (7,), (3, 1), (65, 17), (1, 1000)):
        yield call("greedy_token", normal_draws(44, shape), want=first, note="another axis, or a part of it")
    ties = np.array([[1, 2, 2, 0, 2], [3, 3, 3, 3, 3], [-np.inf, -5, -7, -5, -5], [-np.inf] * 5], np.float32)
    yield call("greedy_token", ties, want=first, note="the last of the equal ones")


@clause("top-tokens.value")
def test_top_tokens(lean: bool) -> Iterator[Case]:
    def first(x: np.ndarray, *, k: int) -> Want:
        return exact(ranked(x)[..., :k])

    yield call("top_tokens", rows(), k=1, want=first, note="the smallest")
    for dtype in DTYPES:
        yield call("top_tokens", rows(dtype), k=3, want=first, note="from the smallest")
    for shape in ((2, 3, 7), (65, 17), (1, 1000), *(() if lean else ((7,),))):
        yield call("top_tokens", normal_draws(44, shape), k=2, want=first, note="another axis, or a part of it")
    yield call("top_tokens", rows()[:, :3].copy(), k=3, want=first, note="all of them")
    for shape in ((5,), (2, 40)):
        yield call("top_tokens", np.ones(shape, np.float32), k=4, want=first, note="equal ones in another order")


# ---- refusals


@clause("decoding.temperature-range")
def test_temperature_range(operation: str) -> Iterator[ErrorCase]:
    for temperature in (0.0, -1.0):
        given = CUTS[operation][0]
        yield refusal(
            operation, rows(), **given, temperature=temperature, valid={"temperature": 1.0}, note="no temperature"
        )


@clause("decoding.cut-range")
def test_cut_range(operation: str) -> Iterator[ErrorCase]:
    (name,) = CUTS[operation][0]
    for bad in (0, -1) if name == "k" else (0.0, -0.5, 1.5):
        yield refusal(operation, rows(), **{name: bad}, valid={name: 1}, note="nothing is kept, or more than all")


@clause("top-tokens.beyond")
def test_top_tokens_beyond() -> Iterator[ErrorCase]:
    for k in (8, 100):
        yield refusal("top_tokens", rows(), k=k, valid={"k": 7}, note="more than there are")
