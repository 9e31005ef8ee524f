"""``jax.nn.dot_product_attention``, on which Flax builds."""

from __future__ import annotations

import jax

VARIANTS = {
    "attention.causal-alignment": "top-left",
    "attention.no-keys": "uniform",
    "attention.no-keys-by-bias": "nan",
    "attention.masked-content": "leaks",
    "attention.value-depth": "refused",
    "attention.mask-along-keys": "taken",
}
FLOAT32 = (
    "in float64 the first entry of a result is -0.87655980, right is -0.87655972: scores are cast to float32 for the "
    "softmax, whatever comes in; https://github.com/jax-ml/jax/issues/34107"
)
KNOWN_FAILURES = {
    "attention.value; float64": FLOAT32,
    "attention.gradient; float64": FLOAT32,
    "duty.attributes[attention]; float64": FLOAT32,
    "duty.programs[attention]": (
        "compiled, with scores of 1e10, results are NaN, right is -0.1947: XLA computes the scores twice, once for "
        "their maximum, and rounds them otherwise, so that a score less the largest one is positive, and its "
        "exponential overflows; https://github.com/jax-ml/jax/issues/37234"
    ),
}


def attention(q, k, v, mask=None, bias=None, *, causal=None, **given):
    given |= {} if causal is None else {"is_causal": causal}
    return jax.nn.dot_product_attention(q, k, v, bias, mask, **given)
