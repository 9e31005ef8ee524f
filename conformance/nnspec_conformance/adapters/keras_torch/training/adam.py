"""Adam and NAdam on PyTorch, where they are written a second time."""

from __future__ import annotations

KNOWN_FAILURES = {
    "adam.example; float64": (
        "got 0.7700000072, right is 0.77: the rate of a float64 variable is kept in float32 (inferred from the size of "
        "the error); searched 2026-11-27, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
    ),
    **dict.fromkeys(
        ("optimizer.form[nadam]; bfloat16", "duty.history[nadam]; bfloat16", "duty.kept[nadam]; bfloat16"),
        "a step in bfloat16 raises TypeError, right is a step: torch._foreach_div gets a NumPy number of dtype "
        "bfloat16; searched 2026-11-27, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/torch/optimizers/torch_nadam.py",
    ),
}
