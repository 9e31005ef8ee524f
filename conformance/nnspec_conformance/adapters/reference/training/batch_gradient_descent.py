"""The reference's mean gradient over all examples."""

from __future__ import annotations

from nnspec.training import batch_gradient_descent as topic

batch_gradient = topic.batch_gradient
