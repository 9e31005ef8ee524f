"""Wrong activation functions whose constants, or numbers given by keyword, have the digits of float32."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.mutants.components.activations import quietly
from nnspec_conformance.special import erfc

MUTANTS = Mutants()
FLOAT32 = "a constant or an attribute is kept as float32: float64 has its digits only"


def of_float32(number: float) -> float:
    return float(np.float32(number))


@MUTANTS.add(
    FLOAT32,
    "activation.numbers[leaky_relu]",
    "leaky-relu.value",
    "activation.accuracy[leaky_relu]",
    name="has a slope of float32",
)
@quietly
def leaky_relu_with_a_float32_slope(x, *, negative_slope=0.01, **_):
    return right.leaky_relu(x, negative_slope=of_float32(negative_slope))


@MUTANTS.add(FLOAT32, "activation.numbers[elu]", name="has an alpha of float32")
@quietly
def elu_with_a_float32_alpha(x, *, alpha=1.0, **_):
    return right.elu(x, alpha=of_float32(alpha))


@MUTANTS.add(FLOAT32, "activation.numbers[elu]", part="_vjp", name="has an alpha of float32 in the gradient")
def elu_gradient_with_a_float32_alpha(x, cotangents, *, alpha=1.0, **_):
    return right.elu_vjp(x, cotangents, alpha=of_float32(alpha))


@MUTANTS.add(
    FLOAT32,
    "activation.numbers[leaky_relu]",
    "activation.gradient[leaky_relu]",
    part="_vjp",
    name="has a slope of float32 in the gradient",
)
def leaky_relu_gradient_with_a_float32_slope(x, cotangents, *, negative_slope=0.01, **_):
    return right.leaky_relu_vjp(x, cotangents, negative_slope=of_float32(negative_slope))


@MUTANTS.add(FLOAT32, "activation.gradient[hard_sigmoid]", part="_vjp", name="has a sixth of float32 in the gradient")
def hard_sigmoid_gradient_with_a_float32_sixth(x, cotangents, *, form="sixth"):
    right_slope = right.hard_sigmoid_vjp(x, cotangents, form=form)[0]
    return ((right_slope.astype(np.float32) if form == "sixth" else right_slope).astype(x.dtype),)


@MUTANTS.add(FLOAT32, "activation.accuracy[gelu]", name="has a root of float32")
@quietly
def gelu_with_a_float32_root(x, *, form="exact"):
    if form != "exact":
        return right.gelu(x, form=form)
    return x / 2 * erfc(-x * x.dtype.type(of_float32(1 / np.sqrt(2))))
