r"""Packed weights: a table of a transformer layer or stack between this project's layout and a framework's own.

`to_packed` and `from_packed` transpose, flatten, join and rename, and compute nothing. NumPy arrays come back as NumPy
arrays, JAX arrays as JAX arrays, traced ones too; a PyTorch tensor is handed over with ``.numpy()``.
"""

from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from nnspec import tables
from nnspec.architectures.transformer import decoder, encoder, multi_head_attention
from nnspec.checking import checked

__all__ = ["from_packed", "to_packed"]

Layer = Literal["attention", "encoder_layer", "decoder_layer", "encoder", "decoder", "encoder_decoder"]
Framework = Literal["torch", "keras", "flax"]

AXES = {"attention": multi_head_attention.AXES, "encoder_layer": encoder.AXES, "decoder_layer": decoder.AXES}
# What the names of an attention begin with: here, and in PyTorch's layers.
ATTENTIONS = {
    "attention": {"": ""},
    "encoder_layer": {"": "self_attn."},
    "decoder_layer": {"": "self_attn.", "cross_": "multihead_attn."},
}
DENSE = {"in": "linear1", "out": "linear2"}
NORMS = {"encoder_layer": "12", "decoder_layer": "123"}
# Of each part of a stack, what names begin with here and in PyTorch, and its layers.
STACKS: dict[str, list[tuple[str, str, Layer]]] = {
    "encoder": [("", "", "encoder_layer")],
    "decoder": [("", "", "decoder_layer")],
    "encoder_decoder": [("encoder_", "encoder.", "encoder_layer"), ("decoder_", "decoder.", "decoder_layer")],
}
LAST = {"final_scale": "norm.weight", "final_shift": "norm.bias"}
PER_HEAD = {
    "keras": {"q": "query", "k": "key", "v": "value", "o": "attention_output"},
    "flax": {"q": "query", "k": "key", "v": "value", "o": "out"},
}


@checked
def to_packed(weights: dict, *, layer: Layer, framework: Framework) -> dict:
    r"""Lay the weights of a layer or of a stack out as a framework has them.

    For instance, with $W_p$ = ``kernel_p`` as a matrix of $d$ rows, a column for each head and place in it, PyTorch's
    ``in_proj_weight`` is $W_q^\top$ above $W_k^\top$ above $W_v^\top$   [packed-weights.layers][],
    [packed-weights.stacks][]

    Args:
        weights: the table of `multi_head_attention`, `encoder_layer`, `decoder_layer`, `encoder`, `decoder` or
            `encoder_decoder`: NumPy or JAX arrays.
        layer: which of them; ``attention`` is the first.
        framework: torch (``nn.MultiheadAttention``, ``nn.TransformerEncoderLayer``, ``nn.TransformerDecoderLayer``,
            ``nn.TransformerEncoder``, ``nn.TransformerDecoder``, ``nn.Transformer``), keras (``MultiHeadAttention``)
            or flax (``nnx.MultiHeadAttention``).

    Returns:
        A flat dict under the framework's own names, which are joined by dots.

    Raises:
        TypeError: ``weights`` is no dict, or a value of it no array.
        ValueError: a name is missing or unknown, a shape is wrong, or the framework has no such layer.

    Source: the layouts of PyTorch, Keras and Flax, tested against their layers.
    """
    if layer in STACKS:
        return _stack_to_packed(weights, layer, framework)
    tables.check(f"to_packed: {layer}", weights, AXES[layer])
    width, heads, depth = weights["kernel_q"].shape
    if heads * depth != width:
        raise ValueError(f"to_packed: {layer}: {heads} heads of depth {depth} are not the {width} features")
    names = _names("to_packed", layer, framework)
    if framework != "torch":
        return {native: weights[name] for name, native in names.items()}
    found = {}
    for start, native in ATTENTIONS[layer].items():
        kernels = [weights[f"{start}kernel_{part}"].reshape(width, width).T for part in "qkv"]
        found[f"{native}in_proj_weight"] = _join(kernels)
        found[f"{native}in_proj_bias"] = _join([weights[f"{start}bias_{part}"].reshape(width) for part in "qkv"])
        found[f"{native}out_proj.weight"] = weights[f"{start}kernel_o"].reshape(width, width).T
        found[f"{native}out_proj.bias"] = weights[f"{start}bias_o"]
    return found | {native: weights[name].T if "kernel" in name else weights[name] for name, native in names.items()}


