"""The layer of several heads on TensorFlow."""

from __future__ import annotations

KNOWN_FAILURES = {
    "duty.attributes[multi_head_attention]; causal=True": (
        "of 5 causal queries and 2 keys the first one sees a key, and the gradient of its value is 2.470, right is 0: "
        "causality is aligned at the top left; searched 2026-11-29, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/attention/multi_head_attention.py"
    ),
    "duty.sizes[multi_head_attention]": (
        "with as many places as heads of depth 1, 17 of each, an entry is -2.573, right is -0.646; "
        "with 18 places it is right; searched 2026-11-29, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/tensorflow/nn.py"
    ),
}
