"""Pooling on PyTorch, where padding by name and dtypes are written a second time."""

from __future__ import annotations

REPLICATED = (
    "the input (10, 20) with window 3, stride 2 and padding 'same' has the mean 16.67, right is 15: the last entry is "
    "repeated in the padding, and counts; https://github.com/keras-team/keras/pull/23233"
)
SINGLE = (
    "the mean of 20 entries in float64 is -0.5577659011, right is -0.5577659559: ops.mean computes in float32, as "
    "result_type of float64 and a float says; https://github.com/keras-team/keras/issues/23704"
)
ANY_NAME = (
    "padding='full' gives what 'valid' gives, right is to refuse it: the name is compared with 'same' alone; "
    "searched 2026-11-28, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/torch/nn.py"
)
KNOWN_FAILURES = {
    "pool.same[average_pool]": REPLICATED,
    "average-pool.count-pads": REPLICATED,
    "average-pool.gradient; padding=same": REPLICATED,
    "duty.attributes[average_pool]; padding=same": REPLICATED,
    "global-average-pool.value; float64": SINGLE,
    "global-average-pool.gradient; float64": SINGLE,
    "pool.nan[global_average_pool]; float64": SINGLE,
    "duty.linear[global_average_pool]; float64": SINGLE,
    "duty.sizes[global_average_pool]; float64": SINGLE,
    "pool.padding-name[max_pool]": ANY_NAME,
    "pool.padding-name[average_pool]": ANY_NAME,
}
