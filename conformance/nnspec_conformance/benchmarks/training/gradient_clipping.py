"""Clipping 10 million gradients by their global norm, in 4 arrays and in 400, against Optax and PyTorch."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import torch_place, waiting

SET = "gradient_clipping"
PARAMETERS = 10_000_000
QUICK_PARAMETERS = 200_000
ARRAYS = (4, 400)
ITEM = 4  # bytes of a float32
LIMIT = 1.0


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """The two trees, of few large arrays and of many small ones."""
    size = QUICK_PARAMETERS if quick else PARAMETERS
    for arrays in ARRAYS:
        yield Workload(
            set=SET,
            name=f"clipping, {arrays} arrays",
            direction="forward",
            size=size,
            operations=3 * size,  # a square, a sum, a product
            least_bytes=3 * ITEM * size,  # read for the norm, read for the product, written
            ceiling="copy_in_place",
            build=builder(size, arrays),
            profile=profiler(size, arrays),
        )


def builder(size: int, arrays: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload; each overwrites the gradients."""

    def build(device: Any) -> dict[str, Program]:
        import jax
        import optax

        from nnspec.training.gradient_clipping import clip_by_global_norm

        gradients = drawn(size, arrays)
        stock = optax.clip_by_global_norm(LIMIT)
        start = jax.device_put(gradients, device)
        found = {
            "nnspec": compiled(lambda g: (clip_by_global_norm(g, limit=LIMIT),), start, donated=1),
            "optax": compiled(lambda g: stock.update(g, optax.EmptyState())[:1], start, donated=1),
        }
        if place := torch_place(device):
            found["torch foreach"] = torch_program(gradients, place)
        return found

    return build


def drawn(size: int, arrays: int) -> dict[str, np.ndarray]:
    """Gradients in so many arrays of one length."""
    rng = np.random.default_rng(arrays)
    return {f"p{i}": rng.standard_normal(size // arrays, np.float32) for i in range(arrays)}


def torch_program(gradients: dict[str, np.ndarray], place: str) -> Program:
    """``clip_grad_norm_`` with ``foreach``, of parameters that have these gradients."""
    import torch

    held = [torch.nn.Parameter(torch.zeros(g.shape, device=place)) for g in gradients.values()]
    for p, g in zip(held, gradients.values(), strict=True):
        p.grad = torch.from_numpy(g.copy()).to(place)
    return Program(call=waiting(lambda: torch.nn.utils.clip_grad_norm_(held, LIMIT, foreach=True), place))


def profiler(size: int, arrays: int) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: what the norm takes."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        import jax
        import jax.numpy as jnp

        start = list(jax.device_put(drawn(size, arrays), device).values())
        program = compiled(lambda g: jnp.sqrt(sum(jnp.sum(x * x) for x in g)), start)
        seconds = interleave({"norm": program.call}, rounds=5, of=statistics.median)["norm"]
        return (
            f"of {1e6 * entry['nnspec']['seconds']:.0f} µs the norm takes {1e6 * seconds:.0f}; the rest is the product "
            "and a test for squares that overflowed or vanished"
        )

    return profile
