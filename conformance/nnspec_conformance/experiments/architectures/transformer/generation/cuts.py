"""What temperature, top-k, a nucleus and min-p do to texts of a small model whose source is known."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval

SYMBOLS = 64  # of the source
FOLLOWING = np.array([64, 32, 16, 8, 4, 2, 1, 1]) / 128  # probabilities of the 8 symbols that can follow each
FEATURES, HEADS, HIDDEN = 32, 2, 64
GIVEN = {"norm": "pre", "epsilon": 1e-6}
BATCH, RATE = 16, 3e-3
NAMES = ("plain", "temperature 0.7", "top-k 4", "nucleus 0.9", "min-p 0.05", "greedy")


@experiment("decoding-cuts", short={"seeds": 2, "steps": 3, "texts": 2, "length": 4})
def decoding_cuts(seeds: int, *, steps: int = 300, texts: int = 256, length: int = 64) -> Outcome:
    """Shares of impossible tokens, shares of texts that have one, and the distance to the source, by way to decode."""
    train, step = trainer(), stepper(texts, length)
    rows = []
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        source = chain(random)
        weights = train(start(random), walks(source, random, steps * BATCH, length).reshape(steps, BATCH, length))
        asked, found = walks(source, random, texts, length), {}
        for name, way in ways().items():
            right, drawn = looked_at(source, asked, weights, step, way)
            found |= of_places(name, right, drawn) | of_texts(
                name, source, written(asked[:, 0], weights, step, way, seed)
            )
        rows.append({"seed": seed} | found)
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "seed"}
    saved = mean_interval([row["derailed, plain"] - row["derailed, nucleus 0.9"] for row in rows])
    means["derailed, plain less nucleus"] = saved[0]
    means["symbols, greedy over plain"] = means["symbols, greedy"] / means["symbols, plain"]
    return Outcome(means, Effect("derailed texts, plain less nucleus", saved[0], saved[1:]), rows)


# ---- the source


def chain(random: np.random.Generator) -> np.ndarray:
    """The probability of each symbol after each: eight of them can follow, the others cannot."""
    source = np.zeros((SYMBOLS, SYMBOLS))
    for row in source:
        row[random.permutation(SYMBOLS)[: len(FOLLOWING)]] = FOLLOWING
    return source


def walks(source: np.ndarray, random: np.random.Generator, count: int, length: int) -> np.ndarray:
    """Texts of the source, which begin anywhere."""
    ends = np.cumsum(source, 1)
    found = [random.integers(SYMBOLS, size=count)]
    for _ in range(length - 1):
        found.append((ends[found[-1]] <= random.random(count)[:, None]).sum(1))
    return np.minimum(np.stack(found, 1), SYMBOLS - 1)


# ---- the model


def start(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Kernels of variance 1 over their inputs, rows of the embedding of length 1, biases 0 and scales 1."""
    d, depth = FEATURES, FEATURES // HEADS
    kernels = {
        **{f"kernel_{part}_0": ((d, HEADS, depth), d) for part in "qkv"},
        "kernel_o_0": ((HEADS, depth, d), d),
        "kernel_in_0": ((d, HIDDEN), d),
        "kernel_out_0": ((HIDDEN, d), HIDDEN),
        "embedding": ((SYMBOLS, d), d),
    }
    found = {name: random.standard_normal(shape) / n**0.5 for name, (shape, n) in kernels.items()}
    found |= {f"bias_{part}_0": np.zeros((HEADS, depth)) for part in "qkv"}
    found |= {"bias_o_0": np.zeros(d), "bias_in_0": np.zeros(HIDDEN), "bias_out_0": np.zeros(d)}
    for norm in ("{}_1_0", "{}_2_0", "final_{}"):
        found |= {norm.format("scale"): np.ones(d), norm.format("shift"): np.zeros(d)}
    return {name: w.astype(np.float32) for name, w in found.items()}


