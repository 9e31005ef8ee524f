"""The functions of the oracles as an adapter's operations, by what each declared operation is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.checked import as_declared
from nnspec_conformance.adapters.numpy_oracle.rounding import (
    flushing,
    in_dtype,
    pulled_back,
    stepping,
    stepping_slopes,
    summing,
    summing_rows,
)
from nnspec_conformance.clauses import Spec
from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.flat import float_places, of_floats, regrouped
from nnspec_conformance.operations import Operation
from nnspec_conformance.suite_loader import modules
from nnspec_conformance.trees import leaves, mapped, rebuilt

WRAPPERS = {  # readings that are about the dtype, which no oracle knows
    "subnormals": flushing,
    "sums": summing,
    "rows": summing_rows,
    "half": stepping,
    "half_slopes": stepping_slopes,
}
AS_THEY_ARE = ("stepper", "random", "series")  # forms whose functions choose the dtype themselves


def declared(spec: Spec) -> dict[str, Callable]:
    """Every declared operation of which an oracle's module has the function, with its gradients."""
    found: dict[str, Callable] = {}
    for module in modules("nnspec_conformance.oracles"):
        topic = module.__name__.removeprefix("nnspec_conformance.oracles.").replace(".", "/")
        for operation in spec.operations.values():
            if hasattr(module, operation.name) and (topic == operation.page or topic.startswith(f"{operation.page}_")):
                keywords = {clause.keyword for clause in spec.governing(operation.name)}
                parts = _parts(operation, vars(module), keywords)
                found |= parts | {operation.name: as_declared(operation, parts[operation.name], keywords)}
    return found


def _parts(operation: Operation, module: dict, keywords: set[str]) -> dict[str, Callable]:
    """The operation and what the module has of its gradients, with the keywords of all readings."""
    name = operation.name
    if operation.form in AS_THEY_ARE:
        return {name: module[name]}
    wrapped = [in_dtype, *(WRAPPERS[keyword] for keyword in WRAPPERS if keyword in keywords)]
    rounded = {
        part: functools.reduce(lambda function, wrap: wrap(function), wrapped, module[name + part])
        for part in ("", "_vjp", "_derivative", "_second_derivative")
        if name + part in module
    }
    if "_derivative" in rounded:
        rounded["_vjp"] = pulled_back(rounded.pop("_derivative"))
    if "_vjp" not in rounded and "gradient" not in operation.exempt:  # a duty asks for it
        rounded["_vjp"] = in_dtype(differentiated(module[name]))
    if "_vjp" in rounded:
        rounded["_vjp_vjp"] = differenced(rounded[""], rounded["_vjp"])
    return {name + part: function for part, function in rounded.items()}


def differentiated(function: Callable) -> Callable:
    """The gradients of a function that is analytic where it is asked, by complex steps: it need not be written.

    A cotangent that is no number counts where its result depends on an array, and is not multiplied by zeros.
    """

    def vjp(*given, **attributes):
        *arrays, cotangents = given
        of_the_floats, floats = of_floats(function.__name__, function, tuple(arrays), arrays, attributes)

        def flowing(g: Any) -> tuple:
            return complex_step(of_the_floats, floats, g, check=False)

        found = flowing(mapped(lambda c: np.where(np.isfinite(c), c, 0.0), cotangents))
        for strange in (np.nan, np.inf, -np.inf):
            here = mapped(partial(is_it, strange), cotangents)
            if any(c.any() for c in leaves(here)):
                reached = leaves(flowing(here))
                sums = [g if not r.any() else _with(strange, g, r) for g, r in zip(leaves(found), reached, strict=True)]
                found = rebuilt(found, sums)
        return regrouped(float_places(tuple(arrays)), found)

    return vjp


def is_it(strange: float, c: Any) -> np.ndarray:
    """1.0 where an array has this number, NaN included, and 0.0 elsewhere."""
    return (np.isnan(c) if np.isnan(strange) else np.asarray(c) == strange).astype(np.float64)


def _with(strange: float, g: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """The gradient where a cotangent that is no number is multiplied by what it reaches, unless that is zero."""
    return g + np.where(reach == 0, 0.0, strange * np.where(reach == 0, 1.0, reach))


STEP = 2.0**-16  # its fourth power is below the distance of float64 numbers; what is left is rounding, over the step


def differenced(function: Callable, slope: Callable) -> Callable:
    """The gradients of a gradient times directions: as second derivatives are symmetric, how it changes along these."""

    def vjp_vjp(*given, **attributes):
        *arrays, cotangents, directions = given
        inputs = tuple(arrays)
        along = [x.astype(np.float64) for x in leaves(directions)]

        def moved(f: Callable, step: float) -> Any:
            g, floats = of_floats("", f, inputs, arrays, attributes)
            return g(*(np.asarray(x.astype(np.float64) + step * v) for x, v in zip(floats, along, strict=True)))

        def changed(f: Callable) -> Any:
            far, close = ([moved(f, sign * step) for sign in (1, -1)] for step in (2 * STEP, STEP))
            parts = zip(leaves(far[0]), leaves(far[1]), leaves(close[0]), leaves(close[1]), strict=True)
            rates = [
                (8 * (c - d) - (a - b)) / (12 * STEP) if a.dtype.kind == "f" else np.zeros(a.shape)
                for a, b, c, d in parts
            ]
            return rebuilt(far[0], rates)

        second = changed(lambda *others, **same: slope(*others, cotangents, **same))
        return (*second, changed(function))

    return in_dtype(vjp_vjp)
