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

import difflib
import functools
import inspect
import math
import numbers
import types
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
from beartype import BeartypeConf, FrozenDict
from beartype.door import is_bearable
from jax.core import Tracer
from jaxtyping import AbstractArray, Array, Float, Int, jaxtyped

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


class _Refused(Exception):
    """An argument does not fit its annotation; never leaves this module."""


_SCALARS = Float[Array, ""] | Int[Array, ""] | Float[np.ndarray, ""] | np.floating | np.integer
_CONFIGURATION = BeartypeConf(hint_overrides=FrozenDict({float: float | int | _SCALARS, int: int | np.integer}))
# What an array parameter takes besides jax.Array. A list is refused, as JAX's own operations refuse it.
_CONVERTED = (np.ndarray, np.generic, float)
_KINDS = {  # jaxtyping's name: (our words, the dtype to cast to)
    "Float": ("floating point", "jnp.float32"),
    "Inexact": ("floating point or complex", "jnp.float32"),
    "Int": ("signed integer", "jnp.int32"),
    "UInt": ("unsigned integer", "jnp.uint32"),
    "Integer": ("integer", "jnp.int32"),
    "Bool": ("boolean", "bool"),
    "Num": ("a number type", "jnp.float32"),
}


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
    arrays = {parameter for parameter, hint in hints.items() if any(map(_is_array_type, _alternatives(hint)))}
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
                raise _explain_binding(name, signature, args, kwargs) or _explain(name, signature, args, kwargs, hints)
            try:
                result = function(*positional, **named)  # pyright: ignore[reportCallIssue]
            except TypeError:
                mismatch = _explain_binding(name, signature, args, kwargs)
                if mismatch is None:
                    raise
                raise mismatch from None
            if returns is not Any and not is_bearable(result, returns, conf=_CONFIGURATION):
                raise TypeError(
                    f"{name}: returned {_a(result)}, but its signature promises {_words(returns)}; a bug in {name}"
                )
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


def _explain_binding(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TypeError | None:
    """The error of a call whose arguments do not fit the parameters; None if they fit."""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as problem:
        accepted = [parameter for parameter in signature.parameters if parameter != "self"]
        fix = f"it takes {', '.join(accepted)}"
        unknown = next((keyword for keyword in kwargs if keyword not in accepted), None)
        if unknown is not None:
            close = difflib.get_close_matches(unknown, accepted, n=1)
            fix = f"did you mean {close[0]}?" if close else fix
        return TypeError(f"{name}: {problem}; {fix}")
    return None


def _explain(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any], hints: dict[str, Any]
) -> Exception:
    """The first argument that breaks the signature, in one line."""
    arguments = signature.bind(*args, **kwargs).arguments
    sizes: dict[str, tuple[str, int]] = {}  # axis: the parameter that set it, its size
    leading: dict[str, tuple[str, tuple[int, ...]]] = {}  # the same for axes such as *batch
    for parameter, value in arguments.items():
        hint = hints.get(parameter)
        array_types = [part for part in _alternatives(hint) if _is_array_type(part)]
        plain_types = [part for part in _alternatives(hint) if not _is_array_type(part)]
        if any(_is_plainly(value, part) for part in plain_types):
            continue
        if array_types:
            error = _explain_array(name, parameter, value, array_types[0], sizes, leading)
        else:
            error = _explain_plain(name, parameter, value, hint)
        if error is not None:
            return error
    refused = [f"{parameter} as {_words(hints[parameter])}" for parameter in arguments if parameter in hints]
    return TypeError(f"{name}: the arguments do not fit its signature, which takes {', '.join(refused)}")