def trainer() -> Callable[[dict, np.ndarray], dict]:
    """A program that takes a step of Adam for each batch."""
    import jax
    import optax

    from nnspec.architectures.transformer.generation import language_model
    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam

    method = adam(RATE)

    def loss(weights: dict, ids: Any) -> Any:
        z = language_model(ids[:, :-1], weights, **GIVEN)
        return softmax_cross_entropy_with_integer_labels(z, ids[:, 1:]).mean()

    def update(carry: tuple, ids: Any) -> tuple:
        weights, state = carry
        moves, state = method.update(jax.grad(loss)(weights, ids), state, weights)
        return (optax.apply_updates(weights, moves), state), None

    return jax.jit(lambda weights, ids: jax.lax.scan(update, (weights, method.init(weights)), ids)[0][0])


def ways() -> dict[str, Callable]:
    from nnspec.architectures.transformer import decoding

    made = (
        decoding.token_probabilities,
        functools.partial(decoding.token_probabilities, temperature=0.7),
        functools.partial(decoding.top_k_probabilities, k=4),
        functools.partial(decoding.nucleus_probabilities, p=0.9),
        functools.partial(decoding.min_p_probabilities, min_p=0.05),
        functools.partial(decoding.top_k_probabilities, k=1),
    )
    return dict(zip(NAMES, made, strict=True))


def stepper(texts: int, length: int) -> Callable[..., tuple]:
    """A program that reads one more symbol of each text; without a cache it begins with an empty one."""
    import jax
    import jax.numpy as jnp

    from nnspec.architectures.transformer.generation import cached_language_model, new_cache

    read = jax.jit(lambda ids, weights, cache: cached_language_model(ids, weights, cache, **GIVEN))

    def step(ids: np.ndarray, weights: dict, cache: Any = None) -> tuple:
        cache = new_cache(weights, batch=texts, places=length) if cache is None else cache
        z, cache = read(jnp.asarray(ids)[:, None], weights, cache)
        return z[:, 0], cache

    return step


def looked_at(
    source: np.ndarray, asked: np.ndarray, weights: dict, step: Callable, way: Callable
) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities of the source at each place of some texts, and those from which a way to decode would draw."""
    cache, drawn = None, []
    for ids in asked.T:
        z, cache = step(ids, weights, cache)
        drawn.append(np.asarray(way(z), np.float64))
    return source[asked.T], np.stack(drawn)


def written(first: np.ndarray, weights: dict, step: Callable, way: Callable, seed: int) -> np.ndarray:
    """Texts with these first symbols, as long as the cache has places."""
    import jax
    import jax.numpy as jnp

    from nnspec.architectures.transformer.decoding import sample_token

    z, cache = step(first, weights)
    places, found = cache.keys[0].shape[1], [first]
    for t in range(1, places):
        found.append(np.asarray(sample_token(jnp.log(way(z)), jax.random.key(places * seed + t))))
        z, cache = step(found[-1], weights, cache) if t < places - 1 else (z, cache)
    return np.stack(found, 1)


# ---- what is measured


def of_places(name: str, right: np.ndarray, drawn: np.ndarray) -> dict[str, float]:
    """The probability of what cannot follow, and the distance from the source in total variation."""
    return {
        f"impossible, {name}": float(np.where(right == 0, drawn, 0).sum(-1).mean()),
        f"distance, {name}": float(np.abs(drawn - right).sum(-1).mean() / 2),
    }


def of_texts(name: str, source: np.ndarray, texts: np.ndarray) -> dict[str, float]:
    """How many texts have a symbol that cannot follow, and how many symbols there are in a second half."""
    return {
        f"derailed, {name}": float((source[texts[:, :-1], texts[:, 1:]] == 0).any(1).mean()),
        f"symbols, {name}": float(np.mean([len(set(text[len(text) // 2 :].tolist())) for text in texts])),
    }
