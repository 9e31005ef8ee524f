"""Arrays in nested tuples, lists and dicts: what a test hands over and expects, taken apart and put together again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same nesting with ``function`` of every array; what is no array stays as it is."""
    if isinstance(tree, dict):
        return {name: mapped(function, branch) for name, branch in tree.items()}
    if isinstance(tree, tuple | list):
        return type(tree)(mapped(function, branch) for branch in tree)
    return function(tree) if isinstance(tree, np.ndarray | np.generic) else tree


def leaves(tree: Any) -> list[np.ndarray]:
    """Every array of the nesting, from left to right."""
    found: list[np.ndarray] = []
    mapped(found.append, tree)
    return found


def rebuilt(tree: Any, arrays: list) -> Any:
    """The same nesting with other leaves, in the order of ``leaves``."""
    remaining = iter(arrays)
    return mapped(lambda _: next(remaining), tree)


def claimed(array: Any) -> int:
    """How many entries something claims to have, seen by its shape alone; 0 if it claims nothing."""
    try:
        return math.prod(map(int, getattr(array, "shape", ())))
    except (TypeError, ValueError):
        return 0
