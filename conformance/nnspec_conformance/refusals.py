"""What any operation must refuse, from its declaration: calls that are wrong in one place, each beside a right one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.answers import at, replaced
from nnspec_conformance.cases import Case, ErrorCase
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.fitting import changes, other_shapes
from nnspec_conformance.home import Home, homes
from nnspec_conformance.operations import Operation, Table
from nnspec_conformance.trees import mapped

DTYPE = "float32"
UNKNOWN = "no_such_keyword"
# Choices that other libraries have; of each operation those that are none of its own. Of dtypes, short names.
ELSEWHERE = ("relu6", "mish", "swish", "linear", "dropout", "hard_swish", "softmax", "softmin")
DTYPES_ELSEWHERE = ("fp16", "bf16")


def valid(home: Home) -> Case:
    """The home question: a call, or one step of a stepper."""
    arrays, form = home.arrays(DTYPE), dict[str, Any]()
    if home.operation.form == "random":
        arrays = (home.shape(),)
    if home.operation.form == "stepper":
        form = {"what": "trajectory", "grads": home.steps(DTYPE, 1)}
    return Case(operation=home.operation.name, arrays=arrays, attributes=home.attributes, **form)


def _asked(operation: str, readings: Mapping[str, str]) -> Iterator[Home]:
    """The home question, and it with all optional arrays."""
    found = homes(own_spec().operations[operation], readings)
    yield from (found[place] for place in ("", "all arrays") if place in found)


# ---- shapes


def of_shapes(
    operation: str, readings: Mapping[str, str], *, broadcasting: bool, lean: bool = False
) -> Iterator[ErrorCase]:
    """One array in turn with a length, or one axis more, with which the arrays do not fit each other.

    Args:
        operation: its name.
        readings: the subject's, by keyword.
        broadcasting: whether broadcasting could make them fit; else none could.
        lean: whether of each array one axis alone is changed, and none is put in front.
    """
    asked: set[tuple[str, str]] = set()
    for home in _asked(operation, readings):
        right = replace(valid(home), may_refuse="all arrays" if home.complete else "")
        for change in changes(home.operation, mapped(np.shape, right.arrays), home.lengths, home.given):
            kind = (change.name, change.words.partition(" along")[0])
            own = not home.complete or change.name in home.optional  # the others were asked without these
            spared = lean and (kind in asked or change.words.endswith("in front"))
            if own and change.broadcasts == broadcasting and not spared:
                asked.add(kind)
                other = altered(at(right.arrays, change.place), change.shape, change.along)
                wrong = replace(right, arrays=replaced(right.arrays, {change.place: other}), may_refuse="")
                yield ErrorCase(wrong, right, f"{change.name} with {change.words}")
    if right.grads:
        yield from _of_steps(right, broadcasting)


def _of_steps(right: Case, broadcasting: bool) -> Iterator[ErrorCase]:
    """One array in turn of those that a step is handed; the parameters say all its lengths."""
    (step,) = right.grads
    for name, x in step.items():
        for words, broadcasts, shape in other_shapes(x.shape):
            if broadcasts == broadcasting:
                wrong = replace(right, grads=[step | {name: altered(x, shape)}])
                yield ErrorCase(wrong, right, f"{name} of a step with {words}")


def altered(x: np.ndarray, shape: tuple[int, ...], along: int | None = None) -> np.ndarray:
    """An array of a shape next to its own: cut, with its last entries once more, or with one axis more.

    Args:
        x: the array.
        shape: as ``other_shapes`` gives it.
        along: the axis along which its entries sum to 1, and do so afterwards.
    """
    if len(shape) != x.ndim:
        return x.reshape(shape)
    (axis,) = (i for i, n in enumerate(shape) if n != x.shape[i])
    y = x.take(range(shape[axis]), axis, mode="clip")
    return (y / y.sum(axis, keepdims=True)).astype(y.dtype) if axis == along and y.any() else y


# ---- names


def of_names(operation: str, readings: Mapping[str, str], *, lean: bool = False) -> Iterator[ErrorCase]:
    """Every table without a name, with a misspelt one, and with one too many.

    Args:
        operation: its name.
        readings: the subject's, by keyword.
        lean: whether of all names the first and the last alone are misspelt.
    """
    home = next(_asked(operation, readings))
    right = valid(home)
    for i, argument in enumerate(home.operation.arguments):
        if isinstance(argument, Table) and not argument.any and i < len(right.arrays):
            for words, table in _misnamed(home, argument, right.arrays[i], lean=lean):
                arrays = (*right.arrays[:i], table, *right.arrays[i + 1 :])
                yield ErrorCase(replace(right, arrays=arrays), right, f"{argument.name} {words}")
    if right.grads:
        (step,) = right.grads
        for words, table in [*_wrong_names(step, list(step), lean=lean), ("with one name more", step | extra(step))]:
            yield ErrorCase(replace(right, grads=[table]), right, f"step {words}")


def _misnamed(home: Home, table: Table, arrays: dict, *, lean: bool) -> Iterator[tuple[str, dict]]:
    operation, values = home.operation, {**home.operation.defaults(), **home.given}
    patterns = [row.name for row in table.patterns(values)]
    last = [_last(arrays, pattern) for pattern in patterns if any(_is_of(name, pattern) for name in arrays)]
    needed = [n for n, a in operation.expanded(table, home.lengths, home.given).items() if not a.optional]
    yield from _wrong_names(arrays, [n for n in last if n in needed], lean=lean)
    layers = {i: home.lengths[count] for i, count in operation.indices.items() if isinstance(count, str)}
    counted = [p for p in patterns if any(f"{{{i}}}" in p for i in layers)]
    if not counted:
        yield "with one name more", arrays | extra(arrays)
        return
    beyond = {p: re.sub(r"\{(\w+)\}", lambda i: str(layers[i[1]] + 4), p) for p in counted}
    width = arrays[last[-1]].shape[-1]
    yield f"with {beyond[counted[0]]}, beyond the last layer", arrays | {beyond[counted[0]]: arrays[last[0]]}
    layer = {n: np.resize(arrays[last[0]], (width,) * arrays[_last(arrays, p)].ndim) for p, n in beyond.items()}
    yield f"with {' and '.join(layer)}, beyond the last layer", arrays | layer


def _is_of(name: str, pattern: str) -> bool:
    return bool(re.fullmatch(re.sub(r"\{\w+\}", r"[^\\W_]+", pattern), name))


def _last(arrays: dict, pattern: str) -> str:
    return max(name for name in arrays if _is_of(name, pattern))


def _wrong_names(arrays: dict, needed: list[str], *, lean: bool) -> Iterator[tuple[str, dict]]:
    for name in needed:
        yield f"without {name}", {n: x for n, x in arrays.items() if n != name}
    for name in dict.fromkeys((needed[0], needed[-1]) if lean else needed):
        other = misspelt(name)
        yield f"with {other} for {name}", {other if n == name else n: x for n, x in arrays.items()}


def misspelt(name: str) -> str:
    """A name with its first word in the plural."""
    return re.sub(r"^[a-z]+", r"\g<0>s", name)


def extra(arrays: dict) -> dict:
    """One array more, like the last, under a name that no layer has."""
    return {"extra": list(arrays.values())[-1]}


# ---- words


def of_choices(operation: str, readings: Mapping[str, str]) -> Iterator[ErrorCase]:
    """Every choice that is handed on, as nothing, in upper case, and as names that other libraries have."""
    right = valid(next(_asked(operation, readings)))
    for attribute in own_spec().operations[operation].handed_on:
        given = right.attributes.get(attribute.name, attribute.values[0])
        others = DTYPES_ELSEWHERE if set(attribute.values) <= set(DTYPES) else ELSEWHERE
        for word in ("", given.upper(), *(name for name in others if name not in attribute.values)):
            wrong = replace(right, attributes=right.attributes | {attribute.name: word})
            yield ErrorCase(wrong, right, f"{attribute.name} {word!r}")


def of_keywords(operation: str, readings: Mapping[str, str]) -> Iterator[ErrorCase]:
    """A keyword that nobody has, and the first of its own without the last letter."""
    right = valid(next(_asked(operation, readings)))
    for name, value in unknown_keywords(own_spec().operations[operation]).items():
        wrong = replace(right, attributes=right.attributes | {name: value})
        yield ErrorCase(wrong, right, f"the unknown keyword {name}", may_lack=True)


def unknown_keywords(operation: Operation) -> dict[str, Any]:
    """Keywords that the operation does not have, with values."""
    own = [(a.name[:-1], a.values[0]) for a in operation.attributes if not a.readings][:1]
    return {UNKNOWN: 1.0, **dict(own)}
