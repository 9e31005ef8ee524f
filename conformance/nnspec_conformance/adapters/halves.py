"""What adapters with an ``mlp`` make an autoencoder of: the tables of its two halves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def halves(weights: dict[str, Any], transposed: Callable[[Any], Any]) -> dict[str, dict[str, Any]]:
    """The tables of encoder and decoder, each as an ``mlp`` takes it, of an autoencoder with tied weights or without.

    The layers of the decoder are counted from the code on. A tied kernel, which has the name of neither half, is one
    of both, transposed in the decoder.
    """
    depth = sum(name.startswith(("kernel_", "encoder_kernel_")) for name in weights)
    tables: dict[str, dict[str, Any]] = {"encoder": {}, "decoder": {}}
    for name, value in weights.items():
        *half, part, i = name.split("_")
        at = {"encoder": int(i), "decoder": depth - 1 - int(i)}
        for which in half or at:
            entry = f"{part}_{at[which]}"
            if entry in tables[which]:
                raise ValueError(f"{name} is one more {part} of a layer of the {which}")
            tables[which][entry] = value if half or which == "encoder" else transposed(value)
    return tables
