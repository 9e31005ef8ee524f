"""An update of batch gradient descent on a linear layer, for three data sets, against Optax and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload
from nnspec_conformance.benchmarks.peers import optimizer_step, torch_optimizer_step, torch_place

SET = "batch_gradient_descent"
FEATURES, OUTPUTS = 64, 1
EXAMPLES = (1_024, 16_384, 262_144)
QUICK_EXAMPLES = (1_024,)
ITEM = 4  # bytes of a float32
RATE = 0.01


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """One for each number of examples, small ones first."""
    for examples in QUICK_EXAMPLES if quick else EXAMPLES:
        yield Workload(
            set=SET,
            name="update on all examples",
            direction="training step",
            size=examples * FEATURES,
            operations=4 * examples * FEATURES * OUTPUTS,  # a product and a sum forward, and again backward
            least_bytes=ITEM * examples * (FEATURES + OUTPUTS),  # data and labels read once
            build=builder(examples),
        )


def builder(examples: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax
        import optax

        from nnspec.components.optimization import gradient_descent
        from nnspec.training.batch_gradient_descent import batch_gradient

        rng = np.random.default_rng(examples)
        x = rng.standard_normal((examples, FEATURES), np.float32)
        labels = rng.standard_normal((examples, OUTPUTS), np.float32)
        weights = {"kernel": np.zeros((FEATURES, OUTPUTS), np.float32), "bias": np.zeros(OUTPUTS, np.float32)}

        def ours(weights: Any, x: Any, labels: Any) -> tuple:
            return 0.0, batch_gradient(x, labels, weights, chunk=examples)

        def stock(weights: Any, x: Any, labels: Any) -> Any:
            return optax.l2_loss(x @ weights["kernel"] + weights["bias"], labels).sum() / examples

        found = {
            "nnspec": optimizer_step(gradient_descent(RATE), ours, weights, x, labels, device=device),
            "optax": optimizer_step(optax.sgd(RATE), jax.value_and_grad(stock), weights, x, labels, device=device),
        }
        if place := torch_place(device):
            found["torch"] = torch_program(x, labels, place)
        return found

    return build


def torch_program(x: np.ndarray, labels: np.ndarray, place: str) -> Program:
    """``torch.nn.Linear`` with ``torch.optim.SGD``."""
    import torch

    model = torch.nn.Linear(FEATURES, OUTPUTS).to(place)
    data, wanted = torch.from_numpy(x).to(place), torch.from_numpy(labels).to(place)

    def backward() -> Any:
        loss = torch.nn.functional.mse_loss(model(data), wanted, reduction="sum") / (2 * len(data))
        loss.backward()
        return loss.detach()

    return torch_optimizer_step(torch.optim.SGD(model.parameters(), RATE), backward, place)
