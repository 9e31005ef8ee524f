"""Functions that are equal where they do the same, so that what was compiled for one serves the next."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from nnspec_conformance.dtypes import name_of


class Function:
    """A function that is equal to every other with the same key, and hashed by it.

    ``Subject`` hands such functions to an adapter's ``vjp``: the same operation with the same attributes is the same
    function at every call, and an adapter that compiles can keep its program in a dictionary.

    Args:
        call: the function itself; nothing but the key may decide what it does.
        name: what a compiler calls it.
        key: arrays and plain values count by content, anything else is the same only if it is the same object.
    """

    def __init__(self, call: Callable, name: str, *key: Any):
        self._call, self.__name__ = call, name
        self._held = key  # while it is held, no other object has its id
        self.key = fingerprint(key)

    def __call__(self, *arrays: Any) -> Any:
        """What ``call`` returns."""
        return self._call(*arrays)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def fingerprint(value: Any) -> Hashable:
    """Equal for equal content and the same types: 1, 1.0 and True are three, and so are 0.0, -0.0 and an array."""
    if isinstance(value, Function):
        return value.key
    if isinstance(value, dict):
        return ("dict", *((fingerprint(k), fingerprint(v)) for k, v in value.items()))
    if isinstance(value, tuple | list):
        return (type(value).__name__, *map(fingerprint, value))
    if isinstance(value, np.ndarray | np.generic):
        return (type(value).__name__, name_of(value.dtype), value.shape, value.tobytes())
    if isinstance(value, bool | int | float | str | None):
        return (type(value).__name__, repr(value))
    return ("object", id(value))
