"""What the conformance suite cannot see: masks, the same program in other forms, modules and errors."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures import stacked_recurrent_modules as modules
from nnspec.architectures.gru import gru
from nnspec.architectures.recurrent import elman
from nnspec.architectures.stacked_recurrent import bidirectional, stacked_recurrent

BATCH, TIME, IN, HIDDEN, LAYERS = 3, 6, 2, 4, 3
X = jnp.asarray(np.random.default_rng(0).normal(size=(BATCH, TIME, IN)).astype(np.float32))
STACK = modules.StackedRecurrent(IN, HIDDEN, layers=LAYERS, cell="tanh", rngs=nnx.Rngs(0)).get_weights()
BOTH = modules.Bidirectional(IN, HIDDEN, cell="tanh", rngs=nnx.Rngs(1)).get_weights()
MASKS = jnp.asarray(2.0 * np.random.default_rng(2).integers(0, 2, (LAYERS - 1, BATCH, TIME, HIDDEN)), jnp.float32)
LENGTHS = jnp.array([6, 2, 4])


def close(got, want):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), got, want)


def of_layer(weights, number):
    return {name: weights[f"{name}_{number}"] for name in ("kernel", "recurrent_kernel", "bias")}


# ---- masks


def multiplies_the_topmost_states(x, weights, *, masks, cell):
    """The mask of a layer applied to what it makes, not to what the next one reads: the topmost is hit, too."""
    states, last = stacked_recurrent(x, weights, masks=masks, cell=cell)
    return states * masks[0], last


def keeps_one_mask_for_all_steps(x, weights, *, masks, cell):
    """Variational dropout, Gal and Ghahramani 2016: one mask for a whole sequence."""
    return stacked_recurrent(x, weights, masks=jnp.broadcast_to(masks[:, :, :1], masks.shape), cell=cell)


def multiplies_the_last_states(x, weights, *, masks, cell):
    """The last states taken from what the next layer reads."""
    states, last = stacked_recurrent(x, weights, masks=masks, cell=cell)
    return states, last.at[:-1].multiply(masks[:, :, -1])


@pytest.mark.statement(
    "stacked-recurrent.masks",
    of=stacked_recurrent,
    mutants=[multiplies_the_topmost_states, keeps_one_mask_for_all_steps, multiplies_the_last_states],
)
def test_masks_are_multiplied_between_the_layers_alone(implementation):
    states, last = implementation(X, STACK, masks=MASKS, cell="tanh")
    read = X
    for number in range(LAYERS):
        read = read if number == 0 else read * MASKS[number - 1]
        read = elman(read, of_layer(STACK, number), activation="tanh")
        close(last[number], read[:, -1])
    close(states, read)


def test_masks_of_ones_change_nothing():
    close(
        stacked_recurrent(X, STACK, masks=jnp.ones_like(MASKS), cell="tanh"), stacked_recurrent(X, STACK, cell="tanh")
    )


# ---- the same program in other forms


def test_mapped_over_sequences_equals_the_batch():
    def one(x, n):
        return jax.tree.map(lambda y: y[0], bidirectional(x[None], BOTH, n[None], cell="tanh"))

    close(jax.jit(jax.vmap(one))(X, LENGTHS), bidirectional(X, BOTH, LENGTHS, cell="tanh"))


def test_a_stack_of_one_layer_is_that_layer():
    weights = {f"{name}_0": w for name, w in of_layer(STACK, 0).items()}
    states, last = stacked_recurrent(X, weights, cell="tanh")
    close(states, elman(X, of_layer(STACK, 0), activation="tanh"))
    close(last[0], states[:, -1])


def test_sequences_without_a_step_end_at_zero():
    states, last = bidirectional(X[:, :0], BOTH, cell="tanh")
    assert states.shape == (BATCH, 0, 2 * HIDDEN)
    np.testing.assert_array_equal(last, np.zeros((BATCH, 2 * HIDDEN)))


def test_a_sequence_of_length_0_ends_at_zero():
    _, last = bidirectional(X, BOTH, jnp.array([6, 0, 4]), cell="tanh")
    np.testing.assert_array_equal(last[1], np.zeros(2 * HIDDEN))


# ---- modules


def test_modules_call_their_functions():
    layer = modules.GRU(IN, HIDDEN, reset="after", rngs=nnx.Rngs(0))
    close(layer(X), gru(X, layer.get_weights(), reset="after"))
    both = modules.Bidirectional(IN, HIDDEN, cell="lstm", rngs=nnx.Rngs(0))
    close(both(X, LENGTHS), bidirectional(X, both.get_weights(), LENGTHS, cell="lstm"))


@pytest.mark.parametrize(
    "make",
    [
        lambda rngs: modules.Elman(IN, HIDDEN, activation="relu", rngs=rngs),
        lambda rngs: modules.LSTM(IN, HIDDEN, rngs=rngs),
        lambda rngs: modules.GRU(IN, HIDDEN, rngs=rngs),
        lambda rngs: modules.StackedRecurrent(IN, HIDDEN, layers=2, cell="gru", rngs=rngs),
        lambda rngs: modules.Bidirectional(IN, HIDDEN, cell="relu", rngs=rngs),
    ],
    ids=["elman", "lstm", "gru", "stack", "both"],
)
def test_a_module_takes_the_table_that_another_hands_out(make):
    one, other = make(nnx.Rngs(0)), make(nnx.Rngs(1))
    assert not np.allclose(jax.tree.leaves(one(X))[0], jax.tree.leaves(other(X))[0])
    other.set_weights(one.get_weights())
    jax.tree.map(np.testing.assert_array_equal, other(X), one(X))
    assert all(parameter is not None for parameter in jax.tree.leaves(nnx.state(one, nnx.Param)))
    assert len(jax.tree.leaves(nnx.state(one, nnx.Param))) == len(one.get_weights())


def test_a_new_layer_keeps_the_norm_of_a_state_and_the_cell_of_an_lstm():
    weights = modules.LSTM(IN, HIDDEN, rngs=nnx.Rngs(0)).get_weights()
    U = weights["recurrent_kernel_i"]
    close(U @ U.T, jnp.eye(HIDDEN))
    np.testing.assert_array_equal(weights["bias_f"], np.ones(HIDDEN))
    assert not any(weights[f"bias_{gate}"].any() for gate in "igo")


# ---- errors


def test_masks_for_another_number_of_layers_are_refused():
    with pytest.raises(ValueError, match="masks has 1 layers, expected 2"):
        stacked_recurrent(X, STACK, masks=MASKS[:1], cell="tanh")


def test_a_layer_that_does_not_fit_the_one_below_is_named():
    with pytest.raises(ValueError, match="stacked_recurrent: kernel_1 has hidden=2 but"):
        stacked_recurrent(X, STACK | {"kernel_1": STACK["kernel_0"]}, cell="tanh")


def test_a_table_without_one_direction_is_refused():
    forward = {name: w for name, w in BOTH.items() if name.startswith("forward")}
    with pytest.raises(ValueError, match="bidirectional: weights lacks backward_kernel"):
        bidirectional(X, forward, cell="tanh")


def test_a_length_that_no_sequence_has_is_refused():
    with pytest.raises(ValueError, match="bidirectional: lengths has 7, expected 0 to 6"):
        bidirectional(X, BOTH, jnp.array([6, 7, 4]), cell="tanh")


def test_modules_without_units_or_layers_are_refused():
    with pytest.raises(ValueError, match="GRU: hidden_features=0 leaves no layer"):
        modules.GRU(IN, 0, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="StackedRecurrent: layers=0 leaves no layer"):
        modules.StackedRecurrent(IN, HIDDEN, layers=0, cell="tanh", rngs=nnx.Rngs(0))
