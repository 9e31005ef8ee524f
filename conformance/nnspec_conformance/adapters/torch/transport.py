"""Transport and gradients that every adapter of something on PyTorch shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import torch

# A tensor has neither negative strides nor a flag that forbids writing. torch.from_dlpack of an array with negative
# strides ends the process, and torch.flip copies.
LAYOUTS = ("transposed", "sliced", "stepped", "broadcast", "unaligned")

STEPS = {"cast": lambda x, dtype: x.to(getattr(torch, dtype))}  # of a program; all others are as NumPy has them


def asarray(x: np.ndarray) -> torch.Tensor:
    """A tensor in the array's memory; bfloat16 travels as its bits, which NumPy and PyTorch both know as int16."""
    x = x.copy() if any(stride < 0 for stride in x.strides) else x
    if x.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(x)


def to_numpy(t: torch.Tensor) -> np.ndarray:
    t = t.detach().resolve_neg()
    if t._is_zerotensor():
        t = t.clone()
    if t.dtype == torch.bfloat16:
        return t.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return t.numpy()


def vjp(f: Callable, primals: tuple, cotangents: Any) -> tuple:
    return pulled_back(f, primals, cotangents, create_graph=True)


def pulled_back(f: Callable, primals: tuple, cotangents: Any, *, create_graph: bool) -> tuple:
    """The gradients, which may be differentiated once more where a graph of them is made."""
    leaves = [p if p.requires_grad else p.detach().requires_grad_() for p in primals]
    with torch.enable_grad():
        y = f(*leaves)
        if isinstance(y, dict):
            y, cotangents = tuple(y.values()), tuple(cotangents[name] for name in y)
        results = y if isinstance(y, tuple) else (y,)
        given = cotangents if isinstance(cotangents, tuple) else (cotangents,)
        moving = [
            (r, c) for r, c in zip(results, given, strict=True) if r.requires_grad
        ]  # a running statistic does not
        if not moving:  # a slope that is constant
            return tuple(torch.zeros_like(leaf) for leaf in leaves)
        outputs, cotangents = zip(*moving, strict=True)
        # create_graph: the second derivative is the vjp of a vjp; materialize_grads: 0 for an input not used
        return torch.autograd.grad(outputs, leaves, cotangents, create_graph=create_graph, materialize_grads=True)
