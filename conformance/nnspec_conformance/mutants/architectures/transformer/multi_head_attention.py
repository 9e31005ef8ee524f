"""Wrong layers of several heads, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()
VALUES = ("multi-head-attention.value", "multi-head-attention.example")
PARTS = "qkv"


def parts_of(rest):
    """Context and mask of a call, None for what was left out."""
    return (*rest, None, None)[:2]


def changed(weights, names, function):
    return {name: np.ascontiguousarray(function(w)) if name in names else w for name, w in weights.items()}


@MUTANTS.each("a packed kernel cut as [depth, heads]: every head gets entries of all", "multi-head-attention.value")
def cuts_heads_along_the_wrong_axis(f, x, weights, *rest, **given):
    names = [f"kernel_{part}" for part in PARTS]
    return f(x, changed(weights, names, lambda w: w.reshape(len(w), *w.shape[:0:-1]).swapaxes(1, 2)), *rest, **given)


@MUTANTS.each("in_proj in the order k, q, v", *VALUES)
def exchanges_queries_and_keys(f, x, weights, *rest, **given):
    table = weights | {"kernel_q": weights["kernel_k"], "kernel_k": weights["kernel_q"]}
    return f(x, table | {"bias_q": weights["bias_k"], "bias_k": weights["bias_q"]}, *rest, **given)


@MUTANTS.each("1 / sqrt(embed_dim): the width of all heads in the place of one", "multi-head-attention.value")
def scales_by_the_width_of_all_heads(f, x, weights, *rest, **given):
    factor = np.asarray(weights["kernel_q"].shape[1] ** -0.5, x.dtype)
    return f(x, changed(weights, ["kernel_q", "bias_q"], lambda w: (w * factor).astype(w.dtype)), *rest, **given)


@MUTANTS.each("the last map was left out of a sum over heads, its bias was not", *VALUES)
def adds_the_last_bias_once_for_each_head(f, x, weights, *rest, **given):
    heads = weights["kernel_q"].shape[1]
    return f(x, changed(weights, ["bias_o"], lambda b: (heads * b).astype(b.dtype)), *rest, **given)


@MUTANTS.each("bias=False for the projections, as in many models", *VALUES)
def forgets_the_biases_of_the_projections(f, x, weights, *rest, **given):
    return f(x, changed(weights, [f"bias_{part}" for part in PARTS], np.zeros_like), *rest, **given)


@MUTANTS.each("one choice for all: a softmax of the mean of the scores", "multi-head-attention.heads", *VALUES[:1])
def has_a_result_that_is_no_sum_of_heads(f, x, weights, *rest, **given):
    y = f(x, weights, *rest, **given)
    return (y + y * y / 8).astype(y.dtype)


@MUTANTS.each("self-attention copied for the decoder's second layer", "multi-head-attention.cross")
def makes_the_values_of_a_context_of_the_keys_kernel(f, x, weights, *rest, **given):
    if parts_of(rest)[0] is None:
        return f(x, weights, *rest, **given)
    return f(x, weights | {"kernel_v": weights["kernel_k"], "bias_v": weights["bias_k"]}, *rest, **given)


@MUTANTS.each("encoder states under stop_gradient", "multi-head-attention.cross", part="_vjp")
def has_no_gradient_for_the_context(f, x, weights, *rest, **given):
    dx, table, *others = f(x, weights, *rest, **given)
    return (dx, table, *(0 * part for part in others))


@MUTANTS.each("True means hidden: the masks of PyTorch's layer", "multi-head-attention.mask")
def takes_true_for_hidden(f, x, weights, *rest, **given):
    context, mask = parts_of(rest)
    return f(x, weights, context, None if mask is None else ~mask, **given)


@MUTANTS.each("repeat in the place of repeat_interleave: masks of other heads", "multi-head-attention.mask")
def masks_every_head_as_the_first(f, x, weights, *rest, **given):
    context, mask = parts_of(rest)
    return f(x, weights, context, None if mask is None else mask[:, :1], **given)


@MUTANTS.each("key_padding_mask in the place of attn_mask: one row for all queries", "multi-head-attention.packed")
def takes_a_mask_for_one_of_padding(f, x, weights, *rest, **given):
    context, mask = parts_of(rest)
    return f(x, weights, context, None if mask is None else mask.any(2, keepdims=True), **given)


@MUTANTS.each("a causal mask is known by its last row: earlier sequences are seen", "multi-head-attention.packed")
def lets_every_place_see_the_sequences_before_its_own(f, x, weights, *rest, **given):
    context, mask = parts_of(rest)
    if mask is None or context is not None:
        return f(x, weights, *rest, **given)
    before = np.tri(x.shape[1], dtype=bool)
    seen = np.where((mask & ~before).any((2, 3), keepdims=True), mask, before)
    return f(x, weights, None, seen, **given)


@MUTANTS.each("is_causal is a hint, which nobody took", "multi-head-attention.mask")
def takes_causality_for_a_hint(f, x, weights, *rest, **given):
    return f(x, weights, *rest, **given | {"causal": False})


@MUTANTS.each("a mask is taken for the whole mask", "multi-head-attention.mask-and-causal")
def forgets_causality_beside_a_mask(f, x, weights, *rest, **given):
    return f(x, weights, *rest, **given | ({"causal": False} if parts_of(rest)[1] is not None else {}))


@MUTANTS.each("attention to a source is never causal, it was thought", "multi-head-attention.mask-and-causal")
def forgets_causality_beside_a_context(f, x, weights, *rest, **given):
    return f(x, weights, *rest, **given | ({"causal": False} if parts_of(rest)[0] is not None else {}))


@MUTANTS.each("the backward pass of a fused kernel has one mask", "multi-head-attention.mask-and-causal", part="_vjp")
def goes_back_without_causality_beside_a_mask(f, x, weights, *rest, **given):
    return f(x, weights, *rest, **given | ({"causal": False} if parts_of(rest[:-1])[1] is not None else {}))


@MUTANTS.each("tile in the place of repeat: heads that are shared in turn", "multi-head-attention.grouped")
def shares_heads_in_turn(f, x, weights, *rest, **given):
    heads, shared = weights["kernel_q"].shape[1], weights["kernel_k"].shape[1]
    repeated = {}
    for part in "kv":
        repeated[f"kernel_{part}"] = np.tile(weights[f"kernel_{part}"], (1, heads // shared, 1))
        repeated[f"bias_{part}"] = np.tile(weights[f"bias_{part}"], (heads // shared, 1))
    return f(x, weights | repeated, *rest, **given)


@MUTANTS.each("an index that is rounded down: some heads of keys are read more often", "multi-head-attention.shapes")
def shares_heads_that_cannot_be_shared_evenly(f, x, weights, *rest, **given):
    heads, shared = weights["kernel_q"].shape[1], weights["kernel_k"].shape[1]
    read, repeated = np.arange(heads) * shared // heads, {}
    for part in "kv":
        repeated[f"kernel_{part}"] = np.take(weights[f"kernel_{part}"], read, 1)
        repeated[f"bias_{part}"] = np.take(weights[f"bias_{part}"], read, 0)
    return f(x, weights | repeated, *rest, **given)


@MUTANTS.each("positions that are added inside the layer", "multi-head-attention.order")
def adds_the_place(f, x, weights, *rest, **given):
    places = np.arange(x.shape[1], dtype=np.float32)[:, None] / 8
    return f((x + places).astype(x.dtype), weights, *rest, **given)


@MUTANTS.each("the bias of the keys goes to the values, too", "multi-head-attention.key-bias")
def adds_the_bias_of_the_keys_to_the_values(f, x, weights, *rest, **given):
    both = (weights["bias_v"] + weights["bias_k"]).astype(x.dtype)
    return f(x, weights | {"bias_v": both}, *rest, **given)


@MUTANTS.each("keys and values that were detached", "multi-head-attention.gradient", part="_vjp")
def has_no_gradient_for_the_kernel_of_the_keys(f, x, weights, *rest, **given):
    dx, table, *others = f(x, weights, *rest, **given)
    return (dx, table | {"kernel_k": 0 * table["kernel_k"]}, *others)


MUTANTS.each("a loss that was averaged twice", "multi-head-attention.gradient", part="_vjp")(
    classic.averages_the_gradients
)


@MUTANTS.each("np.squeeze for the sake of a single place", "multi-head-attention.shape")
def drops_the_axis_of_a_single_place(f, x, weights, *rest, **given):
    y = f(x, weights, *rest, **given)
    return y[:, 0] if y.shape[1] == 1 else y


@MUTANTS.each("zip of what is not of one length", "multi-head-attention.shapes")
def cuts_to_what_both_have(f, x, weights, *rest, **given):
    context, mask = parts_of(rest)
    if context is None:
        return f(x, weights, context, mask, **given)
    count = context.shape[1] if mask is None else min(mask.shape[-1], context.shape[1])
    padded = np.pad(context, [(0, 0), (0, 0), (0, max(0, x.shape[-1] - context.shape[-1]))])
    short = None if mask is None else mask[..., :count]
    return f(x, weights, padded[: len(x), :count], short, **given)
