"""What adapters with an ``mlp`` make an autoencoder of: the tables of its two halves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnspec_conformance.adapters.tables import depth


def halves(weights: dict[str, Any], transposed: Callable[[Any], Any]) -> dict[str, dict[str, Any]]:
    """The tables of encoder and decoder, each as an ``mlp`` takes it, of an autoencoder with tied weights or without.

    The layers of the decoder are counted from the code on. A tied kernel, which has the name of neither half, is one
    of both, transposed in the decoder. Names of no layer stay as they are, in the encoder, and are refused there.
    """
    count = depth(weights)
    tables: dict[str, dict[str, Any]] = {"encoder": {}, "decoder": {}}
    for name, value in weights.items():
        start, _, i = name.rpartition("_")
        *half, part = start.split("_")
        if half not in ([], ["encoder"], ["decoder"]) or not i.isdigit():
            tables["encoder"][name] = value
            continue
        at = {"encoder": int(i), "decoder": count - 1 - int(i)}
        for which in half or at:
            entry = f"{part}_{at[which]}"
            entry = name if entry in tables[which] else entry  # one more of this layer
            tables[which][entry] = value if half or which == "encoder" else transposed(value)
    return tables
