"""What the matrix products of a training step take when nothing stands between them, in XLA and in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nnspec_conformance.benchmarks.core import compiled, interleave
from nnspec_conformance.benchmarks.peers import torch_place, waiting


class Layer(NamedTuple):
    """A layer as a product of two matrices, and how often a step makes it and its two gradients.

    Attributes:
        rows: of the first matrix, examples or places.
        inner: the numbers that add up.
        columns: of the second matrix, the weights.
        forward: how often the result is made.
        weights: how often the gradient of the weights.
        inputs: how often the gradient of what it reads.
    """

    rows: int
    inner: int
    columns: int
    forward: int
    weights: int
    inputs: int

    @property
    def operations(self) -> int:
        return 2 * self.rows * self.inner * self.columns * sum(self[3:])


def profiler(layers: Sequence[Layer]) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where a step of ours takes longer than a peer's: what its products alone take, in either library."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        slower = [entry["peers"][name]["seconds"] for name, ratio in entry["ratio"].items() if ratio > 1]
        if not slower:
            return None
        taken = [f"{1e3 * seconds:.2f} ms in {name}" for name, seconds in alone(layers, device).items()]
        whole = f"{1e3 * entry['nnspec']['seconds']:.2f} ms, {1e3 * min(slower):.2f} of the fastest peer"
        return f"of {whole}, the products of all layers as matrices take {' and '.join(taken)}"

    return profile


def alone(layers: Sequence[Layer], device: Any) -> dict[str, float]:
    """Seconds of all products of a step, one after the other, by library."""
    import jax

    kinds: dict[str, Callable] = {
        "forward": lambda x, w, g: x @ w, "weights": lambda x, w, g: x.T @ g, "inputs": lambda x, w, g: g @ w.T,
    }  # fmt: skip
    seconds: dict[str, float] = {}
    for layer in layers:
        rng = np.random.default_rng(layer.rows)
        shapes = (layer.rows, layer.inner), (layer.inner, layer.columns), (layer.rows, layer.columns)
        arrays = [rng.standard_normal(shape, np.float32) for shape in shapes]
        calls: dict[str, Callable] = {}
        for kind, product in kinds.items():
            calls[f"XLA {kind}"] = compiled(product, *jax.device_put(arrays, device)).call
            if place := torch_place(device):
                calls[f"PyTorch {kind}"] = in_torch(product, arrays, place)
        for name, one in interleave(calls, rounds=5).items():
            library, kind = name.split()
            seconds[library] = seconds.get(library, 0) + getattr(layer, kind) * one
    return seconds


def in_torch(product: Callable, arrays: Sequence[np.ndarray], place: str) -> Callable[[], Any]:
    """The product as a call of PyTorch."""
    import torch

    held = [torch.from_numpy(a).to(place) for a in arrays]
    return waiting(lambda: product(*held), place)
