"""Transformer decoders in NumPy, written from the clauses: self-attention, attention to a source, feed-forward network.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.architectures.transformer import encoder as encoders
from nnspec_conformance.oracles.architectures.transformer import multi_head_attention as attention
from nnspec_conformance.oracles.architectures.transformer.attention import as_it_is

CROSS = {f"cross_{name}": words for name, words in attention.AXES.items()}
NORMS = {f"{part}_{n}": ("width",) for n in (1, 2, 3) for part in ("scale", "shift")}
AXES = attention.AXES | CROSS | encoders.FEED_FORWARD | NORMS
FINAL = encoders.FINAL
PARTS = {"encoder_": encoders.AXES, "decoder_": AXES}
# The example of the page: two places with two features, and a source of two places; one head, epsilon is 0.
EXAMPLE_X = [[2, 0], [0, 2]]
EXAMPLE_SOURCE = [[3, 0], [-3, 2]]
EXAMPLE_WEIGHTS = {
    **{name: w for name, w in encoders.EXAMPLE_WEIGHTS.items() if name in attention.AXES},
    **{f"cross_{name}": encoders.EXAMPLE_WEIGHTS[name] for name in attention.AXES},
    "cross_bias_v": [[0, 0]],
    **{name: encoders.EXAMPLE_WEIGHTS[name] for name in encoders.FEED_FORWARD},
    "scale_1": [1, 1],
    "shift_1": [0, 0],
    "scale_2": [1, 1],
    "shift_2": [1, 0],
    "scale_3": [3, 1],
    "shift_3": [1, 0],
}
EXAMPLE_Y = {"post": [[4, -1], [-2, 1]], "pre": [[4, 4], [1, 3]]}


def decoder_layer(
    x, weights, source, lengths=None, *, norm, epsilon, activation="relu", no_source="refused", rounded=as_it_is
):  # fmt: skip
    return _looking(_layer, x, weights, source, lengths, norm, activation, epsilon, no_source, rounded)[0]


def decoder_layer_vjp(
    x, weights, source, *rest, norm, epsilon, activation="relu", no_source="refused", rounded=as_it_is
):  # fmt: skip
    *given, g = rest
    lengths = (*given, None)[0]
    return _looking(_layer, x, weights, source, lengths, norm, activation, epsilon, no_source, rounded)[1](g)


def decoder(
    x, weights, source, lengths=None, *, norm, epsilon, activation="relu", no_source="refused", rounded=as_it_is
):  # fmt: skip
    return _looking(stack, x, weights, source, lengths, norm, activation, epsilon, no_source, rounded)[0]


def decoder_vjp(
    x, weights, source, *rest, norm, epsilon, activation="relu", no_source="refused", rounded=as_it_is
):  # fmt: skip
    *given, g = rest
    lengths = (*given, None)[0]
    return _looking(stack, x, weights, source, lengths, norm, activation, epsilon, no_source, rounded)[1](g)


def encoder_decoder(
    source, target, weights, lengths=None, *, norm, epsilon, activation="relu", no_source="refused", rounded=as_it_is
):  # fmt: skip
    return _both(source, target, weights, lengths, norm, activation, epsilon, no_source, rounded)[0]


def encoder_decoder_vjp(
    source, target, weights, *rest, norm, epsilon, activation="relu", no_source="refused", rounded=as_it_is
):  # fmt: skip
    *given, g = rest
    _, back = _both(source, target, weights, (*given, None)[0], norm, activation, epsilon, no_source, rounded)
    dsource, dtarget, table = back(rounded(g))
    return dsource, dtarget, {name: table[name] for name in weights}


def _looking(run, x, weights, source, lengths, norm, activation, epsilon, no_source, rounded):
    """What a layer or a stack makes of a target and its source, and the function that gives the gradients."""
    source, mask, real = _entered(source, lengths, no_source, rounded)
    y, back = run(rounded(x), weights, source, mask, norm, activation, epsilon, rounded)

    def gradients(g):
        dx, table, dsource = back(rounded(g))
        return dx, {name: table[name] for name in weights}, encoders.left(dsource, real, "zeros")

    return y, gradients


def _entered(source, lengths, no_source, rounded):
    """What the encoder's pages make of a source with padding; a source of no place is refused."""
    if not source.shape[1]:
        raise ValueError("the source has no place, expected at least one")
    if no_source == "refused" and lengths is not None and not np.all(lengths):
        raise ValueError(f"lengths are {lengths}, expected at least 1 for each source")
    return encoders.entered(source, lengths, "zeros", rounded)


