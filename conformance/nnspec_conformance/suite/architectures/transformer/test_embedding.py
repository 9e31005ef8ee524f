"""Tests of architectures/transformer/embedding: rows, sums over repeated ids, padding, and the tied output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.transformer import embedding as oracle
from nnspec_conformance.tolerance import Want, bound, exact, ulps
from nnspec_conformance.trial import Trial

# The page's example: three rows of four features, ids of which one comes twice, and the cotangents.
EXAMPLE_TABLE = [[1, 0, 2, 1], [0, 3, 1, 2], [2, 1, 0, 4]]
EXAMPLE_IDS = [2, 0, 2]
EXAMPLE_COTANGENTS = [[1, 0, 0, 10], [2, 0, 0, 20], [4, 0, 0, 40]]
EXAMPLE_GRADIENT = [[2, 0, 0, 20], [0, 0, 0, 0], [5, 0, 0, 50]]
IDS = np.array([[3, 0, 3, 1], [6, 3, 2, 0]], np.int32)  # of seven rows; 4 and 5 never come
LONG = np.where(np.arange(1000) % 10 < 8, 2, np.arange(1000) % 4).astype(np.int32)  # 2 comes 900 times
VOCABULARY, FEATURES = 7, 5


def rows(dtype: str = "float32", vocabulary: int = VOCABULARY, features: int = FEATURES) -> np.ndarray:
    """A table in which no two numbers are alike."""
    return normal_draws(91, (vocabulary, features), dtype)


def row_of(table: np.ndarray, ids: np.ndarray, *, scaled: bool = False) -> Want:
    """The row itself, to all digits, or times a root."""
    dtype, y = str(table.dtype), oracle.embedding(wide(table), ids, scaled=scaled)
    return ulps(y, 2, dtype) if scaled else exact(y, dtype)


def sums(table: np.ndarray, ids: np.ndarray, g: np.ndarray, **given: Any) -> tuple[Want]:
    """The cotangents of each row's uses, added, within the rounding of so many terms."""
    vjp = oracle.padded_embedding_vjp if "padding_id" in given else oracle.embedding_vjp
    found, sizes = (vjp(wide(table), ids, part, **given)[0] for part in (wide(g), np.abs(wide(g))))
    terms = int(np.bincount(ids.ravel(), minlength=1).max(initial=1)) + (2 if given.get("scaled") else 0)
    return (bound(found, sizes, terms, str(table.dtype)),)


def pulled(operation: str, ids: np.ndarray, note: str, dtype: str = "float32", **given: Any) -> Case:
    g = normal_draws(92, (*ids.shape, FEATURES), dtype)
    return gradient(operation, rows(dtype), ids, **given, cotangents=g, want=sums, note=note)


# ---- rows and their gradients


@clause("embedding.example")
def test_example(lean: bool) -> Iterator[Case]:
    ids = np.array(EXAMPLE_IDS, np.int32)
    for dtype in ("float32",) if lean else ("float32", "bfloat16"):
        table, g, dw = (np.array(part, DTYPES[dtype]) for part in (EXAMPLE_TABLE, EXAMPLE_COTANGENTS, EXAMPLE_GRADIENT))
        yield call("embedding", table, ids, want=exact(table[ids], dtype), note="ids that count from 1")
        yield gradient("embedding", table, ids, cotangents=g, want=(exact(dw, dtype),), note="the last use only")


@clause("embedding.value")
def test_value() -> Iterator[Case]:
    for dtype in DTYPES:
        yield call("embedding", rows(dtype), IDS, want=row_of, note="ids that count from 1")
    for ids in (IDS[None], IDS[0], np.array(6, np.int32)):
        yield call("embedding", rows(), ids, want=row_of, note="ids flattened")


@clause("embedding.gradient")
def test_gradient() -> Iterator[Case]:
    for dtype in DTYPES:
        yield pulled("embedding", IDS, "the last use only", dtype)
    yield pulled("embedding", LONG, "the first 768 uses only")


