"""Arrays for a declared operation: reproducible, no entry zero, no two alike, within what is declared."""

from __future__ import annotations

import functools
import math
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.axes import Interval
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.operations import Array, Operation, Place, Table


def draw(
    operation: Operation,
    lengths: Mapping[str, Any],
    dtype: str = "float32",
    *,
    given: Mapping[str, Any] | None = None,
    seed: int = 0,
    scale: float = 1.0,
    without: tuple[str, ...] = (),
) -> tuple:
    """The arguments of a call, tables as dicts.

    Floating-point entries are normal, none of them zero and no two alike in all arguments together, as long as the
    dtype has that many numbers; where a range or a sum of 1 is declared, they are mapped into it. Parameters are
    divided by the root of the product of all their axes but the last, so that a sum of products stays of size one.

    Args:
        operation: what is called.
        lengths: of every axis; ``operation.lengths()`` makes some.
        dtype: of the floating-point arrays.
        given: the keywords of the call, where a layout or an axis depends on them.
        seed: another seed, other arrays; what the operation declares is added.
        scale: standard deviation of the data: the first argument, and arrays with examples along an axis.
        without: names of optional arguments, and of optional arrays of tables, to leave out.
    """
    values, places = {**operation.defaults(), **(given or {}), **lengths}, operation.places(lengths, given)
    names = [argument.name for argument in operation.arguments]
    arrays = {p: a for p, a in places.items() if names[p.argument] not in without and p.name not in without}

    def deviation(place: Place) -> float:
        is_data = not place.argument or operation.example_axes(arrays[place], lengths, given)
        return scale if is_data else max(math.prod(_shape(arrays[place], values)[:-1]), 1) ** -0.5

    drawn = _drawn(
        arrays,
        values,
        {place: deviation(place) for place in arrays},
        dtype,
        f"{operation.name} {operation.seed + seed}",
    )
    found: list[Any] = [{} for _ in names]
    for place, x in drawn.items():
        if place.name is None:
            found[place.argument] = x
        else:
            found[place.argument][place.name] = x
    return tuple(x for name, x in zip(names, found, strict=True) if name not in without)


