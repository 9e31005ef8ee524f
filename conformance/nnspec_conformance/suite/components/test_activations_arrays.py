"""Tests of components/activations: what holds for an array as a whole, whatever its numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance.cases import Case, call, clause
from nnspec_conformance.inputs import normal_draws, real_numbers
from nnspec_conformance.suite.components.test_activations import accurate, fixed
from nnspec_conformance.tolerance import Shape, Want

SHAPES = [(), (5,), (2, 3), (2, 3, 4), (2, 1, 3, 2), (0,), (2, 0, 3)]
FEW = [(), (2, 0, 3)]  # for a lean plan: duty.sizes asks for the values of arrays with more axes
LARGE = (3, 23333)  # more than 2^16 elements, and a multiple of no vector's length


def attributes(operation: str) -> dict:
    """Given in every call, so that no default is met by accident."""
    return {"axis": -1} if "softmax" in operation else fixed(operation)


def one_dtype(trial) -> str:
    """Float32, in which the shapes of ``activation.shape`` are compiled already; else the subject's first."""
    return "float32" if "float32" in trial.dtypes else trial.dtypes[0]


@clause("activation.shape")
def test_shape(operation: str, lean: bool) -> Iterator[Case]:
    for shape in FEW if lean else SHAPES:
        if shape or "softmax" not in operation:  # a softmax needs an axis
            x = np.asarray(normal_draws(1, shape))
            yield call(operation, x, **attributes(operation), want=Shape(shape))


@clause("activation.elementwise")
def test_elementwise(operation: str, readings: dict, lean: bool, trial) -> None:
    dtype = one_dtype(trial)
    numbers = normal_draws(12, real_numbers(dtype).shape, dtype, scale=2.0)
    want = accurate(operation, readings)(numbers)
    alone = trial.array(numbers, **attributes(operation)).astype(np.float64)  # right or wrong: other clauses tell

    def as_alone(index: np.ndarray) -> None:
        x = np.asarray(numbers[index])
        same = Want(np.asarray(alone[index]), 2 * want.allowed[index], 2 * want.flushed[index], dtype, "twice 4 ulp")
        message = f"{operation} of {dtype}{list(x.shape)}, expected as in {dtype}{list(numbers.shape)}"
        trial.expect(trial.array(x, **attributes(operation)), same, message, arrays=(x,))

    places = np.random.default_rng(13).integers(0, numbers.size, np.prod(LARGE))
    shapes = [shape for shape in (FEW if lean else SHAPES) if 0 not in shape]
    for shape in (*shapes, LARGE, *shapes):  # again, after the others
        as_alone(places[-int(np.prod(shape)) :].reshape(shape))
