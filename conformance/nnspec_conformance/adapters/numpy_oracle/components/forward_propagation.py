"""The oracle's forward propagation."""

from __future__ import annotations

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtypes
from nnspec_conformance.oracles.components import forward_propagation

forward = in_dtypes(forward_propagation.forward)
forward_vjp = in_dtypes(forward_propagation.forward_vjp)
