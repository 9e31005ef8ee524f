"""Expected values of a composed operation from its oracle: functions of arrays and attributes, as a verb's ``want`` is.

yield call("layer_norm", x, scale, bias, epsilon=0.05, want=value_of(oracle.layer_norm))
yield gradient("layer_norm", x, scale, bias, epsilon=0.05, cotangents=g, want=gradients_of(oracle.layer_norm))
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.dtypes import float_dtype
from nnspec_conformance.inputs import wide
from nnspec_conformance.tolerance import spread
from nnspec_conformance.trees import mapped


def value_of(oracle: Callable) -> Callable:
    """The oracle's results, with what they move when every operand is rounded at random as the tolerance.

    The arrays are rounded here; an oracle of several operations has a keyword ``rounded`` and passes what it computes
    on the way through it.
    """
    inside = "rounded" in inspect.signature(oracle).parameters

    def want(*arrays: Any, **attributes: Any) -> Any:
        given, dtype = wide(arrays), float_dtype(arrays) or "float32"

        def run(rounded: Callable) -> Any:
            return oracle(*mapped(rounded, given), **attributes, **({"rounded": rounded} if inside else {}))

        return spread(run, dtype)

    return want


def gradients_of(oracle: Callable) -> Callable:
    """The gradients by the complex step, with the same tolerance; the cotangents are rounded, too.

    Not for saturated activations: a slope that is computed as 1 - tanh(z)^2 is right within units of 1, however small
    it is, and rounding the operands does not show that.
    """
    inside = "rounded" in inspect.signature(oracle).parameters

    def want(*operands: Any, **attributes: Any) -> tuple:
        *arrays, cotangents = wide(operands)
        complex_step(partial(oracle, **attributes), tuple(arrays), cotangents)  # the oracle keeps the imaginary part

        def run(rounded: Callable) -> tuple:
            told = attributes | ({"rounded": rounded} if inside else {})
            primals, given = mapped(rounded, (tuple(arrays), cotangents))
            return complex_step(partial(oracle, **told), primals, given, check=False)

        return spread(run, float_dtype(operands) or "float32")

    return want