@checked
def from_packed(weights: dict, *, layer: Layer, framework: Framework, heads: int | None = None) -> dict:
    r"""Lay the weights of a layer or a stack, as a framework has them, out as the functions of this project take them.

    The inverse of `to_packed`: equal outputs, and back without a changed number   [packed-weights.back][],
    [packed-weights.stacks-back][]

    Args:
        weights: the framework's table under its own names, joined by dots: a flat dict of NumPy or JAX arrays.
        layer: which layer or stack.
        framework: whose layout it is.
        heads: how many there are in each layer; for PyTorch, whose arrays do not tell it.

    Returns:
        The table of `multi_head_attention`, `encoder_layer`, `decoder_layer`, `encoder`, `decoder` or
        `encoder_decoder`; of a stack with a last norm the table for ``norm="pre"``.

    Raises:
        TypeError: ``weights`` is no dict, or a value of it no array.
        ValueError: a name is missing or unknown, a shape is wrong, the framework has no such layer, or heads are
            missing, no divisor of the features, or others than the arrays have.

    Source: the layouts of PyTorch, Keras and Flax, tested against their layers.
    """
    if layer in STACKS:
        return _stack_from_packed(weights, layer, framework, heads)
    names = _names("from_packed", layer, framework)
    tables.check(f"from_packed: {layer}", weights, _native_axes(layer, names))
    if framework == "torch":
        table = _unpacked(weights, layer, names, heads)
    else:
        table = {name: weights[native] for name, native in names.items()}
        if heads is not None and heads != table["bias_q"].shape[0]:
            raise ValueError(f"from_packed: heads is {heads}, but query.bias has {table['bias_q'].shape[0]} of them")
    tables.check(f"from_packed: {layer}", table, AXES[layer])
    return {name: table[name] for name in AXES[layer]}


def _stack_to_packed(weights: dict, stack: str, framework: Framework) -> dict:
    """PyTorch's table of a stack."""
    _check_stack("to_packed", stack, framework)
    tables.check(f"to_packed: {stack}", weights, _stack_axes(weights, stack))
    found = {}
    for start, native, layer in STACKS[stack]:
        for n in range(_layers(weights, start)):
            own = {name: weights[f"{start}{name}_{n}"] for name in AXES[layer]}
            packed = to_packed(own, layer=layer, framework=framework)
            found |= {f"{native}layers.{n}.{name}": w for name, w in packed.items()}
        found |= {
            f"{native}{name}": weights[f"{start}{own}"] for own, name in LAST.items() if f"{start}{own}" in weights
        }
    return found


def _stack_from_packed(weights: dict, stack: str, framework: Framework, heads: int | None) -> dict:
    """The table of a stack from PyTorch's."""
    _check_stack("from_packed", stack, framework)
    wanted, taken = {}, {}
    for start, native, layer in STACKS[stack]:
        names = _native_axes(layer, _names("from_packed", layer, framework))
        numbers = {str(name).removeprefix(f"{native}layers.").split(".")[0] for name in weights
                   if str(name).startswith(f"{native}layers.")}  # fmt: skip
        taken[start] = [f"{native}layers.{n}." for n in range(max(1, len(numbers)))]
        wanted |= {f"{at}{name}": "..." for at in taken[start] for name in names}
        if any(f"{native}{name}" in weights for name in LAST.values()):
            wanted |= {f"{native}{name}": "..." for name in LAST.values()}
    tables.check(f"from_packed: {stack}", weights, wanted)
    found = {}
    for start, native, layer in STACKS[stack]:
        for n, at in enumerate(taken[start]):
            own = {name.removeprefix(at): w for name, w in weights.items() if name.startswith(at)}
            table = from_packed(own, layer=layer, framework=framework, heads=heads)
            found |= {f"{start}{name}_{n}": w for name, w in table.items()}
        found |= {
            f"{start}{own}": weights[f"{native}{name}"] for own, name in LAST.items() if f"{native}{name}" in weights
        }
    tables.check(f"from_packed: {stack}", found, _stack_axes(found, stack))
    return found


