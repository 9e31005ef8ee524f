"""The reference's learning rates."""

from __future__ import annotations

from nnspec.training.schedules import decay

step_decay = decay.step_decay
exponential_decay = decay.exponential_decay
inverse_time_decay = decay.inverse_time_decay
polynomial_decay = decay.polynomial_decay
cosine_decay = decay.cosine_decay
