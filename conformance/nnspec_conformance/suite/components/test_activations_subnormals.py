"""Tests of components/activations: results below the smallest normal number, in every dtype."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from nnspec_conformance.cases import Case, call, clause
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import same_length
from nnspec_conformance.suite.components.test_activations import (
    change,
    fixed,
    float64_oracle,
    flushing,
    oracle_error,
)
from nnspec_conformance.tolerance import exact, smallest_normal, ulps, unit

SUBNORMAL_RESULTS = {  # of inputs in these ranges, in smallest normal numbers
    "identity": (-0.75, -0.17), "relu": (0.17, 0.75), "leaky_relu": (-3.75, -1.5), "elu": (-0.75, -0.17),
    "selu": (-0.5, -0.17), "gelu": (-1.6, -0.26), "tanh": (-0.75, -0.17),
}  # fmt: skip
TAILS = {  # else of inputs in these, where exp(-x) overflows
    "sigmoid": {"float16": (-13.5, -11.2), "bfloat16": (-90, -89), "float32": (-97, -93), "float64": (-730, -712)},
    "silu": {"float16": (-14.5, -12.5), "bfloat16": (-92.5, -92), "float32": (-97, -93), "float64": (-730, -716)},
}
TAILS["softplus"] = TAILS["sigmoid"]


@clause("activation.subnormals")
def test_subnormals(operation: str, readings: dict, subnormals: Mapping[str, str]) -> Iterator[Case]:
    f = float64_oracle(operation, readings)
    for dtype in DTYPES:
        if operation in TAILS:
            scale, (low, high) = 1.0, TAILS[operation][dtype]
        else:
            scale, (low, high) = smallest_normal(dtype), SUBNORMAL_RESULTS[operation]
        x = same_length((scale * np.linspace(low, high, 9)).astype(DTYPES[dtype]))
        gate = flushing(operation, x) * smallest_normal(dtype) * unit(dtype)  # a gate's rounding, times x
        moved = np.minimum(change(f, x) + gate, np.abs(f(x)) / 2)  # far out a unit of bfloat16 is a factor of e
        want = ulps(f(x), 4 + oracle_error(dtype), dtype, moved=moved)
        if subnormals.get(dtype) == "flushed":
            want = exact(np.zeros(x.shape), dtype)
        yield call(operation, x, **fixed(operation), want=want)
