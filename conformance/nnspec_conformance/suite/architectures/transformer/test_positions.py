"""Tests of architectures/transformer/positions: rows, turns, and what depends on the distance alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.transformer import positions as oracle
from nnspec_conformance.tolerance import Want, carried, ulps, unit
from nnspec_conformance.trial import Trial

FEATURES = 8
PACKED = np.array([0, 1, 2, 0, 0, 1])  # of three sequences in one row
SOME = np.array([0, 1, 2, 5, 11, 40])  # positions, not beside each other
FAR = np.array([257, 258, 4096, 65535, 99999, 100000])
UNITS, ANGLE = 4, 2  # units in the last place of a number of size one; unit roundoffs of an angle


def turning(at: Any, dtype: str) -> np.ndarray:
    """What the rounding of the angles at some positions makes of a sine or a cosine, [time, 1]."""
    u = max(unit(dtype), 0.0) if dtype == "float64" else unit("float32")
    return ANGLE * u * np.maximum(np.asarray(at, np.float64), 1.0)[:, None]


def rows(positions: np.ndarray, **given: Any) -> Want:
    """The rows of positions in float32."""
    value = oracle.sinusoidal_positions(positions, dtype="float64", **given)
    return carried(value, 2 * UNITS * unit("float32") + turning(positions, "float32"), "float32")


def turned(x: np.ndarray, *positions: np.ndarray, **given: Any) -> Want:
    """The tokens turned by the angles of their positions."""
    dtype, x64 = str(x.dtype), wide(x)
    at = positions[0] if positions else np.arange(x.shape[-2])
    value = oracle.rotary_positions(x64, at, **given)
    order = given.get("pairs", "interleaved")
    a, b = (np.abs(part) for part in oracle.parts(x64, order))
    size = oracle.laid(a + b, a + b, order)
    return carried(value, size * (2 * UNITS * unit(dtype) + turning(at, dtype)), dtype)


def turned_back(x: np.ndarray, *rest: np.ndarray, **given: Any) -> tuple[Want]:
    """The gradient of the tokens: the cotangents turned back."""
    *positions, g = rest
    return (turned(g, *positions, turn=-1, **given),)


def tokens(dtype: str = "float32", leading: tuple[int, ...] = (2,), time: int = 6, seed: int = 91) -> np.ndarray:
    """Tokens no two of which are alike."""
    return normal_draws(seed, (*leading, time, FEATURES), dtype)


def told(readings: dict, *names: str) -> dict:
    """The readings that the oracle has to be told."""
    return {name: readings[name] for name in names if name in readings}


# ---- sinusoids


@clause("sinusoidal-positions.example")
def test_sinusoidal_example(readings: dict) -> Iterator[Case]:
    at = np.arange(3)
    want = oracle.sinusoidal_positions(at, features=4, dtype="float64", **told(readings, "order"))
    yield call("sinusoidal_positions", at, features=4, want=ulps(want, 2, "float32", scale=1), note="exponent i/d")


@clause("sinusoidal-positions.value")
def test_sinusoidal_value(readings: dict, lean: bool) -> Iterator[Case]:
    def want(positions: np.ndarray, *, features: int, base: float = 10000.0) -> Want:
        return rows(positions, features=features, base=base, **told(readings, "order"))

    for features in (2, FEATURES) if lean else (2, FEATURES, 34):
        yield call("sinusoidal_positions", SOME, features=features, want=want, note="exponent i/d")
    yield call("sinusoidal_positions", SOME, features=FEATURES, base=50.0, want=want, note="the base not used")


@clause("sinusoidal-positions.order")
def test_sinusoidal_order(readings: dict, lean: bool) -> Iterator[Case]:
    def want(positions: np.ndarray, *, features: int) -> Want:
        return rows(positions, features=features, **told(readings, "order"))

    for features in (FEATURES,) if lean else (4, FEATURES):
        yield call("sinusoidal_positions", SOME, features=features, want=want, note="the other order")


@clause("sinusoidal-positions.far")
def test_sinusoidal_far(readings: dict) -> Iterator[Case]:
    def want(positions: np.ndarray, *, features: int) -> Want:
        return rows(positions, features=features, **told(readings, "order"))

    yield call("sinusoidal_positions", FAR, features=FEATURES, want=want, note="angles in half precision")


@clause("sinusoidal-positions.products")
def test_products(trial: Trial) -> None:
    at = np.arange(24)
    y = np.concatenate([wide(trial.call(some, features=FEATURES)) for some in np.split(at, 4)])
    products = y @ y.T
    frequencies = 10000.0 ** (-np.arange(0, FEATURES, 2) / FEATURES)
    want = np.cos((at[:, None] - at)[..., None] * frequencies).sum(-1)
    allowed = 2 * FEATURES * (2 * UNITS * unit("float32") + turning(at[-1:], "float32"))
    trial.expect(products, carried(want, np.broadcast_to(allowed, want.shape), "float32"), "the products of all rows")


# ---- turns


@clause("rotary-positions.example")
def test_rotary_example(readings: dict) -> Iterator[Case]:
    order = readings.get("pairs", "interleaved")
    cosines, sines = (f(np.arange(3)[:, None] * np.array([1.0, 0.01])) for f in (np.cos, np.sin))
    one, none = np.ones((3, 2)), np.zeros((3, 2))
    x = np.stack([oracle.laid(one, none, order), oracle.laid(none, one, order)]).astype(np.float32)
    y = np.stack([oracle.laid(cosines, sines, order), oracle.laid(-sines, cosines, order)])
    yield call("rotary_positions", x, want=ulps(y, 4, "float32", scale=1), note="positions from 1")


def turns(readings: dict) -> Any:
    """``turned`` with the subject's reading."""

    def want(x: np.ndarray, *positions: np.ndarray, **given: Any) -> Want:
        return turned(x, *positions, **told(readings, "pairs"), **given)

    return want


