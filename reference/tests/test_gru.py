"""What the conformance suite cannot see: the same program mapped and eager, one product for two gates, and errors."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.architectures.gru import gru, gru_step

BATCH, TIME, IN, HIDDEN = 3, 6, 2, 4


def draws(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).normal(0, 0.7, shape).astype(np.float32))


X, CARRY = draws(0, BATCH, TIME, IN), draws(1, BATCH, HIDDEN)
SHAPES = {"kernel": (IN, HIDDEN), "recurrent_kernel": (HIDDEN, HIDDEN), "bias": (HIDDEN,)}
WEIGHTS = {
    f"{kind}_{k}": draws(10 * i + j + 2, *shape)
    for i, k in enumerate("rzn")
    for j, (kind, shape) in enumerate(SHAPES.items())
}
AFTER = WEIGHTS | {"recurrent_bias_n": draws(50, HIDDEN)}
LENGTHS = jnp.array([6, 2, 4])


def close(got, want):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), got, want)


# ---- the same program in other forms


def test_mapped_over_sequences_equals_the_batch():
    def one(x, carry, n):
        return gru(x[None], WEIGHTS, carry[None], n[None], reverse=True)[0]

    close(jax.jit(jax.vmap(one))(X, CARRY, LENGTHS), gru(X, WEIGHTS, CARRY, LENGTHS, reverse=True))


@pytest.mark.parametrize(("reset", "weights"), [("before", WEIGHTS), ("after", AFTER)])
def test_eager_equals_compiled(reset, weights):
    with jax.disable_jit():
        got = gru(X, weights, CARRY, LENGTHS, reset=reset)

    close(got, gru(X, weights, CARRY, LENGTHS, reset=reset))


def test_each_sequence_is_as_if_it_were_alone():
    for outputs in ("all", "last"):
        together = gru(X, WEIGHTS, CARRY, LENGTHS, outputs=outputs, reverse=True)
        alone = gru(X[1:2, :2], WEIGHTS, CARRY[1:2], outputs=outputs, reverse=True)[0]
        close(together[1, :2] if outputs == "all" else together[1], alone)


def test_open_gates_make_an_elman_step_of_it():
    """With r = 1 and z = 0 what is left is the candidate: a dense layer of input and state, and tanh."""
    opened = WEIGHTS | {"bias_r": jnp.full(HIDDEN, 1000.0), "bias_z": jnp.full(HIDDEN, -1000.0)}
    sums = X[:, 0] @ WEIGHTS["kernel_n"] + CARRY @ WEIGHTS["recurrent_kernel_n"] + WEIGHTS["bias_n"]
    close(gru_step(X[:, 0], opened, CARRY), jnp.tanh(sums))


def test_the_program_of_a_step_has_three_products():
    """One for all that the input makes, one for both gates, and one for the candidate; the scan holds them once."""

    def products(jaxpr):
        inner = [p for e in jaxpr.eqns for p in e.params.values() if hasattr(p, "jaxpr")]
        own = sum(e.primitive.name == "dot_general" for e in jaxpr.eqns)
        return own + sum(products(p.jaxpr) for p in inner)

    assert products(jax.make_jaxpr(gru)(X, WEIGHTS, CARRY).jaxpr) == 3


# ---- errors


@pytest.mark.parametrize(
    ("n", "message"), [(7, "lengths has 7, expected 0 to 6"), (-1, "lengths has -1, expected 0 to 6")]
)
def test_a_length_that_no_sequence_has_is_refused_in_one_line(n, message):
    with pytest.raises(ValueError, match=f"gru: {message}, the number of steps in x") as caught:
        gru(X, WEIGHTS, CARRY, jnp.array([6, n, 4]))

    assert "\n" not in str(caught.value)


def test_lengths_that_are_no_integers_are_refused():
    with pytest.raises(TypeError, match="lengths"):
        gru(X, WEIGHTS, CARRY, jnp.array([6.0, 2.0, 4.0]))


def test_a_carry_of_another_size_is_refused():
    for f, x in ((gru, X), (gru_step, X[:, 0])):
        with pytest.raises(ValueError, match="carry has hidden=3 but weights have hidden=4"):
            f(x, WEIGHTS, CARRY[:, :3])


def test_time_and_batch_exchanged_are_seen_at_the_carry():
    with pytest.raises(ValueError, match="carry has batch=3 but x has batch=6"):
        gru(X.swapaxes(0, 1), WEIGHTS, CARRY)


def test_a_missing_gate_is_named():
    with pytest.raises(ValueError, match="gru_step: weights lacks kernel_z; it has"):
        gru_step(X[:, 0], {name: w for name, w in WEIGHTS.items() if name != "kernel_z"}, CARRY)


def test_a_recurrent_bias_of_the_candidate_belongs_to_one_form_alone():
    with pytest.raises(ValueError, match="gru_step: weights has recurrent_bias_n, which is none of"):
        gru_step(X[:, 0], AFTER, CARRY)
    with pytest.raises(ValueError, match="gru_step: weights lacks recurrent_bias_n"):
        gru_step(X[:, 0], WEIGHTS, CARRY, reset="after")
