"""What the conformance suite cannot see: ported layers, a new layer, the same program mapped and eager, and errors."""

import functools
import importlib.util
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.lstm import lstm, lstm_start, lstm_step
from nnspec.components.weight_layouts import from_exchange, to_exchange

BATCH, TIME, IN, HIDDEN = 3, 6, 2, 4
X = np.random.default_rng(0).standard_normal((BATCH, TIME, IN)).astype(np.float32)
H, C = np.random.default_rng(1).standard_normal((2, BATCH, HIDDEN)).astype(np.float32)
WEIGHTS = lstm_start(jax.random.key(2), IN, HIDDEN)
LENGTHS = jnp.array([6, 2, 4])


def close(got, want):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), got, want)


# ---- ported layers: each framework makes its own weights, its biases drawn, too


def by_torch():
    """The table that PyTorch keeps, and its states and carry."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    torch.manual_seed(0)
    layer = torch.nn.LSTM(IN, HIDDEN, batch_first=True)
    with torch.no_grad():
        states, carry = layer(torch.tensor(X), (torch.tensor(H)[None], torch.tensor(C)[None]))
    return {name: w.numpy() for name, w in layer.state_dict().items()}, (states.numpy(), *(p[0].numpy() for p in carry))


def by_keras():
    """The same of Keras."""
    if not importlib.util.find_spec("keras"):
        pytest.skip("Keras is not installed: pip install 'nnspec[keras]'")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    zeros = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}
    layer = keras.layers.LSTM(HIDDEN, return_sequences=True, return_state=True, **zeros)
    layer.build(X.shape)
    rng, table = np.random.default_rng(3), {}
    for w in layer.cell.trainable_variables:
        table[w.name] = rng.standard_normal(w.shape).astype(np.float32)
        w.assign(table[w.name])
    found = layer(X, initial_state=[H, C])
    return table, tuple(np.asarray(keras.ops.convert_to_numpy(part)) for part in found)


def by_flax():
    """The same of Flax, whose carry has the cell first."""
    cell = nnx.LSTMCell(IN, HIDDEN, bias_init=nnx.initializers.normal(1.0), rngs=nnx.Rngs(0))
    (c, h), states = nnx.RNN(cell)(X, initial_carry=(jnp.asarray(C), jnp.asarray(H)), return_carry=True)
    table = {".".join(path): np.asarray(w[...]) for path, w in nnx.to_flat_state(nnx.state(cell, nnx.Param))}
    return table, (states, h, c)


def adds_one_to_the_forget_gate(x, weights, *carry):
    """The constant that some implementations have in their code."""
    return lstm(x, weights | {"bias_f": weights["bias_f"] + 1}, *carry)


def exchanges_forget_gate_and_candidate(x, weights, *carry):
    """The order of the gates in Haiku."""
    other = {"f": "g", "g": "f"}
    return lstm(x, {name: weights[name[:-1] + other.get(name[-1], name[-1])] for name in weights}, *carry)


def hands_back_the_cell_first(*arrays):
    """The order of Flax's carry."""
    states, h, c = lstm(*arrays)
    return states, c, h


@pytest.mark.statement(
    "lstm.ported",
    of=lstm,
    mutants=[adds_one_to_the_forget_gate, exchanges_forget_gate_and_candidate, hands_back_the_cell_first],
)
@pytest.mark.parametrize(("framework", "run"), [("torch", by_torch), ("keras", by_keras), ("flax", by_flax)])
def test_a_ported_layer_gives_the_same_states_and_carry(implementation, framework, run):
    native, want = run()

    weights = to_exchange(native, layer="lstm", framework=framework)

    close(tuple(implementation(X, weights, H, C)), tuple(map(np.asarray, want)))


# ---- time first: as many examples as steps, so that no shape tells the two axes apart


SQUARE = np.random.default_rng(5).standard_normal((TIME, TIME, IN)).astype(np.float32)
STARTS = tuple(np.random.default_rng(6).standard_normal((2, TIME, HIDDEN)).astype(np.float32))


