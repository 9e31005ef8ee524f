"""Packed weights of whole stacks against those of PyTorch, there and back; every error."""

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

from nnspec.architectures.transformer.decoder import decoder, encoder_decoder
from nnspec.architectures.transformer.encoder import encoder
from nnspec.architectures.transformer.packed_weights import AXES, from_packed, to_packed

HEADS, DEPTH, HIDDEN = 3, 3, 5  # as many as deep, so that the wrong order has the right shape
WIDTH = HEADS * DEPTH
SIZES = {"in_features": WIDTH, "heads": HEADS, "depth": DEPTH, "hidden": HIDDEN}
STACKS = {  # what the names of each part begin with, its layers, and how many
    "encoder": [("", "encoder_layer", 2)],
    "decoder": [("", "decoder_layer", 2)],
    "encoder_decoder": [("encoder_", "encoder_layer", 2), ("decoder_", "decoder_layer", 3)],
}
X, SOURCE = (np.random.default_rng(n).normal(size=(2, 4 + n, WIDTH)).astype(np.float32) for n in (0, 1))
EVERY = list(itertools.product(STACKS, ("pre", "post")))


def table(stack: str, norm: str) -> dict[str, np.ndarray]:
    """No two weights alike, of any two layers."""
    rng = np.random.default_rng(3)
    shapes = {}
    for start, layer, count in STACKS[stack]:
        for n, (name, axes) in itertools.product(range(count), AXES[layer].items()):
            shapes[f"{start}{name}_{n}"] = [SIZES[axis] for axis in axes.split()]
        if norm == "pre":
            shapes |= {f"{start}final_scale": [WIDTH], f"{start}final_shift": [WIDTH]}
    return {name: rng.normal(size=shape).astype(np.float32) / WIDTH**0.5 for name, shape in shapes.items()}


def right(stack: str, norm: str, weights: dict) -> np.ndarray:
    """What the function of this project gives."""
    given: Any = {"norm": norm, "epsilon": 1e-5}
    if stack == "encoder":
        return np.asarray(encoder(X, weights, **given))
    if stack == "decoder":
        return np.asarray(decoder(X, weights, SOURCE, **given))
    return np.asarray(encoder_decoder(SOURCE, X, weights, **given))


def module(stack: str, norm: str) -> Any:
    """PyTorch's own; a whole transformer has a last norm of its own unless its stacks are handed over."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    nn, given = torch.nn, {"dropout": 0.0, "batch_first": True, "norm_first": norm == "pre"}
    last = lambda: nn.LayerNorm(WIDTH) if norm == "pre" else None  # noqa: E731
    below = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, **given)
    above = nn.TransformerDecoderLayer(WIDTH, HEADS, HIDDEN, **given)
    if stack == "encoder":
        return nn.TransformerEncoder(below, 2, last(), enable_nested_tensor=False)
    if stack == "decoder":
        return nn.TransformerDecoder(above, 2, last())
    stacks = {  # as it makes them itself, but for its note that it does not nest tensors
        "custom_encoder": nn.TransformerEncoder(below, 2, last(), enable_nested_tensor=False),
        "custom_decoder": nn.TransformerDecoder(above, 3, last()),
    }
    return nn.Transformer(WIDTH, HEADS, batch_first=True, **stacks)


def by_torch(made: Any, stack: str) -> np.ndarray:
    import torch

    x, source = torch.tensor(X), torch.tensor(SOURCE)
    hidden = torch.ones(X.shape[1], X.shape[1], dtype=torch.bool).triu(1)
    with torch.no_grad():
        if stack == "encoder":
            return made(x).numpy()
        if stack == "decoder":
            return made(x, source, tgt_mask=hidden).numpy()
        return made(source, x, tgt_mask=hidden).numpy()


# ---- wrong converters: each has the right shapes


def has_the_first_layer_everywhere(weights: dict, **given: Any) -> dict:
    """A stack of copies."""
    names = {n: n[:-1] + "0" if n[-1].isdigit() and "final" not in n else n for n in weights}
    return to_packed({n: weights[first] for n, first in names.items()}, **given)


def numbers_the_layers_from_the_top(weights: dict, **given: Any) -> dict:
    """The two lowest layers change places."""
    turned = {"_0": "_1", "_1": "_0"}
    return to_packed({n: weights[n[:-2] + turned.get(n[-2:], n[-2:])] for n in weights}, **given)


def scales_by_the_next_norm(weights: dict, **given: Any) -> dict:
    """The scales of a layer's first two norms change places."""
    turned = {"scale_1": "scale_2", "scale_2": "scale_1"}
    names = {n: next((n.replace(a, b) for a, b in turned.items() if a in n), n) for n in weights}
    return to_packed({n: weights[other] for n, other in names.items()}, **given)