def _check_stack(operation: str, stack: str, framework: str) -> None:
    if framework != "torch":
        raise ValueError(f"{operation}: {framework} has no {stack}; convert its attentions and dense layers")


def _layers(weights: dict, start: str) -> int:
    """How many layers a part of a stack has."""
    return max(1, sum(str(name).startswith(f"{start}scale_1_") for name in weights))


def _stack_axes(weights: dict, stack: str) -> dict[str, str]:
    """The names of a stack's table and their axes; heads, depth and hidden units are a layer's own."""
    found = {}
    for start, _, layer in STACKS[stack]:
        for n in range(_layers(weights, start)):
            for name, words in AXES[layer].items():
                own = " ".join(word if word == "in_features" else f"{word}_{start}{n}" for word in words.split())
                found[f"{start}{name}_{n}"] = own
        if any(f"{start}{name}" in weights for name in LAST):
            found |= {f"{start}{name}": "in_features" for name in LAST}
    return found


def _names(operation: str, layer: str, framework: str) -> dict[str, str]:
    """The framework's name of every array that is not packed."""
    if framework != "torch":
        if layer != "attention":
            raise ValueError(f"{operation}: {framework} has no {layer}; convert its attentions and dense layers")
        parts = PER_HEAD[framework].items()
        return {f"{kind}_{part}": f"{native}.{kind}" for part, native in parts for kind in ("kernel", "bias")}
    if layer == "attention":
        return {}
    kinds = {"kernel": "weight", "bias": "bias"}
    dense = {f"{kind}_{part}": f"{native}.{kinds[kind]}" for part, native in DENSE.items() for kind in kinds}
    norms = {"scale": "weight", "shift": "bias"}
    return dense | {f"{kind}_{n}": f"norm{n}.{norms[kind]}" for n in NORMS[layer] for kind in norms}


def _native_axes(layer: str, names: dict[str, str]) -> dict[str, str]:
    """The names of the framework's table; the axes of packed arrays, and of others any."""
    found = dict.fromkeys(names.values(), "...")
    if layer == "attention" and names:
        return found
    for native in ATTENTIONS[layer].values():
        found |= {f"{native}in_proj_weight": "packed features", f"{native}in_proj_bias": "packed"}
        found |= {f"{native}out_proj.weight": "features features", f"{native}out_proj.bias": "features"}
    return found


def _unpacked(weights: dict, layer: str, names: dict[str, str], heads: int | None) -> dict:
    """PyTorch's table taken apart."""
    table: dict[str, Any] = {}
    for start, native in ATTENTIONS[layer].items():
        packed, width = weights[f"{native}in_proj_weight"].shape
        if heads is None or heads < 1 or width % heads:
            raise ValueError(f"from_packed: heads is {heads}, expected a divisor of the {width} features")
        if packed != 3 * width:
            raise ValueError(f"from_packed: {native}in_proj_weight has {packed} rows, expected {3 * width}")
        kernel, bias = weights[f"{native}in_proj_weight"], weights[f"{native}in_proj_bias"]
        for k, part in enumerate("qkv"):
            rows = slice(k * width, (k + 1) * width)
            table[f"{start}kernel_{part}"] = kernel[rows].T.reshape(width, heads, width // heads)
            table[f"{start}bias_{part}"] = bias[rows].reshape(heads, width // heads)
        out = weights[f"{native}out_proj.weight"]
        table[f"{start}kernel_o"] = out.T.reshape(heads, width // heads, width)
        table[f"{start}bias_o"] = weights[f"{native}out_proj.bias"]
    return table | {name: weights[native].T if "kernel" in name else weights[native] for name, native in names.items()}


def _join(parts: list) -> Any:
    """One below another: NumPy arrays as a NumPy array, anything else as a JAX array."""
    return (np if all(isinstance(part, np.ndarray) for part in parts) else jnp).concatenate(parts, 0)
