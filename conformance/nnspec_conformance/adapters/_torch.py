"""Transport and gradients that every adapter of something on PyTorch shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import torch


def asarray(x: np.ndarray) -> torch.Tensor:
    """A tensor of the array's dtype; bfloat16 travels as its bits, which NumPy and PyTorch both know as int16."""
    if x.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(x.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(x.copy())


def to_numpy(t: torch.Tensor) -> np.ndarray:
    t = t.detach()
    if t.dtype == torch.bfloat16:
        return t.contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return t.numpy()


def vjp(f: Callable, primals: tuple, cotangents: Any) -> tuple:
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
        outputs, cotangents = zip(*moving, strict=True)
        # create_graph: the second derivative is the vjp of a vjp; materialize_grads: 0 for an input not used
        return torch.autograd.grad(outputs, leaves, cotangents, create_graph=True, materialize_grads=True)


def exact_gelu_is_onednns() -> bool:
    """Whether this processor takes oneDNN's kernel, as with AVX-512: it overflows from half the largest number on."""
    return bool(torch.nn.functional.gelu(torch.full((16,), 1.7014e38)).isinf().any())


# What anything that calls these kernels fails, measured: at which input, got, right, and why.
KNOWN_FAILURES = {
    "activation.limits[gelu]": (
        "gelu(-inf) is NaN, right is 0: -inf times 1 + erf(-inf) = 0, and likewise with tanh; "
        "https://github.com/pytorch/pytorch/issues/185770"
    ),
    "activation.limits[silu]": (
        "silu(-inf) is NaN, right is 0: x / (1 + exp(-x)) is -inf / inf; "
        "https://github.com/pytorch/pytorch/issues/160876"
    ),
    "activation.accuracy[gelu]; form=exact, float32, bfloat16": (
        "gelu(1.7014e38) is inf, right is 1.7014e38: oneDNN's kernel overflows from half the largest number on; right "
        "with torch.backends.mkldnn off; not reported, "
        "oneDNN path is to be dropped in https://github.com/pytorch/pytorch/pull/189234",
        exact_gelu_is_onednns,
    ),
    "activation.accuracy[softplus]": (
        "softplus(20.1) is 20.1 in float64, right is 20.1 + 1.87e-9: beyond the argument threshold, 20 by "
        "default in every dtype, it is the identity; not reported; "
        "https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cpu/Activation.cpp"
    ),
    "activation.tail[gelu]": (
        "gelu(-5.51) is 0 in float32, right is -9.9e-8: 1 + erf(u) cancels, and 1 + tanh(u) in the other "
        "form; https://github.com/pytorch/pytorch/issues/187806"
    ),
    "activation.subnormals[gelu]; form=exact, bfloat16": (
        "gelu(-1.9e-38) is 0 from 9 elements on, right is -9.5e-39, as in float32, in the other form and in one "
        "element: oneDNN's kernel; not reported, oneDNN path is to be dropped in "
        "https://github.com/pytorch/pytorch/pull/189234",
        exact_gelu_is_onednns,
    ),
    "activation.gradient[softplus]": (
        "the gradient at 20.1 is 1 in float64, right is 1 - 1.87e-9: the identity beyond the default "
        "threshold of 20; not reported; "
        "https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cpu/Activation.cpp"
    ),
    "activation.gradient[hard_sigmoid]": (
        "the gradient inside is 0.1666666716 in float64, right is 1/6 = 0.1666666667: it is the float32 "
        "number nearest to 1/6; not reported; "
        "https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cpu/Activation.cpp"
    ),
    "activation.gradient-finite[gelu]": (
        "tanh form: the gradient at -1.9e19 and beyond is NaN in float32, right is 0: x * x overflows and inf "
        "is multiplied by 1 - tanh**2 = 0; not reported; "
        "https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cpu/Gelu.h"
    ),
    "activation.second-derivative[softplus]": (
        "at 20 it is 0 in float64, right is 2.06e-9: the identity from the default threshold of 20 on; not "
        "reported; https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cpu/Activation.cpp"
    ),
    "softplus.reflection": (
        "softplus(20.1) - softplus(-20.1) is off by 1.87e-9 in float64: the identity beyond the default "
        "threshold of 20 on one side only; not reported; "
        "https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cpu/Activation.cpp"
    ),
    "hard-sigmoid.gradient-at-kinks": (
        "the gradient at 0, between the kinks, is 0.1666666716 in float64, right is 1/6: it is the float32 "
        "number nearest to 1/6; not reported; "
        "https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cpu/Activation.cpp"
    ),
}
