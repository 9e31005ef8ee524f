"""Two numbers far apart in a sequence, to be added: layers that learn it, and a comparison of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.gru.memory import GATES
from nnspec_conformance.experiments.core import Effect, Outcome, watched

CHUNK = 50  # updates between two looks at the loss, each on a batch that was never seen before
SOLVED = 0.01
CLIP = 1.0
READ = 200  # sequences of which the gradient is taken


@dataclass(frozen=True)
class Learner:
    """A layer, how it starts, and how long it may learn.

    Attributes:
        cell: Elman, GRU or LSTM.
        rate: of Adam.
        updates: how many at most.
        activation: of an Elman layer.
        identity: an Elman layer starts with the identity for its recurrent kernel and hardly any other weights
            (Le, Jaitly and Hinton 2015), not with an orthogonal one.
    """

    cell: str
    rate: float
    updates: int
    activation: Any = "tanh"
    identity: bool = False


def compared(
    learners: dict[str, Learner], seeds: int, steps: int, units: int, batch: int, share: float
) -> Outcome:  # fmt: skip
    """So many layers of each kind learn on fresh batches; the effect is the error at the end of the last kind."""
    came: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    curves: dict[str, list[float]] = {}
    ends: dict[str, list[float]] = {}
    for name, learner in learners.items():
        chunks = max(1, round(share * learner.updates / CHUNK))
        found = [learned(learner, seed, steps, units, batch, chunks) for seed in watched(range(seeds), name)]
        losses = [loss for loss, _ in found]
        reached = {kind: np.array([curves[kind] for _, curves in found]) for kind in ("new", "trained")}
        took = [CHUNK * len(loss) for loss in losses if loss[-1] < SOLVED]
        ends[name] = [loss[-1] for loss in losses]
        came |= {
            f"solved, {name}": float(len(took)),
            f"error at the end, {name}, mean": float(np.mean(ends[name])),
            f"powers of ten after training, {name}": float(np.mean(reached["trained"][:, 0])),
        }
        if len(took) == seeds:
            came[f"updates, {name}, most"] = float(max(took))
        longest = max(map(len, losses))
        curves[name] = np.mean([[*loss, *[loss[-1]] * (longest - len(loss))] for loss in losses], 0).tolist()
        curves |= {f"gradient, {name}, {kind}": powers.mean(0).tolist() for kind, powers in reached.items()}
        rows.append({
            "layer": name,
            "parameters": len(GATES[learner.cell]) * (units * (units + 3)),
            "updates allowed": CHUNK * chunks,
            "solved": len(took),
            "updates, fewest": min(took, default=None),
            "updates, most": max(took, default=None),
            "error at the end, mean": float(np.mean(ends[name])),
            "least": float(np.min(ends[name])),
            "largest": float(np.max(ends[name])),
            "powers of ten, new": float(np.mean(reached["new"][:, 0])),
            "powers of ten after training": float(np.mean(reached["trained"][:, 0])),
        })  # fmt: skip
    final = list(learners)[-1]
    last = ends[final]
    effect = Effect(f"error at the end, {final}", float(np.mean(last)), (float(min(last)), float(max(last))))
    return Outcome(came, effect, rows, curves)


def start(learner: Learner, units: int, seed: int) -> dict[str, Any]:
    """The table of a new layer of two features, and its read-out: a number for each unit and one more."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for end in GATES[learner.cell]:
        found[f"kernel{end}"] = rng.standard_normal((2, units)) * (2 / (2 + units)) ** 0.5
        found[f"recurrent_kernel{end}"] = np.linalg.qr(rng.standard_normal((units, units)))[0]
        found[f"bias{end}"] = np.zeros(units)
    if learner.cell == "LSTM":
        found["bias_f"] += 1
    if learner.identity:
        found |= {"kernel": 0.001 * rng.standard_normal((2, units)), "recurrent_kernel": np.eye(units)}
    read = rng.standard_normal(units) / units**0.5
    return {"layer": found, "read": read, "more": np.zeros(())}


def learned(
    learner: Learner, seed: int, steps: int, units: int, batch: int, chunks: int
) -> tuple[list[float], dict[str, np.ndarray]]:
    """The mean loss of each chunk of updates until it is solved, and how far a gradient reaches before and after.

    The reach is the number of powers of ten by which the gradient for the input of each step is larger than that for
    the last input, [steps], in float64.
    """
    import jax
    import jax.numpy as jnp

    first, train, reach = program(learner, steps, batch)
    new = jax.tree.map(lambda w: jnp.asarray(w, jnp.float32), start(learner, units, seed))
    carry, losses = first(new), []
    for key in jax.random.split(jax.random.key(seed), chunks):
        carry, loss = train(carry, key)
        losses.append(float(loss))
        if losses[-1] < SOLVED:
            break
    with jax.enable_x64(True):
        return losses, {kind: np.asarray(reach(table)) for kind, table in (("new", new), ("trained", carry[0]))}


@functools.cache
def program(learner: Learner, steps: int, batch: int) -> tuple[Callable, Callable, Callable]:
    """How a layer starts, a chunk of updates, and how far its gradient reaches back."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.architectures.gru import gru
    from nnspec.architectures.lstm import lstm
    from nnspec.architectures.recurrent import elman
    from nnspec.training.adam import adam
    from nnspec.training.gradient_clipping import clip_by_global_norm

    optimizer = adam(learner.rate)

    def drawn(key: Any, count: int, dtype: Any) -> tuple[Any, Any]:
        """Numbers in (0, 1) beside marks, one in each half of a sequence, and the sum of the two that are marked."""
        values, front, back = jax.random.split(key, 3)
        x = jax.random.uniform(values, (count, steps), dtype)
        half, number = steps // 2, jnp.arange(steps)
        one = jax.random.randint(front, (count, 1), 0, half)
        other = jax.random.randint(back, (count, 1), half, steps)
        marks = ((number == one) | (number == other)).astype(dtype)
        return jnp.stack([x, marks], -1), (x * marks).sum(-1)

    def answer(table: dict, x: Any) -> Any:
        if learner.cell == "Elman":
            h = elman(x, table["layer"], activation=learner.activation, outputs="last")
        elif learner.cell == "LSTM":
            _, h, _ = lstm(x, table["layer"])
        else:
            h = gru(x, table["layer"], outputs="last")
        return h @ table["read"] + table["more"]

    def loss(table: dict, x: Any, y: Any) -> Any:
        return jnp.mean((answer(table, x) - y) ** 2)

    def update(carry: tuple, key: Any) -> tuple:
        table, state = carry
        found, g = jax.value_and_grad(loss)(table, *drawn(key, batch, jnp.float32))
        change, state = optimizer.update(clip_by_global_norm(g, limit=CLIP), state, table)
        return (optax.apply_updates(table, change), state), found

    @jax.jit
    def train(carry: tuple, key: Any) -> tuple:
        carry, losses = jax.lax.scan(update, carry, jax.random.split(key, CHUNK))
        return carry, losses.mean()

    @jax.jit
    def reach(table: dict) -> Any:
        """Tell by how many powers of ten the answer's gradient for each input is above that for the last."""
        x, _ = drawn(jax.random.key(0), READ, jnp.float64)
        wide = jax.tree.map(lambda w: w.astype(jnp.float64), table)
        g = jnp.log10(jnp.linalg.norm(jax.grad(lambda x: answer(wide, x).sum())(x), axis=(0, 2)))
        return g - g[-1]

    return lambda table: (table, optimizer.init(table)), train, reach
