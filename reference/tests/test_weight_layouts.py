"""The converters against the layers of PyTorch, Keras and Flax themselves, there and back, under jit; every error."""

import importlib.util
import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.special import expit

from nnspec.components.weight_layouts import EXCHANGE, from_exchange, to_exchange
from nnspec.components.weights_and_biases import parameter_count

SIZES = {"in": 3, "out": 5, "hidden": 4, "rows": 7, "features": 6}
LAYERS = list(EXCHANGE)
FRAMEWORKS = ["torch", "keras", "flax"]
X = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)  # [batch, time, in]


def table(layer: str, framework: str | None = None) -> dict[str, np.ndarray]:
    """Pairwise different numbers; a framework that has no second bias gets none."""
    rng = np.random.default_rng(1)
    shapes = {
        name: [n for axis in axes.split() for n in ([2, 4] if axis == "*window" else [SIZES[axis]])]
        for name, axes in EXCHANGE[layer].items()
        if (layer, framework, name) != ("gru", "flax", "recurrent_bias_n")
    }
    return {name: rng.normal(size=shape).astype(np.float32) + (name == "var") * 9 for name, shape in shapes.items()}


def lstm(x: np.ndarray, w: dict) -> np.ndarray:
    h = c = np.zeros((len(x), SIZES["hidden"]))
    states = []
    for t in range(x.shape[1]):
        z = {k: x[:, t] @ w[f"kernel_{k}"] + h @ w[f"recurrent_kernel_{k}"] + w[f"bias_{k}"] for k in "ifgo"}
        c = expit(z["f"]) * c + expit(z["i"]) * np.tanh(z["g"])
        h = expit(z["o"]) * np.tanh(c)
        states.append(h)
    return np.stack(states, 1)


def gru(x: np.ndarray, w: dict) -> np.ndarray:
    h, states = np.zeros((len(x), SIZES["hidden"])), []
    for t in range(x.shape[1]):
        r, z = (expit(x[:, t] @ w[f"kernel_{k}"] + h @ w[f"recurrent_kernel_{k}"] + w[f"bias_{k}"]) for k in "rz")
        v = h @ w["recurrent_kernel_n"] + w.get("recurrent_bias_n", 0)
        n = np.tanh(x[:, t] @ w["kernel_n"] + w["bias_n"] + r * v)
        h = (1 - z) * n + z * h
        states.append(h)
    return np.stack(states, 1)


def convolution(x: np.ndarray, w: dict) -> np.ndarray:
    patches = np.lib.stride_tricks.sliding_window_view(x, w["kernel"].shape[:2], axis=(1, 2))
    return np.einsum("nhwiab,abio->nhwo", patches, w["kernel"]) + w["bias"]


def norm(x: np.ndarray, w: dict) -> np.ndarray:
    return (x - w["mean"]) / np.sqrt(w["var"] + 1e-3) * w["scale"] + w["bias"]


EXPECTED = {
    "dense": lambda x, w: x @ w["kernel"] + w["bias"],
    "convolution": convolution,
    "embedding": lambda x, w: w["embedding"][x],
    "layer_norm": lambda x, w: norm(
        x, w | {"mean": x.mean(-1, keepdims=True), "var": x.astype(np.float64).var(-1, keepdims=True)}
    ),
    "batch_norm": norm,
    "lstm": lstm,
    "gru": gru,
}
INPUTS = {
    "dense": X,
    "convolution": np.random.default_rng(2).normal(size=(2, 4, 6, 3)).astype(np.float32),
    "embedding": np.array([[0, 3], [6, 1]]),
    "layer_norm": np.random.default_rng(3).normal(size=(4, 6)).astype(np.float32),
    "batch_norm": np.random.default_rng(3).normal(size=(4, 6)).astype(np.float32),
    "lstm": X,
    "gru": X,
}


