"""What the sets of recurrent layers share: sizes, arrays, and the programs of all who have the layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import HLO, Program, Workload, compiled, interleave
from nnspec_conformance.benchmarks.peers import keras_on_jax, torch_compiler, torch_place, waiting, with_gradients

FORWARD, BOTH = "forward", "forward+backward"
ITEM = 4  # bytes of a float32
KINDS = ("kernel", "recurrent_kernel", "bias")


@dataclass(frozen=True)
class Size:
    """A layer and its sequences.

    Attributes:
        batch: how many sequences.
        steps: of each.
        width: features of an input, and units.
    """

    batch: int
    steps: int
    width: int


SIZES = {f"{steps} steps, width {width}": Size(64, steps, width) for steps in (64, 256) for width in (64, 256)}
QUICK = {"8 steps, width 8": Size(4, 8, 8)}


@dataclass(frozen=True)
class Layer:
    """A recurrent layer, and what it is called by all who have it.

    Attributes:
        set: the name of its workloads.
        ends: of the names of its weights, one for each gate in the order of PyTorch: ``_i``; empty without gates.
        ours: the states that the reference gives, of inputs and weights.
        flax: the name of the cell of Flax.
        bias: which layer of that cell has the bias.
        keras: the name of the layer of Keras.
        order: the ends in the order of Keras.
        second: whether Keras has a second row of biases.
        torch: the name of the layer of PyTorch.
    """

    set: str
    ends: tuple[str, ...]
    ours: Callable[[Any, dict], Any]
    flax: str
    bias: str
    keras: str
    order: tuple[str, ...]
    torch: str
    second: bool = False

    def products(self, size: Size) -> int:
        """How many products the forward pass has: each step multiplies inputs and states by square kernels."""
        return 2 * len(self.ends) * size.batch * size.steps * size.width**2

    def numbers(self, size: Size) -> int:
        """How many inputs, states and weights there are."""
        weights = len(self.ends) * (2 * size.width**2 + size.width)
        return 2 * size.batch * size.steps * size.width + weights

    def workloads(self, *, quick: bool = False) -> Iterator[Workload]:
        """Every workload of the set."""
        for name, size in (QUICK if quick else SIZES).items():
            for direction in (FORWARD, BOTH):
                passes = 1 if direction == FORWARD else 3  # the backward pass has two products for each one
                yield Workload(
                    set=self.set,
                    name=name,
                    direction=direction,
                    size=size.batch * size.steps * size.width,
                    operations=2 * passes * self.products(size),
                    least_bytes=ITEM * self.numbers(size) * (1 if direction == FORWARD else 2),
                    build=self.builder(size, direction),
                    ceiling="matmul",
                    profile=self.profiler(size, passes),
                )

    def profiler(self, size: Size, passes: int) -> Callable[[Any, dict[str, Any]], str | None]:
        """Where ours takes longer than a peer: how the programs differ, and what the products alone take."""

        def profile(device: Any, entry: dict[str, Any]) -> str | None:
            slower = {name for name, ratio in entry["ratio"].items() if ratio > 1}
            parts = []
            for name in sorted(slower & {"flax", "keras"}):
                ours, theirs = (program["instructions"] for program in (entry["nnspec"], entry["peers"][name]))
                both = {kind: (ours.get(kind, 0), theirs.get(kind, 0)) for kind in HLO}
                differ = ", ".join(f"{kind} {n} and {m}" for kind, (n, m) in both.items() if n != m)
                parts.append(f"instructions of ours and of {name}: {differ or 'the same, the rest is noise'}")
            if fastest := min((entry["peers"][n]["seconds"] for n in slower if n.startswith("torch")), default=None):
                bare = self.bare(size, device)
                xla, library = (1e3 * passes * bare[name] for name in ("xla", "torch"))
                parts.append(
                    f"products alone, step by step: {xla:.1f} ms in XLA, of {1e3 * entry['nnspec']['seconds']:.1f} for "
                    f"all, and {library:.1f} in PyTorch, of {1e3 * fastest:.1f}"
                )
            return "; ".join(parts) or None

        return profile

    def bare(self, size: Size, device: Any) -> dict[str, float]:
        """Seconds of the forward products alone, each of a state after the one before, in XLA and in PyTorch."""
        import jax
        import jax.numpy as jnp
        import torch

        x, weights, _ = self.drawn(size)
        kernel, recurrent, _ = self.joined(weights, np.concatenate)
        n, place = size.width, torch_place(device) or "cpu"
        rows = torch.from_numpy(np.ascontiguousarray(x.swapaxes(0, 1))).to(place)
        k, u = (torch.from_numpy(a).to(place) for a in (kernel, recurrent))

        def scanned(x: Any, k: Any, u: Any) -> Any:
            def step(h: Any, p: Any) -> Any:
                return (p + h @ u)[:, :n], None

            return jax.lax.scan(step, jnp.zeros((size.batch, n)), (x @ k).swapaxes(0, 1))[0]

        def looped() -> Any:
            h = torch.zeros(size.batch, n, device=place)
            for p in rows @ k:
                h = torch.addmm(p, h, u)[:, :n]
            return h

        given = jax.device_put((x, kernel, recurrent), device)
        calls = {"xla": compiled(scanned, *given).call, "torch": waiting(looped, place)}
        return interleave(calls, rounds=5)

    def builder(self, size: Size, direction: str) -> Callable[[Any], dict[str, Program]]:
        """A function from the device to the programs of this workload."""

        def build(device: Any) -> dict[str, Program]:
            import jax

            x, weights, g = self.drawn(size)
            given = [jax.device_put(a, device) for a in ((x, weights, g) if direction == BOTH else (x, weights))]
            functions = {"nnspec": self.ours, "flax": self.stock(size)}
            if (keras := self.on_keras(size)) is not None:
                functions["keras"] = keras
            found = {
                name: compiled(f if direction == FORWARD else with_gradients(f), *given)
                for name, f in functions.items()
            }
            if place := torch_place(device):
                found["torch"] = self.on_torch(size, direction, place)
                if compiler := torch_compiler():
                    found["torch compiled"] = self.on_torch(size, direction, place, through=compiler)
            return found

        return build

    def drawn(self, size: Size) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
        """Inputs, weights of variance 1/n, and the cotangent of the states."""
        rng, n = np.random.default_rng(size.steps + size.width), size.width
        weights = {
            f"{kind}{end}": rng.standard_normal((n,) if kind == "bias" else (n, n), np.float32) / np.float32(n**0.5)
            for end in self.ends
            for kind in KINDS
        }
        shape = size.batch, size.steps, n
        return rng.standard_normal(shape, np.float32), weights, rng.standard_normal(shape, np.float32)

    def joined(self, weights: dict, concatenate: Callable, ends: tuple[str, ...] = ()) -> list[Any]:
        """Kernel, recurrent kernel and bias, the gates side by side."""
        return [concatenate([weights[f"{kind}{end}"] for end in ends or self.ends], -1) for kind in KINDS]

    def stock(self, size: Size) -> Callable:
        """The layer of Flax with the same weights."""
        import jax.numpy as jnp
        from flax import nnx

        def make() -> Any:
            return getattr(nnx, self.flax)(size.width, size.width, rngs=nnx.Rngs(0))

        structure = nnx.split(nnx.eval_shape(make))[0]

        def states(x: Any, weights: dict) -> Any:
            kernel, recurrent_kernel, bias = (nnx.Param(w) for w in self.joined(weights, jnp.concatenate))
            state = {"dense_i": {"kernel": kernel}, "dense_h": {"kernel": recurrent_kernel}}
            state[self.bias]["bias"] = bias
            return nnx.RNN(nnx.merge(structure, nnx.State(state)))(x)

        return states

    def on_keras(self, size: Size) -> Callable | None:
        """Keras's layer, where Keras is installed and runs on JAX in this process."""
        keras = keras_on_jax()
        if keras is None:
            return None
        layer = getattr(keras.layers, self.keras)(size.width, return_sequences=True)
        layer.build((size.batch, size.steps, size.width))
        seeds = [variable.value for variable in layer.non_trainable_variables]

        def states(x: Any, weights: dict) -> Any:
            kernel, recurrent, bias = self.joined(weights, keras.ops.concatenate, self.order)
            bias = keras.ops.stack([bias, keras.ops.zeros_like(bias)]) if self.second else bias
            return layer.stateless_call([kernel, recurrent, bias], seeds, x)[0]

        return states

    def on_torch(self, size: Size, direction: str, place: str, *, through: Callable = lambda f: f) -> Program:
        """PyTorch's layer; its second bias is zero."""
        import torch

        (x, weights, g), n, count = self.drawn(size), size.width, len(self.ends)
        layer = getattr(torch.nn, self.torch)(n, n, batch_first=True)
        kernel, recurrent_kernel, bias = self.joined(weights, np.concatenate)
        rows = {"weight_ih_l0": kernel.T, "weight_hh_l0": recurrent_kernel.T, "bias_ih_l0": bias}
        arranged = {name: torch.from_numpy(np.ascontiguousarray(w)) for name, w in rows.items()}
        layer.load_state_dict(arranged | {"bias_hh_l0": torch.zeros(count * n)})
        layer = layer.to(place)
        inputs, cotangents = (torch.from_numpy(a).to(place) for a in (x, g))
        forward = through(lambda x: layer(x)[0])

        def result() -> Any:
            with torch.no_grad():
                return forward(inputs)

        if direction == FORWARD:
            return Program(call=waiting(result, place))
        leaves = [inputs.clone().requires_grad_(), layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0]

        def both() -> tuple:
            y = forward(leaves[0])
            dx, *parts = torch.autograd.grad(y, leaves, cotangents)
            table = {}
            for kind, part in zip(KINDS, parts, strict=True):
                gates = part.chunk(count)
                table |= {f"{kind}{end}": w.T if w.ndim == 2 else w for end, w in zip(self.ends, gates, strict=True)}
            return y.detach(), dx, {name: table[name] for name in sorted(table)}

        return Program(call=waiting(both, place))
