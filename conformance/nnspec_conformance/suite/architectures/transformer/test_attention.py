"""Tests of architectures/transformer/attention: values, gradients, and what the weights are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES, float_dtype, is_float
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.transformer import attention as oracle
from nnspec_conformance.suite.architectures._sequences import remembered
from nnspec_conformance.tolerance import Shape, Want, bound, exact, spread, ulps

BATCH, QUERIES, KEYS, HEADS, DEPTH = 2, 3, 5, 2, 4  # no two axes of a place of one length but examples and heads
READINGS = ("causal_alignment", "no_keys", "masked_content", "integer_mask", "value_depth", "zero_keys",
            "no_keys_by_bias", "mask_along_keys")  # fmt: skip
OFFSET = 1e5
LONG = 40, 530  # queries and keys: PyTorch's kernel takes them in blocks of 32 and 512

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


# ---- what is asked


def arrays(
    dtype: str = "float32", *, queries: int = QUERIES, keys: int = KEYS, heads: int = HEADS, batch: int = BATCH,
    depth: int = DEPTH, kv_heads: int | None = None, value_depth: int | None = None,
) -> Arrays:  # fmt: skip
    """Queries, keys and values in which no two numbers are alike, with scores far enough apart to tell."""
    shared = heads if kv_heads is None else kv_heads
    return (
        normal_draws(201, (batch, queries, heads, depth), dtype, scale=1.5),
        normal_draws(202, (batch, keys, shared, depth), dtype, scale=1.5),
        normal_draws(203, (batch, keys, shared, value_depth or depth), dtype),
    )


def a_mask(queries: int = QUERIES, keys: int = KEYS, heads: int = HEADS, batch: int = BATCH) -> np.ndarray:
    """A mask in which each query sees more keys than one, no two alike, and no key is masked for all of them."""
    i, h, q, k = np.ogrid[:batch, :heads, :queries, :keys]
    return ((3 * i + 2 * h + q + k) % 4 != 0) & ~((q == 0) & (k == 2))


def cotangents(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    return normal_draws(204, (*q.shape[:3], v.shape[3]), str(q.dtype))


def biases(q: np.ndarray, k: np.ndarray) -> np.ndarray:
    return normal_draws(205, (q.shape[0], q.shape[2], q.shape[1], k.shape[1]), str(q.dtype))


# ---- what is expected


def told(readings: dict) -> dict:
    return {name: readings[name] for name in READINGS if name in readings}


def widened(operands: tuple) -> list:
    """Floating-point arrays in float64; a mask as it is."""
    return [wide(a) if a is not None and is_float(a) else a for a in operands]


@remembered
def value(*operands: Any, **given: Any) -> Want:
    """The oracle, and what it moves when all it computes with is rounded at random."""
    run = partial(oracle.attention, *widened(operands), **given)
    return spread(lambda rounded: run(rounded=rounded), float_dtype(operands) or "float32")


@remembered
def gradients(*operands: Any, **given: Any) -> tuple[Want, ...]:
    """The oracle's gradients, with the same tolerance."""
    run = partial(oracle.attention_vjp, *widened(operands), **given)
    return spread(lambda rounded: run(rounded=rounded), float_dtype(operands) or "float32")


def expected(readings: dict, **more: Any) -> Callable[..., Want]:
    """What is expected of a call, in the subject's reading."""
    return lambda *operands, **given: value(*operands, **told(readings) | more | given)


def pulled(readings: dict) -> Callable[..., tuple[Want, ...]]:
    """What is expected of the gradients, in the subject's reading."""
    return lambda *operands, **given: gradients(*operands, **told(readings) | given)


def first_dtypes(lean: bool) -> tuple[str, ...]:
    return ("float32",) if lean else ("float32", "bfloat16")


# ---- values and gradients


@clause("attention.example")
def test_example(lean: bool) -> Iterator[Case]:
    rows = (oracle.EXAMPLE_Q, oracle.EXAMPLE_K, oracle.EXAMPLE_V)
    for dtype in ("float32",) if lean else DTYPES:
        given = [np.array(a, np.float64).astype(DTYPES[dtype])[None, :, None] for a in rows]
        for mask, y in ((None, oracle.EXAMPLE_Y), ([True, True, False], oracle.EXAMPLE_Y_MASKED)):
            seen = () if mask is None else (np.array(mask).reshape(1, 1, 1, 3),)
            near = expected({})(*given, *seen)
            right = Want(np.array(y, np.float64)[None, :, None], near.allowed, near.flushed, dtype, near.tolerance)
            yield call("attention", *given, *seen, want=right, note="no root of d, or the mask elsewhere")


