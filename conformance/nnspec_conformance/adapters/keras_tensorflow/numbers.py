"""What fails in float64 at a keyword's number that float32 does not have, as 0.6, wherever an operation has one."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.rates import OF_RATES, RATE

NUMBERS = (
    "0.6 counts as 0.60000002384 beside a float64 array, right is 0.6: a tensor that is made of a number is float32; "
    "searched 2026-11-30, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/tensorflow/core.py"
)
NARROW = (
    "in float64 the answer is right to the digits of float32 only, also at numbers that float32 has (inferred from "
    "the size of the error); searched 2026-11-30, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/tensorflow/nn.py"
)
KEPT = ("attention", "activity_penalty", "l1_penalty", "l2_penalty", "elastic_net_penalty")
KNOWN_FAILURES = OF_RATES | {f"duty.attributes[{name}]; float64": NUMBERS for name in KEPT}
KNOWN_FAILURES |= {
    "duty.attributes[masked_batch_norm]; float64": NARROW,
    "duty.attributes[nadam]; float64": f"{RATE}; the product of the momenta has the digits of float32, too (inferred)",
}
