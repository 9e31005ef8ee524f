"""Packed weights against the layers of PyTorch, Keras and Flax themselves, there and back, under jit; every error."""

import importlib.util
import os
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.transformer.decoder import decoder_layer
from nnspec.architectures.transformer.encoder import encoder_layer
from nnspec.architectures.transformer.multi_head_attention import multi_head_attention
from nnspec.architectures.transformer.packed_weights import AXES, from_packed, to_packed

HEADS, DEPTH, HIDDEN = 3, 3, 5  # as many as deep, so that the wrong order has the right shape
WIDTH = HEADS * DEPTH
SIZES = {"in_features": WIDTH, "heads": HEADS, "depth": DEPTH, "hidden": HIDDEN}
OWN = [("torch", "attention"), ("torch", "encoder_layer"), ("torch", "decoder_layer"),
       ("keras", "attention"), ("flax", "attention")]  # fmt: skip
X, SOURCE = (np.random.default_rng(n).normal(size=(2, 4 + n, WIDTH)).astype(np.float32) for n in (0, 1))


def table(layer: str) -> dict[str, np.ndarray]:
    """No two weights alike."""
    rng = np.random.default_rng(2)
    shapes = {name: [SIZES[axis] for axis in axes.split()] for name, axes in AXES[layer].items()}
    return {name: rng.normal(size=shape).astype(np.float32) / WIDTH**0.5 for name, shape in shapes.items()}


def right(layer: str, weights: dict) -> np.ndarray:
    """What the function of this project gives."""
    given = {"norm": "pre", "epsilon": 1e-5}
    if layer == "attention":
        return np.asarray(multi_head_attention(X, weights))
    if layer == "encoder_layer":
        return np.asarray(encoder_layer(X, weights, **given))
    return np.asarray(decoder_layer(X, weights, SOURCE, **given))


def by_torch(layer: str, native: dict) -> np.ndarray:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    given = {"dropout": 0.0, "batch_first": True, "norm_first": True}
    module = {
        "attention": lambda: torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True),
        "encoder_layer": lambda: torch.nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, **given),
        "decoder_layer": lambda: torch.nn.TransformerDecoderLayer(WIDTH, HEADS, HIDDEN, **given),
    }[layer]()
    module.load_state_dict({name: torch.tensor(np.asarray(w)) for name, w in native.items()})  # all names, no other
    x, source = torch.tensor(X), torch.tensor(SOURCE)
    with torch.no_grad():
        if layer == "attention":
            return module(x, x, x, need_weights=False)[0].numpy()
        if layer == "encoder_layer":
            return module(x).numpy()
        return module(x, source, tgt_mask=torch.ones(X.shape[1], X.shape[1], dtype=torch.bool).triu(1)).numpy()


def by_keras(layer: str, native: dict) -> np.ndarray:
    if not importlib.util.find_spec("keras"):
        pytest.skip("Keras is not installed: pip install 'nnspec[keras]'")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    made = keras.layers.MultiHeadAttention(HEADS, DEPTH, kernel_initializer="zeros")
    made.build(X.shape, X.shape)
    own = {".".join(w.path.split("/")[-2:]): w for w in made.weights if "seed" not in w.name}
    assert set(own) == set(native)  # the names are Keras's own
    for name, w in native.items():
        own[name].assign(w)
    return np.asarray(keras.ops.convert_to_numpy(made(X, X)))


def by_flax(layer: str, native: dict) -> np.ndarray:
    module = nnx.MultiHeadAttention(
        HEADS, WIDTH, decode=False, kernel_init=nnx.initializers.zeros, rngs=nnx.Rngs(0)
    )  # fmt: skip
    names = {".".join(path) for path, _ in nnx.to_flat_state(nnx.state(module, nnx.Param))}
    assert names == set(native)  # the names are Flax's own
    for name, w in native.items():
        part, kind = name.split(".")
        getattr(getattr(module, part), kind)[...] = jnp.asarray(w)
    return np.asarray(module(X))


RUN = {"torch": by_torch, "keras": by_keras, "flax": by_flax}


# ---- wrong converters: each has the right shapes


def keys_before_queries(weights: dict, **given: Any) -> dict:
    """The order of the packed kernels."""
    swapped = {name: w for name, w in weights.items() if not name.endswith(("_q", "_k"))}
    swapped |= {f"{name[:-1]}q": w for name, w in weights.items() if name.endswith("_k")}
    swapped |= {f"{name[:-1]}k": w for name, w in weights.items() if name.endswith("_q")}
    return to_packed(swapped, **given)


def depth_before_heads(weights: dict, **given: Any) -> dict:
    """The two axes that become one."""
    axes = {"q": (0, 2, 1), "k": (0, 2, 1)}
    turned = {n: w.transpose(axes[n[-1]]) if "kernel" in n and n[-1] in axes else w for n, w in weights.items()}
    return to_packed(turned, **given)


def leaves_the_last_kernel(weights: dict, **given: Any) -> dict:
    """The last map is kept [in, out]."""
    flat = {n: w.reshape(WIDTH, WIDTH).T.reshape(w.shape) if "kernel_o" in n and w.ndim == 3 else w
            for n, w in weights.items()}  # fmt: skip
    return to_packed(flat, **given)


def drops_the_bias_of_values(weights: dict, **given: Any) -> dict:
    """It is added to every mean, so that some move it behind the last map."""
    return to_packed({n: 0 * w if n.endswith("bias_v") else w for n, w in weights.items()}, **given)


