"""Tests of initialization: what the biases of new layers start with."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.cases import clause
from nnspec_conformance.oracles.training.initialization import bias_law
from nnspec_conformance.suite.training.test_initialization import CELLS, in_cells
from nnspec_conformance.tolerance import equally_often, unit

INPUTS, UNITS = 5, 80_000  # few inputs: a kernel has so many numbers for each unit


@clause("layer-start.bias")
def bias(trial, operation: str) -> None:
    w = trial.draws((UNITS,), seeds=1, inputs=INPUTS)[0]
    law = bias_law(trial.readings["start"], INPUTS * (9 if operation == "convolution_bias_start" else 1))
    if law is None:
        trial.require(not w.any(), f"of {UNITS:,} biases {np.count_nonzero(w)} are not 0, as {w[w != 0][:1]}")
        return
    about = f"biases of {UNITS:,} units in {CELLS} equally likely cells, Pearson's statistic"
    trial.expect(in_cells(law, w), equally_often(CELLS - 1, UNITS), about)
    largest, most = float(np.abs(w).max()), law.bound * (1 + 4 * unit("float32"))
    trial.require(largest <= most, f"{operation} has {largest!r}, beyond the bound {law.bound!r}")
