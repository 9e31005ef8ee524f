"""``scaled_dot_product_attention`` with ``dropout_p``, which is handed 0 in evaluation: it has no word for training."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

KNOWN_FAILURES = {
    "duty.second[attention_dropout]; train=False": (
        "the backward pass of the fused kernel, which computes where nothing is dropped, has no derivative, right is "
        "the gradient of the gradient; https://github.com/pytorch/pytorch/issues/181177"
    ),
}


def attention_dropout(q, k, v, mask=None, *, seed, rate, train=None, causal=None):
    torch.manual_seed(seed)
    seen = mask
    given: dict[str, Any] = {"dropout_p": 0.0 if train is False else rate}
    if causal and (mask is not None or q.shape[1] != k.shape[1]):  # a mask beside is_causal is refused
        before = torch.ones(q.shape[1], k.shape[1], dtype=torch.bool).tril(k.shape[1] - q.shape[1])
        seen = before if mask is None else mask & before
    elif causal is not None:
        given["is_causal"] = causal
    q, k, v = (a.transpose(1, 2) for a in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, seen, **given).transpose(1, 2)
