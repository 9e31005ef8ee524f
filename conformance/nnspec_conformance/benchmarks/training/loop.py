"""Runs of the training loop: what it adds to steps of 1 ms, data that are made meanwhile, and a checkpoint.

A call is a whole run of one epoch, start and end included, since a loop cannot be asked for one step.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, interleave
from nnspec_conformance.benchmarks.peers import ITEM, keras_on_jax, torch_place, waiting

SET = "fit"
RATE, NOISE, SEED = 1e-3, 0.1, 0
EPOCH, MADE, KEPT = "an epoch", "an epoch whose data are made meanwhile", "an epoch and a checkpoint"
HAND = "compiled loop"  # that is written by hand


class Size(NamedTuple):
    """What is trained: two dense layers, for so many steps."""

    steps: int
    batch: int
    features: int
    hidden: int
    classes: int

    @property
    def parameters(self) -> int:
        """How many weights the two layers have, biases included."""
        return (self.features + 1) * self.hidden + (self.hidden + 1) * self.classes

    @property
    def operations(self) -> int:
        """Two for each product, forward and backward; the first layer needs no gradient of its input."""
        return 2 * self.steps * self.batch * (2 * self.features * self.hidden + 3 * self.hidden * self.classes)

    @property
    def least_bytes(self) -> int:
        """Each batch is read once; each step reads and writes the weights and both moments of Adam."""
        return ITEM * self.steps * (self.batch * (self.features + 1) + 6 * self.parameters)


FULL = Size(48, 256, 256, 512, 10)  # a step takes about 1 ms on two cores
QUICK = Size(5, 4, 6, 5, 3)


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """The loop alone, then with data that take time, then with a checkpoint."""
    size = QUICK if quick else FULL
    for name, build, profile in (
        (EPOCH, epoch_builder(size), step_profiler(size)),
        (MADE, data_builder(size), data_profiler(size)),
        (KEPT, checkpoint_builder(size), checkpoint_profile(size)),
    ):
        yield Workload(
            set=SET,
            name=name,
            direction="training step",
            size=size.steps * size.batch * size.features,
            operations=size.operations,
            least_bytes=size.least_bytes,
            build=build,
            ceiling="matmul",
            profile=profile,
        )


def drawn(size: Size) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Examples, their labels, and the first weights."""
    rng = np.random.default_rng(size.steps)
    examples = size.steps * size.batch
    x = rng.standard_normal((examples, size.features), np.float32)
    labels = rng.integers(0, size.classes, examples).astype(np.int32)
    table = {
        "kernel_0": rng.standard_normal((size.features, size.hidden), np.float32) / np.float32(size.features**0.5),
        "bias_0": np.zeros(size.hidden, np.float32),
        "kernel_1": rng.standard_normal((size.hidden, size.classes), np.float32) / np.float32(size.hidden**0.5),
        "bias_1": np.zeros(size.classes, np.float32),
    }
    return x, labels, table


# ---- the loop of the reference, and the one that is written by hand


def ours(size: Size, device: Any, *, data: Any = None, kept: bool = False, steps: int | None = None) -> Callable:
    """A run of ``fit``; it returns the mean loss of its epoch."""
    import jax

    from nnspec.training.adam import adam
    from nnspec.training.loop import fit
    from nnspec.training.loop_checkpoints import Checkpoints

    x, labels, table = drawn(size)
    examples, rule, loss = (steps or size.steps) * size.batch, adam(RATE), losses()
    given = data or (x[:examples], labels[:examples])
    batch_size = None if data else size.batch

    def run(checkpoints: Any = None) -> float:
        with jax.default_device(device):
            found = fit(
                loss, table, given, rule, epochs=1, batch_size=batch_size, seed=SEED, progress=False,
                checkpoints=checkpoints,
            )  # fmt: skip
        jax.block_until_ready(found.model)
        return found.history[0]["loss"]

    def run_and_keep() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return run(Checkpoints(folder))

    return run_and_keep if kept else run