def by_torch(layer: str, x: np.ndarray, native: dict) -> np.ndarray:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    module = {
        "dense": lambda: torch.nn.Linear(3, 5),
        "convolution": lambda: torch.nn.Conv2d(3, 5, (2, 4)),
        "embedding": lambda: torch.nn.Embedding(7, 6),
        "layer_norm": lambda: torch.nn.LayerNorm(6, eps=1e-3),
        "batch_norm": lambda: torch.nn.BatchNorm1d(6, eps=1e-3).eval(),
        "lstm": lambda: torch.nn.LSTM(3, 4, batch_first=True),
        "gru": lambda: torch.nn.GRU(3, 4, batch_first=True),
    }[layer]()
    state = {name: torch.tensor(w) for name, w in native.items()}
    if layer == "batch_norm":
        state["num_batches_tracked"] = torch.tensor(1)
    module.load_state_dict(state)
    with torch.no_grad():
        if layer == "convolution":
            return module(torch.tensor(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
        y = module(torch.tensor(x))
    return (y[0] if isinstance(y, tuple) else y).numpy()


def by_keras(layer: str, x: np.ndarray, native: dict) -> np.ndarray:
    if not importlib.util.find_spec("keras"):
        pytest.skip("Keras is not installed: pip install 'nnspec[keras]'")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    zeros: Any = {"kernel_initializer": "zeros"}  # none is kept, and drawing them would be compiled
    made = {
        "dense": lambda: keras.layers.Dense(5, **zeros),
        "convolution": lambda: keras.layers.Conv2D(5, (2, 4), **zeros),
        "embedding": lambda: keras.layers.Embedding(7, 6, embeddings_initializer="zeros"),
        "layer_norm": lambda: keras.layers.LayerNormalization(),
        "batch_norm": lambda: keras.layers.BatchNormalization(),
        "lstm": lambda: keras.layers.LSTM(4, return_sequences=True, recurrent_initializer="zeros", **zeros),
        "gru": lambda: keras.layers.GRU(4, return_sequences=True, recurrent_initializer="zeros", **zeros),
    }[layer]()
    made.build(x.shape)
    own = {w.name: w for w in made.weights if "seed" not in w.name}
    assert list(own) == list(native)  # names and order are Keras's own
    for name, w in native.items():
        own[name].assign(w)
    return np.asarray(keras.ops.convert_to_numpy(made(x)))


def by_flax(layer: str, x: np.ndarray, native: dict) -> np.ndarray:
    rngs, zeros = nnx.Rngs(0), nnx.initializers.zeros  # no first weight is kept, and drawing them would be compiled
    gates: Any = {"kernel_init": zeros, "recurrent_kernel_init": zeros, "rngs": rngs}
    module = {
        "dense": lambda: nnx.Linear(3, 5, kernel_init=zeros, rngs=rngs),
        "convolution": lambda: nnx.Conv(3, 5, (2, 4), padding="VALID", kernel_init=zeros, rngs=rngs),
        "embedding": lambda: nnx.Embed(7, 6, embedding_init=zeros, rngs=rngs),
        "layer_norm": lambda: nnx.LayerNorm(6, epsilon=1e-3, rngs=rngs),
        "batch_norm": lambda: nnx.BatchNorm(6, use_running_average=True, epsilon=1e-3, rngs=rngs),
        "lstm": lambda: nnx.LSTMCell(3, 4, **gates),
        "gru": lambda: nnx.GRUCell(3, 4, **gates),
    }[layer]()
    names = {".".join(path) for path, _ in nnx.to_flat_state(nnx.state(module, nnx.Any(nnx.Param, nnx.BatchStat)))}
    assert names == set(native)  # the names are Flax's own
    for name, w in native.items():
        target = module
        for part in name.split("."):
            target = getattr(target, part)
        target[...] = jnp.asarray(w)
    if layer not in ("lstm", "gru"):
        return np.asarray(nnx.jit(lambda module, x: module(x))(module, x))
    start = np.zeros((len(x), 4), np.float32)
    carry = (start, start) if layer == "lstm" else start
    return np.asarray(nnx.jit(lambda rnn, x: rnn(x, initial_carry=carry))(nnx.RNN(module), x))


@pytest.mark.parametrize("layer", EXPECTED)
@pytest.mark.parametrize(("framework", "run"), [("torch", by_torch), ("keras", by_keras), ("flax", by_flax)])
def test_the_frameworks_own_layer_computes_the_same(framework, run, layer):
    weights = table(layer, framework)
    got = run(layer, INPUTS[layer], from_exchange(weights, layer=layer, framework=framework))
    wide = {name: w.astype(np.float64) for name, w in weights.items()}
    np.testing.assert_allclose(
        got,
        EXPECTED[layer](INPUTS[layer], wide),
        rtol=2e-5,
        atol=2e-6,
    )


@pytest.mark.parametrize("layer", ["lstm", "gru"])
def test_what_pytorch_trained_comes_over(layer):
    """Both biases are drawn at random by PyTorch; the exchange layout has their sum."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    torch.manual_seed(0)
    module = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[layer](3, 4, batch_first=True)
    native = {name: w.numpy() for name, w in module.state_dict().items()}
    weights = to_exchange(native, layer=layer, framework="torch")
    with torch.no_grad():
        got = module(torch.tensor(X))[0].numpy()
    np.testing.assert_allclose(got, EXPECTED[layer](X, weights), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_there_and_back_changes_no_number(framework, layer):
    weights = table(layer, framework)
    back = to_exchange(
        from_exchange(weights, layer=layer, framework=framework), layer=layer, framework=framework
    )  # fmt: skip
    assert list(back) == list(weights)
    for name, w in weights.items():
        np.testing.assert_array_equal(back[name], w)
        assert isinstance(back[name], np.ndarray)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_back_and_there_changes_no_number(framework, layer):
    native = from_exchange(table(layer, framework), layer=layer, framework=framework)
    again = from_exchange(
        to_exchange(native, layer=layer, framework=framework), layer=layer, framework=framework
    )  # fmt: skip
    assert list(again) == list(native)
    for name, w in native.items():
        np.testing.assert_array_equal(again[name], w)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_jax_arrays_stay_jax_arrays_under_jit(framework):
    weights = {name: jnp.asarray(w) for name, w in table("lstm").items()}
    native = jax.jit(lambda w: from_exchange(w, layer="lstm", framework=framework))(weights)
    assert all(isinstance(w, jax.Array) for w in native.values())
    for name, w in from_exchange(table("lstm"), layer="lstm", framework=framework).items():
        np.testing.assert_array_equal(native[name], w)


def test_a_convolution_may_have_any_number_of_axes():
    for window in ((3,), (2, 3), (2, 3, 4)):
        kernel = np.arange(np.prod(window) * 10.0).reshape(*window, 2, 5)
        weight = from_exchange({"kernel": kernel}, layer="convolution", framework="torch")["weight"]
        assert weight.shape == (5, 2, *window)
        np.testing.assert_array_equal(weight[3, 1], kernel[..., 1, 3])


def test_a_count_is_what_a_table_holds():
    count = parameter_count(layer="gru", in_features=3, hidden_features=4, biases="candidate")
    assert count == sum(w.size for w in table("gru").values())


DENSE = {"kernel": np.zeros((3, 5)), "bias": np.zeros(5)}
FROM = [
    (DENSE, "dense", "pytorch", r"framework must be one of 'torch', 'keras', 'flax', got 'pytorch'; did you mean"),
    (DENSE, "linear", "torch", "layer must be one of 'dense'"),
    (DENSE | {"bias": np.zeros(4)}, "dense", "torch", "dense: bias has out=4 but kernel has out=5"),
    ({"bias": np.zeros(5)}, "dense", "keras", "dense: weights lacks kernel; it has bias"),
    (
        DENSE | {"scale": np.zeros(5)},
        "dense",
        "keras",
        "dense: weights has scale, which is none of kernel, bias; take it out",
    ),
    ({"kernel": np.zeros(5)}, "dense", "keras", r"dense: kernel has shape \(5,\), expected \[in, out\]"),
    (table("gru"), "gru", "flax", "gru in flax has no recurrent_bias_n; leave the name out if it is zero"),
]


@pytest.mark.parametrize(("weights", "layer", "framework", "message"), FROM)
def test_a_wrong_exchange_table_is_refused_in_one_line(weights, layer, framework, message):
    with pytest.raises(ValueError, match=f"^from_exchange: {message}") as caught:
        from_exchange(weights, layer=layer, framework=framework)
    assert "\n" not in str(caught.value)


WRONG_KERNEL = {"kernel": np.zeros((3, 15)), "recurrent_kernel": np.zeros((4, 16)), "bias": np.zeros(16)}
TO = [
    (
        {"weight": np.zeros((5, 3)), "bais": np.zeros(5)},
        "dense",
        "torch",
        r"dense: weights has bais, which is none of weight, bias; did you mean bias\?",
    ),
    (
        {"weight_ih_l0": np.zeros((16, 3))},
        "lstm",
        "torch",
        "lstm: weights lacks weight_hh_l0, bias_ih_l0, bias_hh_l0; it has weight_ih_l0",
    ),
    (WRONG_KERNEL, "lstm", "keras", r"lstm: kernel has shape \(3, 15\), expected a multiple of 4 gates along axis 1"),
    ([1], "dense", "torch", "weights is a list, expected dict"),
    (
        {"weight": [[1.0]]},
        "dense",
        "torch",
        "dense: weight is a list, expected an array; convert it with jnp.asarray, a Tensor with ",
    ),
    ({"weight": np.zeros(5)}, "dense", "torch", r"dense: kernel has shape \(5,\), expected \[in, out\]"),
    (
        {"kernel": np.zeros((3, 12)), "recurrent_kernel": np.zeros((4, 12)), "bias": np.zeros(12)},
        "gru",
        "keras",
        r"gru: bias has shape \(12,\), expected \[2, 3 hidden\]; with reset_after=False",
    ),
]


@pytest.mark.parametrize(("weights", "layer", "framework", "message"), TO)
def test_a_wrong_native_table_is_refused_in_one_line(weights, layer, framework, message):
    with pytest.raises((TypeError, ValueError), match=f"^to_exchange: {message}") as caught:
        to_exchange(weights, layer=layer, framework=framework)
    assert "\n" not in str(caught.value)
