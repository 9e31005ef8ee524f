"""The reference's cross-entropies."""

from __future__ import annotations

from nnspec.components.losses import cross_entropy as losses

softmax_cross_entropy_with_integer_labels = losses.softmax_cross_entropy_with_integer_labels
softmax_cross_entropy = losses.softmax_cross_entropy
cross_entropy_with_integer_labels = losses.cross_entropy_with_integer_labels
cross_entropy = losses.cross_entropy
sigmoid_binary_cross_entropy = losses.sigmoid_binary_cross_entropy
binary_cross_entropy = losses.binary_cross_entropy
kl_divergence = losses.kl_divergence
