"""``nn.TransformerDecoderLayer``, ``nn.TransformerDecoder`` and ``nn.Transformer``: training mode, no dropout."""

from __future__ import annotations

import functools

import torch
from torch import func, nn

from nnspec_conformance.adapters.tables import depth, size
from nnspec_conformance.adapters.torch.architectures.transformer import encoder, multi_head_attention

EMPTY = (
    "a source of no place gives results of finite numbers, right is to refuse it: scaled_dot_product_attention gives "
    "zeros for no keys; searched 2026-11-29, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/transformer.py"
)
VARIANTS = {"decoders.no-source": "zeros"}
KNOWN_FAILURES = {
    f"{clause}[{operation}]{dtypes}": reason
    for operation in ("decoder_layer", "decoder", "encoder_decoder")
    for clause, dtypes, reason in (
        ("decoders.empty-source", "", EMPTY),
        ("decoders.padding-content", "", encoder.LEAKS),
        ("duty.broadcasting", "", encoder.ONE_ENTRY),
        ("duty.nan", "; float32", multi_head_attention.NAN),
        ("duty.diverged", "", multi_head_attention.NAN),
        ("duty.second", "", multi_head_attention.KNOWN_FAILURES["duty.second[multi_head_attention]"]),
    )
}
PLACES = encoder.PLACES | {"scale_3": "norm3.weight", "shift_3": "norm3.bias"}


def decoder_layer(x, weights, source, lengths=None, *, norm, epsilon, activation=None):
    table = _table(weights)
    layer = _layer(nn.TransformerDecoderLayer, *_sizes(weights, ""), norm, epsilon, activation, x.dtype)
    return func.functional_call(layer, table, (x, source), _masks(x, source, lengths), strict=True)


def decoder(x, weights, source, lengths=None, *, norm, epsilon, activation=None):
    layers, tables = _stacked(weights, _table)
    stack = _decoder(layers, *_sizes(weights, "_0"), norm, epsilon, activation, x.dtype)
    return func.functional_call(stack, tables, (x, source), _masks(x, source, lengths), strict=True)


def encoder_decoder(source, target, weights, lengths=None, *, norm, epsilon, activation=None):
    below, above = (
        {name.removeprefix(start): w for name, w in weights.items() if name.startswith(start)}
        for start in ("encoder_", "decoder_")
    )
    (layers, encoder_table), (more, decoder_table) = _stacked(below, encoder._table), _stacked(above, _table)
    given = norm, epsilon, activation, source.dtype
    whole = _transformer((layers, *_sizes(below, "_0")), (more, *_sizes(above, "_0")), *given)
    tables = {f"encoder.{name}": w for name, w in encoder_table.items()}
    tables |= {f"decoder.{name}": w for name, w in decoder_table.items()}
    tables |= {name: w for name, w in weights.items() if not name.startswith(("encoder_", "decoder_"))}  # refused
    masks = _masks(target, source, lengths)
    masks["src_key_padding_mask"] = masks["memory_key_padding_mask"]
    return func.functional_call(whole, tables, (source, target), masks, strict=True)


# ---- modules without weights of their own: these are handed over at each call


def _sizes(weights, end):
    width, heads, _ = weights[f"kernel_q{end}"].shape
    return width, heads, size(weights, f"bias_in{end}", f"kernel_in{end}")


@functools.cache
def _layer(kind, width, heads, hidden, norm, epsilon, activation, dtype):
    given = {} if activation is None else {"activation": activation}
    return kind(
        width, heads, hidden, dropout=0.0, layer_norm_eps=epsilon, batch_first=True, norm_first=norm == "pre",
        dtype=dtype, **given,
    )  # fmt: skip


@functools.cache
def _decoder(layers, width, heads, hidden, norm, epsilon, activation, dtype):
    layer = _layer(nn.TransformerDecoderLayer, width, heads, hidden, norm, epsilon, activation, dtype)
    return nn.TransformerDecoder(layer, layers, _last(width, norm, epsilon, dtype))


@functools.cache
def _transformer(below, above, norm, epsilon, activation, dtype):
    (layers, width, *sizes), given = below, (norm, epsilon, activation, dtype)
    first, last = _layer(nn.TransformerEncoderLayer, width, *sizes, *given), _last(width, norm, epsilon, dtype)
    return nn.Transformer(  # its own stacks end with a norm, wherever the others stand
        width, first.self_attn.num_heads, batch_first=True,
        custom_encoder=nn.TransformerEncoder(first, layers, last, enable_nested_tensor=False),
        custom_decoder=_decoder(*above, *given),
    )  # fmt: skip


def _last(width, norm, epsilon, dtype):
    return nn.LayerNorm(width, eps=epsilon, dtype=dtype) if norm == "pre" else None


def _masks(x, source, lengths):
    """What is hidden from each place of the target, and which places of the source are padding."""
    padding = None if lengths is None else torch.arange(source.shape[1]) >= lengths[:, None]
    hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    return {"tgt_mask": hidden, "tgt_is_causal": True, "memory_key_padding_mask": padding}


def _stacked(weights, table) -> tuple[int, dict]:
    """How many layers there are, and their tables by PyTorch's names."""
    layers = depth(weights)
    rest, tables = dict(weights), {}
    for n in range(layers):
        own = {name.removesuffix(f"_{n}"): rest.pop(name) for name in [*rest] if name.endswith(f"_{n}")}
        tables |= {f"layers.{n}.{name}": w for name, w in table(own).items()}
    return layers, tables | encoder.final(rest)


def _table(weights) -> dict:
    """A layer's table by PyTorch's names; other names stay as they are, and are refused."""
    cross = {name.removeprefix("cross_"): w for name, w in weights.items() if name.startswith("cross_")}
    own = {name: w for name, w in weights.items() if not name.startswith("cross_") and name not in PLACES}
    found = {}
    for place, heads in (("self_attn", own), ("multihead_attn", cross)):
        found |= {f"{place}.{name}": w for name, w in multi_head_attention.of_heads(heads).items()}
    return found | {PLACES[name]: w.mT if "kernel" in name else w for name, w in weights.items() if name in PLACES}
