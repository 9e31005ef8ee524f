"""A step of Adam on 10 million parameters, in 4 arrays and in 400, against Optax and PyTorch."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, interleave
from nnspec_conformance.benchmarks.peers import optimizer_step, torch_optimizer_step, torch_place

SET = "adam"
PARAMETERS = 10_000_000
QUICK_PARAMETERS = 200_000
ARRAYS = (4, 400)
ITEM = 4  # bytes of a float32
RATE = 0.001


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """The two trees, of few large arrays and of many small ones."""
    size = QUICK_PARAMETERS if quick else PARAMETERS
    for arrays in ARRAYS:
        yield Workload(
            set=SET,
            name=f"adam, {arrays} arrays",
            direction="training step",
            size=size,
            operations=12 * size,  # two averages of three, the square, two corrections, root, sum, quotient, step
            least_bytes=7 * ITEM * size,  # parameter, gradient, two moments; three of them written
            ceiling="copy_in_place",
            build=builder(size, arrays),
            profile=profiler(size, arrays),
        )


def builder(size: int, arrays: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import optax

        from nnspec.training.adam import adam

        params, grads = drawn(size, arrays)
        found = {
            name: optimizer_step(make(RATE), lambda weights, g: (0.0, g), params, grads, device=device)
            for name, make in {"nnspec": adam, "optax": optax.adam}.items()
        }
        if place := torch_place(device):
            for name, given in {"torch foreach": {"foreach": True}, "torch fused": {"fused": True}}.items():
                found[name] = torch_program(params, grads, place, **given)
        return found

    return build


def drawn(size: int, arrays: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Parameters and gradients in so many arrays of one length."""
    rng = np.random.default_rng(arrays)
    shape = (size // arrays,)
    params, grads = ({f"p{i}": rng.standard_normal(shape, np.float32) for i in range(arrays)} for _ in range(2))
    return params, grads


def torch_program(params: dict[str, Any], grads: dict[str, Any], place: str, **given: Any) -> Program:
    """``torch.optim.Adam`` in one of its forms, on gradients that stay the same."""
    import torch

    held = [torch.nn.Parameter(torch.from_numpy(p.copy()).to(place)) for p in params.values()]
    optimizer = torch.optim.Adam(held, RATE, **given)
    constant = [torch.from_numpy(g).to(place) for g in grads.values()]

    def backward() -> float:
        for p, g in zip(held, constant, strict=True):
            p.grad = g
        return 0.0

    return torch_optimizer_step(optimizer, backward, place)


def profiler(size: int, arrays: int) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: what the three loops of the compiled step take beside a single one."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        import jax
        import optax

        params, grads = jax.device_put(drawn(size, arrays), device)
        plain = optimizer_step(optax.sgd(RATE), lambda weights, g: (0.0, g), params, grads, device=device)
        seconds = interleave({"descent": plain.call}, rounds=5, of=statistics.median)["descent"]
        return (
            f"of {1e6 * entry['nnspec']['seconds']:.0f} µs gradient descent on the same arrays takes "
            f"{1e6 * seconds:.0f}. The compiled step is three loops, one for each array that it writes, and moves 40 "
            "bytes per parameter; a fused kernel moves 28"
        )

    return profile
