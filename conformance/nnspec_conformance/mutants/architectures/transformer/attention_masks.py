"""Wrong attentions: masks, biases, and queries that see nothing; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import Mutants
from nnspec_conformance.mutants.architectures.transformer.attention import biased, parts_of

MUTANTS = Mutants()


@MUTANTS.each("an infinite bias that a sum over all queries turns to NaN", "attention.no-keys")
def gives_all_queries_nan_where_one_sees_nothing(f, q, k, v, *rest, **given):
    mask, y = parts_of(rest)[0], f(q, k, v, *rest, **given)
    blind = mask is not None and not np.broadcast_to(mask, mask.shape).any(-1).all()
    return np.full_like(y, np.nan) if blind else y


@MUTANTS.each("a kernel of its own for heads that share keys, with a mean where 0 over 0 is", "attention.no-keys")
def gives_a_blind_query_something_else_where_heads_share_keys(f, q, k, v, *rest, **given):
    if q.shape[2] == k.shape[2]:
        return f(q, k, v, *rest, **given)
    return f(q, k, v, *rest, **given | {"no_keys": "zeros" if given.get("no_keys") == "uniform" else "uniform"})


@MUTANTS.each("the sum of no exponential, from a floor under the largest score", "attention.no-keys-by-bias")
def takes_minus_infinity_for_a_large_number(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    return f(q, k, v, mask, bias if bias is None else np.maximum(bias, bias.dtype.type(-30000)), **given)


@MUTANTS.each("which keys are hidden is looked up in the first head", "attention.masked-content")
def lets_nan_in_where_another_head_hides_it(f, q, k, v, *rest, **given):
    mask, y = parts_of(rest)[0], f(q, k, v, *rest, **given)
    if mask is None or mask.dtype != bool or q.shape[2] != k.shape[2]:
        return y
    let_in = ~np.isfinite(k.astype(float)).all(-1) & mask.any(2)[:, :1].swapaxes(1, 2)
    return np.where(let_in.any(1)[:, None, :, None], np.nan, y).astype(y.dtype)


@MUTANTS.each("where(mask, 0/0, 0): the value is right, the gradient NaN", "attention.no-keys-gradient", part="_vjp")
def divides_zero_by_zero_on_the_way_back(f, q, k, v, *rest, **given):
    dq, *others = f(q, k, v, *rest, **given)
    mask = rest[0] if len(rest) > 1 else None
    if mask is None:
        return (dq, *others)
    seen = np.broadcast_to(mask, (len(q), q.shape[2], q.shape[1], k.shape[1])).any(-1, keepdims=True)
    return (np.where(np.moveaxis(np.asarray(~seen), 1, 2), np.full((), np.nan, dq.dtype), dq), *others)


@MUTANTS.each("a mask is held to the keys, a bias to what broadcasts", "attention.mask-along-keys")
def takes_a_bias_of_one_key(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    return f(q, k, v, mask, bias if bias is None else np.repeat(bias, k.shape[1] // bias.shape[3], 3), **given)


@MUTANTS.each("a mask that is too short is filled up, with keys that are hidden", "attention.mask-along-keys")
def hides_the_keys_that_a_mask_lacks(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    if mask is not None:
        mask = np.pad(mask, [(0, 0)] * 3 + [(0, k.shape[1] - mask.shape[3])])
    return f(q, k, v, mask, bias, **given)


@MUTANTS.each("a mask and a bias are one argument of a kernel", "attention.together")
def forgets_the_bias_beside_a_mask(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    return f(q, k, v, mask, None if mask is not None else bias, **given)


@MUTANTS.each("one branch for biases, one for causal", "attention.together")
def forgets_causality_beside_a_bias(f, q, k, v, *rest, **given):
    return f(q, k, v, *rest, **given | ({"causal": False} if parts_of(rest)[1] is not None else {}))


@MUTANTS.each("a mask of one row holds for the first one alone", "attention.mask-broadcast")
def fills_a_short_mask_up(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    if mask is not None and mask.ndim == 4:
        full = (len(q), q.shape[2], q.shape[1], k.shape[1])
        missing = [(0, m - n if n == 1 else 0) for n, m in zip(mask.shape, full, strict=True)]
        mask = np.pad(mask, missing, constant_values=True)
    return f(q, k, v, mask, bias, **given)


@MUTANTS.each("one branch for masks, one for causal: keras before 3.15 on PyTorch", "attention.causal-and-mask")
def forgets_causality_beside_a_mask(f, q, k, v, *rest, **given):
    causal = given.get("causal", False) and parts_of(rest)[0] is None
    return f(q, k, v, *rest, **given | {"causal": causal})


@MUTANTS.each("np.clip against an overflow", "attention.additive")
def cuts_the_bias_off_at_minus_ten(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    return f(q, k, v, mask, None if bias is None else np.maximum(bias, np.full((), -10, bias.dtype)), **given)


@MUTANTS.each("scores - 10000 * (1 - mask), as in early BERT: a large score overrules it", "attention.masked")
def subtracts_ten_thousand(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    if mask is None:
        return f(q, k, v, *rest, **given)
    return biased(f, q, k, v, (None, bias), np.where(mask, 0.0, -1e4), given)


@MUTANTS.each("a bias without an axis of heads is taken for one without queries, too", "attention.mask-broadcast")
def takes_the_first_row_of_a_bias_that_heads_share(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    if bias is not None and bias.shape[1] == 1 < q.shape[2]:
        bias = bias[:, :, :1]
    return f(q, k, v, mask, bias, **given)


@MUTANTS.each("a backward kernel for heads that share keys, which no mask is told", "attention.grouped", part="_vjp")
def goes_back_without_the_mask_where_heads_share_keys(f, q, k, v, *rest, **given):
    found, (mask, bias) = f(q, k, v, *rest, **given), parts_of(rest[:-1])
    if mask is None or q.shape[2] == k.shape[2]:
        return found
    return (*found[:2], f(q, k, v, None, bias, rest[-1], **given)[2], *found[3:])
