"""The reference's penalties."""

from __future__ import annotations

from nnspec.training import regularization as topic

l1_penalty = topic.l1_penalty
l2_penalty = topic.l2_penalty
elastic_net_penalty = topic.elastic_net_penalty
soft_threshold = topic.soft_threshold
max_norm = topic.max_norm
