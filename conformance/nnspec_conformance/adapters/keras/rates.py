"""What fails in float64 at a learning rate that float32 does not have, as 0.6: Keras keeps the rate as float32."""

from __future__ import annotations

RATE = (
    "a rate of 0.6 is 0.60000002384 in float64, right is 0.6: it is kept in a float32 variable; searched 2026-11-30, "
    "not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
)
OPTIMIZERS = (
    "gradient_descent", "gradient_accumulation", "nesterov", "centred_rmsprop", "adagrad", "amsgrad", "adamw",
    "nadam", "adamax",
)  # fmt: skip
OF_RATES = {f"duty.attributes[{name}]; float64": RATE for name in OPTIMIZERS}
