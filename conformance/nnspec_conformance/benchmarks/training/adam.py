"""A step of Adam on 10 million parameters, in 4 arrays and in 400, against Optax and PyTorch."""

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

SET = "adam"
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
            profile=beside_descent(size, arrays, loops=3, moved=40, least=28),
        )


def builder(size: int, arrays: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import optax

        from nnspec.training.adam import adam

        params, grads = tree(size, arrays)
        found = {
            name: optimizer_step(make(RATE), lambda weights, g: (0.0, g), params, grads, device=device)
            for name, make in {"nnspec": adam, "optax": optax.adam}.items()
        }
        if place := torch_place(device):
            import torch

            for name, given in {"torch foreach": {"foreach": True}, "torch fused": {"fused": True}}.items():
                make = partial(torch.optim.Adam, lr=RATE, **given)
                found[name] = torch_optimizer_on(make, params, grads, place)
        return found

    return build
