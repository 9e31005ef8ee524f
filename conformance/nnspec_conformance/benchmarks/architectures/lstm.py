"""A long short-term memory over whole sequences, forward and with gradients: ours, stock Flax, Keras and PyTorch."""

from __future__ import annotations

from typing import Any

from nnspec_conformance.benchmarks.recurrence import Layer

SET = "lstm"
ENDS = ("_i", "_f", "_g", "_o")


def ours(x: Any, weights: dict) -> Any:
    """The states that the reference gives."""
    from nnspec.architectures.lstm import lstm

    return lstm(x, weights)[0]


workloads = Layer(SET, ENDS, ours, "OptimizedLSTMCell", "dense_h", "LSTM", ENDS, "LSTM").workloads
