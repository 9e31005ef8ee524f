r"""Weight layouts: one layer's weights between the layout of a framework and the exchange layout.

`to_exchange` and `from_exchange` transpose, split, join and rename, and compute nothing (where a framework keeps two
bias vectors that are only ever added, coming from it adds them). NumPy arrays come back as NumPy arrays, often as views
of what came, JAX arrays as JAX arrays, traced ones too; a PyTorch tensor is handed over with ``.numpy()``.
"""

from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from nnspec import tables
from nnspec.checking import checked

__all__ = ["from_exchange", "to_exchange"]

Layer = Literal["dense", "convolution", "embedding", "layer_norm", "batch_norm", "lstm", "gru"]

# Names and axes of each layer in the exchange layout. An axis of one name has one size; *window is any number of axes.
EXCHANGE = {
    "dense": {"kernel": "in out", "bias": "out"},
    "convolution": {"kernel": "*window in out", "bias": "out"},
    "embedding": {"embedding": "rows features"},
    "layer_norm": {"scale": "features", "bias": "features"},
    "batch_norm": {"scale": "features", "bias": "features", "mean": "features", "var": "features"},
    "lstm": {
        **{f"kernel_{gate}": "in hidden" for gate in "ifgo"},
        **{f"recurrent_kernel_{gate}": "hidden hidden" for gate in "ifgo"},
        **{f"bias_{gate}": "hidden" for gate in "ifgo"},
    },
    "gru": {
        **{f"kernel_{gate}": "in hidden" for gate in "rzn"},
        **{f"recurrent_kernel_{gate}": "hidden hidden" for gate in "rzn"},
        **{f"bias_{gate}": "hidden" for gate in "rzn"},
        "recurrent_bias_n": "hidden",  # inside the product with the reset gate, so it is no part of bias_n
    },
}
OPTIONAL = {"dense": {"bias"}, "convolution": {"bias"}, "gru": {"recurrent_bias_n"}}

# The names a framework gives the arrays of a layer that it does not pack, and whether it keeps kernels [out, in, ...].
NAMES = {
    "torch": {
        "dense": {"kernel": "weight", "bias": "bias"},
        "convolution": {"kernel": "weight", "bias": "bias"},
        "embedding": {"embedding": "weight"},
        "layer_norm": {"scale": "weight", "bias": "bias"},
        "batch_norm": {"scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"},
    },
    "keras": {
        "dense": {"kernel": "kernel", "bias": "bias"},
        "convolution": {"kernel": "kernel", "bias": "bias"},
        "embedding": {"embedding": "embeddings"},
        "layer_norm": {"scale": "gamma", "bias": "beta"},
        "batch_norm": {"scale": "gamma", "bias": "beta", "mean": "moving_mean", "var": "moving_variance"},
    },
    "flax": {
        layer: {name: name for name in EXCHANGE[layer]}
        for layer in ("dense", "convolution", "embedding", "layer_norm", "batch_norm")
    }
    | {
        "lstm": {
            **{f"kernel_{gate}": f"{'if_' if gate == 'f' else 'i' + gate}.kernel" for gate in "ifgo"},
            **{f"recurrent_kernel_{gate}": f"h{gate}.kernel" for gate in "ifgo"},
            **{f"bias_{gate}": f"h{gate}.bias" for gate in "ifgo"},
        }
    },
}


@dataclass(frozen=True)
class Packing:
    """How a framework joins the gates of a recurrent layer.

    Args:
        gates: their order, one letter each.
        rows: whether each kernel is kept [out, in], the gates below one another; else [in, out], side by side.
        names: of the kernel, the recurrent kernel, the bias and, if there is a second, the recurrent bias.
        stacked: whether the two biases are the two rows of one array.
    """

    gates: str
    rows: bool
    names: tuple[str, ...]
    stacked: bool = False


TORCH_NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
KERAS_NAMES = ("kernel", "recurrent_kernel", "bias")
PACKINGS = {
    ("lstm", "torch"): Packing("ifgo", True, TORCH_NAMES),
    ("lstm", "keras"): Packing("ifgo", False, KERAS_NAMES),
    ("gru", "torch"): Packing("rzn", True, TORCH_NAMES),
    ("gru", "keras"): Packing("zrn", False, KERAS_NAMES, stacked=True),
    # nnx.GRUCell has no bias in the product with the recurrent kernel: https://github.com/google/flax/issues/5594
    ("gru", "flax"): Packing("rzn", False, ("dense_i.kernel", "dense_h.kernel", "dense_i.bias")),
}


@checked
def from_exchange(weights: dict, *, layer: Layer, framework: Literal["torch", "keras", "flax"]) -> dict:
    r"""Lay one layer's weights out as a framework has them.

    For instance, with $W$ = ``kernel``: PyTorch's ``weight`` of a dense layer is $W^\top$   [dense-native.kernel][]

    Args:
        weights: the exchange table: a flat dict of NumPy or JAX arrays.
        layer: which kind.
        framework: torch (``nn.LSTM`` of one layer), keras, or flax (``nnx.LSTMCell``; names joined by dots).

    Returns:
        A flat dict under the framework's own names. Of two biases the second is zero where only the sum counts.

    Raises:
        TypeError: ``weights`` is no dict, or a value of it no array.
        ValueError: a name is missing or unknown, a shape is wrong, or the framework's layer cannot hold the weights.

    Source: the layouts documented by PyTorch, Keras and Flax, tested against their layers.
    """
    tables.check(f"from_exchange: {layer}", weights, EXCHANGE[layer], optional=OPTIONAL.get(layer, ()))
    packing = PACKINGS.get((layer, framework))
    if packing is not None:
        return _pack(weights, packing, layer, framework)
    table, names = dict(weights), NAMES[framework][layer]
    if framework == "torch" and "kernel" in table:
        table["kernel"] = _outputs_first(table["kernel"])
    return {names[name]: w for name, w in table.items()}


