"""Tests of architectures/transformer/multi_head_attention."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES, float_dtype
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.transformer import multi_head_attention as oracle
from nnspec_conformance.suite.architectures._sequences import remembered
from nnspec_conformance.suite.architectures.transformer.test_attention import a_mask, first_dtypes, widened
from nnspec_conformance.suite.architectures.transformer.test_attention_masks import packed
from nnspec_conformance.tolerance import Shape, Want, exact, spread

BATCH, PLACES, CONTEXT, HEADS, DEPTH = 2, 3, 5, 2, 4
NAME = "multi_head_attention"

Weights = dict[str, np.ndarray]


# ---- what is asked


def weights(dtype: str = "float32", heads: int = HEADS, depth: int = DEPTH, *, shared: int | None = None) -> Weights:
    """Every weight of the layer, no two alike; what is summed keeps its size. ``shared`` heads have keys and values."""
    width, found = heads * depth, {}
    for n, part in enumerate(oracle.PARTS):
        count = heads if shared is None or part == "q" else shared
        found[f"kernel_{part}"] = normal_draws(221 + n, (width, count, depth), dtype, scale=1.5 * width**-0.5)
        found[f"bias_{part}"] = normal_draws(224 + n, (count, depth), dtype, scale=0.5)
    found["kernel_o"] = normal_draws(227, (heads, depth, width), dtype, scale=width**-0.5)
    found["bias_o"] = normal_draws(228, (width,), dtype)
    return found


def inputs(dtype: str = "float32", places: int = PLACES, *, seed: int = 229, batch: int = BATCH) -> np.ndarray:
    return normal_draws(seed, (batch, places, HEADS * DEPTH), dtype)


def other(dtype: str = "float32", places: int = CONTEXT) -> np.ndarray:
    """A context of another length."""
    return inputs(dtype, places, seed=230)


def cotangents(x: np.ndarray) -> np.ndarray:
    return normal_draws(231, x.shape, str(x.dtype))


# ---- what is expected


@remembered
def value(*operands: Any, **given: Any) -> Want:
    """The oracle, and what it moves when all it computes with is rounded at random; no entry less than its row does.

    The entries of a row are sums of as many terms of one size. Of some hundred of them a few hardly move in 16 runs.
    """
    run = partial(oracle.multi_head_attention, *_wide(operands), **given)
    found = spread(lambda rounded: run(rounded=rounded), float_dtype(operands) or "float32")
    if not found.value.size:
        return found
    return found.allowing(lambda allowed: np.maximum(allowed, allowed.mean(-1, keepdims=True)))


@remembered
def gradients(*operands: Any, **given: Any) -> tuple:
    """The oracle's gradients, with the same tolerance."""
    run = partial(oracle.multi_head_attention_vjp, *_wide(operands), **given)
    return spread(lambda rounded: run(rounded=rounded), float_dtype(operands) or "float32")


def _wide(operands: tuple) -> list:
    return [wide(a) if isinstance(a, dict) else widened((a,))[0] for a in operands]


# ---- values and gradients


