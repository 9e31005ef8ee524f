"""B.3.1: a trained attention looks at the one place that answers its question, and needs it; beside a recurrent net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

NAMES, VALUES = 64, 8  # symbols that are asked for, and symbols that are the answer
DEPTH = 16  # of queries, keys and values
HIDDEN = 7  # units of the recurrent network: 2,304 parameters, against 2,312
PAIRS, MORE = 16, 64  # in training, and with distractors
BATCH, RATE, OTHERS = 64, 3e-3, 1024


@experiment("attention-recall", short={"seeds": 2, "steps": 300, "others": 128})
def recall(seeds: int, *, steps: int = 1500, others: int = OTHERS) -> Outcome:
    """Accuracies and weights on new sequences of both networks, seed by seed."""
    rows = []
    for seed in watched(range(seeds), "seeds"):
        asked = {n: questions(np.random.default_rng([seed, n, 1]), others, n) for n in (PAIRS, MORE)}
        new = attention_start(seed)
        weights = trained(attention_logits, new, seed, steps)
        rows.append({"seed": seed} | looked_at(new, weights, asked) | beside(seed, steps, asked))
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "seed"}
    mass = mean_interval([row["mass, trained"] for row in rows])
    effect = Effect("weight of the right place, trained", mass[0], mass[1:])
    return Outcome(means, effect, rows)


# ---- what is asked


def questions(draws: np.random.Generator, count: int, pairs: int) -> tuple[np.ndarray, ...]:
    """Pairs of a name and a value, no name twice, and the place that is asked for: names, values, places."""
    names = draws.random((count, NAMES)).argsort(-1)[:, :pairs]
    return names, draws.integers(VALUES, size=(count, pairs)), draws.integers(pairs, size=count)


def one_hot(symbols: np.ndarray, count: int) -> np.ndarray:
    return np.eye(count, dtype=np.float32)[symbols]


def labels_of(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    return values[np.arange(len(places)), places]


def read(names: np.ndarray, values: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Names, values and the question, as one-hot arrays."""
    return one_hot(names, NAMES), one_hot(values, VALUES), one_hot(labels_of(names, places), NAMES)


# ---- the networks


def attention_start(seed: int) -> dict[str, np.ndarray]:
    """Kernels of variance 1 over the inputs, those of the one-hot inputs 1."""
    draws = np.random.default_rng(seed)
    shapes = {"query": (NAMES, DEPTH), "key": (NAMES, DEPTH), "value": (VALUES, DEPTH), "kernel": (DEPTH, VALUES)}
    found = {name: draws.standard_normal(shape) for name, shape in shapes.items()}
    found["kernel"] /= DEPTH**0.5
    return {name: w.astype(np.float32) for name, w in found.items()} | {"bias": np.zeros(VALUES, np.float32)}


def attention_logits(w: dict, names: Any, values: Any, question: Any, mask: Any = None) -> Any:
    """One query, one head: the question's name beside the names of all pairs."""
    from nnspec.architectures.transformer.attention import attention
    from nnspec.components.layers import dense

    q = (question @ w["query"])[:, None, None]
    k, v = (names @ w["key"])[:, :, None], (values @ w["value"])[:, :, None]
    return dense(attention(q, k, v, mask)[:, 0, 0], w["kernel"], w["bias"])


def weights_of(w: dict, names: np.ndarray, question: np.ndarray) -> np.ndarray:
    """The weights of all pairs, by values that show them."""
    from nnspec.architectures.transformer.attention import attention

    count = names.shape[1]
    q, k = (question @ w["query"])[:, None, None], (names @ w["key"])[:, :, None]
    shown = np.broadcast_to(np.eye(count, dtype=np.float32)[None, :, None], (len(names), count, 1, count))
    return np.asarray(attention(q, k, np.asarray(shown)))[:, 0, 0]


