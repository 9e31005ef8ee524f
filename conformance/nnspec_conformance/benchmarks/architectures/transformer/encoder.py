"""An encoder layer over batches of sequences, forward and with gradients: ours, PyTorch's, and of stock layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled
from nnspec_conformance.benchmarks.peers import torch_compiler, torch_place, waiting, with_gradients
from nnspec_conformance.benchmarks.stock_layers import of_flax, of_keras
from nnspec_conformance.oracles.architectures.transformer.encoder import AXES

SET = "encoder"
FORWARD, BOTH = "forward", "forward+backward"
ITEM = 4  # bytes of a float32
NORM, EPSILON = "pre", 1e-6


@dataclass(frozen=True)
class Size:
    """A layer and its sequences.

    Attributes:
        batch: how many sequences.
        places: of each; of a source as many.
        width: features of a place.
        heads: of each attention.
    """

    batch: int
    places: int
    width: int
    heads: int

    @property
    def sizes(self) -> dict[str, int]:
        """The lengths of the axes of the weights; the feed-forward network is four times as wide."""
        return {"width": self.width, "heads": self.heads, "depth": self.width // self.heads, "hidden": 4 * self.width}


SIZES = {f"{places} places, width 256": Size(8, places, 256, 8) for places in (128, 512)}
QUICK = {"8 places, width 8": Size(2, 8, 8, 2)}


@dataclass(frozen=True)
class Layer:
    """A layer of a transformer, and what it is called by all who have it.

    Attributes:
        set: the name of its workloads.
        axes: of its weights.
        ours: the result that the reference gives, of inputs, weights and, for a decoder, the source.
        torch: the name of the layer of PyTorch.
        table: its weights by PyTorch's names, of the table as tensors.
        attentions: how many it has.
    """

    set: str
    axes: dict[str, tuple[str, ...]]
    ours: Callable[..., Any]
    torch: str
    table: Callable[[], Callable[[dict], dict]]
    attentions: int = 1

    def products(self, size: Size) -> int:
        """Products of the forward pass: four maps, scores and means of each attention, the feed-forward network."""
        places, width = size.batch * size.places, size.width
        attention = 4 * places * width**2 + 2 * places * size.places * width
        return self.attentions * attention + 8 * places * width**2

    def numbers(self, size: Size) -> int:
        """How many inputs, results and weights there are."""
        weights = sum(int(np.prod([size.sizes[word] for word in words])) for words in self.axes.values())
        return (self.attentions + 1) * size.batch * size.places * size.width + weights

    def workloads(self, *, quick: bool = False) -> Iterator[Workload]:
        """Every workload of the set."""
        for name, size in (QUICK if quick else SIZES).items():
            for direction in (FORWARD, BOTH):
                passes = 1 if direction == FORWARD else 3  # the backward pass has two products for each one
                yield Workload(
                    set=self.set,
                    name=name,
                    direction=direction,
                    size=size.batch * size.places * size.width,
                    operations=2 * passes * self.products(size),
                    least_bytes=ITEM * self.numbers(size) * (1 if direction == FORWARD else 2),
                    build=partial(self.built, size, direction),
                    ceiling="matmul",
                )

    def built(self, size: Size, direction: str, device: Any) -> dict[str, Program]:
        """The programs of a workload on a device."""
        import jax

        arrays, g = self.drawn(size)
        given = [jax.device_put(a, device) for a in ((*arrays, g) if direction == BOTH else arrays)]
        functions = {"nnspec": self.ours, "flax": of_flax(size.heads, EPSILON)}
        keras = of_keras(size.width, size.heads, size.sizes["hidden"], size.places, EPSILON)
        functions |= {} if keras is None else {"keras": keras}
        found = {
            name: compiled(f if direction == FORWARD else with_gradients(f), *given) for name, f in functions.items()
        }
        if place := torch_place(device):
            found["torch"] = self.on_torch(size, direction, place)
            if compiler := torch_compiler():
                found["torch compiled"] = self.on_torch(size, direction, place, through=compiler)
        return found

    def drawn(self, size: Size) -> tuple[tuple, np.ndarray]:
        """Inputs, weights and, for a decoder, the source; and the cotangent of the results."""
        rng, shape = np.random.default_rng(size.places), (size.batch, size.places, size.width)
        weights = {}
        for name, words in self.axes.items():
            lengths = [size.sizes[word] for word in words]
            if "kernel" in name:
                rows = size.sizes["hidden"] if words[0] == "hidden" else size.width
                weights[name] = rng.standard_normal(lengths, np.float32) / np.float32(rows**0.5)
            else:
                weights[name] = np.full(lengths, float("scale" in name), np.float32)
        x, source, g = (rng.standard_normal(shape, np.float32) for _ in range(3))
        return ((x, weights) if self.attentions == 1 else (x, weights, source)), g

    def on_torch(self, size: Size, direction: str, place: str, *, through: Callable = lambda f: f) -> Program:
        """PyTorch's layer with the same weights, in training mode without dropout."""
        import torch

        (x, weights, *source), g = self.drawn(size)
        layer = getattr(torch.nn, self.torch)(
            size.width, size.heads, 4 * size.width, dropout=0.0, layer_norm_eps=EPSILON, batch_first=True,
            norm_first=NORM == "pre",
        )  # fmt: skip
        named = self.table()
        layer.load_state_dict(named({name: torch.from_numpy(w) for name, w in weights.items()}))
        layer = layer.to(place)
        inputs, cotangents = [torch.from_numpy(a).to(place) for a in (x, *source)], torch.from_numpy(g).to(place)
        hidden = torch.ones(size.places, size.places, dtype=torch.bool, device=place).triu(1)
        told = {"tgt_mask": hidden, "tgt_is_causal": True} if source else {}
        forward = through(lambda *arrays: layer(*arrays, **told))

        def result() -> Any:
            with torch.no_grad():
                return forward(*inputs)

        if direction == FORWARD:
            return Program(call=waiting(result, place))
        leaves, parameters = [a.clone().requires_grad_() for a in inputs], dict(layer.named_parameters())

        def both() -> tuple:
            y = forward(*leaves)
            dx, *rest = torch.autograd.grad(y, [*leaves, *parameters.values()], cotangents)
            sources, found = rest[: len(source)], dict(zip(parameters, rest[len(source) :], strict=True))
            return y.detach(), dx, unnamed(found, self.axes, size), *sources

        return Program(call=waiting(both, place))