@pytest.mark.statement(
    "packed-weights.layers",
    of=to_packed,
    mutants=[keys_before_queries, depth_before_heads, leaves_the_last_kernel, drops_the_bias_of_values],
)
@pytest.mark.parametrize(("framework", "layer"), OWN)
def test_the_frameworks_own_layer_computes_the_same(implementation, framework, layer):
    weights = table(layer)

    got = RUN[framework](layer, implementation(weights, layer=layer, framework=framework))

    np.testing.assert_allclose(got, right(layer, weights), rtol=2e-5, atol=5e-6)


def reads_keys_first(weights: dict, **given: Any) -> dict:
    """Queries and keys change places on the way back."""
    found = from_packed(weights, **given)
    return found | {"kernel_q": found["kernel_k"], "kernel_k": found["kernel_q"]}


def reads_depth_first(weights: dict, **given: Any) -> dict:
    """Of the two axes that were one, the wrong one comes first."""
    found = from_packed(weights, **given)
    return found | {"kernel_v": found["kernel_v"].transpose(0, 2, 1)}


@pytest.mark.statement("packed-weights.back", of=from_packed, mutants=[reads_keys_first, reads_depth_first])
@pytest.mark.parametrize(("framework", "layer"), OWN)
def test_there_and_back_changes_no_number(implementation, framework, layer):
    weights = table(layer)
    native = to_packed(weights, layer=layer, framework=framework)

    back = implementation(native, layer=layer, framework=framework, heads=HEADS)

    assert list(back) == list(weights)
    for name, w in weights.items():
        np.testing.assert_array_equal(back[name], w)
        assert isinstance(back[name], np.ndarray)


@pytest.mark.parametrize("layer", list(AXES))
def test_what_pytorch_has_made_comes_over(layer):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    torch.manual_seed(0)
    given = {"dropout": 0.0, "batch_first": True, "norm_first": True}
    module = {
        "attention": lambda: torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True),
        "encoder_layer": lambda: torch.nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, **given),
        "decoder_layer": lambda: torch.nn.TransformerDecoderLayer(WIDTH, HEADS, HIDDEN, **given),
    }[layer]()
    native = {name: w.numpy() for name, w in module.state_dict().items()}

    weights = from_packed(native, layer=layer, framework="torch", heads=HEADS)

    np.testing.assert_allclose(by_torch(layer, native), right(layer, weights), rtol=2e-5, atol=5e-6)


@pytest.mark.parametrize(("framework", "layer"), OWN)
def test_jax_arrays_stay_jax_arrays_under_jit(framework, layer):
    weights = {name: jnp.asarray(w) for name, w in table(layer).items()}
    native = jax.jit(partial(to_packed, layer=layer, framework=framework))(weights)
    assert all(isinstance(w, jax.Array) for w in native.values())
    for name, w in to_packed(table(layer), layer=layer, framework=framework).items():
        np.testing.assert_array_equal(native[name], w)


ATTENTION = table("attention")
PACKED = to_packed(ATTENTION, layer="attention", framework="torch")
TO = [
    (ATTENTION, "transformer", "torch", "layer must be one of 'attention'"),
    (table("encoder_layer"), "encoder_layer", "keras", "keras has no encoder_layer; convert its attentions and"),
    (ATTENTION | {"bias_o": np.zeros(4)}, "attention", "flax", "attention: bias_o has in_features=4 but kernel_q has"),
    (ATTENTION | {"bias_p": np.zeros(4)}, "attention", "torch", "attention: weights has bias_p, which is none of"),
]
FROM = [
    (PACKED, None, "heads is None, expected a divisor of the 9 features"),
    (PACKED, 2, "heads is 2, expected a divisor of the 9 features"),
    (PACKED | {"in_proj_bias": np.zeros(9)}, 3, "attention: in_proj_bias has packed=9 but in_proj_weight has packed"),
    ({n: w[:9] if "in_" in n else w for n, w in PACKED.items()}, 3, "in_proj_weight has 9 rows, expected 27"),
]


@pytest.mark.parametrize(("weights", "layer", "framework", "message"), TO)
def test_a_wrong_table_is_refused_in_one_line(weights, layer, framework, message):
    with pytest.raises(ValueError, match=f"^to_packed: {message}") as caught:
        to_packed(weights, layer=layer, framework=framework)
    assert "\n" not in str(caught.value)


def test_heads_that_do_not_fill_the_features_are_refused():
    narrow = {n: w[:, :2] if n in ("kernel_q", "kernel_k", "kernel_v") else w for n, w in ATTENTION.items()}
    narrow |= {n: w[:2] for n, w in ATTENTION.items() if n in ("bias_q", "bias_k", "bias_v", "kernel_o")}
    with pytest.raises(ValueError, match="^to_packed: attention: 2 heads of depth 3 are not the 9 features$"):
        to_packed(narrow, layer="attention", framework="torch")


@pytest.mark.parametrize(("weights", "heads", "message"), FROM)
def test_a_wrong_packed_table_is_refused_in_one_line(weights, heads, message):
    with pytest.raises(ValueError, match=f"^from_packed: {message}") as caught:
        from_packed(weights, layer="attention", framework="torch", heads=heads)
    assert "\n" not in str(caught.value)


def test_other_heads_than_the_arrays_have_are_refused():
    native = to_packed(ATTENTION, layer="attention", framework="flax")
    with pytest.raises(ValueError, match="^from_packed: heads is 2, but query.bias has 3 of them$"):
        from_packed(native, layer="attention", framework="flax", heads=2)
