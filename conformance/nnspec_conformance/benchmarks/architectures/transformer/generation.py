"""Texts that a small language model writes, greedy: ours with its cache, stock Flax with its own, and full passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled

SET = "generation"
ITEM = 4  # bytes of a float32
GIVEN = {"norm": "pre", "epsilon": 1e-6}


@dataclass(frozen=True)
class Size:
    """The sizes of a model and of what it writes.

    Attributes:
        batch: texts side by side.
        prompt: tokens that are given.
        written: tokens that are written.
        features: of the model, likewise the following.
        heads: of the attention.
        hidden: units.
        layers: how many.
        vocabulary: tokens; the last one is the end, and never written.
    """

    batch: int
    prompt: int
    written: int
    features: int = 256
    heads: int = 4
    hidden: int = 1024
    layers: int = 4
    vocabulary: int = 4096

    @property
    def places(self) -> int:
        """How many tokens are read; the last one that is written is not."""
        return self.prompt + self.written - 1

    @property
    def weights(self) -> int:
        """How many numbers each step reads: kernels, and the embedding for the logits."""
        d = self.features
        return self.layers * (4 * d * d + 2 * d * self.hidden) + self.vocabulary * d

    @property
    def products(self) -> int:
        """How many products prompt and steps take, if each place looks at itself and the places before it alone."""
        pairs = self.places * (self.places + 1) // 2
        return self.batch * (self.places * self.weights + 2 * self.layers * self.features * pairs)

    @property
    def least_numbers(self) -> int:
        """What the steps cannot leave unread: the weights each time, and keys and values of the places so far."""
        steps = np.arange(self.prompt, self.places + 1)
        return int(len(steps) * self.weights + 2 * self.batch * self.layers * self.features * steps.sum())


SIZES = {f"{batch} texts, 64 tokens after 64": Size(batch, 64, 64) for batch in (1, 16)}
QUICK = {"2 texts, 3 tokens after 2": Size(2, 2, 3, features=8, heads=2, hidden=16, layers=1, vocabulary=16)}


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """Every workload of the set."""
    for name, size in (QUICK if quick else SIZES).items():
        yield Workload(
            set=SET,
            name=name,
            direction="forward",
            size=size.batch * size.written,
            operations=2 * size.products,
            least_bytes=ITEM * size.least_numbers,
            build=builder(size),
        )


def builder(size: Size) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs of this workload."""

    def build(device: Any) -> dict[str, Program]:
        import jax

        prompt, weights = jax.device_put((drawn(size), started(size)), device)
        state, flax = by_flax(size, weights)
        return {
            "nnspec": compiled(ours(size), prompt, weights),
            "full passes": compiled(full_passes(size), prompt, weights),
            "flax": compiled(flax, prompt, jax.device_put(state, device)),
        }

    return build


def drawn(size: Size) -> np.ndarray:
    """The tokens of all prompts, none of them the end."""
    return np.random.default_rng(size.batch).integers(size.vocabulary - 1, size=(size.batch, size.prompt))


def started(size: Size) -> dict[str, Any]:
    """The table of a new model; the row of the end is zeros, so that some other logit is larger and no text ends."""
    from flax import nnx

    from nnspec.architectures.transformer.generation import LanguageModel

    sizes = (size.vocabulary, size.features, size.heads, size.hidden, size.layers)
    found = LanguageModel(*sizes, **GIVEN, rngs=nnx.Rngs(0)).get_weights()
    return found | {"embedding": found["embedding"].at[-1].set(0)}


def ours(size: Size) -> Callable[..., Any]:
    """The loop of the reference."""
    from nnspec.architectures.transformer.generation import generate

    return lambda prompt, weights: generate(prompt, weights, end=size.vocabulary - 1, limit=size.written, **GIVEN)


def full_passes(size: Size) -> Callable[..., Any]:
    """The same texts without a cache: all places are read for each token."""
    import jax
    import jax.numpy as jnp

    from nnspec.architectures.transformer.generation import language_model

    def write(prompt: Any, weights: dict) -> Any:
        def step(t: Any, text: Any) -> Any:
            z = language_model(text, weights, **GIVEN)
            return text.at[:, t].set(jnp.argmax(z[:, t - 1], -1))

        text = jnp.pad(prompt, ((0, 0), (0, size.written)))
        return jax.lax.fori_loop(size.prompt, size.prompt + size.written, step, text)[:, size.prompt :]

    return write


def by_flax(size: Size, weights: dict[str, Any]) -> tuple[Any, Callable[..., Any]]:
    """The same model of stock layers, which keep their caches, with the same weights: its state, and the loop."""
    import jax
    import jax.numpy as jnp
    from flax import nnx

    from nnspec.architectures.transformer.positions import sinusoidal_positions

    class Layer(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            d, h = size.features, size.hidden
            self.norms = nnx.List([nnx.LayerNorm(d, rngs=rngs) for _ in range(2)])
            self.attention = nnx.MultiHeadAttention(size.heads, d, deterministic=True, decode=True, rngs=rngs)
            self.attention.init_cache((size.batch, size.places, d))
            self.hidden, self.out = nnx.Linear(d, h, rngs=rngs), nnx.Linear(h, d, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            x = x + self.attention(self.norms[0](x))
            return x + self.out(nnx.relu(self.hidden(self.norms[1](x))))

    class Model(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.embed = nnx.Embed(size.vocabulary, size.features, rngs=rngs)
            self.layers = nnx.List([Layer(rngs) for _ in range(size.layers)])
            self.norm = nnx.LayerNorm(size.features, rngs=rngs)

        def __call__(self, ids: Any, position: Any) -> Any:
            x = size.features**0.5 * self.embed(ids)[:, None] + position
            for layer in self.layers:
                x = layer(x)
            return self.embed.attend(self.norm(x))[:, 0]

    model = Model(nnx.Rngs(0))

    def put(layer: Any, **arrays: Any) -> None:
        for name, array in arrays.items():
            getattr(layer, name)[...] = array

    put(model.embed, embedding=weights["embedding"])
    put(model.norm, scale=weights["final_scale"], bias=weights["final_shift"])
    for n, layer in enumerate(model.layers):
        for number, norm in enumerate(layer.norms, 1):
            put(norm, scale=weights[f"scale_{number}_{n}"], bias=weights[f"shift_{number}_{n}"])
        parts = {"q": layer.attention.query, "k": layer.attention.key, "v": layer.attention.value}
        for part, own in (parts | {"o": layer.attention.out, "in": layer.hidden, "out": layer.out}).items():
            put(own, kernel=weights[f"kernel_{part}_{n}"], bias=weights[f"bias_{part}_{n}"])
    graph, state = nnx.split(model)
    positions = sinusoidal_positions(jnp.arange(size.places), features=size.features)

    def write(prompt: Any, state: Any) -> Any:
        def step(t: Any, carry: tuple) -> tuple:
            text, state = carry
            model = nnx.merge(graph, state)
            token = jnp.argmax(model(text[:, t], positions[t]), -1)
            known = t + 1 < size.prompt  # the prompt is read token by token: these layers take one at a time
            return text.at[:, t + 1].set(jnp.where(known, text[:, t + 1], token)), nnx.state(model)

        text = jnp.pad(prompt, ((0, 0), (0, size.written)))
        return jax.lax.fori_loop(0, size.places, step, (text, state))[0][:, size.prompt :]

    return state, write
