"""``torch.utils.data.DataLoader`` on the numbers of the examples."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import DataLoader

VARIANTS = {"batches.too-large": "short"}
DEFAULTS = {"batches.default-shuffle": False, "batches.default-last": "kept"}

KNOWN_FAILURES = {
    "batches.no-batch": (
        "DataLoader(range(12), batch_size=13, drop_last=True) gives an epoch without a batch, right is to refuse it; "
        "an error was proposed and not merged: https://github.com/pytorch/pytorch/pull/85424"
    ),
    "batches.no-examples": (
        "DataLoader(range(0), batch_size=4) gives an epoch without a batch, right is to refuse it, as it does with "
        "shuffle=True: only RandomSampler looks at the number of examples; searched 2026-11-27, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/sampler.py"
    ),
}
DROPS = {"kept": False, "dropped": True}


def batches(*, examples, batch_size, epochs, seed, shuffle=None, last=None):
    given: dict[str, Any] = {} if last is None else {"drop_last": DROPS[last]}
    numbers: Any = range(examples)
    loader = DataLoader(
        numbers, batch_size, shuffle, generator=torch.Generator().manual_seed(seed), collate_fn=list, **given
    )
    return torch.tensor([[_filled(batch, batch_size) for batch in loader] for _ in range(epochs)])


def _filled(batch: list, batch_size: int) -> list:
    """The layout of the suite: one array, -1 where a batch is short."""
    return batch + [-1] * (batch_size - len(batch))
