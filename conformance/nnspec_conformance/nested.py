"""Second order through an adapter: its own function for one operation, else its vjp applied to its vjp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.errors import NotImplementedBySubject
from nnspec_conformance.flat import as_gradients, float_places, of_floats, regrouped
from nnspec_conformance.functions import Function
from nnspec_conformance.trees import leaves, mapped, rebuilt

Into = Callable[[Any], Any]  # what makes the adapter's arrays of NumPy's


def own_part(adapter: Any, operation: str, part: str, *, by_hand: bool = False) -> Callable | None:
    """What an adapter brings for one operation; None if its vjp does it.

    Args:
        adapter: the module.
        operation: its name.
        part: for instance ``_second_derivative``.
        by_hand: whether the vjp says nothing of an operation whose gradient the adapter brings.

    Raises:
        NotImplementedBySubject: there is neither.
    """
    own = getattr(adapter, operation + part, None)
    nests = hasattr(adapter, "vjp") and not (by_hand and hasattr(adapter, f"{operation}_vjp"))
    if own is None and not nests:
        raise NotImplementedBySubject(f"{operation}{part} (and no vjp)")
    return own


def vjp_vjp(
    adapter: Any, own: Callable | None, operation: str, f: Callable, into: Into, attributes: dict,
    arrays: tuple, cotangents: Any, directions: tuple,
) -> tuple:  # fmt: skip
    """Gradients of ``sum(directions * vjp)``: those for the floating-point arrays, and that for the cotangents."""
    if own is not None:
        found = own(*map(into, (*arrays, cotangents, directions)), **attributes)
        *gradients, last = as_gradients(f"{operation}_vjp_vjp", found)
        return tuple(gradients), last
    vjp = adapter.vjp
    g, primals = of_floats(operation, f, arrays, [into(x) for x in arrays], attributes)
    count, flat = len(primals), tuple(into(c) for c in leaves(cotangents))
    form = mapped(lambda c: (str(c.dtype), c.shape), cotangents)

    def slope(*both: Any) -> Any:
        return vjp(g, both[:count], rebuilt(cotangents, [*both[count:]]))

    along = into(tuple(leaves(directions)))
    found = as_gradients("vjp", vjp(Function(slope, operation, vjp, g, form), (*primals, *flat), along))
    return regrouped(float_places(arrays), found[:count]), rebuilt(cotangents, [*found[count:]])


def second_derivative(
    adapter: Any, own: Callable | None, operation: str, f: Callable, into: Into, attributes: dict,
    arrays: tuple, along: Any,
) -> Any:  # fmt: skip
    """The second derivative by the first array, of the sum of the results."""
    x, *fixed = arrays
    primal, *held = map(into, arrays)
    if own is not None:
        return own(primal, *held, *([] if along is None else [into(along)]), **attributes)
    vjp = adapter.vjp
    y = primal if along is None else f(primal, *held, **attributes)
    ones = into(np.ones(tuple(y.shape), x.dtype))
    g = Function(lambda first: f(first, *held, **attributes), operation, f, attributes, fixed)
    slope = Function(lambda first: vjp(g, (first,), ones)[0], operation, vjp, g, x.shape, str(x.dtype))
    return vjp(slope, (primal,), ones if along is None else into(along))[0]
