"""The reference's sampler."""

from __future__ import annotations

from nnspec.training import stochastic_gradient_descent as topic

batches = topic.batches
