"""The loss of a coin on TensorFlow."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_tensorflow.components.losses import cross_entropy

KNOWN_FAILURES = {"duty.nan[bernoulli_bound]": cross_entropy.KNOWN_FAILURES["duty.nan[sigmoid_binary_cross_entropy]"]}
