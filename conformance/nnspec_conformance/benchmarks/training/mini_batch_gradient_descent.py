"""An update of mini-batch gradient descent on a linear layer, for three batch sizes, against Optax and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload
from nnspec_conformance.benchmarks.peers import optimizer_step, torch_optimizer_step, torch_place

SET = "mini_batch_gradient_descent"
EXAMPLES, QUICK_EXAMPLES = 262_144, 4_096
FEATURES, OUTPUTS = 64, 1
SIZES = (1, 32, 1_024, 32_768)
QUICK_SIZES = (32,)
ITEM = 4  # bytes of a float32, and of an index
RATE = 0.01


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """One for each batch size, small ones first."""
    for size in QUICK_SIZES if quick else SIZES:
        yield Workload(
            set=SET,
            name="update on a mini-batch",
            direction="training step",
            size=size * FEATURES,
            operations=4 * size * FEATURES * OUTPUTS,  # a product and a sum forward, and again backward
            least_bytes=ITEM * size * (FEATURES + OUTPUTS + 1),  # rows, labels and indices read once
            build=builder(size, QUICK_EXAMPLES if quick else EXAMPLES),
        )


def builder(size: int, examples: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax
        import optax

        from nnspec.components.optimization import gradient_descent
        from nnspec.training.batch_gradient_descent import batch_gradient

        rng = np.random.default_rng(size)
        x = rng.standard_normal((examples, FEATURES), np.float32)
        labels = rng.standard_normal((examples, OUTPUTS), np.float32)
        indices = rng.permutation(examples)[:size].astype(np.int32)
        weights = {"kernel": np.zeros((FEATURES, OUTPUTS), np.float32), "bias": np.zeros(OUTPUTS, np.float32)}

        def ours(weights: Any, x: Any, labels: Any, indices: Any) -> tuple:
            return 0.0, batch_gradient(x[indices], labels[indices], weights, chunk=size)

        def stock(weights: Any, x: Any, labels: Any, indices: Any) -> Any:
            return optax.l2_loss(x[indices] @ weights["kernel"] + weights["bias"], labels[indices]).sum() / size

        data = (x, labels, indices)
        found = {
            "nnspec": optimizer_step(gradient_descent(RATE), ours, weights, *data, device=device),
            "optax": optimizer_step(optax.sgd(RATE), jax.value_and_grad(stock), weights, *data, device=device),
        }
        if place := torch_place(device):
            found["torch"] = torch_program(*data, place)
        return found

    return build


def torch_program(x: np.ndarray, labels: np.ndarray, indices: np.ndarray, place: str) -> Program:
    """``torch.nn.Linear`` on rows that ``index_select`` gathers, with ``torch.optim.SGD``."""
    import torch

    model = torch.nn.Linear(FEATURES, OUTPUTS).to(place)
    data, wanted, chosen = (torch.from_numpy(a).to(place) for a in (x, labels, indices))

    def backward() -> Any:
        part, right = data.index_select(0, chosen), wanted.index_select(0, chosen)
        loss = torch.nn.functional.mse_loss(model(part), right, reduction="sum") / (2 * len(chosen))
        loss.backward()
        return loss.detach()

    return torch_optimizer_step(torch.optim.SGD(model.parameters(), RATE), backward, place)
