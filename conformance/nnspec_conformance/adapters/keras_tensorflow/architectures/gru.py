"""Gated recurrent units on TensorFlow."""

from __future__ import annotations

KNOWN_FAILURES = {
    "gru.empty-sequence": (
        "the last output of a sequence of length 0 is 0, right is its carry, 0.385, which the last state is: before "
        "the first output there is a zero; searched 2026-11-28, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/tensorflow/rnn.py"
    ),
}