def losses() -> Callable:
    """The loss of each example."""
    from nnspec.components.layers import mlp
    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels

    def loss(weights: Any, x: Any, labels: Any, *, key: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(mlp(x, weights, activation="relu"), labels)

    return loss


def by_hand(size: Size, device: Any, *, data: Callable | None = None, waits: bool = False, steps: int = 0) -> Callable:
    """The same run by one compiled step, which overwrites what it gets, in a loop of three lines.

    Args:
        size: what is trained.
        device: the JAX device.
        data: gives the batches of an epoch; else they are cut from arrays, in the order that ``fit`` draws.
        waits: whether the next batch is made after the step is over.
        steps: fewer than those of the size.
    """
    import functools

    import jax
    import optax

    from nnspec.training.adam import adam

    x, labels, table = drawn(size)
    x, labels = (a[: (steps or size.steps) * size.batch] for a in (x, labels))
    rule, loss = adam(RATE), losses()

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(weights: Any, state: Any, x: Any, labels: Any) -> tuple:
        value, g = jax.value_and_grad(lambda weights: loss(weights, x, labels, key=None).mean())(weights)
        updates, state = rule.update(g, state, weights)
        return optax.apply_updates(weights, updates), state, value

    def run() -> float:
        found = []
        with jax.default_device(device):
            weights = jax.device_put(table, device, may_alias=False)
            state = rule.init(weights)
            for batch in data(0) if data else ((x[rows], labels[rows]) for rows in order(size, len(x))):
                weights, state, value = step(weights, state, *batch)
                found.append(jax.block_until_ready(value) if waits else value)
        jax.block_until_ready(weights)
        return float(np.mean(jax.device_get(found)))

    return run


def order(size: Size, examples: int) -> np.ndarray:
    """The examples of each batch, as ``fit`` draws them; [steps, batch]."""
    from nnspec.training.stochastic_gradient_descent import batches

    return np.array(batches(examples=examples, batch_size=size.batch, epochs=1, seed=SEED))[0]


# ---- the loop alone


def epoch_builder(size: Size) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the runs of one epoch, each by the loop of a library."""

    def build(device: Any) -> dict[str, Program]:
        calls = {"nnspec": ours(size, device), HAND: by_hand(size, device), "flax": on_flax(size, device)}
        if keras := keras_on_jax():
            calls["keras"] = on_keras(size, keras)
        if place := torch_place(device):
            calls["torch"] = on_torch(size, place)
        return {name: Program(call=call) for name, call in calls.items()}

    return build


def on_flax(size: Size, device: Any) -> Callable:
    """A loop as Flax NNX shows it: a compiled step changes module and optimizer in place. Each call trains on."""
    import jax
    import optax
    from flax import nnx

    x, labels, table = drawn(size)

    class Network(nnx.Module):
        """Apply two dense layers, with a ReLU between them."""

        def __init__(self, rngs: nnx.Rngs) -> None:
            self.first = nnx.Linear(size.features, size.hidden, rngs=rngs)
            self.second = nnx.Linear(size.hidden, size.classes, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.second(jax.nn.relu(self.first(x)))

    def loss(model: Any, x: Any, labels: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(model(x), labels).mean()

    @nnx.jit
    def step(model: Any, optimizer: Any, x: Any, labels: Any) -> Any:
        value, g = nnx.value_and_grad(loss)(model, x, labels)
        optimizer.update(model, g)
        return value

    with jax.default_device(device):
        model = Network(nnx.Rngs(0))
        optimizer = nnx.Optimizer(model, optax.adam(RATE), wrt=nnx.Param)
    for i, part in enumerate((model.first, model.second)):
        new = jax.device_put((table[f"kernel_{i}"], table[f"bias_{i}"]), device)
        nnx.update(part, nnx.State({"kernel": nnx.Param(new[0]), "bias": nnx.Param(new[1])}))

    def run() -> float:
        with jax.default_device(device):
            found = [step(model, optimizer, x[rows], labels[rows]) for rows in order(size, len(x))]
        jax.block_until_ready(nnx.state(model))
        return float(np.mean(jax.device_get(found)))

    return run


def on_keras(size: Size, keras: Any) -> Callable:
    """Keras' own ``fit``, on JAX; the examples lie in the order of the batches. Each call trains on."""
    x, labels, table = drawn(size)
    rows = order(size, len(x)).reshape(-1)
    x, labels = x[rows], labels[rows]
    model = keras.Sequential([keras.layers.Dense(size.hidden, activation="relu"), keras.layers.Dense(size.classes)])
    model.build((size.batch, size.features))
    model.set_weights([table[f"{part}_{i}"] for i in range(2) for part in ("kernel", "bias")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(RATE, epsilon=1e-8), loss=loss)
    how = {"batch_size": size.batch, "epochs": 1, "shuffle": False, "verbose": 0}
    return lambda: model.fit(x, labels, **how).history["loss"][0]


def on_torch(size: Size, place: str) -> Callable:
    """A loop over rows of tensors with PyTorch's layers and fused Adam, eager. Each call trains on."""
    import torch

    x, labels, table = drawn(size)
    inputs, wanted = torch.from_numpy(x).to(place), torch.from_numpy(labels).long().to(place)
    parts = [torch.nn.Linear(size.features, size.hidden), torch.nn.Linear(size.hidden, size.classes)]
    with torch.no_grad():
        for i, part in enumerate(parts):
            part.weight.copy_(torch.from_numpy(table[f"kernel_{i}"].T))
            part.bias.copy_(torch.from_numpy(table[f"bias_{i}"]))
    model = torch.nn.Sequential(parts[0], torch.nn.ReLU(), parts[1]).to(place)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)

    def run() -> float:
        found = []
        for rows in torch.from_numpy(order(size, len(x))).long().to(place):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs[rows]), wanted[rows])
            loss.backward()
            optimizer.step()
            found.append(loss.detach())
        return float(torch.stack(found).mean())

    return waiting(run, place)