@clause("multi-head-attention.example")
def test_example(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        x = np.array([oracle.EXAMPLE_X], np.float64).astype(DTYPES[dtype])
        table = {name: np.array(w, np.float64).astype(DTYPES[dtype]) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
        near, y = value(x, table), np.array([oracle.EXAMPLE_Y], np.float64)
        allowed = near.allowed + 4 * np.abs(near.value - y)  # log 3 is no number of any dtype
        yield call(NAME, x, table, want=Want(y, allowed, near.flushed, dtype, near.tolerance), note="heads exchanged")


@clause("multi-head-attention.value")
def test_value(lean: bool) -> Iterator[Case]:
    for dtype in DTYPES:
        yield call(NAME, inputs(dtype), weights(dtype), want=value, note="heads and depth exchanged")


@clause("multi-head-attention.gradient")
def test_gradient(lean: bool) -> Iterator[Case]:
    for dtype in ("float32", "float64") if lean else DTYPES:
        x = inputs(dtype)
        g = cotangents(x)
        yield gradient(NAME, x, weights(dtype), cotangents=g, want=gradients, note="one of three ways to x is cut")


@clause("multi-head-attention.cross")
def test_cross(lean: bool) -> Iterator[Case]:
    for dtype in first_dtypes(lean):
        given = inputs(dtype), weights(dtype), other(dtype)
        yield call(NAME, *given, want=value, note="values of x")
    x = inputs()
    g = cotangents(x)
    yield gradient(NAME, x, weights(), other(), cotangents=g, want=gradients, note="no gradient for the context")


@clause("multi-head-attention.heads")
def test_heads(trial) -> None:
    x, table = inputs(), weights()
    total = np.zeros(x.shape)
    for head in range(HEADS):
        alone = np.zeros_like(table["kernel_o"])
        alone[head] = table["kernel_o"][head]
        total += trial.call(x, table | {"kernel_o": alone, "bias_o": 0 * table["bias_o"]}).astype(np.float64)
    right = value(x, table)
    want = Want(total + table["bias_o"].astype(np.float64), (HEADS + 1) * right.allowed, right.flushed, "float32", "")
    trial.expect(trial.call(x, table), want, "the layer beside the sum of its heads")


@clause("multi-head-attention.mask")
def test_mask(lean: bool) -> Iterator[Case]:
    mask = a_mask(keys=PLACES) | np.eye(PLACES, dtype=bool)  # so that every query sees a key
    yield call(NAME, inputs(), weights(), None, mask, want=value, note="the mask's sign, or one head alone")
    yield call(NAME, inputs(), weights(), other(), a_mask(), want=value, note="a mask for other keys")
    yield call(NAME, inputs(), weights(), causal=True, want=value, note="no causality")


@clause("multi-head-attention.mask-and-causal")
def test_mask_and_causal() -> Iterator[Case]:
    x, table = inputs(), weights()
    mask = a_mask(keys=PLACES) | np.eye(PLACES, dtype=bool)  # so that every query sees a key
    for context in (None, other(places=PLACES)):
        given = x, table, context, mask
        yield call(NAME, *given, causal=True, want=value, note="one of the two is dropped")
        g = cotangents(x)
        yield gradient(
            NAME, *given, cotangents=g, causal=True, want=gradients, note="one of the two, in the backward pass"
        )


def blind(keys: int) -> np.ndarray:
    """A mask in which one place of several sees no key in any head."""
    mask = a_mask(keys=keys)
    mask[1, :, 1] = False
    return mask


@clause("multi-head-attention.no-keys")
def test_no_keys(readings: dict) -> Iterator[Case]:
    told, x = {"no_keys": readings["no_keys"]}, inputs()
    for given in ((x, weights(), None, blind(PLACES)), (x, weights(), other(), blind(CONTEXT))):
        yield call(NAME, *given, want=value(*given, **told), note="a place that sees nothing has another answer here")
        if told["no_keys"] != "nan":
            back = gradients(*given, cotangents(x), **told)
            yield gradient(NAME, *given, cotangents=cotangents(x), want=back, note="a gradient from a blind place")


@clause("multi-head-attention.grouped")
def test_grouped(readings: dict) -> Iterator[Case | ErrorCase]:
    x = normal_draws(233, (BATCH, PLACES, 8))
    table, usual = weights(heads=4, depth=2, shared=2), weights(heads=4, depth=2)
    context = normal_draws(234, (BATCH, CONTEXT, 8))
    if readings["grouped"] == "refused":
        yield refusal(NAME, x, table, valid=(x, usual), note="two heads of keys for four of queries")
        return
    for given in ((x, table), (x, weights(heads=4, depth=2, shared=1)), (x, table, context)):
        yield call(NAME, *given, want=value(*given), note="heads that are shared in turn")
        back = gradients(*given, cotangents(x))
        yield gradient(NAME, *given, cotangents=cotangents(x), want=back, note="one head of those that share keys")


@clause("multi-head-attention.packed")
def test_packed(trial) -> None:
    x, table = other(), weights()
    blocks, places = packed()
    for mask in (blocks, blocks & np.tri(CONTEXT, dtype=bool)):
        got = trial.call(x, table, None, mask)
        for i, at in places:
            alone = value(x[i : i + 1, at], table, causal=mask is not blocks)
            words = f"of {at.stop - at.start} places in row {i}{'' if mask is blocks else ', causal'}"
            trial.expect(got[i : i + 1, at], alone, f"a sequence {words}, beside itself alone")
    g, first = cotangents(x), places[0][1]
    g[0, first.stop :] = 0
    moved = trial.vjp((x, table, None, blocks), g)[0][0, first.stop :]
    trial.expect(moved, exact(np.zeros(moved.shape)), "the gradient of the other sequence of a row")


@clause("multi-head-attention.order")
def test_order() -> Iterator[Case]:
    order, right = [2, 0, 1], value(inputs(), weights())
    want = Want(right.value[:, order], right.allowed[:, order], right.flushed[:, order], right.dtype, right.tolerance)
    yield call(NAME, inputs()[:, order], weights(), want=want, note="a place counts")


@clause("multi-head-attention.key-bias")
def test_key_bias(lean: bool) -> Iterator[Case]:
    table = weights()
    larger = table | {"bias_k": (-3 * table["bias_k"]).astype(np.float32)}
    near, right = value(inputs(), larger), value(inputs(), table)
    want = Want(right.value, near.allowed + right.allowed, near.flushed, near.dtype, near.tolerance)
    yield call(NAME, inputs(), larger, want=want, note="the bias of the keys in the place of another one")


# ---- fine print


@clause("multi-head-attention.shape")
def test_shape() -> Iterator[Case]:
    for places in (1, PLACES):
        yield call(NAME, inputs(places=places), weights(), want=Shape((BATCH, places, HEADS * DEPTH)))
        yield call(NAME, inputs(places=places), weights(), other(), want=Shape((BATCH, places, HEADS * DEPTH)))
    x = normal_draws(232, (1, 2, 6))
    yield call(NAME, x, weights(heads=1, depth=6), want=Shape(x.shape), note="one head")


@clause("multi-head-attention.shapes")
def test_shapes() -> Iterator[ErrorCase]:
    right = inputs(), weights(), other()
    yield refusal(NAME, *right[:2], other()[..., :-1], valid=right, note="a context of 7 features for kernels of 8")
    yield refusal(NAME, *right[:2], other()[:1].repeat(3, 0), valid=right, note="a context of 3 examples, x of 2")
    masked = (*right, a_mask())
    yield refusal(NAME, *right, a_mask(keys=CONTEXT - 1), valid=masked, note="a mask for 4 keys of 5")
    x, uneven = normal_draws(233, (BATCH, PLACES, 8)), weights(heads=4, depth=2, shared=3)
    yield refusal(NAME, x, uneven, valid=(x, weights(heads=4, depth=2)), note="3 heads of keys for 4 of queries")
