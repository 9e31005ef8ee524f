"""The activations as workloads: ours, jax.nn's and PyTorch's, forward and forward with backward, over five sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled
from nnspec_conformance.benchmarks.peers import torch_place, waiting

SET = "activations"
SIZES = (2**10, 2**14, 2**17, 2**20, 2**24)
QUICK_SIZES = (2**17,)
FORWARD, BOTH = "forward", "forward+backward"
ROW = 256  # length of the last axis, along which softmax sums
ITEM = 4  # bytes of a float32


@dataclass(frozen=True)
class Cost:
    """Arithmetic operations of the definition, for each element and for each row.

    ``backward`` is what the derivative and its product with the cotangent add, the forward's results being at hand.
    """

    forward: int
    backward: int
    forward_row: int = 0
    backward_row: int = 0

    def operations(self, size: int, direction: str) -> int:
        rows = size // ROW
        count = self.forward * size + self.forward_row * rows
        return count + (self.backward * size + self.backward_row * rows if direction == BOTH else 0)


COSTS = {
    "identity": Cost(0, 0),
    "relu": Cost(1, 1),  # maximum; select
    "leaky_relu": Cost(2, 2),  # multiply, select; the same
    "elu": Cost(4, 3),  # exp, subtract, multiply, select; two products, select
    "selu": Cost(5, 3),  # as elu, and the scale of the other branch
    "gelu": Cost(5, 7),  # scale, erf, add, two products; density (square, scale, exp, scale), x times it, add, product
    "sigmoid": Cost(4, 3),  # negate, exp, add, divide; 1 - y, two products
    "tanh": Cost(5, 3),  # double, exp, subtract, add, divide; square, 1 - y^2, product
    "softplus": Cost(3, 2),  # exp, add, log; divide, product
    "silu": Cost(4, 5),  # negate, exp, add, divide; 1 - s, times x, add 1, two products
    "hard_sigmoid": Cost(4, 3),  # divide, add, minimum, maximum; two comparisons, product
    "softmax": Cost(5, 4, -2, -1),  # maximum, subtract, exp, sum, divide; product, sum, subtract, product
    "log_softmax": Cost(5, 4, -1, -1),  # maximum, subtract, exp, sum, log a row, subtract; sum, exp, product, subtract
}


def least_bytes(size: int, direction: str) -> int:
    """x read and y written; with the backward pass also the cotangent read and the gradient written."""
    return (2 if direction == FORWARD else 4) * ITEM * size


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set, small sizes first."""
    for size in QUICK_SIZES if quick else SIZES:
        for name, cost in COSTS.items():
            for direction in (FORWARD, BOTH):
                yield Workload(
                    set=SET,
                    name=name,
                    direction=direction,
                    size=size,
                    operations=cost.operations(size, direction),
                    least_bytes=least_bytes(size, direction),
                    build=builder(name, size, direction),
                )


def builder(name: str, size: int, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax

        from nnspec.components import activations

        x, g = inputs(size)
        arguments = [jax.device_put(a, device) for a in ((x, g) if direction == BOTH else (x,))]
        functions = {"nnspec": getattr(activations, name), "jax.nn": jax_peer(name)}
        found = {
            variant: compiled(with_backward(f) if direction == BOTH else f, *arguments)
            for variant, f in functions.items()
        }
        if place := torch_place(device):
            found["torch"] = torch_program(name, x, g, direction, place)
        return found

    return build


def inputs(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal inputs of deviation 2, so that both tails of every function occur, and a cotangent."""
    rng = np.random.default_rng(size)
    shape = (size // ROW, ROW)
    return 2 * rng.standard_normal(shape, np.float32), rng.standard_normal(shape, np.float32)


def with_backward(function: Callable) -> Callable:
    """(x, cotangent) -> (value, gradient)."""

    def both(x: Any, g: Any) -> tuple[Any, Any]:
        import jax

        y, pull = jax.vjp(function, x)
        return y, pull(g)[0]

    return both


def jax_peer(name: str) -> Callable:
    """The operation as jax.nn has it, in the definition's form."""
    import jax

    if name == "gelu":
        return lambda x: jax.nn.gelu(x, approximate=False)
    return getattr(jax.nn, name)


def torch_peer(name: str) -> Callable:
    """The operation as PyTorch has it, in the definition's form."""
    import torch
    from torch.nn import functional

    return {
        "identity": torch.nn.Identity(),
        "hard_sigmoid": functional.hardsigmoid,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "softmax": lambda x: functional.softmax(x, dim=-1),
        "log_softmax": lambda x: functional.log_softmax(x, dim=-1),
    }.get(name) or getattr(functional, name)


def torch_program(name: str, x: np.ndarray, g: np.ndarray, direction: str, place: str) -> Program:
    """PyTorch, eager, on the same kind of device."""
    import torch

    function = torch_peer(name)
    a, cotangent = torch.from_numpy(x).to(place), torch.from_numpy(g).to(place)
    leaf = a.clone().requires_grad_()

    def forward() -> Any:
        with torch.no_grad():
            return function(a)

    def both() -> tuple[Any, Any]:
        y = function(leaf)
        (gradient,) = torch.autograd.grad(y, leaf, cotangent)
        return y.detach(), gradient

    return Program(call=waiting(forward if direction == FORWARD else both, place))
