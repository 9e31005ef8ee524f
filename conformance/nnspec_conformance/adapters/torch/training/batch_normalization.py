"""``F.batch_norm``, whose features are the second axis, and which moves the running statistics in place.

The statistics of many batches are those of ``BatchNorm1d``, where no momentum is the plain average. There is no mask.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from nnspec_conformance.adapters.torch.architectures.transformer import encoder

KERNEL = "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/Normalization.cpp"
POSITIVE = (
    "an epsilon of 0 is refused in training, right is with any positive one; "
    "https://github.com/pytorch/pytorch/pull/166756"
)
UNTIDY = (
    "a feature of eight times 3 gives -1.79541 for a shift of -1.79556, right is the shift: the kernel computes "
    "x a + b with b = -mean a, and both are rounded; https://github.com/pytorch/pytorch/issues/5410"
)
HALF = (
    "an entry of 4,096 in bfloat16 is -0.71875, right is -0.72290: off by 1.06 units in the last place; "
    f"searched 2026-11-28, not found; {KERNEL}"
)
SHARE = (
    "a momentum of 1.25 is taken, and a running variance of 0.5 becomes -0.03, right is a refusal: nothing looks at "
    "it; https://github.com/pytorch/pytorch/issues/127736"
)
AVERAGED = (
    "a momentum of 1.25 is taken, right is a refusal: nothing looks at it; "
    "https://github.com/pytorch/pytorch/issues/127736"
)
EMPTY = (
    "a batch without examples is taken, and leaves the running statistics as they were, right is a refusal; "
    f"searched 2026-11-28, not found; {KERNEL}"
)
SHAPES = (
    "a scale of shape [1, features] is taken, right is a refusal: only its number of entries is looked at; "
    f"searched 2026-11-28, not found; {KERNEL}"
)
INFINITE = (
    "infinity in the scale gives NaN, right is an infinity: the kernel computes x a + b with b = -mean a, infinity "
    f"less infinity; searched 2026-11-28, not found; {KERNEL}"
)
STEPPED = (
    "with a scale that is every other entry of an array the gradient of x is made of what lies between, -163.3 for "
    "16.37, right is with contiguous arrays: the backward pass reads the memory front to back; "
    f"searched 2026-11-28, not found; {KERNEL}"
)
UNTRACKED = (
    "a layer without running statistics normalizes by the batch in use, too, right is a refusal: an example then gets "
    "another answer in other company; https://github.com/pytorch/pytorch/issues/30294"
)
LARGE_MEAN = (
    "with one thread an entry of a feature with mean 10,000 and deviation 1 is 1.28311, right is 1.28724: the "
    "deviations are taken from a mean that is rounded more often (inferred from the result); "
    f"searched 2026-11-29, not found; {KERNEL}"
)
DEFAULTS = {"batch-norm-collected.statistics-dtype": "input"}
VARIANTS = {"batch-norm.single": "refused", "batch-norm-statistics.average": ("exponential", "cumulative")}
KNOWN_FAILURES = {
    "batch-norm-layer.no-statistics": UNTRACKED,
    "batch-norm-statistics.decay-range": AVERAGED,
    "batch-norm-statistics.empty": EMPTY,
    "batch-norm.large-mean": (LARGE_MEAN, encoder.one_thread),
    "batch-norm.multiple": POSITIVE,
    "batch-norm.gradient-multiple": POSITIVE,
    "batch-norm.constant-feature": UNTIDY,
    "batch-norm.half-precision; bfloat16": HALF,
    "batch-norm-update.decay-range": SHARE,
    "batch-norm-update.empty": EMPTY,
    "duty.broadcasting[batch_norm]": SHAPES,
    "duty.broadcasting[batch_norm_eval]": SHAPES,
    "duty.nan[batch_norm]; float32": INFINITE,
    "duty.nan[batch_norm_eval]; float32": INFINITE,
    "duty.layouts[batch_norm]; float32": STEPPED,
    "duty.layouts[batch_norm_eval]; float32": STEPPED,
}


def batch_norm(x, scale=None, bias=None, **given):
    return _called(x, None, None, scale, bias, True, given)


def batch_norm_eval(x, mean, variance, scale=None, bias=None, **given):
    return _called(x, mean.detach(), variance.detach(), scale, bias, False, given)


def batch_norm_update(x, mean, variance, **given):
    mean, variance = mean.detach().clone(), variance.detach().clone()
    _called(x, mean, variance, None, None, True, given)
    return mean, variance


def batch_norm_statistics(x, **given):
    named = {name: value for name, value in given.items() if name not in ("average", "decay")}
    named["momentum"] = None if given.get("average") == "cumulative" else 1 - given["decay"]
    layer = torch.nn.BatchNorm1d(x.shape[-1], affine=False, dtype=x.dtype, device=x.device, **named)
    mean, variance, _ = layer.buffers()
    found = []
    for batch in x.reshape(len(x), -1, x.shape[-1]):
        layer(batch)
        found.append((mean.clone(), variance.clone()))
    return tuple(torch.stack(part) for part in zip(*found, strict=True))


def batch_norm_collected(x, *, decay, statistics_dtype=None, **given):
    dtype = torch.float32 if statistics_dtype == "float32" and x.dtype.itemsize < 4 else x.dtype
    named = {"momentum": 1 - decay, "affine": False, "dtype": dtype, "device": x.device}
    layer = torch.nn.BatchNorm1d(x.shape[-1], **named, **given)
    for batch in x.reshape(len(x), -1, x.shape[-1]):
        layer(batch)
    mean, variance, _ = layer.buffers()
    return mean, variance


def batch_norm_layer(x, mean=None, variance=None, *, epsilon, mode=None, **given):
    named = {"eps": epsilon, "affine": False, "track_running_stats": mean is not None, "dtype": x.dtype}
    layer = torch.nn.BatchNorm1d(x.shape[-1], device=x.device, **named, **given)
    layer.running_mean = None if mean is None else mean.detach().clone()
    layer.running_var = None if variance is None else variance.detach().clone()
    if mode is not None:
        layer.train(mode == "train")
    return layer(x.reshape(-1, x.shape[-1])).reshape(x.shape)


def _called(x, mean, variance, scale, bias, training, given):
    named = {"eps" if name == "epsilon" else name: value for name, value in given.items() if name != "decay"}
    named |= {"momentum": 1 - given["decay"]} if "decay" in given else {}  # the weight of the batch
    return F.batch_norm(x.movedim(-1, 1), mean, variance, scale, bias, training, **named).movedim(1, -1)