@clause("rotary-positions.value")
def test_rotary_value(readings: dict) -> Iterator[Case]:
    want = turns(readings)
    for dtype in DTYPES:
        yield call("rotary_positions", tokens(dtype), want=want, note="positions from 1")
    yield call("rotary_positions", tokens(), SOME, want=want, note="the positions not used")
    yield call("rotary_positions", tokens(leading=(2, 3)), SOME[::-1].copy(), want=want, note="another axis as time")
    yield call("rotary_positions", tokens(), SOME, base=50.0, want=want, note="the base not used beside positions")
    yield call("rotary_positions", tokens(leading=(1,)), base=50.0, want=want, note="the base not used")


@clause("rotary-positions.pairs")
def test_rotary_pairs(readings: dict) -> Iterator[Case]:
    ones = np.eye(FEATURES, dtype=np.float32)[:, None, :].repeat(6, 1).reshape(-1, 2, 6, FEATURES)
    for x in (tokens(), *ones):
        yield call("rotary_positions", x, want=turns(readings), note="the other features as a pair")


@clause("rotary-positions.gradient")
def test_rotary_gradient(readings: dict) -> Iterator[Case]:
    def want(x: np.ndarray, *rest: np.ndarray, **given: Any) -> tuple[Want]:
        return turned_back(x, *rest, **told(readings, "pairs"), **given)

    for dtype in DTYPES:
        x, g = tokens(dtype), tokens(dtype, seed=92)
        yield gradient("rotary_positions", x, cotangents=g, want=want, note="turned on, not back")
    yield gradient("rotary_positions", tokens(), SOME, cotangents=tokens(seed=92), want=want, note="other positions")


