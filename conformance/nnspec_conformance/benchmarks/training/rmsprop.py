"""Steps of RMSprop and Adagrad on 10 million parameters, in 4 arrays and in 400, against Optax and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload
from nnspec_conformance.benchmarks.peers import optimizer_step, torch_optimizer_step, torch_place

SET = "rmsprop"
PARAMETERS = 10_000_000
QUICK_PARAMETERS = 200_000
ARRAYS = (4, 400)
ITEM = 4  # bytes of a float32
RATE = 0.001
OPERATIONS = {"rmsprop": 8, "adagrad": 6}  # a parameter: the mean or sum of squares, root, sum, quotient, step


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Both optimizers on the two trees, of few large arrays and of many small ones."""
    size = QUICK_PARAMETERS if quick else PARAMETERS
    for name, operations in OPERATIONS.items():
        for arrays in ARRAYS:
            yield Workload(
                set=SET,
                name=f"{name}, {arrays} arrays",
                direction="training step",
                size=size,
                operations=operations * size,
                least_bytes=5 * ITEM * size,  # parameter, gradient and squares; two of them written
                ceiling="copy_in_place",
                build=builder(name, size, arrays),
            )


def builder(name: str, size: int, arrays: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import optax
        import torch

        from nnspec.training import rmsprop as ours

        rng = np.random.default_rng(arrays)
        shape = (size // arrays,)
        params, grads = ({f"p{i}": rng.standard_normal(shape, np.float32) for i in range(arrays)} for _ in range(2))
        makers = {"nnspec": getattr(ours, name), "optax": getattr(optax, name)}
        found = {
            whose: optimizer_step(make(RATE), lambda weights, g: (0.0, g), params, grads, device=device)
            for whose, make in makers.items()
        }
        if place := torch_place(device):
            theirs = {"rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad}[name]
            forms = {"torch foreach": {"foreach": True}}
            if name == "adagrad" and place == "cpu":  # PyTorch has a fused Adagrad on processors, and no fused RMSprop
                forms["torch fused"] = {"fused": True}
            found |= {form: torch_program(theirs, params, grads, place, **given) for form, given in forms.items()}
        return found

    return build


def torch_program(optimizer: Any, params: dict[str, Any], grads: dict[str, Any], place: str, **given: bool) -> Program:
    """An optimizer of PyTorch in one of its forms, on gradients that stay the same."""
    import torch

    held = [torch.nn.Parameter(torch.from_numpy(p.copy()).to(place)) for p in params.values()]
    stepping = optimizer(held, RATE, **given)
    constant = [torch.from_numpy(g).to(place) for g in grads.values()]

    def backward() -> float:
        for p, g in zip(held, constant, strict=True):
            p.grad = g
        return 0.0

    return torch_optimizer_step(stepping, backward, place)
