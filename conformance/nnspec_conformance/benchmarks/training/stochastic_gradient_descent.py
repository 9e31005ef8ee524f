"""The indices of one shuffled epoch, against NumPy's permutation and PyTorch's DataLoader."""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable, Iterator
from typing import Any

from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave

SET = "batches"
EXAMPLES = (10_000, 1_000_000)
QUICK_EXAMPLES = (2_000,)
BATCH = 100
ITEM = 4  # bytes of an index


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """One epoch of a small data set and of a large one."""
    for examples in QUICK_EXAMPLES if quick else EXAMPLES:
        yield Workload(
            set=SET,
            name="batches",
            direction="forward",
            size=examples,
            operations=examples,  # a random number each
            least_bytes=ITEM * examples,
            build=builder(examples),
            dtype="int32",
            profile=profiler(examples),
        )


def builder(examples: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload; each draws another order at each call."""

    def build(device: Any) -> dict[str, Program]:
        import jax
        import numpy as np

        from nnspec.training.stochastic_gradient_descent import batches

        seeds, generator = iter(range(10**9)), np.random.default_rng(0)

        def ours() -> Any:
            with jax.default_device(device):
                found = batches(examples=examples, batch_size=BATCH, epochs=1, seed=next(seeds))
            return jax.block_until_ready(found)

        def numpys() -> Any:
            return generator.permutation(examples).reshape(1, -1, BATCH)

        found = {"nnspec": Program(call=ours), "numpy": Program(call=numpys)}
        if importlib.util.find_spec("torch"):
            found["torch DataLoader"] = Program(call=loader(examples))
        return found

    return build


def loader(examples: int) -> Callable[[], list]:
    """All batches of an epoch of a DataLoader on the bare numbers; nothing is read or stacked."""
    from torch.utils.data import DataLoader

    numbers: Any = range(examples)
    made = DataLoader(numbers, BATCH, shuffle=True, collate_fn=list)
    return lambda: [list(made)]


def profiler(examples: int) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: what the compiled permutation alone takes."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        import jax

        key = jax.device_put(jax.random.key(0), device)
        program = compiled(lambda key: jax.random.permutation(key, examples), key)
        seconds = interleave({"permutation": program.call}, rounds=5, of=statistics.median)["permutation"]
        return (
            f"of {1e6 * entry['nnspec']['seconds']:.0f} µs the compiled permutation of JAX takes {1e6 * seconds:.0f}: "
            "it sorts random numbers, where NumPy exchanges the examples one by one"
        )

    return profile
