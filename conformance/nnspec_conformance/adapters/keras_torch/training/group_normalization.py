"""Group norm on PyTorch, computed from ``keras.ops.moments`` as x a + b."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.training.group_normalization import INFINITE, UNTIDY

NARROW = (
    "in float64 result and gradient are right to the digits of float32 only: they are computed in the dtype that "
    "result_type makes of float64 and float32, which is float32; https://github.com/keras-team/keras/issues/23704"
)
ONE_PASS = (
    "of examples with mean 10,000 and deviation 1 NaN comes, right is 0.1414 for the first entry: the variance is the "
    "mean of squares minus the square of the mean, and comes out negative; mended for two other backends by "
    "https://github.com/keras-team/keras/pull/18795"
)
TWO_PLACES = (
    "of 65 examples of two places the gradient of an entry is -11.4345341, right is -11.4345117: where two numbers are "
    "nearly alike, the mean of squares less the square of the mean loses digits; mended for two other backends by "
    "https://github.com/keras-team/keras/pull/18795"
)
CLAUSES = ("group-norm.value", "instance-norm.value")
FAMILIES = (
    "group-normalization.gradient",
    "group-normalization.gradient-sum",
    "group-normalization.sizes",
    "group-normalization.larger-groups",
    "duty.linear",
)
KNOWN_FAILURES = (
    {f"{clause}; float64": NARROW for clause in CLAUSES}
    | {f"{clause}[{name}]; float64": NARROW for clause in FAMILIES for name in ("group_norm", "instance_norm")}
    | {f"group-normalization.large-mean[{name}]": ONE_PASS for name in ("group_norm", "instance_norm")}
    | {f"group-normalization.constant[{name}]": UNTIDY for name in ("group_norm", "instance_norm")}
    | {f"duty.nan[{name}]": INFINITE for name in ("group_norm", "instance_norm")}
    | {"instance-norm.single": UNTIDY, "group-normalization.sizes[instance_norm]; float32": TWO_PLACES}
)
