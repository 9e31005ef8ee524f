"""Clipping on TensorFlow."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.training.gradient_clipping import EDGES

KNOWN_FAILURES = EDGES | {
    "clip-by-global-norm.mixed": (
        "(3) in float32 and (4) in bfloat16 raise InvalidArgumentError, right is (0.6) and (0.8): the factor is a "
        "float32 tensor, which does not multiply a bfloat16 one; searched 2026-11-27, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
    )
}
