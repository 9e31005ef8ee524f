"""Wrong decoders, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.mutants.architectures.transformer.encoder import changed, lengths_of, right
from nnspec_conformance.oracles.architectures.transformer import decoder as oracle
from nnspec_conformance.oracles.architectures.transformer import encoder as encoders
from nnspec_conformance.oracles.architectures.transformer.multi_head_attention import AXES, multi_head_attention
from nnspec_conformance.oracles.architectures.transformer.normalization import layer_norm
from nnspec_conformance.oracles.components.layers import activate

MUTANTS = Mutants()
WHOLE = "encoder_decoder"  # whose arrays are a source, a target and the weights


def sorted_out(f, arrays):
    """Target, weights, source and what follows, of the arrays of either order."""
    if f.__name__.startswith(WHOLE):
        source, x, weights, *rest = arrays
    else:
        x, weights, source, *rest = arrays
    return x, weights, source, rest


def again(f, x, weights, source, rest, **given):
    """The function with its arrays in its own order."""
    arrays = (source, x, weights) if f.__name__.startswith(WHOLE) else (x, weights, source)
    return f(*arrays, *rest, **given)


def gradients_of(f, found):
    """The gradients of target, weights and source, of the gradients in either order; and back."""
    one, other, third = found
    return (other, third, one) if f.__name__.startswith(WHOLE) else (one, other, third)


def in_its_order(f, dx, table, dsource):
    return (dsource, dx, table) if f.__name__.startswith(WHOLE) else (dx, table, dsource)


def of_encoder(given):
    """The keywords that an encoder has, too."""
    return {name: told for name, told in given.items() if name != "no_source"}


def behind(source, lengths):
    """Which places of the source are padding, [batch, places, 1]."""
    return (np.arange(source.shape[1]) >= lengths[:, None])[..., None]


def built(f, arrays, beside=right, *, norm, epsilon, activation="relu", looks=lambda y, source, mask: (source, mask),
          order=(0, 1, 2), hidden=lambda mask: mask, last=True, no_source="refused"):  # fmt: skip
    """An operation whose parts are put together by ``beside(x, part, norm, number, place)``.

    ``looks`` says what cross-attention reads, with which mask; ``order`` of the parts; ``hidden`` is the mask of
    cross-attention; ``last``, whether the encoder's last norm is applied.
    """
    x, weights, source, rest = sorted_out(f, arrays)
    given = {"norm": norm, "epsilon": epsilon, "activation": activation}
    lengths = lengths_of(rest)
    if no_source == "refused" and lengths is not None and not lengths.all():
        raise ValueError("a source has no place")
    real = None if lengths is None else ~behind(source, lengths)
    source = source if real is None else np.where(real, source, 0)
    if whole := f.__name__.startswith(WHOLE):
        below = oracle.of_part(weights, "encoder_")
        weights = oracle.of_part(weights, "decoder_")
        if norm == "pre" and not last:
            below = {name: w for name, w in below.items() if name not in oracle.FINAL}
            for n in range(encoders.depth(below)):
                table = encoders.of_layer(below, n)
                source = encoders.encoder_layer(source, table, *(() if lengths is None else (lengths,)), **given)
        else:
            source = encoders.encoder(source, below, *(() if lengths is None else (lengths,)), **given)
    mask = None if real is None else hidden(real[:, None, None, :, 0])
    stacked = whole or "kernel_q" not in weights
    y = x
    for n in range(encoders.depth(weights)) if stacked else (0,):
        table = oracle.of_layer(weights, n) if stacked else weights
        own, cross = ({name: table[f"{start}{name}"] for name in AXES} for start in ("", "cross_"))
        parts = (
            lambda h, w=own: multi_head_attention(h, w, causal=True),
            lambda h, w=cross: multi_head_attention(h, w, *looks(h, source, mask)),
            lambda h, w=table: (
                activate(h @ w["kernel_in"] + w["bias_in"], activation) @ w["kernel_out"] + w["bias_out"]
            ),
        )
        for number in order:
            weighed = table[f"scale_{number + 1}"], table[f"shift_{number + 1}"]
            y = beside(y, parts[number], lambda h, w=weighed: layer_norm(h, *w, epsilon=epsilon), number + 1, norm)
    if stacked and norm == "pre":
        y = layer_norm(y, weights["final_scale"], weights["final_shift"], epsilon=epsilon)
    return y.astype(x.dtype)


def renamed(weights, partner):
    return {name: weights[partner(name)] for name in weights}


# ---- parts and norms


@MUTANTS.each("cross-attention before self-attention", "decoders.value")
def looks_at_the_source_first(f, *arrays, **given):
    return built(f, arrays, order=(1, 0, 2), **given)


@MUTANTS.each("a residual connection lost in a rewrite of the block", "decoders.value")
def forgets_the_shortcut_around_the_look_at_the_source(f, *arrays, **given):
    def beside(x, part, norm, number, place):
        if number != 2:
            return right(x, part, norm, number, place)
        return part(norm(x)) if place == "pre" else norm(part(x))

    return built(f, arrays, beside, **given)


@MUTANTS.each(
    "queries of cross-attention from what self-attention has read, and not from what it gave", "decoders.value"
)
def asks_the_source_with_the_input_of_the_layer(f, *arrays, **given):
    kept = []

    def beside(x, part, norm, number, place):
        if number == 1:
            kept[:] = [x]
        if number != 2:
            return right(x, part, norm, number, place)
        first = kept[0]
        return x + part(norm(first)) if place == "pre" else norm(x + part(first))

    return built(f, arrays, beside, **given)


@MUTANTS.each(
    "keys and values from the target: the memory was not handed on", "decoders.value", "decoders.whole-source"
)
def looks_at_the_target_in_the_place_of_the_source(f, *arrays, **given):
    return built(f, arrays, looks=lambda y, source, mask: (), **given)


@MUTANTS.each("the attention to the source made as a copy of self-attention", "decoders.value")
def has_one_attention_for_both(f, *arrays, **given):
    x, weights, source, rest = sorted_out(f, arrays)
    return again(f, x, renamed(weights, lambda name: name.replace("cross_", "")), source, rest, **given)


@MUTANTS.each("two attentions of a checkpoint named the other way round", "decoders.value")
def exchanges_the_two_attentions(f, *arrays, **given):
    x, weights, source, rest = sorted_out(f, arrays)

    def partner(name):
        if "cross_" in name:
            return name.replace("cross_", "")
        start = "decoder_" if name.startswith("decoder_") else ""
        other = f"{start}cross_{name.removeprefix(start)}"
        return other if other in weights else name

    return again(f, x, renamed(weights, partner), source, rest, **given)


@MUTANTS.each("norm 2 and norm 3 of a checkpoint named the other way round", "decoders.value")
def exchanges_the_last_two_norms(f, *arrays, **given):
    x, weights, source, rest = sorted_out(f, arrays)

    def partner(name):
        for one, other in (("2", "3"), ("3", "2")):
            for part in ("scale_", "shift_"):
                if f"{part}{one}" in name and not name.startswith("encoder_"):
                    return name.replace(f"{part}{one}", f"{part}{other}")
        return name

    return again(f, x, renamed(weights, partner), source, rest, **given)


@MUTANTS.each("ReLU whatever is asked for: the argument is not handed on", "decoders.value")
def has_one_activation(f, *arrays, **given):
    return f(*arrays, **given | {"activation": "relu"})


@MUTANTS.each("epsilon of the norms left at 1e-5", "decoders.value")
def has_an_epsilon_of_its_own(f, *arrays, **given):
    return f(*arrays, **given | {"epsilon": 1e-5})


@MUTANTS.add("norm_first is left at its default in a port", "decoder-layer.zero-kernels", "decoder-layer.example")
def has_the_norm_at_the_other_place(*arrays, norm, **given):
    return ORACLE.decoder_layer(*arrays, norm={"pre": "post", "post": "pre"}[norm], **given)


@MUTANTS.add("a norm behind the layer, as the whole of the stack has it", "decoder-layer.zero-kernels")
def normalizes_the_result_of_a_layer(x, *rest, norm, epsilon, **given):
    y = ORACLE.decoder_layer(x, *rest, norm=norm, epsilon=epsilon, **given)
    return layer_norm(y, epsilon=epsilon).astype(x.dtype) if norm == "pre" else y


@MUTANTS.add("[layer] * n: one layer, used several times", "decoder.layers", "decoders.value[decoder]")
def uses_the_weights_of_the_first_layer_for_all(x, weights, *rest, **given):
    first = renamed(weights, lambda name: f"{name[:-1]}0" if name[-1].isdecimal() else name)
    return ORACLE.decoder(x, first, *rest, **given)


@MUTANTS.add("the state of the layer below handed on as the source, too", "decoder.layers", "decoders.value[decoder]")
def looks_at_the_source_in_the_first_layer_alone(x, weights, source, *rest, norm, epsilon, **given):
    y = x
    for n in range(encoders.depth(weights)):
        table = oracle.of_layer(weights, n)
        seen, told = (source, rest) if n == 0 else (y, ())
        y = oracle.decoder_layer(y, table, seen, *told, norm=norm, epsilon=epsilon, **given)
    last = (weights[name] for name in oracle.FINAL)
    return layer_norm(y, *last, epsilon=epsilon).astype(x.dtype) if norm == "pre" else y.astype(x.dtype)


@MUTANTS.add(
    "a source from in front of the encoder's last norm", "encoder-decoder.parts", "decoders.value[encoder_decoder]"
)
def hands_over_what_the_last_norm_has_not_seen(*arrays, **given):
    return built(ORACLE.encoder_decoder, arrays, last=False, **given)


@MUTANTS.add("the encoder is made and not called", "encoder-decoder.parts", "decoders.value[encoder_decoder]")
def looks_at_the_source_itself(source, target, weights, *rest, **given):
    return oracle.decoder(target, oracle.of_part(weights, "decoder_"), source, *rest, **given).astype(target.dtype)


@MUTANTS.add("a causal mask for the encoder, too", "encoder-decoder.parts", "decoders.source-order[encoder_decoder]")
def has_a_causal_encoder(source, target, weights, *rest, **given):
    seen = encoders.encoder(source, oracle.of_part(weights, "encoder_"), *rest, **of_encoder(given), causal=True)
    return oracle.decoder(target, oracle.of_part(weights, "decoder_"), seen, *rest, **given).astype(target.dtype)


# ---- what a place may see


@MUTANTS.each("no mask was given to the decoder, whose self-attention is not causal by itself", "decoders.causal")
def sees_the_whole_target(f, *arrays, **given):
    x, _, _, _ = sorted_out(f, arrays)
    y = f(*arrays, **given)
    return (y + x.mean(1, keepdims=True) / 8).astype(y.dtype)


@MUTANTS.each("diagonal=2 in the place of 1: every place sees its successor", "decoders.causal")
def sees_the_next_place(f, *arrays, **given):
    x, y = sorted_out(f, arrays)[0], f(*arrays, **given)
    return np.concatenate([y[:, :-1] + (x[:, 1:] / 8).astype(y.dtype), y[:, -1:]], 1)


@MUTANTS.each("a backward pass that knows no causality", "decoders.causal", part="_vjp")
def goes_back_to_later_places(f, *arrays, **given):
    dx, table, dsource = gradients_of(f, f(*arrays, **given))
    return in_its_order(f, (dx + arrays[-1].mean(1, keepdims=True) / 8).astype(dx.dtype), table, dsource)


@MUTANTS.each("the causal mask is handed to both attentions", "decoders.whole-source", "decoders.source-order")
def sees_of_the_source_what_is_not_later(f, *arrays, **given):
    def looks(y, source, mask):
        early = np.tri(y.shape[1], source.shape[1], dtype=bool)[None, None]
        return source, early if mask is None else (early & mask) | (early & ~(early & mask).any(-1, keepdims=True))

    return built(f, arrays, looks=looks, **given)


@MUTANTS.each(
    "the first place of the source stands for all, as the state of a recurrent encoder did", "decoders.whole-source"
)
def sees_one_place_of_the_source(f, *arrays, **given):
    return built(f, arrays, looks=lambda y, source, mask: (source[:, :1], None), **given)


@MUTANTS.each("positions that are added to the source inside the layer", "decoders.source-order", "decoders.value")
def adds_the_place_to_the_source(f, *arrays, **given):
    x, weights, source, rest = sorted_out(f, arrays)
    places = np.arange(source.shape[1], dtype=np.float32)[:, None] * np.linspace(
        0, 0.25, source.shape[2], dtype=np.float32
    )
    return again(f, x, weights, (source + places).astype(source.dtype), rest, **given)


# ---- gradients and shapes


@MUTANTS.each("a detach() on the source, which the encoder then never learns from", "decoders.gradient", part="_vjp")
def has_no_gradient_for_the_source(f, *arrays, **given):
    dx, table, dsource = gradients_of(f, f(*arrays, **given))
    return in_its_order(f, dx, table, 0 * dsource)


@MUTANTS.each("a kernel that is missing in the table of an optimizer", "decoders.gradient", part="_vjp")
def has_no_gradient_for_the_values_of_the_source(f, *arrays, **given):
    dx, table, dsource = gradients_of(f, f(*arrays, **given))
    start = "decoder_cross_kernel_v" if f.__name__.startswith(WHOLE) else "cross_kernel_v"
    return in_its_order(f, dx, changed(table, start, lambda w: 0 * w), dsource)


@MUTANTS.each("a backward pass written without the shortcut", "decoders.gradient", part="_vjp")
def takes_the_cotangent_off_the_target(f, *arrays, **given):
    dx, table, dsource = gradients_of(f, f(*arrays, **given))
    return in_its_order(f, (dx - arrays[-1]).astype(dx.dtype), table, dsource)


@MUTANTS.each("gradients for the layers below and on top alone: of two there is no other", "decoders.gradient",
              operations=["decoder"], part="_vjp")  # fmt: skip
def has_no_gradient_for_a_layer_between_two(f, *arrays, **given):
    dx, table, dsource = f(*arrays, **given)
    last = max(int(name.rpartition("_")[2]) for name in table if name[-1].isdigit())
    between = {str(n) for n in range(1, last)}
    return dx, {name: 0 * w if name.rpartition("_")[2] in between else w for name, w in table.items()}, dsource


@MUTANTS.each("layers beyond the second hand back what the first does", "decoders.gradient",
              operations=["decoder"], part="_vjp")  # fmt: skip
def has_the_first_gradient_for_the_third_layer(f, *arrays, **given):
    dx, table, dsource = f(*arrays, **given)
    third = {name: table[f"{name[:-2]}_0"] for name in table if name.endswith("_2")}
    return dx, table | third, dsource


MUTANTS.each("a loss that was averaged twice", "decoders.gradient", part="_vjp")(classic.averages_the_gradients)


@MUTANTS.each("squeeze() at the end: right until an axis has one entry", "decoders.shape")
def drops_axes_of_length_one(f, *arrays, **given):
    return np.squeeze(f(*arrays, **given))


@MUTANTS.each("zip of what is not of one length", "decoders.shapes")
def cuts_to_what_both_have(f, *arrays, **given):
    x, weights, source, rest = sorted_out(f, arrays)
    padded = np.pad(
        np.resize(source, (len(x), *source.shape[1:])), [(0, 0), (0, 0), (0, x.shape[-1] - source.shape[-1])]
    )
    lengths = lengths_of(rest)
    return again(f, x, weights, padded, () if lengths is None else (np.resize(lengths, len(x)),), **given)
