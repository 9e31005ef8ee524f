"""B.1.1: do the units of a second layer respond to larger patterns, and to more than one pattern of the first layer?"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import digits, learning
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import geometric_interval

TAPS, FILTERS = 5, (8, 16)
SIDES = (TAPS, 2 * TAPS + 4)  # receptive fields: 5, and with a pooling of two between (5 + 1) + 4 * 2
STRIDES = (1, 2)  # of the fields, from one unit of a map to the next
PATCHES = 9
SHOWN = (6, 5)  # units and patches of each layer in the figure


@experiment("convolutional-hierarchy", short={"seeds": 2, "images": 200, "epochs": 1, "others": 100})
def hierarchy(seeds: int, *, images: int = 4000, epochs: int = 10, others: int = 1000) -> Outcome:
    """How much of what excites a unit a template of the first layer explains, and how alike the rest is."""
    rows, shown = [], {}
    for seed in watched(range(seeds), "seeds"):
        first, last, accuracy, test = trained(seed, images, epochs, others)
        for name, weights, right in (("untrained", first, "–"), ("trained", last, accuracy)):
            found, patches = measured(weights, test)
            rows.append({"seed": seed, "network": name} | found | {"accuracy": right})
            if not seed and name == "trained":
                shown = {f"layer {i + 1}": [[_text(p) for p in unit] for unit in patches[i]] for i in (0, 1)}
    after = [row for row in rows if row["network"] == "trained"]
    ratio, low, high = geometric_interval([row["explained, layer 2"] / row["explained, layer 1"] for row in after])
    came = {name: float(np.mean([row[name] for row in after])) for name in after[0] if name not in ("seed", "network")}
    came["layer 2 over layer 1"] = ratio
    came["beyond, one unit less two"] = came["beyond, one unit"] - came["beyond, two units"]
    effect = Effect("share that a template explains, layer 2 over layer 1", ratio, (low, high))
    return Outcome(came, effect, rows, {"patches": shown})


def measured(weights: dict, images: np.ndarray) -> tuple[dict[str, float], list[np.ndarray]]:
    """The numbers of one network, and patches of each layer for the figure."""
    one, pooled, two = (np.asarray(a) for a in _programs()[1](weights, images))
    kernel, pictures = np.asarray(weights["kernel_0"])[:, :, 0], images[..., 0]
    patches = [exciting(z, pictures, layer) for layer, z in enumerate((one, two))]
    found = {f"explained, layer {layer + 1}": float(explained(patches[layer], kernel).mean()) for layer in (0, 1)}
    found["in one window, layer 2"] = float(in_one_window(patches[1]).mean())
    found["beyond, one unit"], found["beyond, two units"] = agreement(patches[1], kernel)
    found["one response"] = float(one_response(pooled, two).mean())
    return found, [p[: SHOWN[0], : SHOWN[1]] for p in patches]


def exciting(responses: np.ndarray, pictures: np.ndarray, layer: int) -> np.ndarray:
    """The patches [units, 9, side, side] that excite each unit most, each from another picture.

    Units that respond most to a place without ink are left out: no pattern excites them.
    """
    n, _, columns, units = responses.shape
    flat, side, stride = responses.reshape(n, -1, units), SIDES[layer], STRIDES[layer]
    places, best, found = flat.argmax(1), flat.max(1), []
    for unit in range(units):
        patches = []
        for i in np.argsort(-best[:, unit], kind="stable")[:PATCHES]:
            row, column = (stride * int(p) for p in divmod(places[i, unit], columns))
            patches.append(pictures[i, row : row + side, column : column + side])
        found.append(np.array(patches))
    return np.array([patches for patches in found if patches.any((1, 2)).all()])


def explained(patches: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The share of the energy of each patch that one template explains: the best one at the best place, times a factor.

    Args:
        patches: pictures along the last two axes, at least 5 x 5.
        kernel: the templates [5, 5, filters].
    """
    return (_products(patches, kernel) ** 2).max((-3, -2, -1)) / (patches**2).sum((-2, -1))


def in_one_window(patches: np.ndarray) -> np.ndarray:
    """The share of the energy of each patch that lies in its best window of 5 x 5: more, no template can explain."""
    return (_windows(patches) ** 2).sum((-2, -1)).max((-2, -1)) / (patches**2).sum((-2, -1))


