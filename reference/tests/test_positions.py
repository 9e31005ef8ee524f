"""Positions of the reference: transforms, the module, errors of one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.transformer.positions import (
    LearnedPositions,
    learned_positions,
    rotary_positions,
    sinusoidal_positions,
)

RNG = np.random.default_rng(6)
X = jnp.asarray(RNG.standard_normal((2, 3, 5, 8)), jnp.float32)
AT = jnp.array([3, 4, 5, 6, 7])


@pytest.mark.parametrize("pairs", ["interleaved", "halves"])
def test_mapped_and_traced_turns_are_the_turn(pairs):
    want = rotary_positions(X, AT, pairs=pairs)
    np.testing.assert_allclose(jax.vmap(lambda x: rotary_positions(x, AT, pairs=pairs))(X), want, atol=1e-6)
    traced = jax.jit(lambda x, at, base: rotary_positions(x, at, base=base, pairs=pairs))
    np.testing.assert_allclose(traced(X, AT, 10000.0), want, atol=1e-5)


def test_one_token_at_a_time_is_the_sequence():
    whole = rotary_positions(X)
    for t in range(5):
        step = jax.jit(lambda x, at: rotary_positions(x, at[None]))(X[..., t : t + 1, :], jnp.asarray(t))
        np.testing.assert_allclose(step[..., 0, :], whole[..., t, :], atol=1e-6)


def test_half_precision_turns_by_the_angles_of_float32():
    x, at = X.astype(jnp.bfloat16), jnp.array([257, 258, 1000, 4001, 9999])
    want = rotary_positions(x.astype(jnp.float32), at)
    np.testing.assert_allclose(rotary_positions(x, at).astype(jnp.float32), want, rtol=2**-8)


def test_rows_inside_a_compiled_program_are_the_rows():
    traced = jax.jit(lambda at: sinusoidal_positions(at, features=8))
    np.testing.assert_allclose(traced(AT), sinusoidal_positions(AT, features=8), atol=1e-6)


def test_the_module_learns_the_rows_that_tokens_had():
    layer = LearnedPositions(7, 8, rngs=nnx.Rngs(0))
    np.testing.assert_array_equal(layer(X), learned_positions(X, layer.table[...]))
    assert 0.01 < float(jnp.std(layer.table[...])) < 0.03
    moved = nnx.grad(lambda layer: jnp.sum(layer(X)))(layer)["table"][...]
    np.testing.assert_array_equal(moved[:, 0], [6, 6, 6, 6, 6, 0, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rotary_positions(X[..., :7]), "rotary_positions: features is 7, must be an even number"),
        (lambda: sinusoidal_positions(AT, features=3), "sinusoidal_positions: features is 3, must be an even number"),
        (lambda: sinusoidal_positions(AT, features=0), "sinusoidal_positions: features is 0, must be an even number"),
        (lambda: rotary_positions(X, base=-1.0), "rotary_positions: base must be positive, got -1.0"),
        (lambda: rotary_positions(X, AT[:4]), "rotary_positions: positions has time=4 but x has time=5"),
        (lambda: rotary_positions(X, pairs="half"), "pairs"),
        (lambda: learned_positions(X, jnp.zeros((4, 8))), "x has 5 tokens, but the table has rows for 4 only"),
        (lambda: learned_positions(X, jnp.zeros((9, 7))), "learned_positions: table has features=7 but x has feature"),
        (lambda: LearnedPositions(0, 8, rngs=nnx.Rngs(0)), "LearnedPositions: length is 0, must be at least 1"),
        (lambda: LearnedPositions(8, 0, rngs=nnx.Rngs(0)), "LearnedPositions: features is 0, must be at least 1"),
    ],
)
def test_errors_are_one_line(call, message):
    with pytest.raises(ValueError, match=r"\A[^\n]*\Z") as error:
        call()
    assert message in str(error.value)
