"""Causal self-attention over sequences of several lengths: ours, JAX's, Keras's and PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled
from nnspec_conformance.benchmarks.peers import keras_on_jax, torch_compiler, torch_place, waiting, with_gradients

SET = "attention"
FORWARD, BOTH = "forward", "forward+backward"
ITEM = 4  # bytes of a float32
HEADS, DEPTH = 2, 64


@dataclass(frozen=True)
class Size:
    """The sizes of one example.

    Attributes:
        places: queries, and as many keys.
        heads: of both.
        depth: of a head.
    """

    places: int
    heads: int = HEADS
    depth: int = DEPTH

    @property
    def numbers(self) -> int:
        """How many numbers queries, keys, values and results are, which no implementation can leave unread."""
        return 4 * self.places * self.heads * self.depth

    @property
    def products(self) -> int:
        """Scores and sums of values, for the half of the pairs that causality leaves."""
        return self.places * (self.places + 1) * self.heads * self.depth


SIZES = {f"{places:,} places": Size(places) for places in (128, 512, 2048, 8192)}
QUICK = {"8 places": Size(8, depth=4)}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, size in (QUICK if quick else SIZES).items():
        for direction in (FORWARD, BOTH):
            passes = 1 if direction == FORWARD else 3  # the backward pass has two products for each one
            yield Workload(
                set=SET,
                name=name,
                direction=direction,
                size=size.numbers,
                operations=2 * passes * size.products,
                least_bytes=ITEM * size.numbers * (1 if direction == FORWARD else 2),
                build=builder(size, direction),
                ceiling="matmul",
            )


def builder(size: Size, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax

        from nnspec.architectures.transformer.attention import attention

        arrays = drawn(size)
        given = [jax.device_put(a, device) for a in (arrays if direction == BOTH else arrays[:3])]
        functions: dict[str, Callable] = {
            "nnspec": partial(attention, causal=True),
            "jax": partial(jax.nn.dot_product_attention, is_causal=True),
        }
        if (keras := keras_on_jax()) is not None:
            functions["keras"] = partial(keras.ops.dot_product_attention, is_causal=True)
        found = {
            name: compiled(f if direction == FORWARD else with_gradients(f), *given) for name, f in functions.items()
        }
        if place := torch_place(device):
            found["torch"] = torch_program(size, direction, place)
            if compiler := torch_compiler():
                found["torch compiled"] = torch_program(size, direction, place, through=compiler)
        return found

    return build


def drawn(size: Size) -> list[np.ndarray]:
    """Queries, keys, values and the cotangent of the results."""
    rng = np.random.default_rng(size.places)
    return [rng.standard_normal((1, size.places, size.heads, size.depth), np.float32) for _ in range(4)]


def torch_program(size: Size, direction: str, place: str, *, through: Callable = lambda f: f) -> Program:
    """PyTorch's function, on arrays that lie as ours."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    *inputs, g = (torch.from_numpy(a).to(place) for a in drawn(size))

    @through
    def forward(*arrays: Any) -> Any:
        q, k, v = (a.transpose(1, 2) for a in arrays)
        return scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)

    def result() -> Any:
        with torch.no_grad():
            return forward(*inputs)

    if direction == FORWARD:
        return Program(call=waiting(result, place))
    leaves = [a.clone().requires_grad_() for a in inputs]

    def both() -> tuple:
        y = forward(*leaves)
        return y.detach(), *torch.autograd.grad(y, leaves, g)

    return Program(call=waiting(both, place))