def _explain_array(
    name: str,
    parameter: str,
    value: Any,
    hint: Any,
    sizes: dict[str, tuple[str, int]],
    leading: dict[str, tuple[str, tuple[int, ...]]],
) -> Exception | None:
    words, cast = _KINDS.get(hint.dtype.__name__, (hint.dtype.__name__, None))
    value = _unwrap(value)
    value = np.asarray(value) if isinstance(value, _CONVERTED) else value
    if not isinstance(value, np.ndarray | jax.Array):
        convert = f"; convert it with jnp.asarray({parameter}, {cast})" if cast and value is not None else ""
        return TypeError(f"{name}: {parameter} is {_a(value)}, expected an array of dtype {words}{convert}")
    if not isinstance(value, hint.dtype[np.ndarray, "..."] | hint.dtype[jax.Array, "..."]):
        fix = f"; cast it with {parameter}.astype({cast})" if cast else ""
        return TypeError(f"{name}: {parameter} has dtype {value.dtype}, expected {words}{fix}")

    axes = hint.dim_str.split()
    several = [axis.startswith("*") or axis == "..." for axis in axes]
    split = several.index(True) if any(several) else len(axes)
    rank, least = value.ndim, len(axes) - sum(several)
    if rank < least or (rank > least and not any(several)):
        expected = f"at least {least}" if any(several) else str(least)
        fix = f"add an axis with {parameter}[None]" if rank < least else "map over the extra ones with jax.vmap"
        got = f"{rank} axis" if rank == 1 else f"{rank} axes"
        return ValueError(
            f"{name}: {parameter} has {got}, shape {value.shape}, expected {expected}, [{', '.join(axes)}]; {fix}"
        )
    trailing = len(axes) - split - 1 if any(several) else 0
    middle = value.shape[split : rank - trailing]
    named = [*zip(axes[:split], value.shape, strict=False)]
    named += zip(axes[len(axes) - trailing :], value.shape[rank - trailing :], strict=True)
    for axis, size in named:
        label, _, fixed = axis.rpartition("=")
        if fixed.isdecimal():
            if size != int(fixed):
                got = f"{label}={size}" if label else f"an axis of size {size}"
                return ValueError(f"{name}: {parameter} has {got}, expected {fixed}")
        elif axis.isidentifier() and not axis.startswith("_"):
            first, known = sizes.setdefault(axis, (parameter, size))
            if known != size:
                return ValueError(f"{name}: {parameter} has {axis}={size} but {first} has {axis}={known}")
    if any(several) and axes[split].lstrip("*").isidentifier():
        group = axes[split].lstrip("*")
        first, known = leading.setdefault(group, (parameter, middle))
        if known != middle:
            return ValueError(f"{name}: {parameter} has {group}={middle} but {first} has {group}={known}")
    return None


def _explain_plain(name: str, parameter: str, value: Any, hint: Any) -> Exception | None:
    choices = [choice for part in _alternatives(hint) if get_origin(part) is Literal for choice in get_args(part)]
    if choices and value not in choices:
        close = difflib.get_close_matches(str(value), [str(choice) for choice in choices], n=1)
        fix = f"; did you mean {close[0]!r}?" if close else ""
        return ValueError(f"{name}: {parameter} must be one of {', '.join(map(repr, choices))}, got {value!r}{fix}")
    expected = [part for part in _alternatives(hint) if isinstance(part, type)]
    if expected and not any(_is_plainly(value, part) for part in expected):
        words = " or ".join(
            {"float": "a number", "int": "an integer", "NoneType": "None"}.get(part.__name__, part.__name__)
            for part in expected
        )
        return TypeError(f"{name}: {parameter} is {_a(value)}, expected {words}")
    return None


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the hint alone; without `Annotated`."""
    if get_origin(hint) is Annotated:
        return _alternatives(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(part for member in get_args(hint) for part in _alternatives(member))
    return (hint,)


def _is_array_type(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, AbstractArray)


def _is_plainly(value: Any, hint: Any) -> bool:
    if hint is float:
        return isinstance(value, float | int | np.number) or (hasattr(value, "ndim") and value.ndim == 0)
    if hint is int:
        return isinstance(value, int | np.integer)
    return isinstance(hint, type) and isinstance(value, hint)


def _as_array(value: Any) -> Any:
    """A NumPy array, a Python float or a Flax variable as a JAX array; anything else as it is."""
    if isinstance(value, _CONVERTED):
        return jnp.asarray(value) if np.asarray(value).dtype.kind not in "OSUMm" else value
    return _unwrap(value)


def _unwrap(value: Any) -> Any:
    """The array inside a Flax variable; anything else as it is."""
    convert = getattr(value, "__jax_array__", None)
    return convert() if callable(convert) else value


def _a(value: Any) -> str:
    """The type of a value with its article: a list, the str 'fast', None."""
    if value is None:
        return "None"
    if isinstance(value, str | bool | int | float):
        return f"the {type(value).__name__} {value!r}"
    if isinstance(value, np.ndarray | jax.Array):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    module, kind = type(value).__module__.partition(".")[0], type(value).__name__
    kind = kind if module == "builtins" else f"{module}.{kind}"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _words(hint: Any) -> str:
    """A type as it is written."""
    if _is_array_type(hint):
        return f"{hint.dtype.__name__}[{hint.dim_str}]"
    return hint.__name__ if isinstance(hint, type) else str(hint)
