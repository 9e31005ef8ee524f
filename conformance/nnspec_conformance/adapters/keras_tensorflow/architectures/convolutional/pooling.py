"""Pooling on TensorFlow."""

from __future__ import annotations

from functools import partial

import keras

from nnspec_conformance.adapters.keras.architectures.convolutional import pooling
from nnspec_conformance.adapters.keras_tensorflow.kernels import no_window_ends_the_process

VARIANTS = {"pool.no-window": "empty"}
LOWEST = (
    "the maximum of (2.3, NaN) is 2.3, and that of minus infinity alone is -65504 in float16, right is NaN and minus "
    "infinity: it starts from the lowest finite number, and compares; "
    "https://github.com/tensorflow/tensorflow/issues/54841"
)
KNOWN_FAILURES = {
    "pool.nan[max_pool]": LOWEST,
    "duty.nan[max_pool]": LOWEST,
    "max-pool.minus-infinity": LOWEST,
    "max-pool.nan-gradient": (
        "of the windows (1, NaN), (NaN, 2) and (2, 3), which overlap, with cotangents of 1, 10 and 100, the 1 gets 1, "
        "the NaN 10, right are 0 and 11: the maximum starts from the lowest finite number, and compares; "
        "https://github.com/tensorflow/tensorflow/issues/54841"
    ),
    "pool.no-window[max_pool]": (
        "where no window fits TensorFlow divides by zero and ends the process by SIGFPE, right is a result of length "
        "0, or an error: oneDNN's kernel; this adapter does not ask it; right with TF_ENABLE_ONEDNN_OPTS=0; "
        "https://github.com/tensorflow/tensorflow/issues/125509",
        partial(no_window_ends_the_process, "float32"),
    ),
    "pool.half-precision[average_pool]": (
        "the mean of eight entries of 60,000 in float16 is inf, right is 60,000: the sum is kept in float16 (inferred "
        "from the result); searched 2026-11-28, not found; https://github.com/tensorflow/tensorflow/issues"
    ),
}


def max_pool(x, **given):
    window, asked = given["window"], "pads" not in given and not given.get("ceil_mode")
    none = asked and given.get("padding", "valid") == "valid" and any(map(int.__lt__, x.shape[1:3], window))
    if none and no_window_ends_the_process(keras.backend.standardize_dtype(x.dtype)):
        raise RuntimeError(f"a window of {window} on {tuple(x.shape)} is refused: TensorFlow would end the process")
    return pooling.max_pool(x, **given)