def agreement(patches: np.ndarray, kernel: np.ndarray) -> tuple[float, float]:
    """The mean correlation of two patches of one unit, and of two units, beyond the window that a template explains.

    Of each unit the template and the place are those that explain most of the mean of its patches.
    """
    same, other = [], []
    for unit, own in enumerate(patches):
        products = (_products(own.mean(0), kernel) ** 2).max(-1)
        row, column = np.unravel_index(products.argmax(), products.shape)
        beyond = np.ones(patches.shape[-2:], bool)
        beyond[row : row + TAPS, column : column + TAPS] = False
        rest = patches[:, :, beyond]
        rest = rest - rest.mean(-1, keepdims=True)
        rest /= np.maximum(np.linalg.norm(rest, axis=-1, keepdims=True), 1e-12)  # nothing beyond: correlation 0
        pairs = rest[unit] @ rest[unit].T
        same.append(pairs[np.triu_indices(len(own), 1)].mean())
        other.append((rest[unit] @ np.delete(rest, unit, 0).reshape(-1, rest.shape[-1]).T).mean())
    return float(np.mean(same)), float(np.mean(other))


def one_response(pooled: np.ndarray, responses: np.ndarray) -> np.ndarray:
    """The squared correlation of each unit of the second layer with the response of the first that predicts it best.

    Args:
        pooled: what the second layer reads [images, rows, columns, filters].
        responses: its own, before ReLU [images, rows, columns, units]; places whose window holds nothing do not count.
    """
    windows = np.lib.stride_tricks.sliding_window_view(pooled, (TAPS, TAPS), (1, 2))
    read = windows.reshape(-1, windows[0, 0, 0].size)
    varied = read.std(-1) > 0
    read, given = read[varied], responses.reshape(-1, responses.shape[-1])[varied]
    read, given = (a - a.mean(0) for a in (read, given))
    spread = np.maximum(np.linalg.norm(read, axis=0), 1e-12)[:, None] * np.linalg.norm(given, axis=0)
    return ((read.T @ given / spread) ** 2).max(0)


def _windows(patches: np.ndarray) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(patches, (TAPS, TAPS), (-2, -1))


def _products(patches: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Inner products with each template, its norm made 1, at each place [..., rows, columns, filters]."""
    return np.einsum("...ij,ijf->...f", _windows(patches), kernel / np.linalg.norm(kernel, axis=(0, 1)))


def _text(patch: np.ndarray) -> str:
    """A patch's levels of grey as hexadecimal digits, row by row."""
    return "".join(f"{level:x}" for level in np.rint(15 * patch).astype(int).ravel())


def trained(seed: int, images: int, epochs: int, others: int) -> tuple[dict, dict, float, np.ndarray]:
    """The weights before and after training, the accuracy on other images, and these images."""
    (x, labels), (test, truth) = digits.halves(seed, images, others)
    features = 4 * 4 * FILTERS[1]
    first = learning.start(seed, (TAPS, TAPS, 1, FILTERS[0]), (TAPS, TAPS, *FILTERS), (features, 10))
    train, _, logits = _programs()
    last = train(first, x, labels, learning.orders(1000 + seed, images, epochs))
    return first, last, float((np.asarray(logits(last, test)).argmax(-1) == truth).mean()), test


@functools.cache
def _programs() -> tuple[Callable, Callable, Callable]:
    """Training, the responses of both layers with what lies between, and the logits."""
    import jax

    from nnspec.architectures.convolutional.convolution import convolution_2d
    from nnspec.architectures.convolutional.pooling import max_pool
    from nnspec.components.activations import relu
    from nnspec.components.layers import dense

    def responses(w: Any, x: Any) -> tuple:
        one = convolution_2d(x, w["kernel_0"], w["bias_0"], padding="valid")
        pooled = max_pool(relu(one), window=(2, 2))
        return one, pooled, convolution_2d(pooled, w["kernel_1"], w["bias_1"], padding="valid")

    def logits(w: Any, x: Any) -> Any:
        last = max_pool(relu(responses(w, x)[2]), window=(2, 2))
        return dense(last.reshape(len(x), -1), w["kernel_2"], w["bias_2"])

    return learning.training(logits), jax.jit(responses), jax.jit(logits)