def _both(source, target, weights, lengths, norm, activation, epsilon, no_source, rounded):
    """The decoder's result with what the encoder made of the source, and the function that gives its gradients."""
    below, above = of_part(weights, "encoder_"), of_part(weights, "decoder_")
    if len(below) + len(above) != len(weights):
        raise ValueError(f"the table has {', '.join(weights)}: names begin with encoder_ or decoder_")
    source, mask, real = _entered(source, lengths, no_source, rounded)
    seen, back_encoder = encoders.stack(source, below, mask, norm, activation, False, epsilon, rounded)
    seen = encoders.left(seen, real, "zeros")
    y, back_decoder = stack(rounded(target), above, seen, mask, norm, activation, epsilon, rounded)

    def back(g):
        dtarget, found, dseen = back_decoder(g)
        dsource, more = back_encoder(encoders.left(dseen, real, "zeros"))
        table = {f"decoder_{name}": w for name, w in found.items()} | {f"encoder_{n}": w for n, w in more.items()}
        return encoders.left(dsource, real, "zeros"), dtarget, table

    return y, back


def stack(x, weights, source, mask, norm, activation, epsilon, rounded):
    """The result of all layers, and the function of a cotangent that gives its gradients."""
    layers = encoders.depth(weights)
    wanted = {f"{name}_{n}" for name in AXES for n in range(layers)} | ({*FINAL} if norm == "pre" else set())
    if not layers or set(weights) != wanted:
        raise ValueError(f"names {sorted(set(weights) ^ wanted)} are missing or extra")
    y, backs = x, []
    for n in range(layers):
        y, back = _layer(y, of_layer(weights, n), source, mask, norm, activation, epsilon, rounded)
        backs.append(back)
    if norm == "pre":
        y, last = encoders._normalized(y, weights["final_scale"], weights["final_shift"], epsilon, rounded)

    def back(g):
        found, dsource = {}, np.zeros_like(source)
        if norm == "pre":
            g, found["final_scale"], found["final_shift"] = last(g)
        for n in range(layers - 1, -1, -1):
            g, table, more = backs[n](g)
            dsource = rounded(dsource + more)
            found |= {f"{name}_{n}": w for name, w in table.items()}
        return g, found, dsource

    return y, back


def of_layer(weights, number):
    """The table of one layer of a stack."""
    return {name: weights[f"{name}_{number}"] for name in AXES}


def of_part(weights, start):
    """The table of the encoder or of the decoder."""
    return {name.removeprefix(start): w for name, w in weights.items() if name.startswith(start)}


def _layer(x, weights, source, mask, norm, activation, epsilon, rounded):
    """A layer's result, and the function of a cotangent that gives its gradients."""
    encoders._check(x, weights, AXES)
    own = {name: weights[name] for name in attention.AXES}
    cross = {name: weights[f"cross_{name}"] for name in attention.AXES}

    def attend(y):
        def back(g):
            return attention.multi_head_attention_vjp(y, own, g, causal=True, rounded=rounded)

        return attention.multi_head_attention(y, own, causal=True, rounded=rounded), back

    def look(y):
        seen = (source, mask) if mask is not None else (source,)

        def back(g):
            dy, table, dsource = tuple(attention.multi_head_attention_vjp(y, cross, *seen, g, rounded=rounded))
            return dy, {f"cross_{name}": w for name, w in table.items()} | {"source": dsource}

        return attention.multi_head_attention(y, cross, *seen, rounded=rounded), back

    parts = attend, look, encoders.fed_forward(weights, activation, rounded)
    backs = []
    for n, part in enumerate(parts, 1):
        x, back = encoders.beside(x, part, weights, n, norm, epsilon, rounded)
        backs.append(back)

    def all_back(g):
        found = {}
        for n, back in reversed([*enumerate(backs, 1)]):
            summed = {f"shift_{n}": attention._of_bias(g, rounded)} if norm == "post" else {}  # rounded on the way
            g, table = back(g)
            found |= table | summed
        return g, found, found.pop("source")

    return x, all_back
