"""The oracle's layers."""

from __future__ import annotations

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtypes
from nnspec_conformance.oracles.components import layers

dense, dense_vjp = in_dtypes(layers.dense), in_dtypes(layers.dense_vjp)
mlp, mlp_vjp = in_dtypes(layers.mlp), in_dtypes(layers.mlp_vjp)
