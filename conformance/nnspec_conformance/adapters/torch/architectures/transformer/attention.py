"""``scaled_dot_product_attention``, which takes heads before places; a mask and a bias are one argument of it."""

from __future__ import annotations

import torch.nn.functional as F
from torch.nn.attention.bias import causal_lower_right

VARIANTS = {
    "attention.causal-alignment": ("top-left", "bottom-right"),
    "attention.masked-content": "leaks",
    "attention.mask-along-keys": "taken",
}
KNOWN_FAILURES = {
    "attention.shapes": (
        "5 keys are taken with 4 values, right is a refusal: the kernel counts the values, and of more values than "
        "keys it reads behind the end of the keys; https://github.com/pytorch/pytorch/pull/193728"
    ),
    "attention.together": (
        "a bias beside causality is refused where the bias has a gradient, right is to take both: the backend that "
        "computes without a gradient takes them; https://github.com/pytorch/pytorch/issues/187801"
    ),
    "duty.nan[attention]": (
        "with NaN in a query its result is 0, right is NaN: the kernel takes the row for one that sees no key; "
        "https://github.com/pytorch/pytorch/issues/141128"
    ),
    "duty.second[attention]": (
        "the backward pass of the fused kernel has no derivative, right is the gradient of the gradient, which the "
        "backend MATH has; https://github.com/pytorch/pytorch/issues/181177"
    ),
}


def attention(q, k, v, mask=None, bias=None, *, scale=None, causal=None, causal_alignment=None):
    given = {} if scale is None else {"scale": scale}
    seen = mask
    if bias is not None:
        seen = bias if mask is None else bias.masked_fill(~mask, float("-inf"))
    if causal and causal_alignment == "bottom-right":
        if seen is not None:
            raise NotImplementedError("bottom-right causality beside a mask")
        seen = causal_lower_right(q.shape[1], k.shape[1])
    elif causal is not None:
        given["is_causal"] = causal
    if q.shape[2] != k.shape[2]:
        given["enable_gqa"] = True
    q, k, v = (a.transpose(1, 2) for a in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, seen, **given).transpose(1, 2)
