"""Wrong attentions, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()
VALUES = ("attention.example", "attention.value")
TO_COME = "bottom-right"


def parts_of(rest):
    """Mask and bias of a call, None for what was left out."""
    return (*rest, None, None)[:2]


def biased(f, q, k, v, rest, more, given):
    """The right function with more added to the scores."""
    mask, bias = parts_of(rest)
    full = np.broadcast_to(more, (len(q), q.shape[2], q.shape[1], k.shape[1]))
    return f(q, k, v, mask, (full if bias is None else bias + full).astype(q.dtype), **given)


def seen_causally(q, k, given, more=0):
    """The keys that each query sees, or some more of them."""
    last = k.shape[1] - q.shape[1] if given.get("causal_alignment", TO_COME) == TO_COME else 0
    return np.tri(q.shape[1], k.shape[1], last + more, dtype=bool)


def weighed(q, k, v, rest, given, weights_of):
    """Attention with other weights of scores and of what is allowed, in float64: [batch, heads, queries, keys]."""
    mask, bias = parts_of(rest)
    groups = q.shape[2] // k.shape[2]
    wide = [a.astype(np.float64).swapaxes(1, 2) for a in (q, k, v)]
    queries, keys, values = wide[0], *(np.repeat(a, groups, 1) for a in wide[1:])
    scale = q.shape[-1] ** -0.5 if given.get("scale") is None else given["scale"]
    scores = scale * (queries @ keys.swapaxes(2, 3)) + (0 if bias is None else bias.astype(np.float64))
    allowed = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask != 0, scores.shape)
    if given.get("causal"):
        allowed = allowed & seen_causally(q, k, given)
    return (weights_of(scores, allowed) @ values).swapaxes(1, 2).astype(q.dtype)


def softmax(scores):
    e = np.exp(scores - scores.max(-1, keepdims=True, initial=-np.inf))
    return e / e.sum(-1, keepdims=True)


# ---- scores and weights


@MUTANTS.add("mask * scores in the place of minus infinity: what is masked counts as e^0", *VALUES)
def sets_masked_scores_to_zero(q, k, v, *rest, **given):
    return weighed(q, k, v, rest, given, lambda s, seen: softmax(np.where(seen, s, 0)))


@MUTANTS.add("mask * weights: what is left does not add up to 1", "attention.sum", *VALUES)
def masks_weights_after_the_softmax(q, k, v, *rest, **given):
    return weighed(q, k, v, rest, given, lambda s, seen: np.where(seen, softmax(s), 0))


@MUTANTS.each("True means hidden: the masks of PyTorch's MultiheadAttention", *VALUES)
def takes_true_for_hidden(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    return f(q, k, v, None if mask is None else mask == 0, bias, **given)


@MUTANTS.each("the scores of Luong, and of keras.layers.Attention", "attention.default-scale", *VALUES)
def does_not_divide_by_the_root(f, q, k, v, *rest, **given):
    return f(q, k, v, *rest, **given | {"scale": 1.0 if given.get("scale") is None else given["scale"]})


@MUTANTS.each("the variance in the place of the deviation", "attention.default-scale", "attention.value")
def divides_by_the_depth(f, q, k, v, *rest, **given):
    scale = given.get("scale")
    return f(q, k, v, *rest, **given | {"scale": 1 / q.shape[-1] if scale is None else scale})


@MUTANTS.add("softmax of the default axis of an old framework: over the queries", "attention.value", "attention.sum")
def normalizes_over_the_queries(q, k, v, *rest, **given):
    def weights(scores, seen):
        return softmax(np.where(seen, scores, -1e9).swapaxes(2, 3)).swapaxes(2, 3)

    return weighed(q, k, v, rest, given, weights)


@MUTANTS.add("one more key with the score 0 and no value: softmax1", "attention.one-key", "attention.sum")
def leaves_a_share_to_nobody(q, k, v, *rest, **given):
    def weights(scores, seen):
        e = np.where(seen, np.exp(scores), 0)
        return e / (1 + e.sum(-1, keepdims=True))

    return weighed(q, k, v, rest, given, weights)


@MUTANTS.each("scores that fall with the distance, as in ALiBi", "attention.key-order", "attention.query-order")
def prefers_places_that_are_near(f, q, k, v, *rest, **given):
    distance = np.abs(np.arange(q.shape[1])[:, None] - np.arange(k.shape[1]))
    return biased(f, q, k, v, rest, -distance / 8, given)


@MUTANTS.each("a normalization over the axis of the heads", "attention.heads", "attention.value")
def mixes_the_heads(f, q, k, v, *rest, **given):
    y = f(q, k, v, *rest, **given)
    return (y + y.mean(2, keepdims=True) / 8).astype(y.dtype)


@MUTANTS.add("the exponential of the scores as they are", "attention.large-scores", "attention.offset")
def does_not_subtract_the_largest_score(q, k, v, *rest, **given):
    def weights(scores, seen):
        with np.errstate(over="ignore", invalid="ignore"):
            e = np.where(seen, np.exp(scores.astype(np.float32)), 0)
            return e / e.sum(-1, keepdims=True)

    return weighed(q, k, v, rest, given, weights)


@MUTANTS.add("one maximum for the whole array: other rows underflow", "attention.large-scores")
def subtracts_the_largest_score_of_the_batch(q, k, v, *rest, **given):
    def weights(scores, seen):
        with np.errstate(invalid="ignore"):
            e = np.where(seen, np.exp(scores - scores.max(initial=-np.inf)), 0)
            return e / e.sum(-1, keepdims=True)

    return weighed(q, k, v, rest, given, weights)


@MUTANTS.each("(scores + bias) / sqrt(d)", "attention.bias")
def scales_the_bias_too(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    scaled = None if bias is None else (bias * q.dtype.type(q.shape[-1] ** -0.5)).astype(q.dtype)
    return f(q, k, v, mask, scaled, **given)


@MUTANTS.each("a bias that a fused kernel does not know", "attention.bias", "attention.additive")
def ignores_the_bias(f, q, k, v, *rest, **given):
    return f(q, k, v, parts_of(rest)[0], **given)


@MUTANTS.each("heads in turn: h mod n, as np.tile repeats", "attention.grouped")
def shares_keys_between_heads_in_turn(f, q, k, v, *rest, **given):
    groups = q.shape[2] // k.shape[2]
    return f(q, *(np.tile(a, (1, 1, groups, 1)) for a in (k, v)), *rest, **given)


@MUTANTS.each("scale or d ** -0.5: 0 is false", "attention.value")
def takes_a_scale_of_zero_for_none(f, q, k, v, *rest, **given):
    return f(q, k, v, *rest, **given | ({} if given.get("scale") else {"scale": None}))


@MUTANTS.each("the root of the scale into queries and keys, of its size", "attention.value")
def forgets_the_sign_of_the_scale(f, q, k, v, *rest, **given):
    return f(q, k, v, *rest, **given | ({"scale": abs(given["scale"])} if given.get("scale") else {}))


@MUTANTS.add("a sum of blocks that is not made smaller when a larger score comes", "attention.long")
def keeps_the_sums_of_earlier_blocks(q, k, v, *rest, **given):
    def weights(scores, seen):
        scores = np.where(seen, scores, -np.inf)
        starts = range(0, max(scores.shape[-1], 1), 128)
        tops = np.stack([scores[..., i : i + 128].max(-1, initial=-np.inf) for i in starts], -1)
        top = np.repeat(np.maximum.accumulate(tops, -1), 128, -1)[..., : scores.shape[-1]]
        e = np.where(seen, np.exp(scores - np.where(np.isneginf(top), 0, top)), 0)
        total = e.sum(-1, keepdims=True)
        return e / np.where(total == 0, 1, total)

    return weighed(q, k, v, rest, given, weights)


@MUTANTS.each("a causal mask made once, for the first block of queries", "attention.long")
def counts_the_queries_of_each_block_from_zero(f, q, k, v, *rest, **given):
    if not given.get("causal") or q.shape[1] <= 32 or q.shape[1] != k.shape[1]:
        return f(q, k, v, *rest, **given)
    blocks = [f(q[:, i : i + 32], k[:, :32], v[:, :32], **given) for i in range(0, q.shape[1] - 31, 32)]
    rest_of_them = q.shape[1] % 32
    last = [f(q[:, -rest_of_them:], k[:, :rest_of_them], v[:, :rest_of_them], **given)] if rest_of_them else []
    return np.concatenate(blocks + last, 1)


@MUTANTS.add("exponentials added up in half precision", "attention.half-precision-sum")
def adds_exponentials_up_in_half_precision(q, k, v, *rest, **given):
    def weights(scores, seen):
        top = np.where(seen, scores, -np.inf).max(-1, keepdims=True, initial=-np.inf)
        e = np.where(seen, np.exp(scores - np.where(np.isneginf(top), 0, top)), 0)
        total = np.zeros((*e.shape[:-1], 1), q.dtype)
        for i in range(e.shape[-1] if q.dtype.itemsize < 4 else 0):
            total = (total + e[..., i : i + 1].astype(q.dtype)).astype(q.dtype)
        total = total.astype(np.float64) if q.dtype.itemsize < 4 else e.sum(-1, keepdims=True)
        return e / np.where(total == 0, 1, total)

    return weighed(q, k, v, rest, given, weights)


# ---- masks


@MUTANTS.each("a mask of the heads of keys, indexed as they are", "attention.grouped")
def reads_the_mask_of_another_head_of_the_group(f, q, k, v, *rest, **given):
    groups = q.shape[2] // k.shape[2] if k.shape[2] else 1
    mask, *others = rest or (None,)
    if groups == 1 or mask is None or mask.ndim != 4 or mask.shape[1] == 1 or mask.dtype != bool:
        return f(q, k, v, *rest, **given)
    return f(q, k, v, mask[:, np.arange(q.shape[2]) // groups], *others, **given)


@MUTANTS.each("a kernel of its own for heads that share keys, which is not told", "attention.grouped")
def forgets_causality_where_heads_share_keys(f, q, k, v, *rest, **given):
    return f(q, k, v, *rest, **given | ({"causal": False} if q.shape[2] != k.shape[2] else {}))


@MUTANTS.each("the first row of a mask stands for all, where examples share it", "attention.mask-broadcast")
def takes_the_first_row_of_a_shared_mask(f, q, k, v, *rest, **given):
    mask, *others = rest or (None,)
    if mask is None or mask.ndim != 4 or mask.shape[:2] != (1, 1) or len(q) < 2:
        return f(q, k, v, *rest, **given)
    return f(q, k, v, mask[:, :, :1], *others, **given)


@MUTANTS.each("the mean of the gradients of all that share a bias", "attention.mask-broadcast", part="_vjp")
def averages_the_gradient_of_a_shared_bias(f, q, k, v, *rest, **given):
    found = f(q, k, v, *rest, **given)
    full = (len(q), q.shape[2], q.shape[1], k.shape[1])
    if len(found) < 4 or 0 in full or found[3].shape == full:
        return found
    return (*found[:3], (found[3] * (found[3].size / np.prod(full))).astype(found[3].dtype))


@MUTANTS.each("tril with diagonal=1: the word that is to be predicted", "attention.causal")
def sees_the_next_place(f, q, k, v, *rest, **given):
    if not given.pop("causal", False):
        return f(q, k, v, *rest, **given)
    mask, bias = parts_of(rest)
    seen = seen_causally(q, k, given, 1)[None, None]
    return f(q, k, v, seen if mask is None else mask & seen, bias, **given)


@MUTANTS.each("a kernel that takes [batch, keys]: the rows of a mask are joined", "attention.packed", *VALUES[1:])
def takes_a_mask_for_one_of_padding(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    return f(q, k, v, None if mask is None else mask.any(2, keepdims=True), bias, **given)


@MUTANTS.each("a causal mask is known by its last row, and the kernel told that it is causal", "attention.packed")
def lets_every_place_see_the_sequences_before_its_own(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    if mask is None or q.shape[1] != k.shape[1]:
        return f(q, k, v, *rest, **given)
    before = np.tri(q.shape[1], dtype=bool)
    seen = np.where((mask & ~before).any((2, 3), keepdims=True), mask, before)
    return f(q, k, v, seen, bias, **given)


@MUTANTS.each("cumulative lengths without the 0 in front: every block begins one place late", "attention.packed")
def is_off_by_one_place_between_sequences(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    moved = mask if mask is None or 1 in mask.shape[2:] else np.roll(mask, 1, (2, 3))
    return f(q, k, v, moved, bias, **given)


# ---- gradients


@MUTANTS.each("weights that were detached", "attention.gradient", part="_vjp")
def takes_the_weights_for_constants(f, q, k, v, *rest, **given):
    dq, dk, *others = f(q, k, v, *rest, **given)
    return (0 * dq, 0 * dk, *others)


@MUTANTS.each("the scale of the forward pass alone", "attention.gradient", part="_vjp")
def forgets_the_scale_on_the_way_back(f, q, k, v, *rest, **given):
    scale = q.shape[-1] ** -0.5 if given.get("scale") is None else given["scale"]
    dq, dk, *others = f(q, k, v, *rest, **given)
    factor = 1 / scale if scale else 1
    return ((dq * factor).astype(dq.dtype), (dk * factor).astype(dk.dtype), *others)


@MUTANTS.each("a bias that is registered as no parameter", "attention.bias", part="_vjp")
def has_no_gradient_for_the_bias(f, q, k, v, *rest, **given):
    dq, dk, dv, *others = f(q, k, v, *rest, **given)
    return (dq, dk, dv, *(0 * part for part in others))


@MUTANTS.each("the gradient of the last head that reads a key overwrites the others", "attention.grouped", part="_vjp")
def keeps_the_gradient_of_one_head_of_a_group(f, q, k, v, *rest, **given):
    groups = q.shape[2] // k.shape[2]
    dq, dk, dv, *others = f(q, k, v, *rest, **given)
    return (dq, (dk / groups).astype(dk.dtype), (dv / groups).astype(dv.dtype), *others)


@MUTANTS.each("a backward kernel that was handed the mask of padding", "attention.packed", part="_vjp")
def goes_back_to_other_sequences(f, q, k, v, *rest, **given):
    *others, g = rest
    mask, bias = parts_of(others)
    joined = None if mask is None else mask.any(2, keepdims=True)
    return f(q, k, v, joined, *(() if bias is None else (bias,)), g, **given)


MUTANTS.each("a loss that was averaged twice", "attention.gradient", part="_vjp")(classic.averages_the_gradients)


# ---- shapes


@MUTANTS.each("np.squeeze for the sake of a single query", "attention.shape")
def drops_the_axis_of_a_single_query(f, q, k, v, *rest, **given):
    y = f(q, k, v, *rest, **given)
    return y[:, 0] if y.shape[1] == 1 else y


@MUTANTS.each("zip of two lists that are not of one length", "attention.shapes")
def cuts_to_what_both_have(f, q, k, v, *rest, **given):
    mask, bias = parts_of(rest)
    count = min(k.shape[1], v.shape[1], *(m.shape[-1] for m in (mask, bias) if m is not None))
    depth, batch = min(q.shape[-1], k.shape[-1]), min(len(q), len(k))
    short = [None if m is None else m[..., :count] for m in (mask, bias)]
    return f(q[:batch, ..., :depth], k[:batch, :count, :, :depth], v[:batch, :count], *short, **given)


@MUTANTS.each("heads are counted round", "attention.grouped-error")
def repeats_heads_until_they_are_enough(f, q, k, v, *rest, **given):
    heads = np.arange(q.shape[2]) % k.shape[2]
    if q.shape[2] % k.shape[2]:
        return f(q, k[:, :, heads], v[:, :, heads], *rest, **given)
    return f(q, k, v, *rest, **given)
