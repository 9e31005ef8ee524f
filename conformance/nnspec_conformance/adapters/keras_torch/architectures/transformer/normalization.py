"""Layer norm and RMS norm on PyTorch, which call the functions of ``torch.nn.functional`` in float32."""

from __future__ import annotations

NARROW = (
    "in float64 result and gradient are right to the digits of float32 only: both are computed in the dtype that "
    "result_type makes of float64 and float32, which is float32; https://github.com/keras-team/keras/issues/23704"
)
CLAUSES = (
    "layer-norm.value", "layer-norm.gradient", "layer-norm.gradient-sum", "layer-norm.constant-row", "rms-norm.value",
    "rms-norm.gradient",
)  # fmt: skip
FAMILIES = ("normalization.gradient-along", "duty.linear", "duty.sizes")
KNOWN_FAILURES = {f"{clause}; float64": NARROW for clause in CLAUSES} | {
    f"{clause}[{name}]; float64": NARROW for clause in FAMILIES for name in ("layer_norm", "rms_norm")
}
