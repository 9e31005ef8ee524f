"""One combination of readings, in which a clause is put to a subject. This module imports none of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One combination of readings that a clause is put to a subject in.

    Attributes:
        readings: the reading of each keyword.
        told: the keywords to pass, where the subject can be told.
        default: for a clause of kind default, what the subject declares that the omitted keyword stands for.
    """

    readings: dict[str, str]
    told: dict[str, str]
    default: Any = None

    @property
    def flushes(self) -> bool:
        """Whether results that are subnormal numbers may be zero."""
        return self.readings.get("subnormals") == "flushed"