@clause("attention.value")
def test_value(readings: dict, lean: bool) -> Iterator[Case]:
    want = expected(readings)
    for dtype in DTYPES:
        yield call("attention", *arrays(dtype), want=want, note="another axis")
    for dtype in ("float32",) if lean else DTYPES:
        yield call("attention", *arrays(dtype), a_mask(), want=want, note="the mask's sign")
    for scale in (0.0, -0.5):
        yield call("attention", *arrays(), scale=scale, want=want, note="another scale for one that is not positive")
    if not lean:
        long = arrays(queries=17, keys=40, heads=3, depth=16)
        yield call("attention", *long, want=want, note="a block of keys left out")


@clause("attention.long")
def test_long(readings: dict) -> Iterator[Case]:
    """More queries and keys than a block holds; the last keys fit best, and some queries see none of the first ones."""
    q, k, v = arrays(queries=LONG[0], keys=LONG[1], heads=1, batch=1)
    k = k * np.linspace(0.2, 2, LONG[1], dtype=k.dtype)[:, None, None]
    seen = np.arange(LONG[1]) >= np.where(np.arange(LONG[0]) % 3, 0, LONG[1] - 9)[:, None]
    given = (q, k, v, seen[None, None])
    yield call("attention", *given, want=expected(readings), note="sums of a block that are not made smaller")
    g = cotangents(q, v)
    yield gradient("attention", *given, cotangents=g, want=pulled(readings), note="weights of the first block alone")
    many = arrays(queries=LONG[0], keys=LONG[0], heads=1, batch=1)
    yield call("attention", *many, causal=True, want=expected(readings), note="a block whose queries count from 0")


@clause("attention.half-precision-sum")
def test_half_precision_sum(lean: bool) -> Iterator[Case]:
    """All keys are alike, so that every weight is 2^-10: the result is the mean of the values, 2 and -1."""
    n = 1024
    for dtype in ("bfloat16",) if lean else ("bfloat16", "float16"):
        q, k = normal_draws(201, (1, 2, 1, 2), dtype), np.ones((1, n, 1, 2), DTYPES[dtype])
        v = np.stack([np.where(np.arange(n) % 2, 3, 1), np.full(n, -1)], -1).astype(DTYPES[dtype])[None, :, None]
        y = ulps(np.broadcast_to([2.0, -1.0], (1, 2, 1, 2)), 1, dtype)
        yield call("attention", q, k, v, want=y, note="a sum that stops growing")


@clause("attention.gradient")
def test_gradient(readings: dict, lean: bool) -> Iterator[Case]:
    want = pulled(readings)
    for dtype in ("float32", "float64") if lean else DTYPES:
        q, k, v = arrays(dtype)
        yield gradient("attention", q, k, v, cotangents=cotangents(q, v), want=want, note="weights taken for constants")
    q, k, v = arrays()
    g = cotangents(q, v)
    yield gradient("attention", q, k, v, a_mask(), cotangents=g, want=want, note="a gradient through the mask")
    if not lean:
        yield gradient("attention", q, k, v, scale=0.75, cotangents=g, want=want, note="the scale of one alone")


@clause("attention.default-scale")
def test_default_scale(default: str, readings: dict) -> Iterator[Case]:
    scale = DEPTH**-0.5 if default == "root" else 1.0
    q, k, v = arrays()
    right = expected(readings, scale=scale)(q, k, v)
    yield call("attention", q, k, v, want=right, note=f"another scale than {default}")


@clause("attention.sum")
def test_sum(lean: bool) -> Iterator[Case]:
    def want(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray) -> Want:
        ones = np.ones(q.shape)
        return bound(ones, ones, k.shape[1] + 2, str(q.dtype))

    for dtype in first_dtypes(lean):
        q, k, v = arrays(dtype)
        yield call("attention", q, k, np.ones_like(v), a_mask(), want=want, note="masked after the softmax")


@clause("attention.one-key")
def test_one_key(lean: bool) -> Iterator[Case]:
    for dtype in first_dtypes(lean):
        q, k, v = arrays(dtype, keys=1)
        y = exact(np.repeat(v, q.shape[1], 1), dtype)
        yield call("attention", 9 * q, k, v, want=y, note="a weight that is not 1")


@clause("attention.key-order")
def test_key_order(readings: dict) -> Iterator[Case]:
    (q, k, v), mask = arrays(), a_mask()
    order = [3, 0, 4, 2, 1]
    right = expected(readings)(q, k, v, mask)
    moved = (q, k[:, order], v[:, order], mask[..., order])
    yield call("attention", *moved, want=right, note="a key's place counts")


@clause("attention.query-order")
def test_query_order(readings: dict) -> Iterator[Case]:
    (q, k, v), mask = arrays(), a_mask()
    order = [2, 0, 1]
    right = expected(readings)(q, k, v, mask)
    allowed = Want(
        right.value[:, order], right.allowed[:, order], right.flushed[:, order], right.dtype, right.tolerance
    )
    yield call("attention", q[:, order], k, v, mask[:, :, order], want=allowed, note="a query's place counts")


@clause("attention.heads")
def test_heads(trial) -> None:
    q, k, v = arrays()
    base = trial.call(q, k, v)
    others = [np.concatenate([a[:, :, :1], 2 - a[:, :, 1:]], 2) for a in (q, k, v)]
    trial.expect(trial.call(*others)[:, :, 0], exact(base[:, :, 0]), "the first head, beside another second one")


