"""Steps of RMSprop and Adagrad on 10 million parameters, in 4 arrays and in 400, against Optax and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from nnspec_conformance.benchmarks.core import Program, Workload
from nnspec_conformance.benchmarks.peers import (
    ARRAYS,
    ITEM,
    PARAMETERS,
    QUICK_PARAMETERS,
    beside_descent,
    optimizer_step,
    torch_optimizer_on,
    torch_place,
    tree,
)

SET = "rmsprop"
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
                profile=beside_descent(size, arrays, loops=2, moved=28, least=20),
            )


def builder(name: str, size: int, arrays: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import optax

        from nnspec.training import rmsprop as ours

        params, grads = tree(size, arrays)
        makers = {"nnspec": getattr(ours, name), "optax": getattr(optax, name)}
        found = {
            whose: optimizer_step(make(RATE), lambda weights, g: (0.0, g), params, grads, device=device)
            for whose, make in makers.items()
        }
        if place := torch_place(device):
            import torch

            theirs = {"rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad}[name]
            forms = {"torch foreach": {"foreach": True}}
            if name == "adagrad" and place == "cpu":  # PyTorch has a fused Adagrad on processors, and no fused RMSprop
                forms["torch fused"] = {"fused": True}
            for form, given in forms.items():
                found[form] = torch_optimizer_on(partial(theirs, lr=RATE, **given), params, grads, place)
        return found

    return build