def recurrent_start(seed: int) -> dict:
    import jax

    from nnspec.architectures.lstm import lstm_start

    draws = np.random.default_rng(seed).standard_normal((HIDDEN, VALUES)) / HIDDEN**0.5
    table = {name: np.asarray(w) for name, w in lstm_start(jax.random.key(seed), NAMES + VALUES, HIDDEN).items()}
    return {"lstm": table, "kernel": draws.astype(np.float32), "bias": np.zeros(VALUES, np.float32)}


def recurrent_logits(w: dict, names: Any, values: Any, question: Any) -> Any:
    """The question is read first, so that the network knows what to keep; then the pairs, one after the other."""
    import jax.numpy as jnp

    from nnspec.architectures.lstm import lstm
    from nnspec.components.layers import dense

    pairs = jnp.concatenate([names, values], -1)
    first = jnp.concatenate([question, jnp.zeros((len(question), VALUES))], -1)[:, None]
    return dense(lstm(jnp.concatenate([first, pairs], 1), w["lstm"])[1], w["kernel"], w["bias"])


def trained(logits: Callable, weights: Any, seed: int, steps: int, pairs: int = PAIRS) -> Any:
    """The weights after so many steps of Adam, each on new sequences of so many pairs."""
    import jax
    import optax

    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam

    method, draws = adam(RATE), np.random.default_rng([seed, 0])

    def loss(w: Any, labels: Any, *given: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(logits(w, *given), labels).mean()

    @jax.jit
    def update(w: Any, state: Any, labels: Any, *given: Any) -> tuple:
        moves, state = method.update(jax.grad(loss)(w, labels, *given), state, w)
        return optax.apply_updates(w, moves), state

    state = method.init(weights)
    for _ in range(steps):
        names, values, places = questions(draws, BATCH, pairs)
        weights, state = update(weights, state, labels_of(values, places), *read(names, values, places))
    return jax.tree.map(np.asarray, weights)


# ---- what is measured


def accuracy(logits: Any, labels: np.ndarray) -> float:
    return float((np.asarray(logits).argmax(-1) == labels).mean())


def looked_at(new: dict, weights: dict, asked: dict) -> dict[str, float]:
    """Weights of the right place, and accuracies, as all is, with places masked and with distractors."""
    _, values, places = asked[PAIRS]
    given, labels, rows = read(*asked[PAIRS]), labels_of(values, places), np.arange(len(places))
    found = {
        "mass, new": float(weights_of(new, given[0], given[2])[rows, places].mean()),
        "mass, trained": float(weights_of(weights, given[0], given[2])[rows, places].mean()),
        "accuracy": accuracy(attention_logits(weights, *given), labels),
    }
    for word, hidden in (("right", places), ("another", (places + 1) % PAIRS)):
        mask = (np.arange(PAIRS) != hidden[:, None])[:, None, None]
        found[f"accuracy, {word} place masked"] = accuracy(attention_logits(weights, *given, mask), labels)
    found["accuracy, 64 pairs"] = accuracy(
        attention_logits(weights, *read(*asked[MORE])), labels_of(asked[MORE][1], asked[MORE][2])
    )
    return found | {"accuracy, looking elsewhere": elsewhere(weights, values, places, labels)}


def elsewhere(weights: dict, values: np.ndarray, places: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy where all weight is given to another place of the same value, wherever there is one."""
    from nnspec.components.layers import dense

    same = (values == labels[:, None]) & (np.arange(PAIRS) != places[:, None])
    there = same.any(-1)
    y = weights["value"][values[np.arange(len(places)), same.argmax(-1)]]
    return accuracy(dense(y[there], weights["kernel"], weights["bias"]), labels[there])


def beside(seed: int, steps: int, asked: dict) -> dict[str, float]:
    """Accuracies of the recurrent network, trained on the same sequences."""
    weights = trained(recurrent_logits, recurrent_start(seed), seed, steps)
    return {
        f"accuracy, LSTM{words}": accuracy(recurrent_logits(weights, *read(*asked[n])), labels_of(*asked[n][1:]))
        for n, words in ((PAIRS, ""), (MORE, ", 64 pairs"))
    }
