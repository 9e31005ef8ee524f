"""``F.layer_norm`` and ``F.rms_norm`` over the last axis."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F

UNTIDY = (
    "a row of eight times 3 in float16 gives -0.4143 for a shift of -0.41455, right is the shift: the kernel computes "
    "x a + b with b = -mean a, and both are rounded; searched 2026-11-28, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/layer_norm_kernel.cpp"
)
NARROW = (
    "over 5,000 rows of float16 whose terms add up to 9375 the gradient of the shift is 8192, right is 9375: the "
    "backward pass adds the rows in their own dtype; searched 2026-11-29, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/layer_norm_kernel.cpp"
)


def loses_rows(dtype: torch.dtype) -> bool:
    """Whether it does here: each thread adds a share, and many threads lose less."""
    x = torch.tensor([3.0, -3.0], dtype=dtype).repeat(5000, 2)
    g = torch.tensor([1.0, 3.0, 1.5, 2.0], dtype=dtype).repeat(1250)[:, None].repeat(1, 4)
    weights = [torch.ones(4, dtype=dtype, requires_grad=True) for _ in range(2)]
    found = torch.autograd.grad(F.layer_norm(x, [4], weights[0], weights[1], 0.0), weights, g)
    return any(bool(((part.double().abs() - 9375).abs() > 2**13 * torch.finfo(dtype).eps).any()) for part in found)


NEGATIVE = (
    "an epsilon of -2 is taken and gives NaN, right is a refusal: nothing looks at it; reported of instance norm: "
    "https://github.com/pytorch/pytorch/issues/135542"
)
KNOWN_FAILURES = {
    "layer-norm.constant-row; float16": UNTIDY,
    "layer-norm.constant-row; bfloat16": UNTIDY,
    "normalization.long-batch[layer_norm]; float16": (NARROW, partial(loses_rows, torch.float16)),
    "normalization.long-batch[layer_norm]; bfloat16": (NARROW, partial(loses_rows, torch.bfloat16)),
    "normalization.epsilon-range[layer_norm]": NEGATIVE,
    "normalization.epsilon-range[rms_norm]": NEGATIVE,
}
DEFAULTS = {
    "normalization.default-epsilon[layer_norm]": 1e-5,
    "normalization.default-epsilon[rms_norm]": 1.1920928955078125e-7,  # the machine epsilon, here of float32
}


def layer_norm(x, scale=None, bias=None, **given):
    return F.layer_norm(x, x.shape[-1:], scale, bias, **_named(given))


def rms_norm(x, scale=None, **given):
    return F.rms_norm(x, x.shape[-1:], scale, **_named(given))


def _named(given):
    return {"eps" if name == "epsilon" else name: value for name, value in given.items()}
