"""The sampler in a JAX program: compiled for a seed that is traced, dtypes, refusals in one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.training.stochastic_gradient_descent import batches

GIVEN = {"examples": 12, "batch_size": 5, "epochs": 3}


def test_a_compiled_sampler_takes_its_seed_as_an_argument_and_gives_the_eager_batches():
    traced = []

    @jax.jit
    def compiled(seed):
        traced.append(1)
        return batches(**GIVEN, seed=seed)

    for seed in (0, 3, 2**31 - 1):
        np.testing.assert_array_equal(compiled(seed), batches(**GIVEN, seed=seed))
    assert len(traced) == 1


def test_seeds_map_to_samplers_of_their_own():
    many = jax.vmap(lambda seed: batches(**GIVEN, seed=seed))(jnp.arange(3))
    for seed, one in enumerate(many):
        np.testing.assert_array_equal(one, batches(**GIVEN, seed=seed))


@pytest.mark.parametrize("wide", [False, True])
def test_numbers_are_32_bit_integers_and_the_same_with_64_bit_numbers_switched_on(wide):
    plain = batches(**GIVEN, seed=3)
    with jax.enable_x64(wide):
        found = batches(**GIVEN, seed=3)
    assert found.dtype == jnp.int32
    np.testing.assert_array_equal(found, plain)


def test_batches_index_an_array_and_what_is_filled_is_told_by_its_sign():
    x = jnp.arange(12.0) ** 2
    short = batches(**GIVEN, seed=0)[0, -1]
    assert x[short[short >= 0]].shape == (2,)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"examples": 0}, "batches: examples must be 1 or more, got 0"),
        ({"batch_size": 0}, "batches: batch_size must be 1 or more, got 0"),
        ({"batch_size": -5}, "batches: batch_size must be 1 or more, got -5"),
        ({"epochs": 0}, "batches: epochs must be 1 or more, got 0"),
        ({"seed": -1}, "batches: seed must be 0 or more, got -1"),
        ({"batch_size": 13}, "batches: batch_size=13 but there are examples=12; use 12 or less"),
        ({"batch_size": 2.5}, "batches: batch_size is the float 2.5, expected an integer"),
        ({"last": "short"}, "batches: last must be one of 'kept', 'dropped', got 'short'"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(wrong, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        batches(**GIVEN | {"seed": 0} | wrong)
    assert str(caught.value).startswith(message), str(caught.value)
    assert "\n" not in str(caught.value)
