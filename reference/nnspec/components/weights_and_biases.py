r"""Weights and biases: how many a layer has.

`parameter_count` is the formula of every layer kind.
"""

import inspect
import itertools
import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from nnspec.checking import checked

__all__ = ["parameter_count"]

Counted = Literal[
    "dense", "mlp", "embedding", "convolution", "depthwise_convolution", "batch_norm", "layer_norm", "rnn", "lstm",
    "gru", "attention",
]  # fmt: skip


@checked
def parameter_count(*, layer: Counted, **sizes: Any) -> int:
    r"""Count the numbers that training changes in one layer, by formula.

    With $n$ inputs and $m$ outputs a dense layer has $n\,m + m$   [parameter-count.dense][]

    Args:
        layer: which kind.
        sizes: those of the kind, as the page lists them: ``in_features``, ``kernel_size``, ``use_bias`` and so on;
            ``biases`` says how many vectors a recurrent layer keeps: one, two, for a GRU also candidate.

    Returns:
        A Python integer; running statistics are state and not counted.

    Raises:
        TypeError: a size of this kind is missing, or another one was given.
        ValueError: ``layer`` is no kind there is, or a size is not a positive integer, or does not divide another.

    Source: the definitions of the layers; the formulas on the page.
    """
    count = COUNTS[layer]
    try:
        inspect.signature(count).bind(**sizes)
    except TypeError as problem:
        takes = ", ".join(inspect.signature(count).parameters)
        raise TypeError(f"parameter_count: {layer}: {problem}; it takes {takes}") from None
    for name, size in sizes.items():
        _check_size(layer, name, size)
    return count(**sizes)


# ---- counts, one formula a layer kind


def _dense(*, in_features: int, out_features: int, use_bias: bool = True) -> int:
    return in_features * out_features + use_bias * out_features


def _mlp(*, sizes: tuple[int, ...], use_bias: bool = True) -> int:
    return sum(_dense(in_features=n, out_features=m, use_bias=use_bias) for n, m in itertools.pairwise(sizes))


def _embedding(*, num_embeddings: int, features: int) -> int:
    return num_embeddings * features


def _convolution(
    *, kernel_size: tuple[int, ...], in_features: int, out_features: int, groups: int = 1, use_bias: bool = True
) -> int:
    if in_features % groups or out_features % groups:
        raise ValueError(
            f"parameter_count: convolution: groups={groups} does not divide in_features={in_features} and "
            f"out_features={out_features}; use a common divisor"
        )
    return math.prod(kernel_size) * (in_features // groups) * out_features + use_bias * out_features


def _depthwise(*, kernel_size: tuple[int, ...], in_features: int, multiplier: int = 1, use_bias: bool = True) -> int:
    out = in_features * multiplier  # every input channel has its own filters and sees no other
    return math.prod(kernel_size) * out + use_bias * out


def _norm(*, features: int, use_scale: bool = True, use_bias: bool = True) -> int:
    return (use_scale + use_bias) * features


def _gated(gates: int, in_features: int, hidden_features: int, use_bias: bool, bias_vectors: int) -> int:
    kernels = gates * hidden_features * (in_features + hidden_features)
    return kernels + use_bias * bias_vectors * hidden_features


def _rnn(*, in_features: int, hidden_features: int, use_bias: bool = True, biases: str = "one") -> int:
    return _gated(1, in_features, hidden_features, use_bias, {"one": 1, "two": 2}[biases])


def _lstm(*, in_features: int, hidden_features: int, use_bias: bool = True, biases: str = "one") -> int:
    return _gated(4, in_features, hidden_features, use_bias, {"one": 4, "two": 8}[biases])


def _gru(*, in_features: int, hidden_features: int, use_bias: bool = True, biases: str = "one") -> int:
    return _gated(3, in_features, hidden_features, use_bias, {"one": 3, "candidate": 4, "two": 6}[biases])


def _attention(*, features: int, num_heads: int, use_bias: bool = True) -> int:
    if features % num_heads:
        raise ValueError(
            f"parameter_count: attention: num_heads={num_heads} does not divide features={features}; use a divisor"
        )
    return 4 * (features * features + use_bias * features)  # query, key, value, output; heads only cut them up


COUNTS: dict[str, Callable[..., int]] = {
    "dense": _dense,
    "mlp": _mlp,
    "embedding": _embedding,
    "convolution": _convolution,
    "depthwise_convolution": _depthwise,
    "batch_norm": _norm,
    "layer_norm": _norm,
    "rnn": _rnn,
    "lstm": _lstm,
    "gru": _gru,
    "attention": _attention,
}
BIASES = {"rnn": ("one", "two"), "lstm": ("one", "two"), "gru": ("one", "candidate", "two")}


def _check_size(layer: str, name: str, size: Any) -> None:
    if name == "biases":
        if size not in BIASES[layer]:
            allowed = ", ".join(map(repr, BIASES[layer]))
            raise ValueError(f"parameter_count: {layer}: biases must be one of {allowed}, got {size!r}")
    elif name.startswith("use_"):
        if not isinstance(size, bool):
            raise TypeError(f"parameter_count: {name} is {size!r}, expected True or False")
    else:
        numbers = size if isinstance(size, tuple | list) else (size,)
        if not all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n > 0 for n in numbers):
            raise ValueError(f"parameter_count: {name} must be positive integers, got {size!r}")
