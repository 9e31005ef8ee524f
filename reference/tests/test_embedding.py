"""Embedding of the reference: the module, one table at both ends, transforms, half precision, errors of one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.transformer.embedding import (
    Embedding,
    embedding,
    padded_embedding,
    tied_embedding,
    tied_logits,
)

RNG = np.random.default_rng(6)
TABLE = jnp.asarray(RNG.standard_normal((7, 4)), jnp.float32)
IDS = jnp.array([[3, 0, 3], [6, 2, 0]])


def layer(**given):
    made = Embedding(7, 4, rngs=nnx.Rngs(0), **given)
    made.table[...] = TABLE
    return made


def test_a_module_computes_what_the_functions_do_with_its_table():
    np.testing.assert_array_equal(layer()(IDS), embedding(TABLE, IDS))
    np.testing.assert_array_equal(layer(scaled=True)(IDS), embedding(TABLE, IDS, scaled=True))
    np.testing.assert_array_equal(layer(padding_id=0)(IDS), padded_embedding(TABLE, IDS, padding_id=0))
    x = embedding(TABLE, IDS)
    np.testing.assert_array_equal(layer().logits(x), tied_logits(x, TABLE))


def test_a_module_with_scale_and_padding_has_both():
    y = layer(scaled=True, padding_id=3)(IDS)

    np.testing.assert_array_equal(y[0, 0], 0)
    np.testing.assert_array_equal(y[0, 1], 2 * TABLE[0])


def test_the_table_of_a_module_learns_at_both_ends():
    """The gradient through embedding and logits is that of the function of one table, and not that of a copy."""
    g = jnp.asarray(RNG.standard_normal((2, 3, 7)), jnp.float32)
    gradients = nnx.grad(lambda m: jnp.sum(m.logits(m(IDS)) * g))(layer())
    want = jax.grad(lambda table: jnp.sum(tied_embedding(table, IDS) * g))(TABLE)
    alone = jax.grad(lambda table: jnp.sum(tied_logits(embedding(TABLE, IDS), table) * g))(TABLE)

    np.testing.assert_allclose(gradients["table"][...], want, rtol=1e-5, atol=1e-6)
    assert np.abs(np.asarray(want - alone)).max() > 0.1


def test_new_rows_have_length_1():
    rows = Embedding(500, 64, rngs=nnx.Rngs(1)).table[...]

    assert float(jnp.mean(jnp.sum(rows**2, -1))) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("ids", [-1, -7, 7, 2**30, -(2**31)])
def test_an_id_that_is_no_row_gives_nan_and_teaches_nothing(ids):
    ids = jnp.array([2, ids])
    y, pull = jax.vjp(lambda table: embedding(table, ids), TABLE)

    assert np.isnan(y[1]).all()
    np.testing.assert_array_equal(y[0], TABLE[2])
    assert np.flatnonzero(np.asarray(pull(jnp.ones_like(y))[0]).any(-1)).tolist() == [2]


def test_narrow_ids_are_ids_of_any_table():
    table = jnp.arange(600.0).reshape(300, 2)
    ids = jnp.array([[100, 3], [-1, 127]], jnp.int8)
    np.testing.assert_array_equal(embedding(table, ids), embedding(table, ids.astype(jnp.int32)))
    found = padded_embedding(table, ids, padding_id=200)
    np.testing.assert_array_equal(found, padded_embedding(table, ids.astype(jnp.int32), padding_id=200))


@pytest.mark.parametrize("dtype", [jnp.uint8, jnp.uint32])
def test_unsigned_ids_are_ids_of_any_table(dtype):
    table, ids = jnp.arange(600.0).reshape(300, 2), jnp.array([[150, 3], [255, 200]], dtype)
    np.testing.assert_array_equal(embedding(table, ids), embedding(table, ids.astype(jnp.int32)))
    found = padded_embedding(table, ids, padding_id=200)
    np.testing.assert_array_equal(found, padded_embedding(table, ids.astype(jnp.int32), padding_id=200))


def test_an_unsigned_id_above_all_rows_gives_nan():
    y = embedding(TABLE, jnp.array([2, 2**32 - 1], jnp.uint32))
    np.testing.assert_array_equal(y[0], TABLE[2])
    assert np.isnan(y[1]).all()


def test_nan_in_a_row_that_is_not_read_stays_there():
    table = TABLE.at[5].set(jnp.nan)
    y, pull = jax.vjp(lambda table: embedding(table, IDS), table)

    assert np.isfinite(y).all()
    assert np.isfinite(pull(jnp.ones_like(y))[0]).all()


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_uses_are_added_in_float32_inside_a_program(dtype):
    ids = jnp.full(3000, 2)
    gradient = jax.jit(jax.grad(lambda table: jnp.sum(embedding(table * 2, ids).astype(jnp.float32))))
    got = gradient(TABLE.astype(dtype))

    assert got.dtype == dtype
    np.testing.assert_allclose(np.asarray(got[2], np.float32), 6000, rtol=0.004)


def test_mapped_and_differentiated_forwards():
    mapped = jax.vmap(embedding, (None, 0))(TABLE, IDS)
    np.testing.assert_array_equal(mapped, embedding(TABLE, IDS))
    _, moved = jax.jvp(lambda table: embedding(table, IDS), (TABLE,), (jnp.ones_like(TABLE),))
    np.testing.assert_array_equal(moved, jnp.ones_like(moved))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: padded_embedding(TABLE, IDS, padding_id=7), "padding_id=7 is no row of a table of 7 rows"),
        (lambda: tied_logits(jnp.ones((2, 5)), TABLE), "tied_logits: "),
        (lambda: Embedding(0, 4, rngs=nnx.Rngs(0)), "Embedding: vocabulary is 0, must be at least 1"),
        (lambda: Embedding(7, 0, rngs=nnx.Rngs(0)), "Embedding: features is 0, must be at least 1"),
        (lambda: Embedding(7, 4, padding_id=-1, rngs=nnx.Rngs(0)), "padding_id=-1 is no row of a table of 7 rows"),
    ],
)
def test_errors_are_one_line(call, message):
    with pytest.raises(ValueError, match=r"\A[^\n]*\Z") as error:
        call()
    assert message in str(error.value)


def test_ids_that_are_no_integers_are_refused():
    with pytest.raises((TypeError, ValueError), match="ids"):
        embedding(TABLE, IDS.astype(jnp.float32))