def torch_time_first(table, x):
    """States and carry of PyTorch, which has time first where nothing is said."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    layer = torch.nn.LSTM(IN, HIDDEN)
    layer.load_state_dict({name: torch.tensor(np.asarray(w)) for name, w in table.items()})
    with torch.no_grad():
        states, carry = layer(torch.tensor(x), tuple(torch.tensor(part)[None] for part in STARTS))
    return (states.numpy(), *(part[0].numpy() for part in carry))


def flax_time_first(table, x):
    """States and carry of Flax with ``time_major``."""
    cell = nnx.LSTMCell(IN, HIDDEN, rngs=nnx.Rngs(0))
    nnx.update(cell, nnx.from_flat_state({tuple(name.split(".")): nnx.Param(w) for name, w in table.items()}))
    h, c = map(jnp.asarray, STARTS)
    (c, h), states = nnx.RNN(cell, time_major=True)(x, initial_carry=(c, h), return_carry=True)
    return states, h, c


def takes_time_for_batch(x, *rest):
    """Time and batch exchanged."""
    states, *carry = lstm(x.swapaxes(0, 1), *rest)
    return states.swapaxes(0, 1), *carry


def reshapes_in_the_place_of_a_transpose(x, *rest):
    """The numbers stay where they lie in memory."""
    return lstm(x.swapaxes(0, 1).reshape(x.shape), *rest)


@pytest.mark.statement(
    "lstm.time-first", of=lstm, mutants=[takes_time_for_batch, reshapes_in_the_place_of_a_transpose]
)  # fmt: skip
@pytest.mark.parametrize(("framework", "run"), [("torch", torch_time_first), ("flax", flax_time_first)])
def test_a_layer_that_has_time_first_gives_the_same_with_the_axes_exchanged(implementation, framework, run):
    table = from_exchange(WEIGHTS, layer="lstm", framework=framework)

    theirs, *carry = map(np.asarray, run(table, SQUARE.swapaxes(0, 1)))

    close(tuple(implementation(SQUARE, WEIGHTS, *STARTS)), (theirs.swapaxes(0, 1), *carry))
    back = to_exchange(table, layer="lstm", framework=framework)
    ours, *_ = implementation(theirs.swapaxes(0, 1)[..., :IN], back, *STARTS)
    close(ours.swapaxes(0, 1), np.asarray(run(table, theirs[..., :IN])[0]))


# ---- a new layer


def test_a_new_layer_has_the_table_of_the_page():
    assert {name: w.shape for name, w in WEIGHTS.items() if name.endswith("_f")} == {
        "kernel_f": (IN, HIDDEN), "recurrent_kernel_f": (HIDDEN, HIDDEN), "bias_f": (HIDDEN,)
    }  # fmt: skip
    assert len(WEIGHTS) == 12
    assert {name: set(np.unique(w)) for name, w in WEIGHTS.items() if name.startswith("bias")} == {
        "bias_i": {0}, "bias_f": {1}, "bias_g": {0}, "bias_o": {0}
    }  # fmt: skip


def test_kernels_of_a_new_layer_have_variance_1_over_their_inputs():
    weights = lstm_start(jax.random.key(5), 100, 64)

    for name, n in (("kernel_o", 100), ("recurrent_kernel_i", 64)):
        count = weights[name].size
        assert float(weights[name].var()) * n == pytest.approx(1, abs=5 * (2 / count) ** 0.5)
    kernels = [np.asarray(w).ravel()[:64] for name, w in weights.items() if "kernel" in name]
    assert len(np.unique(np.stack(kernels), axis=0)) == 8


def test_a_new_layer_in_another_dtype():
    weights = lstm_start(jax.random.key(5), 2, 3, forget_bias=0.5, dtype=jnp.bfloat16)

    assert {w.dtype for w in weights.values()} == {jnp.dtype(jnp.bfloat16)}
    assert weights["bias_f"].tolist() == [0.5] * 3


# ---- the same program in other forms


def test_mapped_over_sequences_equals_the_batch():
    def one(x, h, c, n):
        states, *carry = lstm(x[None], WEIGHTS, h[None], c[None], n[None], reverse=True)
        return states[0], *(part[0] for part in carry)

    close(jax.jit(jax.vmap(one))(X, H, C, LENGTHS), lstm(X, WEIGHTS, H, C, LENGTHS, reverse=True))


def test_eager_equals_compiled():
    with jax.disable_jit():
        got = lstm(X, WEIGHTS, H, C, LENGTHS)

    close(got, lstm(X, WEIGHTS, H, C, LENGTHS))


def test_each_sequence_is_as_if_it_were_alone():
    states, *carry = lstm(X, WEIGHTS, H, C, LENGTHS, reverse=True)
    alone, *last = lstm(X[1:2, :2], WEIGHTS, H[1:2], C[1:2], reverse=True)

    close((states[1, :2], *(part[1] for part in carry)), (alone[0], *(part[0] for part in last)))


# ---- errors


@pytest.mark.parametrize("wrong", [7, -1])
def test_a_length_that_no_sequence_has_is_refused_in_one_line(wrong):
    with pytest.raises(ValueError, match=f"lstm: lengths has {wrong}, expected 0 to 6, the number of steps") as caught:
        lstm(X, WEIGHTS, H, C, jnp.array([6, wrong, 4]))

    assert "\n" not in str(caught.value)


def test_lengths_that_are_no_integers_are_refused():
    with pytest.raises(TypeError, match="lengths"):
        lstm(X, WEIGHTS, H, C, jnp.array([6.0, 2.0, 4.0]))


def test_half_a_carry_is_refused():
    with pytest.raises(ValueError, match="lstm: h is given without c; hand over both, or none for zeros"):
        lstm(X, WEIGHTS, H)


def test_a_carry_of_another_size_is_refused():
    for f, x in ((lstm, X), (lstm_step, X[:, 0])):
        with pytest.raises(ValueError, match=f"{f.__name__}: h has hidden=3 but weights have hidden=4"):
            f(x, WEIGHTS, H[:, :3], C[:, :3])


def test_a_missing_gate_is_refused_by_its_name():
    with pytest.raises(ValueError, match="lstm: weights lacks bias_f"):
        lstm(X, {name: w for name, w in WEIGHTS.items() if name != "bias_f"})


def test_a_new_layer_without_units_is_refused():
    with pytest.raises(ValueError, match="lstm_start: hidden_features=0 leaves no layer"):
        lstm_start(jax.random.key(0), 2, 0)
