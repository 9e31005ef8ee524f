"""``nnx.dot_product_attention`` with a rate; ``broadcast_dropout`` shares the mask over examples and heads."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx

VARIANTS = {"attention-dropout.masks": ("shared", "own"), "attention-dropout.no-keys": "uniform"}
KNOWN_FAILURES = {
    "attention-dropout.rate-one": (
        "at the rate 1 results are NaN, right is 0: the mask is divided by 1 less the rate, and nothing looks at the "
        "rate; https://github.com/google/flax/issues/5497"
    ),
    "attention-dropout.rate-range": (
        "the rate -0.1 is taken and drops nothing, right is a refusal: nothing looks at the rate; "
        "https://github.com/google/flax/issues/5497"
    ),
}


def attention_dropout(q, k, v, mask=None, *, seed, rate, masks, train=None, causal=None):
    named: dict[str, Any] = {} if train is None else {"deterministic": not train}
    named |= {} if causal is None else {"is_causal": causal}
    return nnx.dot_product_attention(
        q, k, v, mask=mask, broadcast_dropout=masks == "shared", dropout_rng=jax.random.key(seed), dropout_rate=rate,
        **named,
    )  # fmt: skip
