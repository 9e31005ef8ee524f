"""The reference's mini-batch gradient."""

from __future__ import annotations

from nnspec.training import mini_batch_gradient_descent as topic

VARIANTS = {"mini-batch-gradient.combine": ("mean", "sum")}

mini_batch_gradient = topic.mini_batch_gradient
