"""Group norm on JAX, where the products of a whole group are fused with their sums."""

from __future__ import annotations

from nnspec_conformance.adapters.keras.training.group_normalization import UNTIDY

KNOWN_FAILURES = {
    "group-normalization.constant[group_norm]": UNTIDY,
    "group-normalization.constant[instance_norm]": UNTIDY,
    "instance-norm.single": UNTIDY,
}
