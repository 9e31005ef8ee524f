"""``nn.MultiheadAttention``, which packs three kernels into one, and takes true for hidden in its masks."""

from __future__ import annotations

import torch
from torch import func, nn

from nnspec_conformance.adapters import tables

NAN = (
    "with NaN in the kernel of the queries the result is that of the bias alone, right is NaN: the fused kernel takes "
    "a row of NaN for one that sees no key, and gives 0; https://github.com/pytorch/pytorch/issues/141128"
)
VARIANTS = {"multi-head-attention.grouped": "refused"}
KNOWN_FAILURES = {
    "duty.nan[multi_head_attention]; float32": NAN,
    "duty.diverged[multi_head_attention]": NAN,
    "duty.second[multi_head_attention]": (
        "the backward pass of the fused kernel has no derivative, right is the gradient of the gradient, which the "
        "backend MATH has; https://github.com/pytorch/pytorch/issues/181177"
    ),
}
PARTS = "qkv"
AXES = {
    f"{kind}_{part}": 3 if kind == "kernel" else 1 + (part != "o") for kind in ("kernel", "bias") for part in "qkvo"
}


def multi_head_attention(x, weights, context=None, mask=None, *, causal=None):
    table = packed(weights)
    width, heads, _ = weights["kernel_q"].shape
    layer = nn.MultiheadAttention(width, heads, batch_first=True, dtype=x.dtype)
    c = x if context is None else context
    given = {}
    if mask is not None:  # one for each example and head
        shape = (len(x), heads, x.shape[1], mask.shape[-1])
        given["attn_mask"] = ~mask.expand(shape).reshape(-1, *shape[2:])
    if causal:
        hidden = torch.ones(x.shape[1], c.shape[1], dtype=torch.bool).triu(1 + c.shape[1] - x.shape[1])
        given["attn_mask"] = hidden if mask is None else given["attn_mask"] | hidden
        given["is_causal"] = mask is None and x.shape[1] == c.shape[1]  # a hint, for which any other mask is dropped
    return func.functional_call(layer, table, (x, c, c), given | {"need_weights": False}, strict=True)[0]


def packed(weights):
    """Queries, keys and values one below another, each [out, in]; other names stay as they are, and are refused."""
    table = dict(weights)
    whole = "what nn.MultiheadAttention has for queries, keys and values"
    kernels, biases = (
        tables.packed(table, [f"{kind}_{part}" for part in PARTS], whole) for kind in ("kernel", "bias")
    )  # fmt: skip
    if "kernel_o" in table:
        table["out_proj.weight"] = table.pop("kernel_o").flatten(0, 1).mT
    if "bias_o" in table:
        table["out_proj.bias"] = table.pop("bias_o")
    table["in_proj_weight"] = torch.cat([w.flatten(1).mT for w in kernels])
    return table | {"in_proj_bias": torch.cat([w.flatten() for w in biases])}


def of_heads(weights):
    """The same, of arrays with the axes that heads have: heads and depth become one axis, which would hide another."""
    for name, w in weights.items():
        if name in AXES and w.ndim != AXES[name]:
            raise ValueError(f"{name} has {w.ndim} axes")
    return packed(weights)
