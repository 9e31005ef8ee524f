"""Wrong encoders, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.oracles.architectures.transformer import encoder as oracle
from nnspec_conformance.oracles.architectures.transformer.multi_head_attention import AXES, multi_head_attention
from nnspec_conformance.oracles.architectures.transformer.normalization import layer_norm
from nnspec_conformance.oracles.components.layers import activate

MUTANTS = Mutants()


def changed(weights, start, function):
    """The table with the arrays changed whose names begin so."""
    return {name: function(w).astype(w.dtype) if name.startswith(start) else w for name, w in weights.items()}


def lengths_of(rest):
    return (*rest, None)[0]


def behind(x, lengths):
    """Which places are padding, [batch, time, 1]."""
    return (np.arange(x.shape[1]) >= lengths[:, None])[..., None]


def built(x, weights, rest, beside, *, norm, epsilon, activation="relu", causal=False, padded_rows="zeros", last=True,
          shown=lambda real: real):  # fmt: skip
    """A layer or a stack whose parts are put together by ``beside(x, part, norm, number, place)``."""
    lengths = lengths_of(rest)
    real = None if lengths is None else ~behind(x, lengths)
    mask = None if real is None else shown(real)[:, None, None, :, 0]
    y = x if real is None or padded_rows == "computed" else np.where(real, x, 0)
    stacked = "kernel_q" not in weights
    for n in range(oracle.depth(weights)) if stacked else (0,):
        table = oracle.of_layer(weights, n) if stacked else weights
        heads = {name: table[name] for name in AXES}
        parts = (
            lambda h, heads=heads: multi_head_attention(h, heads, None, mask, causal=causal),
            lambda h, w=table: (
                activate(h @ w["kernel_in"] + w["bias_in"], activation) @ w["kernel_out"] + w["bias_out"]
            ),
        )
        for number, part in enumerate(parts, 1):
            weighed = table[f"scale_{number}"], table[f"shift_{number}"]
            y = beside(y, part, lambda h, w=weighed: layer_norm(h, *w, epsilon=epsilon), number, norm)
    if stacked and norm == "pre" and last:
        y = layer_norm(y, weights["final_scale"], weights["final_shift"], epsilon=epsilon)
    return (y if real is None or padded_rows == "computed" else np.where(real, y, 0)).astype(x.dtype)


def right(x, part, norm, number, place):
    """A part beside its shortcut, as it should be."""
    return x + part(norm(x)) if place == "pre" else norm(x + part(x))


# ---- parts and norms


@MUTANTS.each("a residual connection lost in a rewrite of the block", "encoders.value")
def forgets_the_shortcut_around_the_feed_forward_network(f, x, weights, *rest, **given):
    def beside(x, part, norm, number, place):
        if number == 1:
            return right(x, part, norm, number, place)
        return part(norm(x)) if place == "pre" else norm(part(x))

    return built(x, weights, rest, beside, **given)


@MUTANTS.each("norm(part(x)) + x: the norm behind the part, and not behind the sum", "encoders.value")
def normalizes_what_a_part_finds_and_not_the_sum(f, x, weights, *rest, **given):
    def beside(x, part, norm, number, place):
        return x + (part(norm(x)) if place == "pre" else norm(part(x)))

    return built(x, weights, rest, beside, **given)


@MUTANTS.each("the shortcut begins behind the norm in front: x = norm(x); x + part(x)", "encoders.value")
def takes_the_shortcut_behind_the_norm(f, x, weights, *rest, **given):
    def beside(x, part, norm, number, place):
        if place == "post":
            return right(x, part, norm, number, place)
        h = norm(x)
        return h + part(h)

    return built(x, weights, rest, beside, **given)


@MUTANTS.each("attention and feed-forward read the same input, as in some later models", "encoders.value")
def lets_both_parts_read_the_input(f, x, weights, *rest, **given):
    kept = []

    def beside(x, part, norm, number, place):
        if number == 1:
            kept[:] = [x]
            return right(x, part, norm, number, place)
        first = kept[0]
        return x + part(norm(first)) if place == "pre" else norm(x + part(first))

    return built(x, weights, rest, beside, **given)


@MUTANTS.add("norm_first is left at its default in a port", "encoder-layer.zero-kernels", "encoder-layer.example")
def has_the_norm_at_the_other_place(x, weights, *rest, norm, **given):
    return ORACLE.encoder_layer(x, weights, *rest, norm={"pre": "post", "post": "pre"}[norm], **given)


@MUTANTS.add("a norm behind the layer, as the whole of the stack has it", "encoder-layer.zero-kernels")
def normalizes_the_result_of_a_layer(x, weights, *rest, norm, epsilon, **given):
    y = ORACLE.encoder_layer(x, weights, *rest, norm=norm, epsilon=epsilon, **given)
    return layer_norm(y, epsilon=epsilon).astype(x.dtype) if norm == "pre" else y


@MUTANTS.each("the two norms of a checkpoint named the other way round", "encoders.value")
def exchanges_the_two_norms(f, x, weights, *rest, **given):
    def partner(name):
        part, _, number = name.partition("_")
        if part not in ("scale", "shift"):
            return name
        return f"{part}_{'21'[int(number[0]) - 1]}{number[1:]}"

    return f(x, {name: weights[partner(name)] for name in weights}, *rest, **given)


@MUTANTS.each("ReLU whatever is asked for: the argument is not handed on", "encoders.value")
def has_one_activation(f, x, weights, *rest, **given):
    return f(x, weights, *rest, **given | {"activation": "relu"})


@MUTANTS.each("epsilon of the norms left at 1e-5", "encoders.value")
def has_an_epsilon_of_its_own(f, x, weights, *rest, **given):
    return f(x, weights, *rest, **given | {"epsilon": 1e-5})


@MUTANTS.each("no bias behind the hidden units, as in many later models", "encoders.value")
def forgets_the_last_bias_of_the_feed_forward_network(f, x, weights, *rest, **given):
    return f(x, changed(weights, "bias_out", lambda b: 0 * b), *rest, **given)


@MUTANTS.add("a pre-norm stack that ends without a norm", "encoders.value[encoder]", "encoder.layers")
def forgets_the_last_norm(x, weights, *rest, **given):
    return built(x, weights, rest, right, **given, last=False)


@MUTANTS.add("[layer] * n: one layer, used several times", "encoder.layers", "encoders.value[encoder]")
def uses_the_weights_of_the_first_layer_for_all(x, weights, *rest, **given):
    def first(name):
        return f"{name[:-1]}0" if name[-1].isdecimal() else name

    return ORACLE.encoder(x, {name: weights[first(name)] for name in weights}, *rest, **given)


@MUTANTS.add("a stack that is filled from its top", "encoder.layers", "encoders.value[encoder]")
def exchanges_the_layers(x, weights, *rest, **given):
    layers = oracle.depth(weights)

    def partner(name):
        start, _, number = name.rpartition("_")
        return f"{start}_{layers - 1 - int(number)}" if number.isdecimal() else name

    return ORACLE.encoder(x, {name: weights[partner(name)] for name in weights}, *rest, **given)


# ---- what a place may see


@MUTANTS.each("positions that are added inside the layer", "encoders.order", "encoders.value")
def adds_the_place(f, x, weights, *rest, **given):
    places = np.arange(x.shape[1], dtype=np.float32)[:, None] * np.linspace(0, 0.25, x.shape[2], dtype=np.float32)
    return f((x + places).astype(x.dtype), weights, *rest, **given)


@MUTANTS.each("is_causal is a hint, which nobody took", "encoders.causal")
def takes_causality_for_a_hint(f, x, weights, *rest, **given):
    return f(x, weights, *rest, **given | {"causal": False})


@MUTANTS.each("diagonal=2 in the place of 1: every place sees its successor", "encoders.causal")
def sees_the_next_place(f, x, weights, *rest, **given):
    y = f(x, weights, *rest, **given)
    if not given.get("causal"):
        return y
    return np.concatenate([y[:, :-1] + (x[:, 1:] / 8).astype(y.dtype), y[:, -1:]], 1)


@MUTANTS.each("a backward pass that knows no causality", "encoders.causal", part="_vjp")
def goes_back_to_later_places(f, x, weights, *rest, **given):
    return f(x, weights, *rest, **given | {"causal": False})


@MUTANTS.each("the padding mask is made, and not handed on", "encoders.lengths", "encoders.longer-padding")
def takes_no_lengths(f, x, weights, *rest, **given):
    return f(x, weights, **given)


@MUTANTS.each("a causal mask in the place of one for padding", "encoders.padded-rows")
def takes_no_lengths_where_it_is_causal(f, x, weights, *rest, **given):
    return f(x, weights, **given) if given.get("causal") else f(x, weights, *rest, **given)


@MUTANTS.each("no padding is looked for where no two lengths differ", "encoders.lengths")
def takes_no_lengths_that_are_all_alike(f, x, weights, *rest, **given):
    lengths = lengths_of(rest)
    return f(x, weights, **given) if lengths is not None and np.ptp(lengths) == 0 else f(x, weights, *rest, **given)


@MUTANTS.each("True for the keys that take part, in a layer that takes true for padding", "encoders.lengths")
def sees_the_padding_alone(f, x, weights, *rest, **given):
    return built(x, weights, rest, right, **given, shown=lambda real: ~real | ~(~real).any(1, keepdims=True))


@MUTANTS.each("the last place of a sequence is taken for padding", "encoders.lengths")
def is_off_by_one_place(f, x, weights, *rest, **given):
    lengths = lengths_of(rest)
    return f(x, weights, *(() if lengths is None else (np.maximum(lengths - 1, 1),)), **given)


@MUTANTS.each("the backward pass knows no lengths", "encoders.lengths", part="_vjp")
def goes_back_through_the_padding(f, x, weights, *rest, **given):
    return f(x, weights, rest[-1], **given)


@MUTANTS.each("a mask of -10,000 in the place of minus infinity: large padding overrules it", "encoders.padding")
def lets_large_padding_through(f, x, weights, *rest, **given):
    y, lengths = f(x, weights, *rest, **given), lengths_of(rest)
    if lengths is None:
        return y
    large = np.where(behind(x, lengths), np.nan_to_num(np.abs(x), posinf=0), 0).max((1, 2), keepdims=True)
    return np.where(large > 1e4, y + y * 2, y).astype(y.dtype)


@MUTANTS.each("a gradient for padding, which an embedding then learns", "encoders.padding", part="_vjp")
def has_a_gradient_for_the_padding(f, x, weights, *rest, **given):
    dx, table = f(x, weights, *rest, **given)
    lengths = lengths_of(rest[:-1])
    return (dx, table) if lengths is None else ((dx + behind(x, lengths) * x / 8).astype(dx.dtype), table)


@MUTANTS.each("padding is multiplied by 0, and zero times NaN is NaN", "encoders.padding-content")
def multiplies_by_the_mask(f, x, weights, *rest, **given):
    y, lengths = f(x, weights, *rest, **given), lengths_of(rest)
    if lengths is None:
        return y
    with np.errstate(invalid="ignore"):
        spoilt = (np.where(behind(x, lengths), x, 0) * 0).sum((1, 2), keepdims=True)
    return (y + spoilt).astype(y.dtype)


@MUTANTS.each("a mean over the array in the place of the sequence", "encoders.longer-padding", "encoders.lengths")
def divides_by_the_length_of_the_array(f, x, weights, *rest, **given):
    y, lengths = f(x, weights, *rest, **given), lengths_of(rest)
    return y if lengths is None else (y * (lengths / x.shape[1])[:, None, None]).astype(y.dtype)


@MUTANTS.each("the last row is repeated to the end", "encoders.padded-rows")
def repeats_the_last_row(f, x, weights, *rest, **given):
    y, lengths = f(x, weights, *rest, **given), lengths_of(rest)
    if lengths is None:
        return y
    return np.where(behind(x, lengths), np.take_along_axis(y, (lengths - 1)[:, None, None], 1), y)


# ---- gradients and shapes


@MUTANTS.each("a detach() in front of the feed-forward network", "encoders.gradient", part="_vjp")
def has_no_gradient_for_the_hidden_units(f, x, weights, *rest, **given):
    dx, table = f(x, weights, *rest, **given)
    return dx, changed(table, "kernel_in", lambda w: 0 * w)


@MUTANTS.each("a backward pass written without the shortcut", "encoders.gradient", part="_vjp")
def takes_the_cotangent_off_the_input(f, x, weights, *rest, **given):
    dx, table = f(x, weights, *rest, **given)
    return (dx - rest[-1]).astype(dx.dtype), table


MUTANTS.each("a loss that was averaged twice", "encoders.gradient", part="_vjp")(classic.averages_the_gradients)


@MUTANTS.each("squeeze() at the end: right until an axis has one entry", "encoders.shape")
def drops_axes_of_length_one(f, x, weights, *rest, **given):
    return np.squeeze(f(x, weights, *rest, **given))


@MUTANTS.each("zip of what is not of one length", "encoders.shapes")
def cuts_to_what_both_have(f, x, weights, *rest, **given):
    width = next(w for name, w in weights.items() if name.startswith("kernel_q")).shape[0]
    padded = np.pad(x, [(0, 0), (0, 0), (0, max(0, width - x.shape[-1]))])
    lengths = lengths_of(rest)
    told = () if lengths is None else (np.resize(lengths, len(x)),)
    return f(padded, weights, *told, **given)
