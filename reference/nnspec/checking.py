"""The guard of the public boundary: shapes, dtypes and hyper-parameters checked, one line when they are wrong.

A function says what it takes in its signature, with jaxtyping's shapes and the ranges below, and
`checked` holds every call to it. Inside, nothing is checked twice.

Examples:
    >>> import jax.numpy as jnp
    >>> from jaxtyping import Array, Float
    >>> @checked
    ... def scale(x: Float[Array, "*batch features"], gain: Float[Array, "features"], *, epsilon: Positive = 1e-6):
    ...     return x * gain / epsilon
    >>> scale(jnp.ones((2, 3)), jnp.ones(4))
    Traceback (most recent call last):
    ValueError: scale: gain has features=4 but x has features=3
    >>> scale(jnp.ones((2, 3)), jnp.ones(3), epsilon=0.0)
    Traceback (most recent call last):
    ValueError: scale: epsilon must be positive, got 0.0; the default is 1e-06
"""

import functools
import inspect
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Annotated, Any, ParamSpec, TypeVar, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
from beartype import BeartypeConf, FrozenDict
from beartype.door import is_bearable
from jax.core import Tracer
from jaxtyping import Array, Float, Int, jaxtyped

from nnspec.mismatch import (
    CONVERTED,
    alternatives,
    described,
    is_array_type,
    unwrapped,
    written,
    wrong_names,
    wrong_value,
)

__all__ = ["Finite", "Fraction", "NonNegative", "Positive", "Requirement", "check_axis", "checked"]


@dataclass(frozen=True)
class Requirement:
    """What a hyper-parameter must be, in words and as a test; put beside its type with `Annotated`.

    Args:
        words: completes the sentence "alpha must be ...".
        holds: true for an allowed value; only ever called with a concrete number.
    """

    words: str
    holds: Callable[[float], bool]


Finite = Annotated[float, Requirement("finite", math.isfinite)]
Positive = Annotated[float, Requirement("positive", lambda value: 0 < value < math.inf)]
NonNegative = Annotated[float, Requirement("zero or positive", lambda value: 0 <= value < math.inf)]
Fraction = Annotated[float, Requirement("at least 0 and less than 1", lambda value: 0 <= value < 1)]

P = ParamSpec("P")
R = TypeVar("R")


FILTERED = "JAX_TRACEBACK_FILTERING"  # in JAX's note, four lines below an error of one, that it left frames out


class _Refused(Exception):
    """An argument does not fit its annotation; never leaves this module."""


