"""Dropout with the rate 1/4, and the random numbers for it alone, against Flax, Keras and PyTorch."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import ITEM, keras_on_jax, torch_place, waiting, with_gradients

SET = "dropout"
SIZES = (2**16, 2**20, 2**24)
QUICK_SIZES = (2**16,)
ROW = 256
RATE = 0.25
FORWARD, BOTH = "forward", "forward+backward"
OPERATIONS = {FORWARD: 4, BOTH: 6}  # a draw, a comparison, a division, a selection; a division and a selection more
ARRAYS = {FORWARD: 2, BOTH: 4}  # x and y; cotangent and gradient. The mask need not be stored: its seed is enough


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every size, small ones first: the drawing alone, then dropout without and with the backward pass."""
    for size in QUICK_SIZES if quick else SIZES:
        yield Workload(
            set=SET,
            name="32 random bits",
            direction=FORWARD,
            size=size,
            operations=size,
            least_bytes=ITEM * size,
            build=draw_builder(size),
        )
        for direction in (FORWARD, BOTH):
            yield Workload(
                set=SET,
                name="dropout",
                direction=direction,
                size=size,
                operations=OPERATIONS[direction] * size,
                least_bytes=ARRAYS[direction] * ITEM * size,
                build=builder(size, direction),
                profile=profiler(size),
            )


def draw_builder(size: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs that draw one number for each entry."""

    def build(device: Any) -> dict[str, Program]:
        found = {"nnspec": drawing(size, device)}
        if place := torch_place(device):
            import torch

            found["torch"] = Program(call=waiting(lambda: torch.rand((size // ROW, ROW), device=place), place))
        return found

    return build


def drawing(size: int, device: Any) -> Program:
    """The uniform numbers that the reference compares with the rate."""
    import jax

    key = jax.device_put(jax.random.key(0), device)
    return compiled(lambda key: jax.random.uniform(key, (size // ROW, ROW)), key)


def builder(size: int, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload; keys are arguments, so that none is a constant."""

    def build(device: Any) -> dict[str, Program]:
        import jax
        from flax import nnx

        from nnspec.training.dropout import dropout

        x, g = inputs(size)
        key = jax.device_put(jax.random.key(0), device)
        arrays = [jax.device_put(a, device) for a in ((x, g) if direction == BOTH else (x,))]
        layer = nnx.Dropout(RATE)

        def program(function: Callable, state: Any) -> Program:
            def run(state: Any, *arrays: Any) -> Any:
                def f(x: Any) -> Any:
                    return function(x, state)

                return with_gradients(f)(*arrays) if direction == BOTH else f(*arrays)

            return compiled(run, state, *arrays)

        found = {
            "nnspec": program(lambda x, key: dropout(x, key, rate=RATE), key),
            "flax": program(lambda x, key: layer(x, rngs=key), key),
        }
        if keras := keras_on_jax():
            stock = keras.layers.Dropout(RATE, seed=0)
            stock.build(x.shape)
            states = jax.device_put([variable.value for variable in stock.non_trainable_variables], device)
            found["keras"] = program(lambda x, states: stock.stateless_call([], states, x, training=True)[0], states)
        if place := torch_place(device):
            found["torch"] = torch_program(x, g, direction, place)
        return found

    return build


def inputs(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and a cotangent."""
    rng = np.random.default_rng(size)
    shape = (size // ROW, ROW)
    return rng.standard_normal(shape, np.float32), rng.standard_normal(shape, np.float32)


def torch_program(x: np.ndarray, g: np.ndarray, direction: str, place: str) -> Program:
    """PyTorch, eager, on the same kind of device."""
    import torch
    from torch.nn import functional

    a, cotangent = torch.from_numpy(x).to(place), torch.from_numpy(g).to(place)
    leaf = a.clone().requires_grad_()

    def forward() -> Any:
        with torch.no_grad():
            return functional.dropout(a, RATE)

    def both() -> tuple[Any, Any]:
        y = functional.dropout(leaf, RATE)
        (gradient,) = torch.autograd.grad(y, leaf, cotangent)
        return y.detach(), gradient

    return Program(call=waiting(forward if direction == FORWARD else both, place))


def profiler(size: int) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: what the drawing takes."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        seconds = interleave({"drawing": drawing(size, device).call}, rounds=5, of=statistics.median)["drawing"]
        return (
            f"of {1e6 * entry['nnspec']['seconds']:.0f} µs drawing takes {1e6 * seconds:.0f}: 32 bits an entry by a "
            "key, so that any part of the array can be drawn alone; PyTorch's generator goes from number to number"
        )

    return profile
