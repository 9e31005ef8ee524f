"""The two networks in each library, of stock layers, as functions of images and of the table of weights.

Both have ReLU, the network like LeNet has maximum pooling, and the strided convolution one zero on each side.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program
from nnspec_conformance.benchmarks.peers import keras_on_jax, torch_optimizer_step

WINDOW, HIDDEN = 5, 84  # of the network like LeNet
LENET, RESIDUAL = 4, 7  # how many layers have weights


def ours(network: str) -> Callable:
    """Apply the network of the reference."""
    from nnspec.architectures.convolutional.network_lenet import lenet
    from nnspec.architectures.convolutional.residual_network import residual_network

    if network == "lenet":
        return functools.partial(lenet, activation="relu", pooling="max")
    return functools.partial(residual_network, activation="relu")


def lenet_of(layers: Any, phi: Callable, pool: Callable, flatten: Callable, x: Any) -> Any:
    """The network like LeNet from the layers of a library."""
    first, second, hidden, head = layers
    maps = pool(phi(second(pool(phi(first(x))))))
    return head(phi(hidden(flatten(maps))))


def residual_of(layers: Any, phi: Callable, mean: Callable, x: Any) -> Any:
    """The residual network from the layers of a library."""
    first, one, two, three, four, projection, head = layers
    a = phi(first(x))
    a = phi(a + two(phi(one(a))))
    a = phi(projection(a) + four(phi(three(a))))
    return head(mean(a))


def on_flax(network: str, shape: tuple[int, ...]) -> Callable:
    """Stock layers of Flax."""
    import jax
    from flax import nnx

    def make() -> nnx.List:
        rngs = nnx.Rngs(0)
        if network == "lenet":
            convolutions = [nnx.Conv(n, 1, (WINDOW, WINDOW), rngs=rngs) for n in (shape[-1], 1)]
            return nnx.List([*convolutions, nnx.Linear(1, 1, rngs=rngs), nnx.Linear(1, 1, rngs=rngs)])
        given: dict[str, Any] = {"padding": ((1, 1), (1, 1)), "rngs": rngs}
        convolutions = [
            nnx.Conv(n, 1, (3, 3), strides=s, **given) for n, s in ((shape[-1], 1), *[(1, 1)] * 2, (1, 2), (1, 1))
        ]
        return nnx.List([*convolutions, nnx.Conv(1, 1, (1, 1), strides=2, rngs=rngs), nnx.Linear(1, 1, rngs=rngs)])

    structure = nnx.split(nnx.eval_shape(make))[0]
    pool = functools.partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))

    def call(x: Any, weights: dict) -> Any:
        count = LENET if network == "lenet" else RESIDUAL
        state = {i: {part: nnx.Param(weights[f"{part}_{i}"]) for part in ("kernel", "bias")} for i in range(count)}
        layers = nnx.merge(structure, nnx.State(state))
        if network == "lenet":
            return lenet_of(layers, jax.nn.relu, pool, lambda maps: maps.reshape(len(maps), -1), x)
        return residual_of(layers, jax.nn.relu, lambda a: a.mean((1, 2)), x)

    return call


def on_keras(network: str, shape: tuple[int, ...], maps: tuple[int, int], outputs: int) -> Callable | None:
    """Stock layers of Keras, where Keras is installed and runs on JAX in this process."""
    keras = keras_on_jax()
    if keras is None:
        return None
    layer, (first, last) = keras.layers, maps
    same = functools.partial(layer.Conv2D, padding="same")
    if network == "lenet":
        layers = [same(first, WINDOW), same(last, WINDOW), layer.Dense(HIDDEN), layer.Dense(outputs)]
        x = keras.Input(batch_shape=shape)
        y = lenet_of(layers, keras.ops.relu, layer.MaxPooling2D(2), layer.Flatten(), x)
    else:
        layers = [same(first, 3), same(first, 3), same(first, 3), layer.Conv2D(last, 3, strides=2), same(last, 3)]
        layers += [layer.Conv2D(last, 1, strides=2), layer.Dense(outputs)]
        strided, pad = layers[3], layer.ZeroPadding2D(1)
        called = [*layers[:3], lambda a: strided(pad(a)), *layers[4:]]
        x = keras.Input(batch_shape=shape)
        y = residual_of(called, keras.ops.relu, layer.GlobalAveragePooling2D(), x)
    model = keras.Model(x, y)
    names = {id(v): f"{v.name}_{i}" for i, part in enumerate(layers) for v in part.trainable_variables}
    order = [names[id(variable)] for variable in model.trainable_variables]
    return lambda x, weights: model.stateless_call([weights[name] for name in order], [], x)[0]


def torch_step(
    network: str,
    x: np.ndarray,
    labels: np.ndarray,
    weights: dict[str, np.ndarray],
    rate: float,
    place: str,
    *,
    last: bool = False,
    through: Callable = lambda f: f,
) -> Program:
    """PyTorch's layers with its fused Adam; ``last`` keeps images and kernels with their channels last."""
    import torch
    from torch import nn
    from torch.nn import functional

    strides = {3: 2, 5: 2} if network == "residual" else {}
    layers = nn.ModuleList()
    for i in range(LENET if network == "lenet" else RESIDUAL):
        w = torch.from_numpy(weights[f"kernel_{i}"])
        if w.ndim == 4:
            (rows, columns, channels, filters), pads = w.shape, (len(w) - 1) // 2
            part = nn.Conv2d(channels, filters, (rows, columns), stride=strides.get(i, 1), padding=pads)
            w = w.permute(3, 2, 0, 1)
        else:
            part = nn.Linear(w.shape[0], w.shape[1])
            if network == "lenet" and i == 2:  # PyTorch flattens maps channel by channel
                side = x.shape[1] // 4, x.shape[2] // 4
                w = w.reshape(*side, -1, w.shape[-1]).permute(2, 0, 1, 3).reshape(w.shape)
            w = w.T
        with torch.no_grad():
            part.weight.copy_(w)
            part.get_parameter("bias").copy_(torch.from_numpy(weights[f"bias_{i}"]))
        layers.append(part)
    layout = torch.channels_last if last else torch.contiguous_format
    layers = layers.to(place).to(memory_format=layout)  # pyright: ignore[reportCallIssue]
    images = torch.from_numpy(x).to(place).movedim(-1, 1).contiguous(memory_format=layout)
    wanted = torch.from_numpy(labels).long().to(place)
    pool = functools.partial(functional.max_pool2d, kernel_size=2)

    def loss(images: Any, wanted: Any) -> Any:
        if network == "lenet":
            y = lenet_of(layers, functional.relu, pool, lambda maps: maps.flatten(1), images)
        else:
            y = residual_of(layers, functional.relu, lambda a: a.mean((2, 3)), images)
        return functional.cross_entropy(y, wanted)

    step, optimizer = through(loss), torch.optim.Adam(layers.parameters(), lr=rate, fused=True)

    def backward() -> Any:
        value = step(images, wanted)
        value.backward()
        return value.detach()

    return torch_optimizer_step(optimizer, backward, place)
