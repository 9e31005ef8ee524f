"""Adam and its relatives on TensorFlow."""

from __future__ import annotations

RATE = (
    "the rate of a float64 variable is kept in float32 (inferred from the size of the error); searched 2026-11-27, not "
    "found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
)
KNOWN_FAILURES = {
    "adam.example; float64": f"got 0.7700000072, right is 0.77: {RATE}",
    **{
        f"{instance}; float64": f"a step is off by some 1e-7 of the rate: {RATE}"
        for instance in (
            "adam.epsilon-position[adam]",
            "adam.epsilon-position[adamw]",
            "adam.first-step[adam]",
            "adam.first-step[adamw]",
            "adam.first-step[adamax]",
            "amsgrad.maximum",
            "nadam.momentum-schedule",
            "adamax.epsilon-position",
            *(f"duty.sizes[{name}]" for name in ("adam", "amsgrad", "adamw", "nadam", "adamax")),
        )
    },
}