@clause("attention.large-scores")
def test_large_scores(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else ("float32", "float64", "bfloat16"):
        q, k, v = arrays(dtype)
        large = (1e4 * wide(q)).astype(q.dtype)
        yield call("attention", large, k, v, want=expected(readings), note="no shift by the largest score")
    if not lean:
        q, k, v = arrays("float16")
        large = (30 * wide(q)).astype(q.dtype)
        yield call("attention", large, k, v, want=expected(readings), note="an exponential in half precision")


@clause("attention.offset")
def test_offset(readings: dict, lean: bool) -> Iterator[Case]:
    """One entry of all keys is 1, that of a query is the constant; scores are integers, so that none is rounded."""
    for dtype in ("float32",) if lean else ("float32", "float64"):
        q, k, v = arrays(dtype)
        q, k = np.round(2 * wide(q)), np.round(wide(k))
        k[..., 0], q[..., 0] = 1, 0
        right = expected(readings, scale=1.0)
        plain = right(q.astype(DTYPES[dtype]), k.astype(DTYPES[dtype]), v)
        q[..., 0] = OFFSET
        shifted, keys = q.astype(DTYPES[dtype]), k.astype(DTYPES[dtype])
        near = right(shifted, keys, v)
        want = Want(plain.value, near.allowed, near.flushed, dtype, near.tolerance)
        yield call("attention", shifted, keys, v, scale=1.0, want=want, note="no shift by the largest score")


@clause("attention.bias")
def test_bias(readings: dict, lean: bool) -> Iterator[Case]:
    q, k, v = arrays()
    given = (q, k, v, None, biases(q, k))
    yield call("attention", *given, want=expected(readings), note="the bias before the scale")
    g = cotangents(q, v)
    yield gradient("attention", *given, cotangents=g, want=pulled(readings), note="no gradient for the bias")


@clause("attention.grouped")
def test_grouped(readings: dict) -> Iterator[Case]:
    q, k, v = arrays(heads=6, kv_heads=2)
    yield call("attention", q, k, v, want=expected(readings), note="heads in turn in place of neighbours")
    g = cotangents(q, v)
    note = "the gradient of one head of a group"
    yield gradient("attention", q, k, v, cotangents=g, want=pulled(readings), note=note)
    q, k, v = arrays(queries=KEYS, heads=6, kv_heads=2)
    g, masked, biased = cotangents(q, v), (a_mask(queries=KEYS, heads=6),), (None, biases(q, k))
    for part, what in ((masked, "the mask"), (biased, "the bias")):
        yield call("attention", q, k, v, *part, want=expected(readings), note=f"{what} of another head")
    yield call("attention", q, k, v, causal=True, want=expected(readings), note="a kernel of its own for shared keys")
    for part, what in ((masked, "the mask"), (biased, "the bias")):
        yield gradient("attention", q, k, v, *part, cotangents=g, want=pulled(readings), note=f"{what} of another head")


@clause("attention.value-depth")
def test_value_depth(readings: dict) -> Iterator[Case | ErrorCase]:
    q, k, v = arrays(value_depth=3)
    if readings["value_depth"] == "refused":
        yield refusal("attention", q, k, v, valid=(q, k, arrays()[2]), note="values of depth 3, keys of depth 4")
    else:
        yield call("attention", q, k, v, want=expected(readings), note="the depth of the keys")


# ---- fine print


@clause("attention.shape")
def test_shape() -> Iterator[Case]:
    asked: tuple[dict[str, Any], ...] = (
        {},
        {"queries": 1},
        {"queries": 1, "keys": 1, "heads": 1, "batch": 1},
        {"queries": 0},
        {"batch": 0},
    )
    for lengths in asked:
        q, k, v = arrays(**lengths)
        yield call("attention", q, k, v, want=Shape(q.shape), note=f"{lengths}")


@clause("attention.shapes")
def test_shapes() -> Iterator[ErrorCase]:
    q, k, v = arrays()
    right = (q, k, v)
    yield refusal("attention", q, k, v[:, :-1], valid=right, note="5 keys and 4 values")
    yield refusal("attention", q, k[..., :-1], v, valid=right, note="queries of depth 4, keys of depth 3")
    yield refusal("attention", arrays(batch=3)[0], k, v, valid=right, note="queries of 3 examples, keys of 2")
    wrong = a_mask(keys=KEYS - 1)
    yield refusal("attention", q, k, v, wrong, valid=(q, k, v, a_mask()), note="a mask for 4 keys of 5")


@clause("attention.grouped-error")
def test_grouped_error() -> Iterator[ErrorCase]:
    q, k, v = arrays(heads=3, kv_heads=2)
    yield refusal("attention", q, k, v, valid=arrays(heads=3), note="3 heads of queries, 2 of keys")
