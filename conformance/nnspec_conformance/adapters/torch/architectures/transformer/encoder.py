"""``nn.TransformerEncoderLayer`` and ``nn.TransformerEncoder``, in training mode without dropout."""

from __future__ import annotations

import torch
from torch import func, nn

from nnspec_conformance.adapters.tables import depth, size
from nnspec_conformance.adapters.torch.architectures.transformer import multi_head_attention

VARIANTS = {"encoders.padded-rows": "computed"}
LEAKS = (
    "with NaN in the padding an entry of a sequence is NaN, right is 0.46: keys of the padding have the weight 0, and "
    "zero times NaN is NaN; https://github.com/pytorch/pytorch/issues/101967"
)
ONE_ENTRY = (
    "a bias of one entry is added to every unit, right is a refusal: the layer does not look at the shapes of its "
    "weights; searched 2026-11-28, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/transformer.py"
)
SUMS = (
    "with one thread an entry of the gradient of a scale over 153 rows in bfloat16 is -16.75, right is -17.64: the "
    "backward pass of layer norm adds the rows in their own dtype (of 15,300 normal ones it is off by 55 of 151), and "
    "each thread adds a share; searched 2026-11-29, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/layer_norm_kernel.cpp"
)


def one_thread() -> bool:
    """Whether one thread adds up all rows."""
    return torch.get_num_threads() == 1


KNOWN_FAILURES = {
    f"{clause}[{operation}]{dtypes}": reason
    for operation in ("encoder_layer", "encoder")
    for clause, dtypes, reason in (
        ("encoders.padding-content", "", LEAKS),
        ("duty.broadcasting", "", ONE_ENTRY),
        ("duty.nan", "; float32", multi_head_attention.NAN),
        ("duty.diverged", "", multi_head_attention.NAN),
        ("duty.second", "", multi_head_attention.KNOWN_FAILURES["duty.second[multi_head_attention]"]),
    )
} | {"duty.layouts[encoder]; bfloat16": (SUMS, one_thread)}
PLACES = {
    "kernel_in": "linear1.weight",
    "bias_in": "linear1.bias",
    "kernel_out": "linear2.weight",
    "bias_out": "linear2.bias",
    "scale_1": "norm1.weight",
    "shift_1": "norm1.bias",
    "scale_2": "norm2.weight",
    "shift_2": "norm2.bias",
}
FINAL = {"final_scale": "norm.weight", "final_shift": "norm.bias"}


def encoder_layer(x, weights, lengths=None, *, norm, epsilon, activation=None, causal=None):
    table = _table(weights)
    layer = _layer(x, weights, "", norm, epsilon, activation)
    hidden, padding, is_causal = _masks(x, lengths, causal)
    given = {"src_mask": hidden, "src_key_padding_mask": padding, "is_causal": is_causal}
    return func.functional_call(layer, table, (x,), given, strict=True)


def encoder(x, weights, lengths=None, *, norm, epsilon, activation=None, causal=None):
    layers = depth(weights)
    tables, rest = {}, dict(weights)
    for n in range(layers):
        own = {name.removesuffix(f"_{n}"): rest.pop(name) for name in [*rest] if name.endswith(f"_{n}")}
        tables |= {f"layers.{n}.{name}": w for name, w in _table(own).items()}
    last = None
    if norm == "pre":
        last = nn.LayerNorm(x.shape[-1], eps=epsilon, dtype=x.dtype)
        rest = final(rest)
    layer = _layer(x, weights, "_0", norm, epsilon, activation)
    stack = nn.TransformerEncoder(layer, layers, last, enable_nested_tensor=False)
    hidden, padding, is_causal = _masks(x, lengths, causal)
    given = {"mask": hidden, "src_key_padding_mask": padding, "is_causal": is_causal}
    return func.functional_call(stack, tables | rest, (x,), given, strict=True)


def final(rest) -> dict:
    """The last norm by PyTorch's names; what is none of it stays as it is."""
    return {FINAL.get(name, name): w for name, w in rest.items()}


def _layer(x, weights, end, norm, epsilon, activation):
    width, heads, _ = weights[f"kernel_q{end}"].shape
    hidden = size(weights, f"bias_in{end}", f"kernel_in{end}")
    given = {} if activation is None else {"activation": activation}
    return nn.TransformerEncoderLayer(
        width, heads, hidden, dropout=0.0, layer_norm_eps=epsilon, batch_first=True,
        norm_first=norm == "pre", dtype=x.dtype, **given,
    )  # fmt: skip


def _masks(x, lengths, causal):
    """What is hidden from each place, what is padding, and the hint that the first is causal."""
    time = x.shape[1]
    padding = None if lengths is None else torch.arange(time) >= lengths[:, None]
    hidden = torch.ones(time, time, dtype=torch.bool).triu(1) if causal else None
    return hidden, padding, bool(causal)


def _table(weights):
    """A layer's table by PyTorch's names; other names stay as they are, and are refused."""
    heads = {name: w for name, w in weights.items() if name not in PLACES}
    found = {f"self_attn.{name}": w for name, w in multi_head_attention.of_heads(heads).items()}
    return found | {PLACES[name]: w.mT if "kernel" in name else w for name, w in weights.items() if name in PLACES}
