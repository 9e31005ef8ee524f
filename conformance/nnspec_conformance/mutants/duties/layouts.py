"""Wrong in one way that any operation can be: right for arrays that lie in memory from front to back."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.home import Home
from nnspec_conformance.layouts import BORDER, reach
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.operations import Operation
from nnspec_conformance.trees import leaves, mapped, rebuilt

MUTANTS = Mutants()
DUTY = "duty.layouts"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]


def has_gradient(operation: Operation) -> bool:
    return hasattr(ORACLE, f"{operation.name}_vjp") and Home(operation, {}).is_differentiable


def front_to_back(x: np.ndarray) -> np.ndarray:
    """The entries as they follow each other in memory, from the lowest address; what is missing begins anew."""
    if not is_float(x) or not x.size:
        return x
    before, after = reach(x)
    memory = (ctypes.c_uint8 * (before + after)).from_address(x.ctypes.data - before)
    return np.resize(np.frombuffer(memoryview(memory), x.dtype, (before + after) // x.itemsize), x.shape)


def forwards(x: np.ndarray) -> np.ndarray:
    """The entries in the order of their addresses along every axis."""
    return x[tuple(slice(None, None, -1 if stride < 0 else 1) for stride in x.strides)]


def floats_of(operation: Operation) -> list[np.ndarray]:
    """The floating-point arrays of a call."""
    return [x for x in leaves(Home(operation, {}).arrays("float32")) if is_float(x)]


MAPS = [operation.name for operation in OWING if operation.form != "stepper"]
STEPPERS = [operation.name for operation in OWING if operation.form == "stepper"]
DIFFERENTIABLE = [
    operation.name for operation in OWING if has_gradient(operation) and any(Home(operation, {}).shapes())
]
WITH_AXES = [operation.name for operation in OWING if any(x.ndim for x in floats_of(operation))]
SUMS = ("gaussian_bound", "bernoulli_bound")  # of what each latent number adds: in whatever order, it is the same
BETWEEN = [  # with matrices that are neither the first two arrays nor the last
    operation.name
    for operation in OWING
    if operation.name in MAPS and operation.name not in SUMS and any(x.ndim > 1 for x in floats_of(operation)[2:-1])
]
SEVERAL = [  # with a last array that has strides, and is looked at
    operation.name
    for operation in OWING
    if len(floats_of(operation)) > 1 and floats_of(operation)[-1].ndim and operation.name != "unused_parameter"
]


@MUTANTS.each("memory is read front to back, whatever the strides", DUTY, operations=WITH_AXES)
def ignores_the_strides(f, *arrays, **given):
    return f(*mapped(front_to_back, arrays), **given)


@MUTANTS.each("the data may have any strides; weights are thought to lie as they were made", DUTY, operations=SEVERAL)
def ignores_the_strides_of_the_last_array(f, *arrays, **given):
    flat = leaves(arrays)
    last = max(number for number, x in enumerate(flat) if is_float(x))
    return f(*rebuilt(arrays, [front_to_back(x) if n == last else x for n, x in enumerate(flat)]), **given)


@MUTANTS.each(
    "a negative stride is taken for a positive one, in any array but the first two and the last",
    DUTY,
    operations=BETWEEN,
)
def reads_arrays_in_the_middle_forwards(f, *arrays, **given):
    flat = leaves(arrays)
    turned = [forwards(x) if 1 < number < len(flat) - 1 else x for number, x in enumerate(flat)]
    return f(*rebuilt(arrays, turned), **given)


@MUTANTS.each(
    "the backward pass reads any array but the first two and the last front to back",
    DUTY,
    operations=[name for name in BETWEEN if name in DIFFERENTIABLE],
    part="_vjp",
)
def ignores_the_strides_in_the_middle_on_the_way_back(f, *arrays, **given):
    *primals, cotangents = arrays
    flat = leaves(primals)
    read = [front_to_back(x) if 1 < number < len(flat) - 1 else x for number, x in enumerate(flat)]
    return f(*rebuilt(primals, read), cotangents, **given)


@MUTANTS.each(
    "cotangents are read front to back: they come from a broadcast", DUTY, operations=DIFFERENTIABLE, part="_vjp"
)
def ignores_the_strides_of_the_cotangents(f, *arrays, **given):
    *primals, cotangents = arrays
    return f(*primals, mapped(front_to_back, cotangents), **given)


@MUTANTS.each("parameters may have any strides; what a step is handed is read front to back", DUTY, operations=STEPPERS)
def ignores_the_strides_at_each_step(start, params, **given):
    step = start(params, **given)
    return lambda told, **rate: step(mapped(front_to_back, told), **rate)


def refusing(wrong: Callable[[np.ndarray], Any], words: str) -> Callable:
    """Refuse an array that is wrong."""

    def refuses(f, *arrays, **given):
        if any(wrong(x) for x in leaves(arrays) if is_float(x)):
            raise ValueError(words)
        return f(*arrays, **given)

    return refuses


MUTANTS.each(
    "the buffer is asked for writing, and a read-only one is refused", DUTY, operations=MAPS, name="wants to write"
)(refusing(lambda x: not x.flags.writeable, "buffer source array is read-only"))
MUTANTS.each("vectors are loaded from addresses that are multiples of their size", DUTY, name="wants alignment")(
    refusing(lambda x: x.size and x.ctypes.data % BORDER == x.itemsize, "misaligned address")
)
MUTANTS.each("negative strides are not known", DUTY, operations=WITH_AXES, name="refuses reversed arrays")(
    refusing(lambda x: any(stride < 0 for stride in x.strides), "at least one stride is negative")
)
