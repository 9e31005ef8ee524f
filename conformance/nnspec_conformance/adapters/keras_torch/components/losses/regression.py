"""Keras' losses of regression on PyTorch."""

from __future__ import annotations

NARROW = (
    "in float64 the result is right to the digits of float32 only: the mean over the last axis is computed in "
    "float32, as result_type makes float32 of float64; https://github.com/keras-team/keras/issues/23704"
)
NAMES = ("squared_error", "absolute_error", "huber", "poisson_nll_from_rate")
KNOWN_FAILURES = {
    **{f"regression.value[{name}]; float64": NARROW for name in NAMES},
    **{f"regression.gradient[{name}]; float64": NARROW for name in NAMES},
    **{f"duty.linear[{name}]; float64": NARROW for name in NAMES if name != "poisson_nll_from_rate"},
    **{f"duty.sizes[{name}]; float64": NARROW for name in NAMES},
    "poisson-nll-from-rate.epsilon; float64": NARROW,
}
