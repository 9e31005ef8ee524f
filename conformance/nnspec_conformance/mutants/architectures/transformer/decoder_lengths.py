"""Wrong decoders that mistake how long a source is, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.mutants.architectures.transformer.decoder import (
    again,
    behind,
    built,
    gradients_of,
    in_its_order,
    of_encoder,
    sorted_out,
)
from nnspec_conformance.mutants.architectures.transformer.encoder import lengths_of
from nnspec_conformance.oracles.architectures.transformer import decoder as oracle
from nnspec_conformance.oracles.architectures.transformer import encoder as encoders

MUTANTS = Mutants()


@MUTANTS.each("the padding mask is made, and not handed on", "decoders.lengths", "decoders.longer")
def takes_no_lengths(f, *arrays, **given):
    return f(*arrays[:3], **given)


@MUTANTS.add("memory_key_padding_mask does not follow from src_key_padding_mask", "decoders.lengths[encoder_decoder]",
             "decoders.longer[encoder_decoder]")  # fmt: skip
def hides_the_padding_from_the_encoder_alone(*arrays, **given):
    return built(ORACLE.encoder_decoder, arrays, hidden=lambda mask: None, **given)


@MUTANTS.add("the padding is hidden in cross-attention alone", "decoders.lengths[encoder_decoder]",
             "decoders.longer[encoder_decoder]")  # fmt: skip
def hides_the_padding_from_the_decoder_alone(source, target, weights, *rest, **given):
    seen = encoders.encoder(source, oracle.of_part(weights, "encoder_"), **of_encoder(given))
    return oracle.decoder(target, oracle.of_part(weights, "decoder_"), seen, *rest, **given).astype(target.dtype)


@MUTANTS.each("True for the places that take part, in a layer that takes true for padding", "decoders.lengths")
def sees_the_padding_alone(f, *arrays, **given):
    return built(f, arrays, hidden=lambda real: ~real | ~(~real).any(-1, keepdims=True), **given)


@MUTANTS.each("the last place of a source is taken for padding", "decoders.lengths")
def is_off_by_one_place(f, *arrays, **given):
    lengths = lengths_of(arrays[3:])
    return f(*arrays[:3], *(() if lengths is None else (np.maximum(lengths - 1, 1),)), **given)


@MUTANTS.each("the backward pass knows no lengths", "decoders.lengths", part="_vjp")
def goes_back_through_the_padding(f, *arrays, **given):
    return f(*arrays[:3], arrays[-1], **given)


@MUTANTS.each("a mask of -10,000 in the place of minus infinity: large padding overrules it", "decoders.padding")
def lets_large_padding_through(f, *arrays, **given):
    (_, _, source, rest), y = sorted_out(f, arrays), f(*arrays, **given)
    if (lengths := lengths_of(rest)) is None:
        return y
    large = np.where(behind(source, lengths), np.nan_to_num(np.abs(source), posinf=0), 0).max((1, 2), keepdims=True)
    return np.where(large > 1e4, y + y * 2, y).astype(y.dtype)


@MUTANTS.each("a gradient for padding, which an embedding then learns", "decoders.padding", part="_vjp")
def has_a_gradient_for_the_padding(f, *arrays, **given):
    _, _, source, rest = sorted_out(f, arrays)
    dx, table, dsource = gradients_of(f, f(*arrays, **given))
    if (lengths := lengths_of(rest[:-1])) is not None:
        dsource = (dsource + behind(source, lengths) * source / 8).astype(dsource.dtype)
    return in_its_order(f, dx, table, dsource)


@MUTANTS.each("padding is multiplied by 0, and zero times NaN is NaN", "decoders.padding-content")
def multiplies_by_the_mask(f, *arrays, **given):
    (_, _, source, rest), y = sorted_out(f, arrays), f(*arrays, **given)
    if (lengths := lengths_of(rest)) is None:
        return y
    with np.errstate(invalid="ignore"):
        spoilt = (np.where(behind(source, lengths), source, 0) * 0).sum((1, 2), keepdims=True)
    return (y + spoilt).astype(y.dtype)


@MUTANTS.each("the longest source of the batch in the place of each its own", "decoders.other-lengths")
def divides_by_the_longest_source(f, *arrays, **given):
    rest, y = sorted_out(f, arrays)[3], f(*arrays, **given)
    lengths = lengths_of(rest)
    return y if lengths is None else (y + y * lengths.mean() / 8).astype(y.dtype)


@MUTANTS.each("a length of at least 1: an empty text is its padding", "decoders.no-source")
def takes_an_empty_source_for_one_place(f, *arrays, **given):
    lengths = lengths_of(sorted_out(f, arrays)[3])
    return f(*arrays[:3], *(() if lengths is None else (np.maximum(lengths, 1),)), **given)


@MUTANTS.each("a mean over the array in the place of the source", "decoders.longer", "decoders.lengths")
def divides_by_the_length_of_the_array(f, *arrays, **given):
    (_, _, source, rest), y = sorted_out(f, arrays), f(*arrays, **given)
    lengths = lengths_of(rest)
    return y if lengths is None else (y * (lengths / source.shape[1])[:, None, None]).astype(y.dtype)


@MUTANTS.each("attention to no place gives zeros, and the target goes on alone", "decoders.empty-source")
def takes_an_empty_source(f, *arrays, **given):
    x, weights, source, rest = sorted_out(f, arrays)
    return again(f, x, weights, source if source.shape[1] else np.zeros_like(x[:, :1]), rest, **given)