def step_profiler(size: Size) -> Callable[[Any, dict[str, Any]], str | None]:
    """Where a peer is faster: what a step takes, and what the start and the end of a run."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        if all(ratio <= 1 for ratio in entry["ratio"].values()):
            return None
        few = max(1, size.steps // 4)
        calls = {"whole": ours(size, device), "part": ours(size, device, steps=few)}
        calls |= {"whole by hand": by_hand(size, device), "part by hand": by_hand(size, device, steps=few)}
        seconds = interleave(calls, rounds=5, of=statistics.median)
        told = []
        for name in ("", " by hand"):
            slope = (seconds[f"whole{name}"] - seconds[f"part{name}"]) / (size.steps - few)
            rest = seconds[f"whole{name}"] - size.steps * slope
            told.append(f"a step takes {1e3 * slope:.2f} ms, start and end of a run {1e3 * rest:.1f} ms")
        return f"by fit {told[0]}; by the compiled loop {told[1]}"

    return profile


# ---- data that take time, and a checkpoint


def data_builder(size: Size) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to runs whose batches are made on the host: noise is drawn for each."""
    data = made(size)

    def build(device: Any) -> dict[str, Program]:
        return {
            "nnspec": Program(call=ours(size, device, data=data)),
            HAND: Program(call=by_hand(size, device, data=data)),
            "data, then step": Program(call=by_hand(size, device, data=data, waits=True)),
        }

    return build


def made(size: Size) -> Callable[[int], Iterator[tuple[np.ndarray, np.ndarray]]]:
    """A function that makes the batches of an epoch, with noise on the examples."""
    x, labels, _ = drawn(size)

    def data(epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        rng = np.random.default_rng(epoch)
        for at in range(0, len(x), size.batch):
            part = x[at : at + size.batch]
            yield part + NOISE * rng.standard_normal(part.shape, np.float32), labels[at : at + size.batch]

    return data


def data_profiler(size: Size) -> Callable[[Any, dict[str, Any]], str | None]:
    """How much of the shorter of the two, data or steps, passes while the other goes on."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        data = made(size)
        calls = {"data": lambda: sum(1 for _ in data(0)), "steps": ours(size, device)}
        seconds = interleave(calls, rounds=5, of=statistics.median)
        hidden = sum(seconds.values()) - entry["nnspec"]["seconds"]
        share = max(0.0, min(1.0, hidden / min(seconds.values())))
        return (
            f"the data alone take {1e3 * seconds['data']:.1f} ms and the steps alone {1e3 * seconds['steps']:.1f}; "
            f"{100 * share:.0f} % of the shorter of the two passes meanwhile"
        )

    return profile


def checkpoint_builder(size: Size) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to a run that writes a checkpoint at its end, and to one that does not."""

    def build(device: Any) -> dict[str, Program]:
        return {
            "nnspec": Program(call=ours(size, device, kept=True)),
            "no checkpoint": Program(call=ours(size, device)),
        }

    return build


def checkpoint_profile(size: Size) -> Callable[[Any, dict[str, Any]], str | None]:
    """What the checkpoint takes, as a share of the epoch and in steps."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        whole, bare = entry["nnspec"]["seconds"], entry["peers"]["no checkpoint"]["seconds"]
        if whole <= bare:
            return None
        state = 3 * ITEM * size.parameters / 2**20
        share = whole / bare - 1
        return (
            f"the checkpoint, of {state:.1f} MiB, takes {1e3 * (whole - bare):.1f} ms: {100 * share:.0f} % of the "
            f"epoch of {size.steps} steps, or {share * size.steps:.0f} steps"
        )

    return profile
