"""Initialization on TensorFlow."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.training.initialization import NEGATIVE

KNOWN_FAILURES = {
    "init.negative[normal_init]": NEGATIVE,
    "init.shape[orthogonal_init]": (
        "in bfloat16 it raises InvalidArgumentError, right is a matrix: TensorFlow's QR decomposition has no bfloat16; "
        "https://github.com/keras-team/keras/issues/16970"
    ),
}