@clause("rotary-positions.far")
def test_rotary_far(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32", "bfloat16") if lean else ("float32", "bfloat16", "float16"):
        x = tokens(dtype, time=len(FAR))
        yield call("rotary_positions", x, FAR, want=turns(readings), note="angles in half precision")


@clause("rotary-positions.relative")
def test_relative(trial: Trial) -> None:
    q, k = (np.resize(normal_draws(seed, (FEATURES,)), (2, 6, FEATURES)) for seed in (93, 94))  # all tokens alike
    near = (0, 7, 12)
    found = {}
    for at in (*near, 500):
        turned_q, turned_k = (trial.call(x, np.full(6, p)) for x, p in ((q, at), (k, at + 3)))
        found[at] = float((wide(turned_q) * wide(turned_k))[-1, -1].sum())
    size = float(np.abs(wide(q[-1, -1])).sum() * np.abs(wide(k)).max() * 4)
    for at in (7, 12, 500):
        allowed = size * (2 * UNITS * unit("float32") + turning([at + 3], "float32")[0, 0])
        want = carried(np.array(found[0]), np.array(allowed), "float32")
        trial.expect(np.array(found[at]), want, f"query at {at}, key at {at + 3}, as at 0 and 3")


@clause("rotary-positions.length")
def test_length(trial: Trial) -> None:
    x = tokens()
    y = wide(trial.call(x, SOME))
    order = trial.setting.readings.get("pairs", "interleaved")
    before, after = (np.add(*(part**2 for part in oracle.parts(part_of, order))) for part_of in (wide(x), y))
    allowed = 2 * before * (4 * UNITS * unit("float32") + 2 * turning(SOME, "float32"))
    trial.expect(after, carried(before, allowed, "float32"), "the squared length of each pair", (x, SOME))


@clause("positions.packed")
def test_packed(operation: str, readings: dict) -> Iterator[Case]:
    if operation == "sinusoidal_positions":
        want = rows(PACKED, features=FEATURES, **told(readings, "order"))
        yield call(operation, PACKED, features=FEATURES, want=want, note="positions that go on through the row")
    else:
        yield call(operation, tokens(), PACKED, want=turns(readings), note="positions that go on through the row")


# ---- learned


def added(x: np.ndarray, table: np.ndarray) -> Want:
    dtype = str(x.dtype)
    return ulps(oracle.learned_positions(wide(x), wide(table)), 1, dtype)


def sums(x: np.ndarray, table: np.ndarray, g: np.ndarray) -> tuple[Want, Want]:
    """The gradients of tokens and table; as many terms are added as there are examples."""
    dtype, count = str(x.dtype), int(np.prod(g.shape[:-2]))
    dx, dtable = oracle.learned_positions_vjp(wide(x), wide(table), wide(g))
    _, size = oracle.learned_positions_vjp(wide(x), wide(table), np.abs(wide(g)))
    return ulps(dx, 0.5, dtype), carried(dtable, count * unit(dtype) * size, dtype)


def table_of(dtype: str = "float32", length: int = 8) -> np.ndarray:
    return normal_draws(95, (length, FEATURES), dtype)


@clause("learned-positions.value")
def test_learned_value() -> Iterator[Case]:
    for dtype in DTYPES:
        yield call("learned_positions", tokens(dtype), table_of(dtype), want=added, note="rows from 1")
    yield call("learned_positions", tokens(leading=(2, 3)), table_of(), want=added, note="another axis as time")
    yield call("learned_positions", tokens(), table_of(length=6), want=added, note="a row less than there are")


@clause("learned-positions.gradient")
def test_learned_gradient() -> Iterator[Case]:
    for leading in ((2,), (2, 3)):
        x, g = tokens(leading=leading), tokens(leading=leading, seed=96)
        yield gradient("learned_positions", x, table_of(), cotangents=g, want=sums, note="the mean over examples")


# ---- refusals


@clause("positions.odd")
def test_odd(operation: str) -> Iterator[ErrorCase]:
    for features in (7, 1):
        if operation == "sinusoidal_positions":
            yield refusal(operation, SOME, features=features, valid={"features": features + 1}, note="no partner")
        else:
            x = tokens()[..., :features]
            yield refusal(operation, x, valid=(tokens()[..., : features + 1],), note="no partner")


@clause("learned-positions.beyond")
def test_beyond() -> Iterator[ErrorCase]:
    for length in (5, 1):
        yield refusal(
            "learned_positions",
            tokens(),
            table_of(length=length),
            valid=(tokens(), table_of(length=6)),
            note="no row for the last token",
        )


@clause("positions.base-range")
def test_base_range(operation: str) -> Iterator[ErrorCase]:
    arrays, given = ((SOME,), {"features": 4}) if operation == "sinusoidal_positions" else ((tokens(),), {})
    for base in (0.0, -10000.0):
        yield refusal(operation, *arrays, **given, base=base, valid={"base": 10000.0}, note="no power of it")