def unnamed(found: dict, axes: dict[str, tuple[str, ...]], size: Size) -> dict:
    """Gradients by the names of our table, with the axes of our arrays."""
    table = {}
    places = {"": "self_attn", "cross_": "multihead_attn"}
    dense = {"in": "linear1", "out": "linear2"}
    for name, words in axes.items():
        start = "cross_" if name.startswith("cross_") else ""
        kind, _, part = name.removeprefix(start).rpartition("_")
        word = "weight" if kind in ("kernel", "scale") else "bias"
        shape = [size.sizes[axis] for axis in words]
        if part in "qkv":
            w = found[f"{places[start]}.in_proj_{word}"].chunk(3)["qkv".index(part)]
        elif part == "o":
            w = found[f"{places[start]}.out_proj.{word}"]
        else:
            w = found[f"{dense.get(part, f'norm{part}')}.{word}"]
        table[name] = (w.T if kind == "kernel" else w).reshape(shape)
    return {name: table[name] for name in sorted(table)}


def _ours(x: Any, weights: dict) -> Any:
    from nnspec.architectures.transformer.encoder import encoder_layer

    return encoder_layer(x, weights, norm=NORM, epsilon=EPSILON)


def _table() -> Callable[[dict], dict]:
    from nnspec_conformance.adapters.torch.architectures.transformer.encoder import _table as named

    return named


workloads = Layer(SET, AXES, _ours, "TransformerEncoderLayer", _table).workloads
