"""Tables of weights: flat dicts of arrays by name, checked against the axes that each name has.

Axes are words, as in a signature: ``"in out"``. A word is one size in the whole table, a number is that size,
``*window`` is one axis or more, and ``...`` is any shape.

Examples:
    >>> check("dense", {"kernel": np.ones((3, 5)), "bias": np.ones(4)}, {"kernel": "in out", "bias": "out"})
    Traceback (most recent call last):
    ValueError: dense: bias has out=4 but kernel has out=5
"""

import difflib
from collections.abc import Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from nnspec.mismatch import described


def check(
    operation: str, table: Mapping[str, Any], axes: Mapping[str, str], *, optional: Collection[str] = (), x: Any = None
) -> None:
    """Refuse a table with a missing or an unknown name, or with arrays that do not fit together.

    Args:
        operation: what errors begin with.
        table: the arrays by name.
        axes: the axes of every name.
        optional: names that may be missing.
        x: the input that the table must fit, if there is one; the last of its axes is ``in_features``.

    Raises:
        ValueError: a name is missing or unknown, or a shape is wrong.
        TypeError: an entry is no array.
    """
    _check_names(operation, table, axes, optional)
    present = {name: words.split() for name, words in axes.items() if name in table}
    for name in present:
        if not isinstance(table[name], np.ndarray | jax.Array):
            fix = "convert it with jnp.asarray, a Tensor with .numpy()"
            raise TypeError(f"{operation}: {name} is {described(table[name])}, expected an array; {fix}")
    sizes = {} if x is None else {"in_features": ("x", x.shape[-1])}  # word: the array that set it, its size
    for name, words in present.items():
        if words != ["..."]:
            _check_shape(operation, name, tuple(table[name].shape), words, sizes)


def _check_shape(
    operation: str, name: str, shape: tuple[int, ...], words: list[str], sizes: dict[str, tuple[str, int]]
) -> None:
    named = [word for word in words if not word.startswith("*")]
    last = shape[len(shape) - len(named) :]
    fits = len(shape) > len(named) if len(words) > len(named) else len(shape) == len(named)
    if not fits or any(word.isdecimal() and int(word) != size for word, size in zip(named, last, strict=True)):
        raise ValueError(f"{operation}: {name} has shape {shape}, expected [{', '.join(words)}]")
    for word, size in zip(named, last, strict=True):
        first, known = sizes.setdefault(word, (name, size))
        if known != size:
            fix = "; is it transposed?" if known in shape else ""
            raise ValueError(f"{operation}: {name} has {word}={size} but {first} has {word}={known}{fix}")


def check_floating(operation: str, table: Mapping[str, Any]) -> None:
    """Refuse a table of which an array is not of a float dtype."""
    for name, value in table.items():
        if not jnp.issubdtype(value.dtype, jnp.floating):
            fix = "cast it with .astype(jnp.float32)"
            raise TypeError(f"{operation}: {name} has dtype {value.dtype}, expected floating point; {fix}")


def network_axes(depth: int) -> dict[str, str]:
    """The names of a network's table and their axes, in the order of the layers."""
    units = ["in_features", *(f"units_{i}" for i in range(depth))]
    return {
        name: axes
        for i in range(depth)
        for name, axes in ((f"kernel_{i}", f"{units[i]} {units[i + 1]}"), (f"bias_{i}", units[i + 1]))
    }


def network_depth(operation: str, x: Array, weights: Mapping[str, Any]) -> int:
    """The number of layers of a network's table, which must fit together and fit the input."""
    L = max(1, sum(str(name).startswith("kernel_") for name in weights))
    check(operation, weights, network_axes(L), x=x)
    check_floating(operation, weights)
    return L


def _check_names(operation: str, table: Mapping[str, Any], names: Collection[str], optional: Collection[str]) -> None:
    missing = [name for name in names if name not in table and name not in optional]
    unknown = [str(name) for name in table if name not in names]
    if missing:
        near = difflib.get_close_matches(missing[0], unknown, n=1)
        fix = f"is it {near[0]}?" if near else f"it has {_listed(list(map(str, table)))}"
        raise ValueError(f"{operation}: weights lacks {_listed(missing)}; {fix}")
    if unknown:
        near = difflib.get_close_matches(unknown[0], [name for name in names if name not in table], n=1)
        fix = f"did you mean {near[0]}?" if near else "take it out"
        raise ValueError(f"{operation}: weights has {unknown[0]}, which is none of {_listed(list(names))}; {fix}")


def _listed(names: list[str]) -> str:
    return ", ".join(names if len(names) <= 8 else [*names[:3], "...", names[-1]]) or "no name"
