"""The reference's learning rates that rise first, or again."""

from __future__ import annotations

from nnspec.training.schedules import warmup

warmup_cosine = warmup.warmup_cosine
warmup_stable_decay = warmup.warmup_stable_decay
inverse_root_warmup = warmup.inverse_root_warmup
cosine_restarts = warmup.cosine_restarts
one_cycle = warmup.one_cycle
