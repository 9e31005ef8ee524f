"""Softmax cross-entropy with integer labels and its gradient, at vocabularies of 10, 1,000 and 50,000 classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import torch_place, waiting

SET = "cross_entropy"
CLASSES = (10, 1_000, 50_000)
QUICK_CLASSES = (1_000,)
NUMBERS = 2**21  # logits in all; the batch is this over the classes
FORWARD, BOTH = "forward", "forward+backward"
ITEM = 4  # bytes of a float32 or of a label
NAME = "softmax_cross_entropy_with_integer_labels"


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set, small vocabularies first."""
    for classes in QUICK_CLASSES if quick else CLASSES:
        for direction in (FORWARD, BOTH):
            batch = NUMBERS // classes
            size = batch * classes
            yield Workload(
                set=SET,
                name=f"{NAME}, {classes} classes",
                direction=direction,
                size=size,
                operations=(4 if direction == FORWARD else 6) * size,  # maximum, subtract, exp, sum; divide, times
                least_bytes=ITEM * (size * (1 if direction == FORWARD else 2) + 2 * batch),
                build=builder(batch, classes, direction),
                profile=profiler(batch, classes, direction),
            )


def builder(batch: int, classes: int, direction: str) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax
        import optax

        from nnspec.components.losses import cross_entropy as losses

        x, y = drawn(batch, classes)
        arguments = [jax.device_put(a, device) for a in (x, y)]
        functions = {"nnspec": getattr(losses, NAME), "optax": getattr(optax, NAME)}
        found = {v: compiled(f if direction == FORWARD else with_gradient(f), *arguments) for v, f in functions.items()}
        if place := torch_place(device):
            found["torch"] = torch_program(x, y, direction, place)
        return found

    return build


def drawn(batch: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels."""
    rng = np.random.default_rng(classes)
    return 2 * rng.standard_normal((batch, classes), np.float32), rng.integers(0, classes, batch).astype(np.int32)


def profiler(batch: int, classes: int, direction: str) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where ours takes longer than a peer: what is left when its careful parts are taken out, one after the other."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        import jax

        arguments = [jax.device_put(a, device) for a in drawn(batch, classes)]
        programs = {
            name: compiled(f if direction == FORWARD else with_gradient(f), *arguments)
            for name, f in {"plain": plain, "indexed": indexed}.items()
        }
        times = interleave({name: program.call for name, program in programs.items()}, rounds=5)
        micro = {name: 1e6 * seconds for name, seconds in times.items()}
        return (
            f"of {1e6 * entry['nnspec']['seconds']:.0f} µs the plain formula takes {micro['plain']:.0f}; the rest "
            "keeps the digits of a near-certain class, and takes the maximum twice, so that a product fused with it "
            f"stays finite. Where the label's logit is taken by index, the formula takes {micro['indexed']:.0f}"
        )

    return profile


def plain(logits: Any, labels: Any) -> Any:
    """The logarithm of the sum less the label's logit, found by comparison."""
    import jax.numpy as jnp

    d = logits - logits.max(-1, keepdims=True)
    picked = jnp.where(labels[..., None] == jnp.arange(logits.shape[-1]), d, 0).sum(-1)
    return jnp.log(jnp.exp(d).sum(-1)) - picked


def indexed(logits: Any, labels: Any) -> Any:
    """The same, the label's logit found by index."""
    import jax.numpy as jnp

    d = logits - logits.max(-1, keepdims=True)
    return jnp.log(jnp.exp(d).sum(-1)) - jnp.take_along_axis(d, labels[..., None], -1)[..., 0]


def with_gradient(loss: Callable) -> Callable:
    """(logits, labels) -> (losses, gradient of their sum)."""

    def both(x: Any, y: Any) -> tuple[Any, Any]:
        import jax
        import jax.numpy as jnp

        value, pull = jax.vjp(lambda logits: loss(logits, y), x)
        return value, pull(jnp.ones_like(value))[0]

    return both


def torch_program(x: np.ndarray, y: np.ndarray, direction: str, place: str) -> Program:
    """PyTorch, eager, on the same kind of device."""
    import torch
    from torch.nn import functional

    logits, labels = torch.from_numpy(x).to(place), torch.from_numpy(y).long().to(place)
    leaf = logits.clone().requires_grad_()

    def forward() -> Any:
        with torch.no_grad():
            return functional.cross_entropy(logits, labels, reduction="none")

    def both() -> tuple[Any, Any]:
        losses = functional.cross_entropy(leaf, labels, reduction="none")
        (gradient,) = torch.autograd.grad(losses, leaf, torch.ones_like(losses))
        return losses.detach(), gradient

    return Program(call=waiting(forward if direction == FORWARD else both, place))
