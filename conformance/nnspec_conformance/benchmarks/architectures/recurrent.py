"""An Elman layer over whole sequences, forward and with all gradients: ours, stock Flax, Keras and PyTorch."""

from __future__ import annotations

from typing import Any

from nnspec_conformance.benchmarks.recurrence import Layer

SET = "recurrent"


def ours(x: Any, weights: dict) -> Any:
    """The states that the reference gives."""
    from nnspec.architectures.recurrent import elman

    return elman(x, weights, activation="tanh")


workloads = Layer(SET, ("",), ours, "SimpleCell", "dense_i", "SimpleRNN", ("",), "RNN").workloads
