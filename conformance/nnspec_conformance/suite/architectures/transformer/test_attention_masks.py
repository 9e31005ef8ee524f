"""Tests of architectures/transformer/attention: masks, causality, and queries that see nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.suite.architectures.transformer.test_attention import (
    BATCH,
    HEADS,
    KEYS,
    QUERIES,
    a_mask,
    arrays,
    biases,
    cotangents,
    expected,
    first_dtypes,
    gradients,
    pulled,
    value,
)
from nnspec_conformance.tolerance import Want, exact

HUGE = 1e30
ROWS = ((2, 3), (1, 3, 1))  # lengths of the sequences that are packed in the row of each example


def hiding(key: int = 1) -> np.ndarray:
    """The mask without one key of the first example, which then no query sees; in the second example some still do."""
    mask = a_mask()
    mask[0, ..., key] = False
    return mask


@clause("attention.masked")
def test_masked(trial) -> None:
    (q, k, v), mask = arrays(), hiding()
    base = trial.call(q, k, v, mask)
    g = cotangents(q, v)
    for what in (HUGE, -HUGE, 3.0):
        others = k.copy(), v.copy()
        for a in others:
            a[0, 1] = what * np.sign(a[0, 1])
        trial.expect(trial.call(q, *others, mask), exact(base), f"the result with {what:g} in a key that no query sees")
        found = trial.vjp((q, *others, mask), g)[1:3]
        zero = exact(np.zeros(found[0][0, 1].shape))
        for name, part in zip(("key", "value"), found, strict=True):
            trial.expect(part[0, 1], zero, f"the gradient of this {name}, with {what:g} in it")
    unseen = np.argwhere(~mask[1, 0, 0])[-1, 0]  # by the first query of the second example, in the first head
    others = k.copy(), v.copy()
    for a in others:
        a[1, unseen, 0] *= 50
    found = trial.call(q, *others, mask)
    trial.expect(found[1, 0, 0], exact(base[1, 0, 0]), "the result of a query that does not see the key that changed")


@clause("attention.additive")
def test_additive(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in first_dtypes(lean):
        (q, k, v), mask = arrays(dtype), a_mask()
        right = expected(readings)(q, k, v, mask)
        added = np.where(mask, 0.0, -np.inf).astype(q.dtype)
        yield call("attention", q, k, v, None, added, want=right, note="minus infinity is cut off")


@clause("attention.mask-broadcast")
def test_broadcast(readings: dict, lean: bool) -> Iterator[Case]:
    whole = a_mask()
    parts = {"queries": whole[:, :1, :1], "heads": whole[:, :1], "examples": whole[:1], "both": whole[:1, :1]}
    for note, mask in parts.items():
        full = np.broadcast_to(mask, (BATCH, HEADS, QUERIES, KEYS))
        right = expected(readings)(*arrays(), full)
        yield call("attention", *arrays(), np.ascontiguousarray(mask), want=right, note=f"one mask for all {note}")
    q, k, v = arrays()
    for shape in ((1, HEADS, QUERIES, KEYS), (BATCH, 1, 1, KEYS), (BATCH, 1, QUERIES, KEYS)):
        given = (q, k, v, None, normal_draws(206, shape))
        yield call("attention", *given, want=expected(readings), note=f"a bias {shape} for all")
        note = f"the share of one in the gradient of a bias {shape}"
        yield gradient("attention", *given, cotangents=cotangents(q, v), want=pulled(readings), note=note)


@clause("attention.causal")
def test_causal(trial) -> None:
    q, k, v = arrays(queries=KEYS)
    base = trial.call(q, k, v, causal=True)
    for t in range(1, KEYS):
        others = [np.concatenate([a[:, :t], 3 - 2 * a[:, t:]], 1) for a in (k, v)]
        found = trial.call(q, *others, causal=True)
        trial.expect(found[:, :t], exact(base[:, :t]), f"the results before place {t}, with other keys from there on")
    g = cotangents(q, v)
    g[:, 2:] = 0
    for name, part in zip(("keys", "values"), trial.vjp((q, k, v), g, causal=True)[1:], strict=True):
        trial.expect(part[:, 2:], exact(np.zeros_like(part[:, 2:])), f"the gradient of later {name}")


@clause("attention.causal-alignment")
def test_alignment(readings: dict) -> Iterator[Case]:
    more, fewer = arrays(queries=KEYS, keys=QUERIES), arrays()
    for given in (fewer, more):
        yield call("attention", *given, causal=True, want=expected(readings), note="aligned at the other end")
    one = arrays(queries=1)
    yield call("attention", *one, causal=True, want=expected(readings), note="a newest query that sees the first key")
    q, k, v = fewer
    g = cotangents(q, v)
    yield gradient("attention", q, k, v, causal=True, cotangents=g, want=pulled(readings), note="aligned elsewhere")


@clause("attention.causal-and-mask")
def test_causal_and_mask(readings: dict) -> Iterator[Case]:
    q, k, v = arrays(queries=KEYS)
    mask = a_mask(queries=KEYS)
    mask[..., 0] = True  # so that every query sees a key
    yield call("attention", q, k, v, mask, causal=True, want=expected(readings), note="one of the two is dropped")


@clause("attention.together")
def test_together(readings: dict) -> Iterator[Case]:
    q, k, v = arrays(queries=KEYS)
    mask = a_mask(queries=KEYS)
    mask[..., 0] = True  # so that every query sees a key
    given = {"causal": True, "scale": 0.75}
    for part, what in (((mask, biases(q, k)), "the mask, the bias"), ((None, biases(q, k)), "the bias")):
        note = f"{what}, causality or the scale is dropped"
        yield call("attention", q, k, v, *part, **given, want=expected(readings), note=note)
        back = {"cotangents": cotangents(q, v), "want": pulled(readings)}
        yield gradient("attention", q, k, v, *part, **given, **back, note=f"{note} in the backward pass")


def packed(rows: tuple[tuple[int, ...], ...] = ROWS) -> tuple[np.ndarray, list[tuple[int, slice]]]:
    """Which places of a row are of one sequence, [batch, 1, queries, keys], and where each sequence lies."""
    numbers = np.array([np.repeat(np.arange(len(row)), row) for row in rows])
    places = [
        (i, slice(end - n, end)) for i, row in enumerate(rows) for n, end in zip(row, np.cumsum(row), strict=True)
    ]
    return (numbers[:, :, None] == numbers[:, None])[:, None], places


@clause("attention.packed")
def test_packed(trial) -> None:
    q, k, v = arrays(queries=KEYS)
    g, (blocks, places) = cotangents(q, v), packed()
    for causal in (False, True):
        mask = blocks & np.tri(KEYS, dtype=bool) if causal else blocks
        got, back = trial.call(q, k, v, mask), trial.vjp((q, k, v, mask), g)
        for i, at in places:
            alone = tuple(a[i : i + 1, at] for a in (q, k, v))
            words = f"of {at.stop - at.start} places {'up to its own ' if causal else ''}in row {i}"
            trial.expect(got[i : i + 1, at], value(*alone, causal=causal), f"a sequence {words}, beside itself alone")
            right = gradients(*alone, g[i : i + 1, at], causal=causal)
            for name, part, want in zip("qkv", back[:3], right, strict=True):
                trial.expect(part[i : i + 1, at], want, f"the gradient of {name} of a sequence {words}")
    others = np.ones(q.shape[:2], bool)
    others[:, places[0][1]] = False
    g = np.where(others[..., None, None], 0, g).astype(g.dtype)
    for name, part in zip("qkv", trial.vjp((q, k, v, blocks), g)[:3], strict=True):
        hidden = part[0][others[0]]
        trial.expect(hidden, exact(np.zeros(hidden.shape)), f"the gradient of {name} of other sequences of the row")


@clause("attention.no-keys")
def test_no_keys(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in first_dtypes(lean):
        yield call("attention", *arrays(dtype), _blind(), want=expected(readings), note="what 0 over 0 is made to be")
    q, k, v = arrays(heads=6, kv_heads=2)
    yield call("attention", q, k, v, _blind(heads=6), want=expected(readings), note="a way of its own for shared heads")


@clause("attention.no-keys-by-bias")
def test_no_keys_by_bias(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in first_dtypes(lean):
        q, k, v = arrays(dtype)
        bias = biases(q, k)
        bias[1, :, 1] = -np.inf
        given = (q, k, v, None, bias)
        yield call("attention", *given, want=expected(readings), note="minus infinity less minus infinity")
    if readings["no_keys_by_bias"] == "zeros":
        g = cotangents(q, v)
        yield gradient("attention", *given, cotangents=g, want=pulled(readings), note="NaN in every gradient")


@clause("attention.no-keys-gradient")
def test_no_keys_gradient(readings: dict) -> Iterator[Case]:
    q, k, v = arrays()
    g = cotangents(q, v)
    yield gradient("attention", q, k, v, _blind(), cotangents=g, want=pulled(readings), note="NaN in every gradient")
    if readings["causal_alignment"] == "bottom-right":
        q, k, v = arrays(queries=KEYS, keys=QUERIES)
        given = {"causal": True, "cotangents": cotangents(q, v), "want": pulled(readings)}
        yield gradient("attention", q, k, v, **given, note="NaN where causality leaves no key")


def _blind(heads: int = HEADS) -> np.ndarray:
    """The mask in which one query of several sees no key."""
    mask = a_mask(heads=heads)
    mask[1, :, 1] = False
    return mask


@clause("attention.masked-content")
def test_masked_content(readings: dict) -> Iterator[Case]:
    """NaN in a key that no query sees, in all heads, and in the second head alone, where the first sees its own."""
    for heads in (slice(0, HEADS), slice(1, HEADS)):
        (q, k, v), mask, note = arrays(), a_mask(), "zero times NaN"
        mask[0, heads, :, 1] = False
        k[0, 1, heads] = v[0, 1, heads] = np.nan
        clean = np.nan_to_num(k, nan=0.0), np.nan_to_num(v, nan=0.0)
        right = expected(readings, masked_content="kept-out")(q, *clean, mask)
        if readings["masked_content"] == "leaks":
            y = right.value.copy()
            y[0, :, heads] = np.nan
            right = Want(y, np.where(np.isnan(y), 0, right.allowed), right.flushed, right.dtype, right.tolerance)
            yield call("attention", q, k, v, mask, want=right, note=note)
            continue
        yield call("attention", q, k, v, mask, want=right, note=note)
        g = cotangents(q, v)
        back = pulled(readings)(q, *clean, mask, g)
        yield gradient("attention", q, k, v, mask, cotangents=g, want=back, note=f"{note} in the backward pass")
    if readings["masked_content"] == "kept-out":  # heads that share a key, none of which sees it
        (q, k, v), mask = arrays(heads=6, kv_heads=2), a_mask(heads=6)
        mask[0, 3:, :, 1] = False
        right = expected(readings)(q, k, v, mask)
        k[0, 1, 1] = v[0, 1, 1] = np.nan
        yield call("attention", q, k, v, mask, want=right, note="zero times NaN where heads share keys")


@clause("attention.integer-mask")
def test_integer_mask(readings: dict) -> Iterator[Case | ErrorCase]:
    q, k, v = arrays()
    mask = a_mask().astype(np.int32)
    if readings["integer_mask"] == "refused":
        yield refusal("attention", q, k, v, mask, valid=(q, k, v, a_mask()), note="a mask of 0 and 1")
        return
    as_bias = (None, wide(mask.astype(q.dtype)))
    given = (q, k, v, a_mask()) if readings["integer_mask"] == "boolean" else (q, k, v, *as_bias)
    yield call("attention", q, k, v, mask, want=expected(readings)(*given), note="added, or taken for truth values")


@clause("attention.mask-along-keys")
def test_mask_along_keys(readings: dict) -> Iterator[Case | ErrorCase]:
    q, k, v = arrays()
    mask, bias = np.ones((BATCH, 1, QUERIES, 1), bool), normal_draws(207, (BATCH, HEADS, QUERIES, 1))
    mask[1, :, 1] = False
    if readings["mask_along_keys"] == "refused":
        note = "taken for the keys, where it hides queries"
        yield refusal("attention", q, k, v, mask, valid=(q, k, v, a_mask()), note=note)
        whole = (q, k, v, None, biases(q, k))
        yield refusal("attention", q, k, v, None, bias, valid=whole, note="one bias for all keys")
        return
    yield call("attention", q, k, v, mask, want=expected(readings), note="one key hidden, or all queries")
    yield call("attention", q, k, v, None, bias, want=expected(readings), note="added to one key alone")
    given = {"cotangents": cotangents(q, v), "want": pulled(readings)}
    yield gradient("attention", q, k, v, None, bias, **given, note="a gradient of a bias that moves nothing")


@clause("attention.zero-keys")
def test_zero_keys(readings: dict) -> Iterator[Case | ErrorCase]:
    q, k, v = arrays(keys=0)
    if readings["zero_keys"] == "refused":
        yield refusal("attention", q, k, v, valid=arrays(), note="no keys")
    else:
        yield call("attention", q, k, v, want=exact(np.zeros(q.shape)), note="NaN")