@checked
def to_exchange(weights: dict, *, layer: Layer, framework: Literal["torch", "keras", "flax"]) -> dict:
    r"""Lay one layer's weights, as a framework has them, out in the exchange layout.

    The inverse of `from_exchange`: equal outputs, and back without a changed number   [lstm-native.packing][]

    Args:
        weights: the framework's table under its own names: a flat dict of NumPy or JAX arrays.
        layer: which kind.
        framework: whose layout it is.

    Returns:
        The exchange table; two biases that the layer only ever adds come as their sum.

    Raises:
        TypeError: ``weights`` is no dict, or a value of it no array.
        ValueError: a name is missing or unknown, or a shape is wrong.

    Source: the layouts documented by PyTorch, Keras and Flax, tested against their layers.
    """
    packing = PACKINGS.get((layer, framework))
    if packing is not None:
        table = _unpack(weights, packing, layer)
    else:
        table = _renamed(weights, layer, NAMES[framework][layer])
        if framework == "torch" and "kernel" in table:
            table["kernel"] = _outputs_last(table["kernel"])
    tables.check(f"to_exchange: {layer}", table, EXCHANGE[layer], optional=OPTIONAL.get(layer, ()))
    return table


# ---- kernels: inputs and outputs are the last two axes here, outputs and inputs the first two in PyTorch


def _outputs_first(kernel: Any) -> Any:
    window = range(kernel.ndim - 2)
    return kernel.transpose((kernel.ndim - 1, kernel.ndim - 2, *window))


def _outputs_last(weight: Any) -> Any:
    if weight.ndim < 2:
        return weight  # refused with the whole table
    return weight.transpose((*range(2, weight.ndim), 1, 0))


def _renamed(weights: dict, layer: str, names: dict[str, str]) -> dict:
    """A framework's table under the names of the exchange layout."""
    optional = {names[name] for name in OPTIONAL.get(layer, ())}
    tables.check(f"to_exchange: {layer}", weights, dict.fromkeys(names.values(), "..."), optional=optional)
    ours = {native: name for name, native in names.items()}
    return {ours[native]: w for native, w in weights.items()}


# ---- gates


def _pack(table: dict, packing: Packing, layer: str, framework: str) -> dict:
    """Join the gates; of two biases that are only ever added, the second is zero."""
    axis = 0 if packing.rows else 1
    kernel, recurrent = (
        _join([w.T if packing.rows else w for w in (table[f"{name}_{gate}"] for gate in packing.gates)], axis)
        for name in ("kernel", "recurrent_kernel")
    )
    bias = _join([table[f"bias_{gate}"] for gate in packing.gates], 0)
    two = len(packing.names) == 4 or packing.stacked
    if not two:
        if "recurrent_bias_n" in table:
            raise ValueError(
                f"from_exchange: {layer} in {framework} has no recurrent_bias_n; leave the name out if it is zero, "
                f"else the layer cannot compute the same"
            )
        return dict(zip(packing.names, (kernel, recurrent, bias), strict=True))
    zeros = (np if isinstance(bias, np.ndarray) else jnp).zeros_like(table[f"bias_{packing.gates[0]}"])
    second = _join([table.get(f"recurrent_bias_{gate}", zeros) for gate in packing.gates], 0)
    biases = (_join([bias[None], second[None]], 0),) if packing.stacked else (bias, second)
    return dict(zip(packing.names, (kernel, recurrent, *biases), strict=True))


def _unpack(weights: dict, packing: Packing, layer: str) -> dict:
    """Take the gates apart and add the biases that the layer adds."""
    tables.check(f"to_exchange: {layer}", weights, dict.fromkeys(packing.names, "..."))
    kernel, recurrent, *biases = (weights[name] for name in packing.names)
    gates, axis = packing.gates, 0 if packing.rows else 1
    if packing.stacked:
        if biases[0].ndim != 2 or len(biases[0]) != 2:
            raise ValueError(
                f"to_exchange: {layer}: bias has shape {tuple(biases[0].shape)}, expected [2, {len(gates)} hidden]; "
                f"with reset_after=False Keras computes another function"
            )
        biases = list(biases[0])
    for name, w in zip(packing.names, (kernel, recurrent), strict=False):
        if w.ndim != 2 or w.shape[axis] % len(gates):
            raise ValueError(
                f"to_exchange: {layer}: {name} has shape {tuple(w.shape)}, expected a multiple of {len(gates)} gates "
                f"along axis {axis}"
            )
    size = kernel.shape[axis] // len(gates)
    table: dict[str, Any] = {}
    for k, gate in enumerate(gates):
        part = slice(k * size, (k + 1) * size)
        table[f"kernel_{gate}"] = kernel[part].T if packing.rows else kernel[:, part]
        table[f"recurrent_kernel_{gate}"] = recurrent[part].T if packing.rows else recurrent[:, part]
        table[f"bias_{gate}"] = biases[0][part]
        if len(biases) == 2 and layer == "gru" and gate == "n":
            table["recurrent_bias_n"] = biases[1][part]
        elif len(biases) == 2:
            table[f"bias_{gate}"] = biases[0][part] + biases[1][part]
    return {name: table[name] for name in EXCHANGE[layer] if name in table}


def _join(parts: list, axis: int) -> Any:
    """NumPy arrays as a NumPy array, anything else as a JAX array."""
    return (np if all(isinstance(part, np.ndarray) for part in parts) else jnp).concatenate(parts, axis)
