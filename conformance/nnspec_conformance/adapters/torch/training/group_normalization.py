"""``F.group_norm`` and ``F.instance_norm``, whose features are the second axis."""

from __future__ import annotations

import torch.nn.functional as F

KERNEL = "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/group_norm_kernel.cpp"
UNTIDY = (
    "a group of eight times -7 in float16 gives 0.17383 for a shift of 0.17432, right is the shift: the kernel has "
    f"x a + b with b = -mean a, and both are rounded; searched 2026-11-28, not found; {KERNEL}"
)
NEGATIVE = (
    "an epsilon of -1e-5 is taken, right is a refusal: nothing looks at it; reported of instance norm: "
    "https://github.com/pytorch/pytorch/issues/135542"
)
INFINITE = (
    "infinity in the scale gives NaN, right is an infinity: the kernel computes x a + b with b = -mean a, infinity "
    f"less infinity; searched 2026-11-28, not found; {KERNEL}"
)
HALF = (
    "an entry of 4,096 in bfloat16 is -0.71875, right is -0.72290: off by 1.06 units in the last place; "
    "searched 2026-11-28, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/Normalization.cpp"
)
VARIANTS = {"instance-norm.single": "refused"}
KNOWN_FAILURES = {
    "group-normalization.constant[group_norm]": UNTIDY,
    "group-normalization.constant[instance_norm]": UNTIDY,
    "group-normalization.half-precision[instance_norm]; bfloat16": HALF,
    "group-normalization.epsilon-range[group_norm]": NEGATIVE,
    "group-normalization.epsilon-range[instance_norm]": NEGATIVE,
    "duty.nan[group_norm]; float32": INFINITE,
    "duty.nan[instance_norm]; float32": INFINITE,
}


def group_norm(x, scale=None, bias=None, **given):
    named = _named(given)
    return F.group_norm(x.movedim(-1, 1), named.pop("groups"), scale, bias, **named).movedim(1, -1)


def instance_norm(x, scale=None, bias=None, **given):
    moved = x.movedim(-1, 1)
    flat = moved.reshape(*moved.shape[:2], -1) if x.numel() else moved.flatten(2)
    return F.instance_norm(flat, weight=scale, bias=bias, **_named(given)).reshape(moved.shape).movedim(1, -1)


def _named(given):
    return {"eps" if name == "epsilon" else name: value for name, value in given.items()}