_SCALARS = Float[Array, ""] | Int[Array, ""] | Float[np.ndarray, ""] | np.floating | np.integer
_CONFIGURATION = BeartypeConf(hint_overrides=FrozenDict({float: float | int | _SCALARS, int: int | np.integer}))


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Hold every call of a function to its signature: shapes, dtypes, choices and ranges.

    Array parameters take JAX arrays, traced or not, NumPy arrays, Python floats and Flax variables, and reach the
    function as JAX arrays. Parameters of type ``float`` also take integers and traced or concrete scalars. A
    `Requirement` is tested when the value is a concrete number and skipped when it is traced. The returned value
    is held to its annotation too.

    An eager call pays 20 to 40 microseconds, about what one eager JAX operation costs; a call inside a compiled program
    pays only while it is traced. No global state of JAX, jaxtyping or beartype is changed.

    Args:
        function: any function or method whose annotations say what it takes.

    Returns:
        The function with the same name, signature and docstring.

    Raises:
        TypeError: by the wrapped function, when an argument is missing, unknown, or of the wrong type or dtype.
        ValueError: by the wrapped function, when a rank, an axis, a choice or a hyper-parameter's range is violated.

    Source: the checkers behind it, jaxtyping (Kidger) and beartype (Curry).
    """
    signature = inspect.signature(function)
    hints = get_type_hints(function, include_extras=True)
    name = function.__qualname__.rpartition("<locals>.")[2].removesuffix(".__call__").removesuffix(".__init__")
    kinds = {parameter.kind: parameter.name for parameter in signature.parameters.values()}
    gathers, collects = kinds.get(inspect.Parameter.VAR_POSITIONAL), kinds.get(inspect.Parameter.VAR_KEYWORD)
    order = [parameter for parameter in signature.parameters if parameter not in (gathers, collects)]
    arrays = {parameter for parameter, hint in hints.items() if any(map(is_array_type, alternatives(hint)))}
    requirements = {
        parameter: requirement
        for parameter, hint in hints.items()
        for requirement in getattr(hint, "__metadata__", ())
        if isinstance(requirement, Requirement)
    }
    returns = hints.get("return", Any)

    def admit(parameter: str | None, value: Any) -> Any:
        """The value as the function gets it."""
        if parameter in arrays and not isinstance(value, jax.Array):
            value = _as_array(value)
        if parameter in requirements:
            _check_requirement(name, parameter, value, requirements[parameter], signature)
        if parameter in hints and not is_bearable(value, hints[parameter], conf=_CONFIGURATION):
            raise _Refused
        return value

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        __tracebackhide__ = True
        with jaxtyped("context"):  # the sizes of the axes belong to this call
            try:
                positional = [admit(*pair) for pair in zip(chain(order, repeat(gathers)), args, strict=False)]
                named = {key: admit(key if key in order else collects, value) for key, value in kwargs.items()}
            except _Refused:
                positional, named = None, kwargs
            if positional is None:
                raise wrong_names(name, signature, args, kwargs) or wrong_value(name, signature, args, kwargs, hints)
            try:
                result = function(*positional, **named)  # pyright: ignore[reportCallIssue]
            except (TypeError, ValueError) as error:
                mismatch = wrong_names(name, signature, args, kwargs) if isinstance(error, TypeError) else None
                if mismatch is None:
                    if notes := getattr(error, "__notes__", None):
                        error.__notes__ = [note for note in notes if FILTERED not in note]
                    raise
                raise mismatch from None
            if returns is not Any and not is_bearable(result, returns, conf=_CONFIGURATION):
                promise = f"but its signature promises {written(returns)}; a bug in {name}"
                raise TypeError(f"{name}: returned {described(result)}, {promise}")
            return result

    return wrapper


def check_axis(operation: str, x: Array, axis: int) -> int:
    """The position of an axis counted from the front.

    Args:
        operation: the name errors begin with.
        x: the array the axis belongs to.
        axis: from minus the rank to the rank less one.

    Returns:
        The axis as a number from 0 on.

    Raises:
        ValueError: ``x`` has no such axis.

    Source: NumPy's convention for negative axes.
    """
    if not -x.ndim <= axis < x.ndim:
        allowed = f"use {-x.ndim} to {x.ndim - 1}" if x.ndim else "it needs at least one axis"
        raise ValueError(f"{operation}: axis={axis} does not exist in x of shape {x.shape}; {allowed}")
    return axis % x.ndim


def _check_requirement(
    name: str, parameter: str, value: Any, requirement: Requirement, signature: inspect.Signature
) -> None:
    if isinstance(value, Tracer):
        return
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: {parameter} is {value}, expected a number")
    if not isinstance(value, numbers.Real) and getattr(value, "ndim", 1) > 0:
        return  # beartype refuses it
    if not requirement.holds(float(value)):
        default = signature.parameters[parameter].default
        fix = "" if default is inspect.Parameter.empty else f"; the default is {default}"
        raise ValueError(f"{name}: {parameter} must be {requirement.words}, got {value}{fix}")


def _as_array(value: Any) -> Any:
    """A NumPy array, a Python float or a Flax variable as a JAX array; anything else as it is."""
    if isinstance(value, CONVERTED):
        return jnp.asarray(value) if np.asarray(value).dtype.kind not in "OSUMm" else value
    return unwrapped(value)
