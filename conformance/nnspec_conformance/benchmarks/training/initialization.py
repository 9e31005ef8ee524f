"""Drawing a kernel: 32 random bits an entry alone, and the initializers that are made of them, against JAX, PyTorch."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any

from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import ITEM, torch_place, waiting

SET = "initialization"
SIZES = (2**16, 2**20, 2**24)
QUICK_SIZES = (2**16,)
UNITS = 256  # outputs of the kernel; its inputs are the other entries
BITS = "32 random bits"
# An entry costs the mapping of its bits: a product and a sum; the inverse of the error function more, and a product.
OPERATIONS = {BITS: 1, "he_uniform": 3, "he_normal": 4, "he_normal, truncated": 6}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every size, small ones first: the bits alone, then each initializer."""
    for size in QUICK_SIZES if quick else SIZES:
        for name, operations in OPERATIONS.items():
            yield Workload(
                set=SET,
                name=name,
                direction="forward",
                size=size,
                operations=operations * size,
                least_bytes=ITEM * size,
                build=builder(name, size),
                profile=None if name == BITS else profiler(size),
            )


def builder(name: str, size: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload; the key is an argument, and no constant."""
    shape = (size // UNITS, UNITS)

    def build(device: Any) -> dict[str, Program]:
        import jax

        key = jax.device_put(jax.random.key(0), device)
        found = {
            who: compiled(lambda key, draw=draw: draw(key, shape), key) for who, draw in initializers(name).items()
        }
        if place := torch_place(device):
            found["torch"] = torch_program(name, shape, place)
        return found

    return build


def initializers(name: str) -> dict[str, Callable[..., Any]]:
    """The reference's, and JAX's own where it has one of that law."""
    import jax
    import jax.numpy as jnp

    from nnspec.training import initialization

    if name == BITS:
        return {"nnspec": lambda key, shape: jax.random.bits(key, shape, jnp.uint32)}
    if name == "he_uniform":
        return {"nnspec": initialization.he_uniform, "jax": jax.nn.initializers.he_uniform()}
    if name == "he_normal":
        scaling = jax.nn.initializers.variance_scaling(2.0, "fan_in", "normal")
        return {"nnspec": initialization.he_normal, "jax": scaling}
    return {
        "nnspec": lambda key, shape: initialization.he_normal(key, shape, tails="truncated"),
        "jax": jax.nn.initializers.he_normal(),
    }


def torch_program(name: str, shape: tuple[int, int], place: str) -> Program:
    """``torch.nn.init`` on a tensor that is there; its kernels have the outputs first."""
    import torch
    from torch.nn import init

    kernel = torch.empty(shape[::-1], device=place)
    deviation = (2 / shape[0]) ** 0.5
    draws: dict[str, Callable[[], Any]] = {
        BITS: lambda: torch.randint(-(2**31), 2**31, shape, dtype=torch.int32, device=place),
        "he_uniform": lambda: init.kaiming_uniform_(kernel, nonlinearity="relu"),
        "he_normal": lambda: init.kaiming_normal_(kernel, nonlinearity="relu"),
        "he_normal, truncated": lambda: init.trunc_normal_(kernel, 0.0, deviation, -2 * deviation, 2 * deviation),
    }
    return Program(call=waiting(draws[name], place))


def profiler(size: int) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: what the bits alone take."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        bits = builder(BITS, size)(device)["nnspec"]
        seconds = interleave({"bits": bits.call}, rounds=5, of=statistics.median)["bits"]
        return (
            f"of {1e6 * entry['nnspec']['seconds']:.0f} µs the random bits take {1e6 * seconds:.0f}, "
            f"{size / seconds / 1e6:.0f} million draws a second; the rest maps them to the distribution"
        )

    return profile
