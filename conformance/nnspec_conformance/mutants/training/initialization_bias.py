"""Wrong biases of new layers, each with the clause that must catch it."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()


@MUTANTS.each("0.01 for every bias, lest a ReLU be dead", "layer-start.bias")
def starts_above_zero(f, shape, **given):
    return f(shape, **given) + np.float32(0.01)


@MUTANTS.each("the bias is handed to the initializer of the kernel, as a column with its own length for a fan-in",
              "layer-start.bias")  # fmt: skip
def counts_the_units(f, shape, *, inputs, start="third", **given):
    return f(shape, inputs=shape[0], start="third", **given)


@MUTANTS.each("allocated, and never filled", "layer-start.bias")
def leaves_one_unit_unset(f, shape, **given):
    w = np.array(f(shape, **given))
    w[..., -1] = 2.0**40
    return w
