"""Decoding on JAX, whose noise is of the dtype of the logits."""

from __future__ import annotations

KNOWN_FAILURES = {
    "sample-token.half-precision; bfloat16": (
        "the first half of 512 equal logits is drawn in 0.884 of the cases in bfloat16, right is 0.5: the noise "
        "is of the dtype of the logits, multiples of 1/128 before the logarithms, and of equal sums the first wins; "
        "https://github.com/jax-ml/jax/issues/30879"
    ),
    "sample-token.half-precision; float16": (
        "the first half of 512 equal logits is drawn in 0.57 of the cases in float16, right is 0.5: the noise "
        "is of the dtype of the logits; https://github.com/jax-ml/jax/issues/30879"
    ),
}
