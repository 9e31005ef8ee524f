"""The stock function, ``ops.dot_product_attention``."""

from __future__ import annotations

from keras import ops

VARIANTS = {
    "attention.causal-alignment": "top-left",
    "attention.no-keys": "uniform",
    "attention.no-keys-by-bias": "nan",
    "attention.masked-content": "leaks",
    "attention.mask-along-keys": "taken",
}


def attention(q, k, v, mask=None, bias=None, *, causal=None, **given):
    given |= {} if causal is None else {"is_causal": causal}
    return ops.dot_product_attention(q, k, v, bias, mask, **given)
