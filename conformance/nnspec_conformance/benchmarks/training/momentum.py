"""A step of heavy ball on 10 million parameters, in 4 arrays and in 400, against Optax and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload
from nnspec_conformance.benchmarks.peers import optimizer_step, torch_optimizer_step, torch_place

SET = "momentum"
PARAMETERS = 10_000_000
QUICK_PARAMETERS = 200_000
ARRAYS = (4, 400)
ITEM = 4  # bytes of a float32
RATE, BETA = 0.001, 0.9


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """The two trees, of few large arrays and of many small ones."""
    size = QUICK_PARAMETERS if quick else PARAMETERS
    for arrays in ARRAYS:
        yield Workload(
            set=SET,
            name=f"momentum, {arrays} arrays",
            direction="training step",
            size=size,
            operations=4 * size,  # two products, a sum, a difference
            least_bytes=5 * ITEM * size,  # parameter, gradient and velocity; two of them written
            ceiling="copy_in_place",
            build=builder(size, arrays),
        )


def builder(size: int, arrays: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import optax

        from nnspec.training.momentum import momentum

        rng = np.random.default_rng(arrays)
        shape = (size // arrays,)
        params, grads = ({f"p{i}": rng.standard_normal(shape, np.float32) for i in range(arrays)} for _ in range(2))
        found = {
            name: optimizer_step(make(RATE, BETA), lambda weights, g: (0.0, g), params, grads, device=device)
            for name, make in {"nnspec": momentum, "optax": optax.sgd}.items()
        }
        if place := torch_place(device):
            for name, given in {"torch foreach": {"foreach": True}, "torch fused": {"fused": True}}.items():
                found[name] = torch_program(params, grads, place, **given)
        return found

    return build


def torch_program(params: dict[str, Any], grads: dict[str, Any], place: str, **given: bool) -> Program:
    """``torch.optim.SGD`` in one of its forms, on gradients that stay the same."""
    import torch

    held = [torch.nn.Parameter(torch.from_numpy(p.copy()).to(place)) for p in params.values()]
    optimizer = torch.optim.SGD(held, RATE, momentum=BETA, **given)
    constant = [torch.from_numpy(g).to(place) for g in grads.values()]

    def backward() -> float:
        for p, g in zip(held, constant, strict=True):
            p.grad = g
        return 0.0

    return torch_optimizer_step(optimizer, backward, place)
