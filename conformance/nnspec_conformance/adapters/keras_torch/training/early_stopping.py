"""Early stopping on PyTorch."""

from __future__ import annotations

SINGLE = (
    "losses that fall from 1 by 2^-40 at each evaluation stop at evaluation 2 with a patience of 2, right is not to "
    "stop: ops.less makes two numbers float32 before it compares them; https://github.com/keras-team/keras/issues/23223"
)
KNOWN_FAILURES = {"early-stopping.resolution": SINGLE}
