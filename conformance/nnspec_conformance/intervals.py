"""The numbers an experiment's block states, and the words that follow from them and from what was measured.

A block says of named numbers between which bounds they are expected (``expect``), between which the claim holds
(``holds``), and where it holds only under a condition (``unless``). The outcome is computed from these bounds, so that
nobody can bend it once the numbers are known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Interval:
    """The numbers from ``low`` to ``high``, both included; one number where they are equal."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float, str)) and self.low <= float(value) <= self.high  # 'inf', 'nan' in JSON

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low:g}"
        if math.isinf(self.high):
            return f"at least {self.low:g}"
        return f"at most {self.high:g}" if math.isinf(self.low) else f"{self.low:g} to {self.high:g}"


Intervals = dict[str, Interval]


def interval(given: Any) -> Interval:
    """Read ``[0.45, 0.55]``, ``[0.5, .inf]`` or ``14``.

    Raises:
        ValueError: it is none of these, or the bounds are in reverse order.
    """
    bounds = given if isinstance(given, list) else [given, given]
    try:
        low, high = (float(bound) for bound in bounds if not isinstance(bound, bool))
    except (TypeError, ValueError):
        raise ValueError(f"{given!r} is no interval; write [0.45, 0.55], [0.5, .inf] or 14") from None
    if not low <= high:
        raise ValueError(f"the interval {given!r} is reversed; write the smaller bound first")
    return Interval(low, high)


def within(stated: Mapping[str, Interval], came: Mapping[str, Any]) -> list[str]:
    """The names whose number lies in its interval."""
    return [name for name, bounds in stated.items() if came[name] in bounds]


def met(expected: Mapping[str, Interval], came: Mapping[str, Any]) -> bool:
    """Whether every number lies in its interval."""
    return len(within(expected, came)) == len(expected)


def outcome(
    holds: Mapping[str, Interval], unless: Mapping[str, Mapping[str, Interval]], came: Mapping[str, Any]
) -> tuple[str, str | None]:
    """The claim's outcome and its condition.

    Returns:
        ``does not hold`` where a number of ``holds`` is outside; ``holds when`` with the first condition of ``unless``
        that one of its numbers speaks for; else ``holds``.
    """
    if not met(holds, came):
        return "does not hold", None
    for condition, signs in unless.items():
        if within(signs, came):
            return "holds when", condition
    return "holds", None


def lacking(stated: Iterable[Mapping[str, Interval]], came: Mapping[str, Any]) -> list[str]:
    """Names with an interval that were not measured."""
    return sorted({name for intervals in stated for name in intervals} - set(came))