@pytest.mark.statement(
    "packed-weights.stacks",
    of=to_packed,
    mutants=[has_the_first_layer_everywhere, numbers_the_layers_from_the_top, scales_by_the_next_norm],
)
@pytest.mark.parametrize(("stack", "norm"), EVERY)
def test_pytorchs_own_stack_computes_the_same(implementation, stack, norm):
    weights, made = table(stack, norm), module(stack, norm)
    torch = pytest.importorskip("torch")
    native = implementation(weights, layer=stack, framework="torch")

    made.load_state_dict({name: torch.tensor(np.asarray(w)) for name, w in native.items()})  # all names, no other

    np.testing.assert_allclose(by_torch(made, stack), right(stack, norm, weights), rtol=2e-5, atol=1e-5)


def reads_the_first_layer_everywhere(weights: dict, **given: Any) -> dict:
    """Of every layer the arrays of the first one come back."""
    found = from_packed(weights, **given)
    return {n: found[n[:-1] + "0"] if n[-1].isdigit() else w for n, w in found.items()}


def reads_the_layers_from_the_top(weights: dict, **given: Any) -> dict:
    """The two lowest layers change places."""
    found, turned = from_packed(weights, **given), {"_0": "_1", "_1": "_0"}
    return {n: found[n[:-2] + turned.get(n[-2:], n[-2:])] for n in found}


@pytest.mark.statement(
    "packed-weights.stacks-back",
    of=from_packed,
    mutants=[reads_the_first_layer_everywhere, reads_the_layers_from_the_top],
)
@pytest.mark.parametrize(("stack", "norm"), EVERY)
def test_there_and_back_changes_no_number(implementation, stack, norm):
    weights = table(stack, norm)
    native = to_packed(weights, layer=stack, framework="torch")

    back = implementation(native, layer=stack, framework="torch", heads=HEADS)

    assert list(back) == list(weights)
    for name, w in weights.items():
        np.testing.assert_array_equal(back[name], w)


@pytest.mark.parametrize(("stack", "norm"), EVERY)
def test_what_pytorch_has_made_comes_over(stack, norm):
    made = module(stack, norm)
    native = {name: w.numpy() for name, w in made.state_dict().items()}

    weights = from_packed(native, layer=stack, framework="torch", heads=HEADS)

    np.testing.assert_allclose(by_torch(made, stack), right(stack, norm, weights), rtol=2e-5, atol=1e-5)


def test_the_second_norm_of_a_transformer_with_the_norm_behind_is_refused_by_name():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it does not nest tensors
        made = torch.nn.Transformer(WIDTH, HEADS, 1, 1, HIDDEN, batch_first=True)
    native = {name: w.numpy() for name, w in made.state_dict().items()}
    weights = from_packed(native, layer="encoder_decoder", framework="torch", heads=HEADS)

    with pytest.raises(ValueError, match="final_scale"):
        right("encoder_decoder", "post", weights)


ENCODER = table("encoder", "pre")
PACKED = to_packed(ENCODER, layer="encoder", framework="torch")
WRONG: list[tuple[Any, Any, dict, dict, str]] = [
    (to_packed, ENCODER, {}, {"framework": "keras"}, "keras has no encoder; convert its attentions and dense"),
    (to_packed, ENCODER, {"bias_p_0": np.zeros(4)}, {}, "encoder: weights has bias_p_0, which is none of"),
    (to_packed, ENCODER, {"bias_o_1": np.zeros(4)}, {}, "encoder: bias_o_1 has in_features=4 but kernel_q_0 has"),
    (from_packed, PACKED, {}, {"heads": None}, "heads is None, expected a divisor of the 9 features"),
    (from_packed, PACKED, {"layers.2.norm1.bias": np.zeros(9)}, {}, "encoder: weights lacks layers.2."),
    (from_packed, PACKED, {"encoder.norm.bias": np.zeros(9)}, {}, "encoder: weights has encoder.norm.bias, which is"),
]


@pytest.mark.parametrize(("function", "weights", "changed", "given", "message"), WRONG)
def test_a_wrong_table_of_a_stack_is_refused_in_one_line(function, weights, changed, given, message):
    given = {"layer": "encoder", "framework": "torch"} | ({"heads": HEADS} if function is from_packed else {}) | given
    with pytest.raises(ValueError, match=f"^{function.__name__}: {message}") as caught:
        function(weights | changed, **given)
    assert "\n" not in str(caught.value)