@clause("embedding.scaled")
def test_scaled(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        yield call("embedding", rows(dtype), IDS, scaled=True, want=row_of, note="over the root")
        yield pulled("embedding", IDS, "the scale in the call alone", dtype, scaled=True)


@clause("padded-embedding.padding")
def test_padding(readings: dict, lean: bool) -> Iterator[Case]:
    def want(table: np.ndarray, ids: np.ndarray, *, padding_id: int) -> Want:
        y = oracle.padded_embedding(wide(table), ids, padding_id=padding_id, padding=readings["padding"])
        return exact(y, str(table.dtype))

    for dtype in ("float32",) if lean else DTYPES:
        for padding_id in (0, 3):  # the first is a row of every table
            yield call("padded_embedding", rows(dtype), IDS, padding_id=padding_id, want=want, note="0 taken for none")


@clause("padded-embedding.gradient")
def test_padding_gradient(lean: bool) -> Iterator[Case]:
    name = "padded_embedding"
    for dtype in ("float32",) if lean else DTYPES:
        for padding_id in (0, 3):
            yield pulled(name, IDS, "the row of the padding learns", dtype, padding_id=padding_id)
    yield pulled(name, np.zeros(769, np.int32), "the row learns from more than 768 uses", padding_id=0)


@clause("embedding.half-precision-sum")
def test_half_precision_sum(lean: bool) -> Iterator[Case]:
    for dtype in ("bfloat16",) if lean else ("bfloat16", "float16"):
        ids, g = np.full(4096, 2, np.int32), np.ones((4096, FEATURES), DTYPES[dtype])
        total = np.zeros((VOCABULARY, FEATURES))
        total[2] = 4096
        want = (ulps(total, 1, dtype),)
        yield gradient("embedding", rows(dtype), ids, cotangents=g, want=want, note="a sum that stops growing")


# ---- ids that are none


def outside(trial: Trial, keyword: str, name: str, cases: list[tuple[int, int]], dtype: type = np.int32) -> None:
    """Asks for one id that is no row, beside others that are."""
    reading = trial.readings[keyword]
    for vocabulary, number in cases:
        table, ids = rows(vocabulary=vocabulary), np.array([0, number, vocabulary - 1], dtype)
        trial.call(table, np.clip(ids, 0, vocabulary - 1))
        about = f"id {number} of a table of {vocabulary} rows"
        try:
            got = trial.call(table, ids)
        except Refused:
            trial.require(reading == "refused", f"{about} is refused, declared is {reading}")
            continue
        if reading == "refused":
            trial.require(False, f"{about} gives {np.asarray(got, np.float64)[1, :2]}, ...; declared is a refusal")
            continue
        told: dict[str, Any] = {keyword: reading}
        want = oracle.embedding(wide(table), ids, **told)
        trial.expect(got, exact(want, "float32"), about, (table,))


@clause("embedding.out-of-range")
def test_out_of_range(trial: Trial) -> None:
    outside(trial, "out_of_range", "above", [(VOCABULARY, 7), (VOCABULARY, 12), (VOCABULARY, 2**20), (1, 1)])


@clause("embedding.negative")
def test_negative(trial: Trial) -> None:
    outside(trial, "negative", "below 0", [(VOCABULARY, -1), (VOCABULARY, -3)])


@clause("embedding.no-row-gradient")
def test_no_row_gradient(trial: Trial) -> None:
    for keyword, number in (("out_of_range", VOCABULARY), ("out_of_range", 2**20), ("negative", -1), ("negative", -3)):
        reading, table, ids = trial.readings[keyword], rows(), np.array([0, number, 2], np.int32)
        g, about = normal_draws(96, (len(ids), FEATURES)), f"the gradient where an id is {number}"
        try:
            (got,) = trial.vjp((table, ids), g)
        except Refused:
            trial.require(reading == "refused", f"{about} is refused, declared is {reading}")
            continue
        if reading == "refused":
            trial.require(False, f"{about} is given; declared is a refusal")
            continue
        told: dict[str, Any] = {keyword: reading}
        (right,) = oracle.embedding_vjp(wide(table), ids, wide(g), **told)
        trial.expect(got, exact(right, "float32"), about, (table, ids))


@clause("embedding.narrow-ids")
def test_narrow_ids(readings: dict) -> Iterator[Case | ErrorCase]:
    table = rows(vocabulary=200)
    for dtype, numbers in ((np.int8, [43, 3, 127, 0, 43]), (np.int16, [150, 3, 199, 0, 150])):
        ids = np.array(numbers, dtype)
        if readings["narrow_ids"] == "refused":
            yield refusal("embedding", table, ids, valid=(table, ids.astype(np.int32)), note=f"ids of {ids.dtype}")
            continue
        note, g = "a product or a comparison in the dtype of the ids", normal_draws(97, (len(ids), FEATURES))
        yield call("embedding", table, ids, want=row_of, note=note)
        yield gradient("embedding", table, ids, cotangents=g, want=sums, note=note)


@clause("embedding.unsigned-ids")
def test_unsigned_ids(readings: dict) -> Iterator[Case | ErrorCase]:
    table, note = rows(vocabulary=200), "bits that are read as a signed number"
    for dtype in (np.uint8, np.uint32):
        ids = np.array([150, 3, 199, 0, 150], dtype)
        if readings["unsigned_ids"] == "refused":
            yield refusal("embedding", table, ids, valid=(table, ids.astype(np.int32)), note=f"ids of {ids.dtype}")
            continue
        g = normal_draws(97, (len(ids), FEATURES))
        yield call("embedding", table, ids, want=row_of, note=note)
        yield gradient("embedding", table, ids, cotangents=g, want=sums, note=note)


@clause("embedding.unsigned-range")
def test_unsigned_range(trial: Trial) -> None:
    cases = [(200, 255, np.uint8), (VOCABULARY, 2**32 - 1, np.uint32), (VOCABULARY, 2**32 - 3, np.uint32)]
    for vocabulary, number, dtype in cases:
        if trial.readings["unsigned_ids"] == "taken":
            outside(trial, "out_of_range", "above", [(vocabulary, number)], dtype)
            continue
        refused = False
        try:
            trial.call(rows(vocabulary=vocabulary), np.array([0, number], dtype))
        except Refused:
            refused = True
        trial.require(refused, f"id {number} of {np.dtype(dtype)} is taken; declared is a refusal")


@clause("embedding.integer-ids")
def test_integer_ids() -> Iterator[ErrorCase]:
    for numbers in (IDS + 0.5, IDS * 1.0):
        yield refusal("embedding", rows(), numbers.astype(np.float32), valid=(rows(), IDS), note="ids are rounded")


@clause("padded-embedding.range")
def test_padding_range() -> Iterator[ErrorCase]:
    for padding_id in (VOCABULARY, VOCABULARY + 93):
        yield refusal(
            "padded_embedding", rows(), IDS, padding_id=padding_id, valid={"padding_id": VOCABULARY - 1},
            note="a padding that never comes",
        )  # fmt: skip


# ---- the tied output


def products(x: np.ndarray, table: np.ndarray) -> Want:
    value = oracle.tied_logits(*wide((x, table)))
    return bound(value, np.abs(wide(x)) @ np.abs(wide(table)).T, table.shape[1], str(x.dtype))


def products_back(x: np.ndarray, table: np.ndarray, g: np.ndarray) -> tuple[Want, ...]:
    operands = wide((x, table, g))
    found, sizes = (oracle.tied_logits_vjp(*part) for part in (operands, tuple(map(np.abs, operands))))
    terms = (len(table), g[..., 0].size)
    return tuple(bound(v, a, n, str(x.dtype)) for v, a, n in zip(found, sizes, terms, strict=True))


@clause("tied-logits.value")
def test_tied_logits() -> Iterator[Case]:
    for dtype in DTYPES:
        x = normal_draws(93, (6, FEATURES), dtype)
        yield call("tied_logits", x, rows(dtype), want=products, note="scores divided by the root")
    square = rows(vocabulary=FEATURES)
    yield call("tied_logits", normal_draws(93, (2, 3, FEATURES)), square, want=products, note="a table not transposed")


@clause("tied-logits.gradient")
def test_tied_logits_gradient() -> Iterator[Case]:
    for dtype in DTYPES:
        x, g = normal_draws(93, (2, 3, FEATURES), dtype), normal_draws(94, (2, 3, VOCABULARY), dtype)
        yield gradient("tied_logits", x, rows(dtype), cotangents=g, want=products_back, note="one use of the table")


@clause("tied-embedding.value")
def test_tied_embedding() -> Iterator[Case]:
    def want(table: np.ndarray, ids: np.ndarray) -> Want:
        return products(table[ids], table)

    for dtype in DTYPES:
        yield call("tied_embedding", rows(dtype), IDS, want=want, note="two tables")


@clause("tied-embedding.gradient")
def test_tied_embedding_gradient() -> Iterator[Case]:
    def want(table: np.ndarray, ids: np.ndarray, g: np.ndarray) -> tuple[Want]:
        w, c, dtype = wide(table), wide(g), str(table.dtype)
        (dw,), (sizes,) = oracle.tied_embedding_vjp(w, ids, c), oracle.tied_embedding_vjp(np.abs(w), ids, np.abs(c))
        return (bound(dw, sizes, len(table) + 2 * ids.size + 1, dtype),)

    for dtype in DTYPES:
        g = normal_draws(95, (*IDS.shape, VOCABULARY), dtype)
        yield gradient("tied_embedding", rows(dtype), IDS, cotangents=g, want=want, note="one use of the table")
