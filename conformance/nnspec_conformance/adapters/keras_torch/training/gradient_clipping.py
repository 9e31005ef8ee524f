"""Clipping on PyTorch."""

from __future__ import annotations

FLOAT32_LIMIT = (
    "float64 gradients are clipped to about 8 digits: the limit seems to be rounded to float32 on the way (inferred "
    "from the size of the error); https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
)
KNOWN_FAILURES = {
    f"{clause}; float64": FLOAT32_LIMIT
    for clause in (
        "clip.scaled[clip_by_norm]",
        "clip.scaled[clip_by_global_norm]",
        "clip-by-norm.size",
        "clip-by-global-norm.scope",
        "clip.denominator[clip_by_norm]",
        "clip.denominator[clip_by_global_norm]",
        "clip.gradient[clip_by_norm]",
        "clip.gradient[clip_by_global_norm]",
    )
}