def draw_cotangents(
    operation: Operation,
    lengths: Mapping[str, Any],
    dtype: str = "float32",
    *,
    given: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Any:
    """A cotangent for every array of the result: normal draws, zeros where no gradient flows through."""
    values = {**operation.defaults(), **(given or {}), **lengths}
    results = operation.expanded(operation.result, lengths, given) | {a.name: a for a in operation.state}
    if values.get("reduction", "none") != "none":  # a single number is left
        results = {name: replace(array, axes=()) for name, array in results.items()}
    drawn = _drawn(results, values, dict.fromkeys(results, 1.0), dtype, f"{operation.name} cotangents {seed}")
    found = {
        name: drawn[name] if a.dtype == "float" and a.gradient else np.zeros(_shape(a, values), DTYPES[dtype])
        for name, a in results.items()
    }
    if isinstance(operation.result, Table):
        return found
    return tuple(found.values()) if operation.state or isinstance(operation.result, tuple) else found[None]


def draw_steps(
    operation: Operation, lengths: Mapping[str, Any], count: int, dtype: str = "float32", *, seed: int = 0
) -> list[dict[str, np.ndarray]]:
    """What a stepper is handed at each of its steps: gradients of all parameters, or what it declares instead."""
    given = {array.name: array for array in operation.step} or operation.expanded(operation.arrays[0], lengths)
    values = {**operation.defaults(), **lengths}
    return [
        _drawn(given, values, dict.fromkeys(given, 1.0), dtype, f"{operation.name} step {t} {seed}")
        for t in range(count)
    ]


def _drawn(
    arrays: Mapping[Any, Array], values: Mapping[str, Any], deviations: Mapping[Any, float], dtype: str, name: str
) -> dict[Any, np.ndarray]:
    """An array for each declaration; ``name`` seeds the generator, alike in every process."""
    shapes = {key: _shape(array, values) for key, array in arrays.items()}
    floats = [key for key, array in arrays.items() if array.dtype == "float"]
    pool, generator = _pool(name, tuple((deviations[key], math.prod(shapes[key])) for key in floats), dtype)
    found, at = {}, 0
    for key, array in arrays.items():
        if array.dtype == "float":
            entries = pool[at : at + math.prod(shapes[key])].reshape(shapes[key])
            at += entries.size
            found[key] = np.array(_fitted(entries, array, values), DTYPES[dtype])  # of rank 0 NumPy makes a scalar
        else:
            found[key] = _discrete(generator, shapes[key], array, values)
    return found


def _pool(name: str, parts: tuple[tuple[float, int], ...], dtype: str) -> tuple[np.ndarray, np.random.Generator]:
    """Entries for all arrays, so many of each deviation, and the generator that goes on from there."""
    pool, state = _remembered_pool(name, parts, dtype)
    generator = np.random.default_rng(0)
    generator.bit_generator.state = state
    return pool, generator


@functools.lru_cache(maxsize=128)  # duties ask the same question again and again
def _remembered_pool(name: str, parts: tuple[tuple[float, int], ...], dtype: str) -> tuple[np.ndarray, Mapping]:
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    pool = distinct_normals(generator, np.repeat([d for d, _ in parts], [n for _, n in parts]), dtype)
    pool.flags.writeable = False
    return pool, generator.bit_generator.state


def distinct_normals(generator: np.random.Generator, deviations: np.ndarray, dtype: str) -> np.ndarray:
    """Normal draws that are numbers of the dtype, in float64: none zero and, if it has enough, no two alike."""

    def again(where: np.ndarray, factor: float) -> np.ndarray:
        draws = generator.standard_normal(where.sum()) * deviations[where] * factor
        return draws.astype(DTYPES[dtype]).astype(np.float64)

    drawn = again(np.ones(deviations.size, bool), 1.0)
    for attempt in range(24):
        wrong = drawn == 0
        wrong |= _came_before(drawn)
        if not wrong.any():
            break
        drawn[wrong] = again(wrong, 2.0 ** (-attempt / 2))  # half precision has its other numbers further down
    return drawn


def _came_before(x: np.ndarray) -> np.ndarray:
    """Which entries are equal to an earlier one. ``np.unique`` has a stable sort, which takes several times as long."""
    ascending = np.sort(x)
    if (ascending[1:] != ascending[:-1]).all():  # most often; to sort numbers alone takes a part of what places take
        return np.zeros(x.size, bool)
    found, order = np.ones(x.size, bool), np.argsort(x)
    ascending = x[order]
    starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1]))
    found[np.minimum.reduceat(order, starts)] = False
    return found


def _shape(array: Array, values: Mapping[str, Any]) -> tuple[int, ...]:
    shape = array.shape(values)
    if None in shape:
        raise ValueError(f"{array.name} has an axis of which no length is declared")
    return tuple(n for n in shape if n is not None)


def _fitted(entries: np.ndarray, array: Array, values: Mapping[str, Any]) -> np.ndarray:
    """Normal draws brought into the range of an array, strictly inside."""
    if array.values:
        return _spread(array.values, entries.shape, np.argsort(entries, axis=None))
    if array.normalized:
        along = next(number for number, name in array.named_axes(values) if name == array.normalized)
        return np.exp(entries) / np.exp(entries).sum(along, keepdims=True)
    if array.interval is None:
        return entries
    low, high = array.interval.ends(values)
    if math.isfinite(low) and math.isfinite(high):
        return low + (high - low) / (1 + np.exp(-entries))
    if math.isfinite(low):
        return low + np.abs(entries)
    return high - np.abs(entries) if math.isfinite(high) else entries


def _discrete(
    generator: np.random.Generator, shape: tuple[int, ...], array: Array, values: Mapping[str, Any]
) -> np.ndarray:
    """Integers of the range, each as often as the others, or booleans of which some are true along every last axis."""
    order = generator.permutation(math.prod(shape))
    if array.dtype == "boolean":
        mask = _spread((True, False), shape, order)
        if mask.size and shape:
            mask[..., 0] |= ~mask.any(-1)
        return mask
    interval = array.interval or Interval.parse("[0, inf)")
    return _spread(array.values or tuple(interval.integers(values, order.size)), shape, order).astype(np.int64)


def _spread(choices: tuple, shape: tuple[int, ...], order: np.ndarray) -> np.ndarray:
    """Each of the values as often as the others, in the order given."""
    return np.resize(np.asarray(choices), order.size)[order].reshape(shape)
