"""Checkpoints of a run: all that it needs to go on bit for bit, written so that a killed run loses none.

A checkpoint is a folder that orbax writes under another name and renames when it is whole. It holds arrays and JSON,
and no code.
"""

import importlib.util
import os
from dataclasses import dataclass

__all__ = ["Checkpoints"]


@dataclass(frozen=True)
class Checkpoints:
    """Where a run is kept, and how often; a run with the same folder goes on where the last one ended.

    [fit.resume][], [checkpoints.kept][], [checkpoints.damaged][], [checkpoints.refused][], [checkpoints.full-disk][]

    Attributes:
        folder: of this run alone; it is made if it is missing.
        every: steps between two checkpoints, at least 1; there is one after each epoch in any case.
        keep: how many of the last are kept, at least 1; that of the best validation loss is kept beside them.
    """

    folder: str | os.PathLike
    every: int | None = None
    keep: int = 3

    def __post_init__(self) -> None:
        for name, value in (("every", self.every), ("keep", self.keep)):
            if not (value is None and name == "every") and (not isinstance(value, int) or value < 1):
                raise ValueError(f"Checkpoints: {name} must be 1 or more, got {value!r}")
        if importlib.util.find_spec("orbax") is None:
            raise ModuleNotFoundError("checkpoints are written by orbax: pip install 'nnspec[train]'", name="orbax")
