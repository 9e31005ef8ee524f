"""Settings: a clause is put to a subject in several combinations of its readings. This module imports none of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One combination of readings that a clause is put to a subject in.

    Attributes:
        readings: the reading of each keyword.
        told: the keywords to pass, where the subject can be told.
        default: for a clause of kind default, what the subject declares that the omitted keyword stands for.
        subnormals: the dtypes in which numbers below the smallest normal one may be lost, each with its reading.
    """

    readings: dict[str, str]
    told: dict[str, str]
    default: Any = None
    subnormals: Mapping[str, str] = field(default_factory=dict)


def combinations(choices: dict[str, tuple[str, ...]], own: str) -> Iterator[dict[str, str]]:
    """The combinations of readings for a clause: their number grows with the sum of the choices, not the product.

    Every reading is met. Two that are not the first of their keyword meet only where one of them is of the keyword
    that the clause is about.

    Args:
        choices: the readings of each keyword that the operation has; the first is the one that the others go with.
        own: the keyword that the clause is about; none of the operation's, if it is about something else.
    """
    first = {keyword: readings[0] for keyword, readings in choices.items()}
    others = [{keyword: r} for keyword, readings in choices.items() if keyword != own for r in readings[1:]]
    for mine in [{own: reading} for reading in choices.get(own, ())] or [{}]:
        yield first | mine
        yield from (first | mine | other for other in others)
