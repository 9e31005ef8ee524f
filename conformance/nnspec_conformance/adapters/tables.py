"""How adapters hand on a table as it came: a name missing, misspelt or too many is the framework's to refuse.

What a framework takes in another form is renamed where it is there, and what is left over stays as it is. What it
cannot be told at all is not implemented, so that nobody takes the adapter's words for a refusal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any


def packed(table: dict[str, Any], names: Iterable[str], whole: str) -> list[Any]:
    """Take the arrays that a framework holds in one out of a table.

    Args:
        table: what is left of the weights.
        names: in the order in which they lie there.
        whole: which array of the framework that is.

    Raises:
        NotImplementedError: one of them is missing.
    """
    names = list(names)
    if any(name not in table for name in names):
        raise NotImplementedError(f"{whole} is one array: a table without one of its parts cannot be handed on")
    return [table.pop(name) for name in names]


def listed(table: dict[str, Any], names: Iterable[str], whole: str) -> list[Any]:
    """The arrays of a table as a list: those with these names in their order, then all others.

    Args:
        table: the weights.
        names: of the arrays that the framework lists.
        whole: what has such a list; it refuses another number of arrays, and knows no names.

    Raises:
        NotImplementedError: there are as many arrays as names, with another name.
    """
    names, left = list(names), dict(table)
    found = [left.pop(name) for name in names if name in left]
    if left:
        counted(len(found) + len(left), len(names), whole)
    return [*found, *left.values()]


def counted(arrays: int, right: int, whole: str) -> None:
    """Nothing, where a list with the array of a wrong name is of a wrong length, which its framework refuses.

    Raises:
        NotImplementedError: the list has the right length.
    """
    if arrays == right:
        raise NotImplementedError(f"{whole} lists arrays without names: another name cannot be handed on")


def depth(names: Iterable[str]) -> int:
    """How many layers there are, counted from 0 on: one that lies beyond them does not count."""
    ends = {name.rpartition("_")[2] for name in names}
    return next(i for i in itertools.count() if str(i) not in ends)


def size(table: dict[str, Any], *names: str, axis: int = -1) -> int:
    """The length along an axis of the first of these arrays that is there; 1 if none is."""
    return next((int(table[name].shape[axis]) for name in names if name in table), 1)
