"""What the workloads of several sets share: steps of optimizers, and PyTorch on the same kind of device."""

from __future__ import annotations

import importlib.util
import os
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, compiled, interleave

PARAMETERS = 10_000_000  # of the trees on which optimizers are timed
QUICK_PARAMETERS = 200_000
ARRAYS = (4, 400)  # few large ones, and many small ones
ITEM = 4  # bytes of a float32


def tree(size: int, arrays: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Parameters and gradients of an optimizer, in so many arrays of one length."""
    rng = np.random.default_rng(arrays)
    shape = (size // arrays,)
    params, grads = ({f"p{i}": rng.standard_normal(shape, np.float32) for i in range(arrays)} for _ in range(2))
    return params, grads


def keras_on_jax() -> Any:
    """Keras, where it is installed and runs on JAX in this process; else None."""
    os.environ.setdefault("KERAS_BACKEND", "jax")  # read when Keras is imported
    try:
        import keras
    except ImportError:
        return None
    return keras if keras.backend.backend() == "jax" else None


def with_gradients(f: Callable) -> Callable:
    """(arrays, cotangent) -> (result, the gradient of each array)."""

    def both(*arrays: Any) -> tuple:
        import jax

        *inputs, g = arrays
        y, pull = jax.vjp(f, *inputs)
        return y, *pull(g)

    return both


def optimizer_step(optimizer: Any, gradients: Callable, weights: Any, *data: Any, device: Any) -> Program:
    """A step of an Optax optimizer, compiled; it overwrites the parameters and the state.

    Args:
        optimizer: an ``optax.GradientTransformation``.
        gradients: ``gradients(weights, *data) -> (value, gradients)``, for instance ``jax.value_and_grad(loss)``; for
            the optimizer alone, ``lambda weights, g: (0.0, g)``.
        weights: the first parameters.
        data: whatever else ``gradients`` takes.
        device: the JAX device.
    """
    import jax
    import jax.numpy as jnp
    import optax

    def step(weights: Any, state: Any, *data: Any) -> tuple[Any, Any, Any]:
        value, found = gradients(weights, *data)
        updates, state = optimizer.update(found, state, weights)
        return optax.apply_updates(weights, updates), state, value

    start, *given = jax.device_put((jax.tree.map(jnp.asarray, weights), *data), device)
    return compiled(step, start, optimizer.init(start), *given, donated=2)


def torch_optimizer_step(optimizer: Any, backward: Callable[[], Any], place: str) -> Program:
    """A step of a ``torch.optim`` optimizer; ``backward`` puts the gradients into its parameters, returns the loss."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]

    def step() -> tuple[list[Any], None, Any]:
        optimizer.zero_grad()
        value = backward()
        optimizer.step()
        return [parameter.detach() for parameter in parameters], None, value

    return Program(call=waiting(step, place))


def torch_optimizer_on(make: Callable, params: dict[str, Any], grads: dict[str, Any], place: str) -> Program:
    """A step of the optimizer that ``make(parameters)`` makes, on gradients that stay the same."""
    import torch

    held = [torch.nn.Parameter(torch.from_numpy(p.copy()).to(place)) for p in params.values()]
    constant = [torch.from_numpy(g).to(place) for g in grads.values()]

    def backward() -> float:
        for p, g in zip(held, constant, strict=True):
            p.grad = g
        return 0.0

    return torch_optimizer_step(make(held), backward, place)


def torch_place(device: Any) -> str | None:
    """PyTorch's name of the same kind of device; None where it is not installed or has none."""
    if not importlib.util.find_spec("torch"):
        return None
    import torch

    if device.platform == "cpu":
        return "cpu"
    return "cuda" if device.platform != "tpu" and torch.cuda.is_available() else None


def torch_compiler() -> Callable | None:
    """``torch.compile``, where it runs: it needs a compiler of C++ on a CPU."""
    import torch

    try:
        torch.compile(lambda x: x * 2 + 1)(torch.ones(4))
    except Exception:  # whatever its tool chain lacks
        return None
    return torch.compile


def waiting(call: Callable, place: str) -> Callable:
    """The call, returning when the result is there."""
    import torch

    def run() -> Any:
        result = call()
        if place == "cuda":
            torch.cuda.synchronize()
        return result

    return run


def beside_descent(size: int, arrays: int, *, loops: int, moved: int, least: int) -> Callable[[Any, dict], str | None]:
    """Where a step of ours takes longer than a peer's: what its loops move, beside what gradient descent takes.

    Args:
        size: number of parameters.
        arrays: in how many arrays.
        loops: that XLA makes of the step for an array, one for each that is written.
        moved: bytes per parameter that they read and write.
        least: bytes per parameter of a single loop.
    """

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        import jax
        import optax

        params, grads = jax.device_put(tree(size, arrays), device)
        plain = optimizer_step(optax.sgd(0.001), lambda weights, g: (0.0, g), params, grads, device=device)
        seconds = interleave({"descent": plain.call}, rounds=5, of=statistics.median)["descent"]
        return (
            f"of {1e6 * entry['nnspec']['seconds']:.0f} µs gradient descent on the same arrays takes "
            f"{1e6 * seconds:.0f}. The compiled step is {loops} loops, one for each array that it writes, and moves "
            f"{moved} bytes per parameter; a fused kernel moves {least}"
        )

    return profile
