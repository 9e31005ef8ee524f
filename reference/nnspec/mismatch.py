"""How a call that does not fit its signature is told: the first argument that breaks it, in one line, with the fix."""

import difflib
import inspect
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import jax
import numpy as np
from jaxtyping import AbstractArray

# What an array parameter takes besides jax.Array. A list is refused, as JAX's own operations refuse it.
CONVERTED = (np.ndarray, np.generic, float)
KINDS = {  # jaxtyping's name: (our words, the dtype to cast to)
    "Float": ("floating point", "jnp.float32"),
    "Inexact": ("floating point or complex", "jnp.float32"),
    "Int": ("signed integer", "jnp.int32"),
    "UInt": ("unsigned integer", "jnp.uint32"),
    "Integer": ("integer", "jnp.int32"),
    "Bool": ("boolean", "bool"),
    "Num": ("a number type", "jnp.float32"),
}


def wrong_names(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TypeError | None:
    """The error of a call that misses a parameter or has one too many; None if there is none."""
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


def wrong_value(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any], hints: dict[str, Any]
) -> Exception:
    """The error of the first argument that breaks its annotation."""
    arguments = signature.bind(*args, **kwargs).arguments
    sizes: dict[str, tuple[str, int]] = {}  # axis: the parameter that set it, its size
    leading: dict[str, tuple[str, tuple[int, ...]]] = {}  # the same for axes such as *batch
    for parameter, value in arguments.items():
        hint = hints.get(parameter)
        array_types = [part for part in alternatives(hint) if is_array_type(part)]
        plain_types = [part for part in alternatives(hint) if not is_array_type(part)]
        if any(_is_plainly(value, part) for part in plain_types):
            continue
        if array_types:
            error = _of_array(name, parameter, value, array_types[0], sizes, leading)
        else:
            error = _of_plain(name, parameter, value, hint)
        if error is not None:
            return error
    refused = [f"{parameter} as {written(hints[parameter])}" for parameter in arguments if parameter in hints]
    return TypeError(f"{name}: the arguments do not fit its signature, which takes {', '.join(refused)}")


def _of_array(
    name: str,
    parameter: str,
    value: Any,
    hint: Any,
    sizes: dict[str, tuple[str, int]],
    leading: dict[str, tuple[str, tuple[int, ...]]],
) -> Exception | None:
    words, cast = KINDS.get(hint.dtype.__name__, (hint.dtype.__name__, None))
    value = unwrapped(value)
    value = np.asarray(value) if isinstance(value, CONVERTED) else value
    if not isinstance(value, np.ndarray | jax.Array):
        convert = f"; convert it with jnp.asarray({parameter}, {cast})" if cast and value is not None else ""
        return TypeError(f"{name}: {parameter} is {described(value)}, expected an array of dtype {words}{convert}")
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


def _of_plain(name: str, parameter: str, value: Any, hint: Any) -> Exception | None:
    choices = [choice for part in alternatives(hint) if get_origin(part) is Literal for choice in get_args(part)]
    if choices and value not in choices:
        close = difflib.get_close_matches(str(value), [str(choice) for choice in choices], n=1)
        fix = f"; did you mean {close[0]!r}?" if close else ""
        return ValueError(f"{name}: {parameter} must be one of {', '.join(map(repr, choices))}, got {value!r}{fix}")
    expected = [part for part in alternatives(hint) if isinstance(part, type)]  # Any is one from Python 3.11 on
    if expected and not any(_is_plainly(value, part) for part in expected):
        words = " or ".join(
            {"float": "a number", "int": "an integer", "NoneType": "None"}.get(part.__name__, part.__name__)
            for part in expected
        )
        return TypeError(f"{name}: {parameter} is {described(value)}, expected {words}")
    return None


def alternatives(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the hint alone; without `Annotated`."""
    if get_origin(hint) is Annotated:
        return alternatives(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(part for member in get_args(hint) for part in alternatives(member))
    return (hint,)


def is_array_type(hint: Any) -> bool:
    """Whether a hint is one of jaxtyping's, a dtype with axes."""
    return isinstance(hint, type) and issubclass(hint, AbstractArray)


def _is_plainly(value: Any, hint: Any) -> bool:
    if hint is float:
        return isinstance(value, float | int | np.number) or (hasattr(value, "ndim") and value.ndim == 0)
    if hint is int:
        return isinstance(value, int | np.integer)
    return hint is Any or (isinstance(hint, type) and isinstance(value, hint))


def unwrapped(value: Any) -> Any:
    """The array inside a Flax variable; anything else as it is."""
    convert = getattr(value, "__jax_array__", None)
    return convert() if callable(convert) else value


def described(value: Any) -> str:
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


def written(hint: Any) -> str:
    """A type as it is written."""
    if is_array_type(hint):
        return f"{hint.dtype.__name__}[{hint.dim_str}]"
    return hint.__name__ if isinstance(hint, type) else str(hint)
