"""Faults of any operation: what does not fit the declaration is made to fit, and another question is answered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.home import Home
from nnspec_conformance.operations import Operation, Table

Repair = Callable[[np.ndarray, tuple[int, ...]], np.ndarray]


def cut(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What is too long is not read to its end."""
    fits = x.ndim == len(shape) and all(n in (m, m + 1) for n, m in zip(x.shape, shape, strict=True))
    return x[tuple(map(slice, shape))] if fits else x


def stretched(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An axis of length one is repeated."""
    fits = x.ndim == len(shape) and all(n in (m, 1) for n, m in zip(x.shape, shape, strict=True))
    return np.broadcast_to(x, shape).copy() if fits else x


def squeezed(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An axis too many is dropped."""
    return x.reshape(shape) if x.ndim > len(shape) and x.size == np.prod(shape, dtype=int) else x


def declared_shapes(operation: Operation, given: dict) -> list[dict[str | None, tuple]]:
    """The shapes of the home question, by argument and name."""
    home = Home(operation, {name: word for name, word in given.items() if isinstance(word, str)})
    values = {**operation.defaults(), **given, **home.lengths}
    expanded = [operation.expanded(argument, home.lengths, given) for argument in operation.arguments]
    return [{name: array.shape(values) for name, array in arrays.items()} for arrays in expanded]


def fitted(name: str, arrays: tuple, given: dict, repair: Repair, *, last_only: bool = False) -> tuple:
    """The arrays of a call, each repaired; or the last one alone."""
    shapes, found = declared_shapes(own_spec().operations[name], given)[: len(arrays)], list(arrays)
    for at, (x, of) in enumerate(zip(arrays, shapes, strict=True)):
        keep = last_only and at < len(arrays) - 1
        if isinstance(x, dict):
            last = list(of)[-1] if of else None
            found[at] = {
                n: repair(y, of[n]) if n in of and not keep and (n == last or not last_only) else y
                for n, y in x.items()
            }
        elif not keep:
            found[at] = repair(x, of[None])
    return tuple(found)


def fitting_steps(step: Callable, params: dict, operation: Operation, repair: Callable[[dict, dict], dict]) -> Callable:
    """A step that is handed the repaired table of what it declares, else of the parameters."""
    home = Home(operation, {})
    shapes = {a.name: a.shape(home.lengths) for a in operation.step} or {n: np.shape(p) for n, p in params.items()}
    return lambda told, *rate: step(repair(told, shapes), *rate)


def each(repair: Repair) -> Callable[[dict, dict], dict]:
    """The repair of one array, of every array of a table."""
    return lambda table, shapes: {n: repair(x, shapes[n]) if n in shapes else x for n, x in table.items()}


def with_tables(arrays: tuple, operation: Operation, given: dict, repair: Callable[[dict, dict], dict]) -> tuple:
    """The arrays of a call, its tables of declared names repaired."""
    shapes = declared_shapes(operation, given)
    named = [isinstance(argument, Table) and not argument.any for argument in operation.arguments]
    return tuple(repair(x, of) if of_names else x for x, of, of_names in zip(arrays, shapes, named, strict=False))
