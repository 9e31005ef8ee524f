"""What the conformance suite cannot see: windows of the gradient, the same program mapped and eager, and errors."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.architectures.recurrent import elman, elman_step, elman_truncated

BATCH, TIME, IN, HIDDEN = 3, 6, 2, 4


def draws(seed, *shape, scale=1.0):
    return jnp.asarray(np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32))


X, CARRY = draws(0, BATCH, TIME, IN), draws(4, BATCH, HIDDEN)
WEIGHTS = {
    "kernel": draws(1, IN, HIDDEN),
    "recurrent_kernel": draws(2, HIDDEN, HIDDEN, scale=0.5),
    "bias": draws(3, HIDDEN),
}
TANH = {"activation": "tanh"}
LENGTHS = jnp.array([6, 2, 4])
WEIGHT = draws(5, BATCH, HIDDEN)


def of_the_last(f, **given):
    """The gradients of a linear function of the last state, for inputs, weights and carry."""

    def loss(x, weights, carry):
        return (WEIGHT * f(x, weights, carry, **TANH, **given)[:, -1]).sum()

    return jax.jit(jax.grad(loss, (0, 1, 2)))(X, WEIGHTS, CARRY)


def close(got, want):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), got, want)


# ---- windows


def cuts_before_every_step(*arrays, window, **given):
    """A window of one step, whatever is asked."""
    return elman_truncated(*arrays, window=1, **given)


def cuts_the_carry_off(x, weights, carry, **given):
    """The window ends before the first step, too."""
    return elman_truncated(x, weights, jax.lax.stop_gradient(carry), **given)


@pytest.mark.statement(
    "elman-truncated.full", of=elman_truncated, mutants=[cuts_before_every_step, cuts_the_carry_off]
)  # fmt: skip
def test_a_window_that_covers_all_steps_leaves_nothing_out(implementation):
    close(implementation(X, WEIGHTS, CARRY, window=TIME, **TANH), elman(X, WEIGHTS, CARRY, **TANH))
    close(of_the_last(implementation, window=TIME), of_the_last(elman))


def never_cuts(*arrays, window, **given):
    """No window at all."""
    return elman_truncated(*arrays, window=TIME, **given)


def cuts_one_step_late(*arrays, window, **given):
    """Windows that are one step longer."""
    return elman_truncated(*arrays, window=window + 1, **given)


@pytest.mark.statement(
    "elman-truncated.window", of=elman_truncated, mutants=[never_cuts, cuts_one_step_late, cuts_before_every_step]
)
def test_nothing_is_handed_back_beyond_the_window(implementation):
    dx, _, carry = of_the_last(implementation, window=2)

    assert not np.any(dx[:, :-2])
    assert np.all(np.any(dx[:, -2:], -1))
    assert not np.any(carry)


def test_the_states_are_those_of_the_whole_whatever_the_window():
    close(elman_truncated(X, WEIGHTS, CARRY, window=4, **TANH), elman(X, WEIGHTS, CARRY, **TANH))


# ---- the same program in other forms


def test_mapped_over_sequences_equals_the_batch():
    def one(x, carry, n):
        return elman(x[None], WEIGHTS, carry[None], n[None], reverse=True, **TANH)[0]

    close(jax.jit(jax.vmap(one))(X, CARRY, LENGTHS), elman(X, WEIGHTS, CARRY, LENGTHS, reverse=True, **TANH))


def test_eager_equals_compiled():
    with jax.disable_jit():
        got = elman(X, WEIGHTS, CARRY, LENGTHS, **TANH)

    close(got, elman(X, WEIGHTS, CARRY, LENGTHS, **TANH))


def test_each_sequence_is_as_if_it_were_alone():
    for outputs in ("all", "last"):
        together = elman(X, WEIGHTS, CARRY, LENGTHS, outputs=outputs, reverse=True, **TANH)
        alone = elman(X[1:2, :2], WEIGHTS, CARRY[1:2], outputs=outputs, reverse=True, **TANH)[0]
        close(together[1, :2] if outputs == "all" else together[1], alone)


# ---- errors


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([6, 7, 4], "elman: lengths has 7, expected 0 to 6, the number of steps in x"),
        ([6, -1, 4], "elman: lengths has -1, expected 0 to 6"),
    ],
)
def test_a_length_that_no_sequence_has_is_refused_in_one_line(lengths, message):
    with pytest.raises(ValueError, match=message) as caught:
        elman(X, WEIGHTS, CARRY, jnp.array(lengths), **TANH)

    assert "\n" not in str(caught.value)


def test_lengths_that_are_no_integers_are_refused():
    with pytest.raises(TypeError, match="lengths"):
        elman(X, WEIGHTS, CARRY, jnp.array([6.0, 2.0, 4.0]), **TANH)


def test_a_carry_of_another_size_is_refused():
    for f, x in ((elman, X), (elman_step, X[:, 0])):
        with pytest.raises(ValueError, match="carry has hidden=3 but weights have hidden=4"):
            f(x, WEIGHTS, CARRY[:, :3], **TANH)


def test_time_and_batch_exchanged_are_seen_at_the_carry():
    with pytest.raises(ValueError, match="carry has batch=3 but x has batch=6"):
        elman(X.swapaxes(0, 1), WEIGHTS, CARRY, **TANH)


def test_a_window_without_a_step_is_refused():
    with pytest.raises(ValueError, match="window=0 holds no step; expected an integer of at least 1"):
        elman_truncated(X, WEIGHTS, CARRY, window=0, **TANH)
