"""Gradients go by a flat tuple of floating-point arrays; questions and answers have tables and integers between."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nnspec_conformance.dtypes import float_dtype
from nnspec_conformance.errors import ClauseFailed
from nnspec_conformance.functions import Function


def float_places(arrays: tuple) -> list[tuple[int, str | None]]:
    """Where the floating-point arrays are: position, and name inside a dict."""
    named = [(i, name, v) for i, x in enumerate(arrays) if isinstance(x, dict) for name, v in x.items()]
    plain = [(i, None, x) for i, x in enumerate(arrays) if not isinstance(x, dict)]
    return sorted(((i, name) for i, name, x in named + plain if float_dtype(x)), key=lambda place: place[0])


def of_floats(name: str, f: Callable, arrays: tuple, inputs: list, attributes: dict) -> tuple[Function, tuple]:
    """An operation as a function of its floating-point arrays alone, and the subject's own of these arrays."""
    places = float_places(arrays)
    primals = tuple(inputs[i] if key is None else inputs[i][key] for i, key in places)

    def replaced(all_arrays: Iterable, new: Iterable) -> list:
        full = [dict(x) if isinstance(x, dict) else x for x in all_arrays]
        for (i, key), value in zip(places, new, strict=True):
            if key is None:
                full[i] = value
            else:
                full[i][key] = value
        return full

    nothing = [None] * len(places)
    rest = replaced(inputs, nothing)  # what is not differentiated is part of the function, by its content
    key = (f, attributes, places, replaced(arrays, nothing))
    return Function(lambda *floats: f(*replaced(rest, floats), **attributes), name, *key), primals


def as_gradients(name: str, answer: Any) -> tuple:
    """The answer of a vjp as a tuple; one array alone would be taken apart along its first axis."""
    if not isinstance(answer, tuple | list):
        kind = type(answer).__name__
        raise ClauseFailed(f"{name} returned {kind}, expected a tuple of gradients, one for each array: (gradient,)")
    return tuple(answer)


def regrouped(places: Iterable[tuple[int, str | None]], gradients: Any) -> tuple:
    """The gradients by argument, those of a dict's arrays in a dict."""
    grouped: dict[int, Any] = {}
    for (i, name), gradient in zip(places, gradients, strict=True):
        if name is None:
            grouped[i] = gradient
        else:
            grouped.setdefault(i, {})[name] = gradient
    return tuple(grouped.values())
