"""A gated layer over whole sequences, forward and with all gradients: ours, stock Flax, Keras and PyTorch.

Of ours the reset gate is after the product, and the second bias zero: the one function that all of them have.
"""

from __future__ import annotations

from typing import Any

from nnspec_conformance.benchmarks.recurrence import Layer

SET = "gru"


def ours(x: Any, weights: dict) -> Any:
    """The states that the reference gives."""
    import jax.numpy as jnp

    from nnspec.architectures.gru import gru

    return gru(x, weights | {"recurrent_bias_n": jnp.zeros_like(weights["bias_n"])}, reset="after")


workloads = Layer(
    SET, ("_r", "_z", "_n"), ours, "GRUCell", "dense_i", "GRU", ("_z", "_r", "_n"), "GRU", second=True
).workloads
