"""``torch.nn.functional`` and, where that hands on to ``torch``, ``torch`` itself."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F

VARIANTS = {
    "gelu.form": ("exact", "tanh"),
    "activation.small-slopes[sigmoid]": "result",
    "activation.small-slopes[tanh]": "result",
    **{
        f"activation.small-second-derivatives[{name}]": "result"  # of softplus and silu the sigmoid is the result
        for name in ("sigmoid", "tanh", "softplus", "silu")
    },
    "activation.half-slopes[sigmoid]": "steps",  # these begin with the stored result, that of silu with its sigmoid
    "activation.half-slopes[tanh]": "steps",
    "activation.half-slopes[silu]": "steps",
    "softmax.small-slopes": "result",
    "softmax.long-rows[log_softmax]": "rounded",  # what the kernel adds up wide it keeps in the dtype of the row
}
OVERFLOWS = {"float32": "flushed", "bfloat16": "flushed", "float64": "flushed"}
SUBNORMALS = {
    "sigmoid": OVERFLOWS,  # 1 / (1 + exp(-x)): exp(89) overflows in float32
    "silu": OVERFLOWS,  # x / (1 + exp(-x)), likewise
}
DEFAULTS = {"gelu.default-form": "exact", "softmax.default-axis": "by-rank"}  # PyTorch warns that it guesses


# oneDNN has a kernel of its own for the exact GELU. Whether a dtype takes it, and how it rounds, goes by the processor.
def gelu_overflows(dtype: torch.dtype) -> bool:
    """Whether the exact GELU is infinite from half the largest number on."""
    return bool(F.gelu(torch.full((16,), 2.0**127, dtype=dtype)).isinf().any())


def gelu_flushes() -> bool:
    """Whether the exact GELU gives zero for a subnormal number of bfloat16."""
    return not F.gelu(torch.full((16,), -1.9e-38, dtype=torch.bfloat16)).any()


def gelu_loses_slopes() -> bool:
    """Whether the slope of the exact GELU at -6.16 is 0 in bfloat16."""
    x = torch.full((16,), -6.15625, dtype=torch.bfloat16, requires_grad=True)
    return not torch.autograd.grad(F.gelu(x).sum(), x)[0].any()


OVERFLOW = (
    "exact form: gelu(1.7015e38) is inf, right is 1.7015e38: oneDNN's kernel overflows from half the largest number "
    "on; right with torch.backends.mkldnn off; searched 2026-11-27, not found, oneDNN path is to be dropped in "
    "https://github.com/pytorch/pytorch/pull/189234"
)
HARD_SIGMOID = (
    "RuntimeError: derivative for aten::hardsigmoid_backward is not implemented, right is 0 on each of its three "
    "pieces; hardswish had the same and has it no longer; searched 2026-11-27, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/tools/autograd/derivatives.yaml"
)
# Measured: at which input, got, right, and why. Anything that calls these kernels fails so.
SIXTH = (
    "the gradient inside is 0.1666666716 in float64, right is 1/6 = 0.1666666667: it is the float32 number nearest "
    "to 1/6; searched 2026-11-27, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/Activation.cpp"
)
KNOWN_FAILURES = {
    **{
        f"elu.gradient-nan[{name}]": (
            f"the gradient at NaN is NaN in what is computed in vectors, and {slope} in the remainder, in every dtype: "
            "of 100 NaN in float32 the last 4 have that number, of 9 all; right is one answer for all; searched "
            "2026-11-30, not found; "
            "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/Elu.h"
        )
        for name, slope in (("elu", "1"), ("selu", "1.0507"))
    },
    "activation.gated-slopes[gelu]; form=exact, float32, float64": (
        "exact form: the slope at -6.15 is -3e-8 in float32, right is -1.5e-8, and at -8.39 it is 8.67e-16 in float64, "
        "right is 8.55e-16: 1 + erf(u) cancels; https://github.com/pytorch/pytorch/issues/187806"
    ),
    "activation.gated-slopes[gelu]; form=exact, bfloat16": (
        "exact form: the slope at -6.16 is 0 in bfloat16, right is -2.8e-8: 1 + erf(u) cancels in oneDNN's kernel, "
        "which some processors take; https://github.com/pytorch/pytorch/issues/187806",
        gelu_loses_slopes,
    ),
    "activation.gated-slopes[gelu]; form=tanh, float32, float64, bfloat16": (
        "tanh form: the slope is 0 at -5.08 in float32, right is -9.2e-7, and 0 at -7.5 in float64, right is -5.4e-17: "
        "1 + tanh(u) cancels; https://github.com/pytorch/pytorch/issues/187806"
    ),
    "activation.gradient-limits[gelu]": (
        "the gradient at -inf is NaN, right is 0, in both forms: -inf times a density that is 0; "
        "https://github.com/pytorch/pytorch/issues/185770"
    ),
    "activation.gradient-limits[silu]": (
        "the gradient at -inf is NaN, right is 0: sigmoid(x) = 0 times 1 + x * (1 - sigmoid(x)) = -inf; "
        "https://github.com/pytorch/pytorch/issues/160876"
    ),
    "activation.limits[gelu]": (
        "gelu(-inf) is NaN, right is 0: -inf times 1 + erf(-inf) = 0, and likewise with tanh; "
        "https://github.com/pytorch/pytorch/issues/185770"
    ),
    "duty.nan[gelu]": (
        "gelu(-inf) is NaN, right is 0: -inf times 1 + erf(-inf) = 0, and likewise with tanh; "
        "https://github.com/pytorch/pytorch/issues/185770"
    ),
    "activation.limits[silu]": (
        "silu(-inf) is NaN, right is 0: x / (1 + exp(-x)) is -inf / inf; "
        "https://github.com/pytorch/pytorch/issues/160876"
    ),
    "duty.nan[silu]": (
        "silu(-inf) is NaN, right is 0: x / (1 + exp(-x)) is -inf / inf; "
        "https://github.com/pytorch/pytorch/issues/160876"
    ),
    "activation.accuracy[gelu]; form=exact, float32": (OVERFLOW, partial(gelu_overflows, torch.float32)),
    "activation.accuracy[gelu]; form=exact, bfloat16": (OVERFLOW, partial(gelu_overflows, torch.bfloat16)),
    "activation.accuracy[softplus]; float64": (
        "softplus(20.1) is 20.1 in float64, right is 20.1 + 1.87e-9: beyond the argument threshold, 20 by default in "
        "every dtype, it is the identity; searched 2026-11-27, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/Activation.cpp"
    ),
    "activation.tail[gelu]; float32, float64, bfloat16": (
        "gelu(-5.51) is 0 in float32, right is -9.9e-8: 1 + erf(u) cancels, and 1 + tanh(u) in the other form; "
        "https://github.com/pytorch/pytorch/issues/187806"
    ),
    "activation.subnormals[gelu]; form=exact, bfloat16": (
        "exact form: gelu(-1.9e-38) is 0 in bfloat16 from 9 elements on, right is -9.5e-39, as in float32, in the "
        "other form and in one element: oneDNN's kernel; searched 2026-11-27, not found, oneDNN path is to be dropped "
        "in https://github.com/pytorch/pytorch/pull/189234",
        gelu_flushes,
    ),
    "activation.gradient[softplus]; float64": (
        "the gradient at 20.1 is 1 in float64, right is 1 - 1.87e-9: the identity beyond the default threshold of 20; "
        "searched 2026-11-27, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/Activation.cpp"
    ),
    "activation.gradient[hard_sigmoid]; float64": SIXTH,
    "activation.gradient-at-zero[hard_sigmoid]; float64": SIXTH,
    "duty.sizes[hard_sigmoid]; float64": SIXTH,
    "activation.gradient-finite[gelu]; form=tanh, float32, float64, bfloat16": (
        "tanh form: the gradient at -1.9e19 and beyond is NaN in float32, right is 0: x * x overflows and inf is "
        "multiplied by 1 - tanh**2 = 0; searched 2026-11-27, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/Gelu.h"
    ),
    "activation.second-derivative[softplus]; float64": (
        "at 20 it is 0 in float64, right is 2.06e-9: the identity from the default threshold of 20 on; searched "
        "2026-11-27, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/Activation.cpp"
    ),
    "activation.small-second-derivatives[softplus]; float64": (
        "at 20 it is 0 in float64, right is 2.06e-9: the identity from the default threshold of 20 on; searched "
        "2026-11-27, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/Activation.cpp"
    ),
    "gelu.small-second-derivatives; form=tanh": (
        "tanh form: at 6 it is -7.3e-9 in float32, right is -6.8e-9, and at 7.2 it is -2.96e-14 in float64, right is "
        "-3.09e-14: 1 - tanh(u)**2 cancels; searched 2026-11-30, not found, of the value: "
        "https://github.com/pytorch/pytorch/issues/187806"
    ),
    "activation.second-derivative[hard_sigmoid]": HARD_SIGMOID,
    "duty.second[hard_sigmoid]": HARD_SIGMOID,
    "softplus.reflection; float64": (
        "softplus(20.1) - softplus(-20.1) is off by 1.87e-9 in float64: the identity beyond the default threshold of "
        "20 on one side only; searched 2026-11-27, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/Activation.cpp"
    ),
}

identity = torch.nn.Identity()
relu = F.relu
leaky_relu = F.leaky_relu
elu = F.elu
selu = F.selu
sigmoid = torch.sigmoid
tanh = torch.tanh
softplus = F.softplus
silu = F.silu
hard_sigmoid = F.hardsigmoid


def gelu(x, **given):
    if "form" in given:
        given["approximate"] = {"exact": "none", "tanh": "tanh"}[given.pop("form")]
    return F.gelu(x, **given)


def softmax(x, **given):
    return F.softmax(x, **_axis_as_dim(given))


def log_softmax(x, **given):
    return F.log_softmax(x, **_axis_as_dim(given))


def _axis_as_dim(given):
    return {"dim" if name == "axis" else name: value for name, value in given.items()}
