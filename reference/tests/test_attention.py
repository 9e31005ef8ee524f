"""What the conformance suite cannot see: the implementation in blocks, what it stores, mapped programs, and errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.architectures.transformer import attention as module
from nnspec.architectures.transformer.attention import attention

BATCH, HEADS, DEPTH = 2, 4, 8
SEED = np.random.default_rng(0)


def arrays(queries, keys, kv_heads=HEADS, value_depth=DEPTH):
    shapes = (BATCH, queries, HEADS, DEPTH), (BATCH, keys, kv_heads, DEPTH), (BATCH, keys, kv_heads, value_depth)
    return tuple(jnp.asarray(SEED.standard_normal(shape), jnp.float32) for shape in shapes)


def both(q, k, v, *rest, **given):
    """Results and gradients of both implementations."""

    def of(implementation):
        def loss(q, k, v):
            y = attention(q, k, v, *rest, implementation=implementation, **given)
            return jnp.sum(jnp.sin(3 * y)), y

        (_, y), gradients = jax.value_and_grad(loss, (0, 1, 2), has_aux=True)(q, k, v)
        return y, *gradients

    return of("plain"), of("blocked")


@pytest.mark.parametrize("whole", [False, True], ids=["a row of a mask for all queries", "a row for each"])
def test_blocks_give_what_all_queries_at_once_give(whole):
    queries, keys = 200, 210  # more than a block, and no multiple of one
    q, k, v = arrays(queries, keys, kv_heads=2, value_depth=5)
    full = (BATCH, HEADS, queries, keys)
    mask, bias = jnp.asarray(SEED.random(full) < 0.6), jnp.asarray(SEED.standard_normal(full), jnp.float32)
    rest = (mask, bias[:1, :, :1]) if whole else (mask[:, :1, :1], bias)
    for one, other in zip(*both(q, k, v, *rest, causal=whole), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_blocks_with_more_queries_than_keys_leave_the_first_queries_zero():
    q, k, v = arrays(200, 150)  # the first section of a causal sequence sees no key
    plain, blocked = both(q, k, v, causal=True)
    for one, other in zip(plain, blocked, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)
    assert not blocked[0][:, :50].any()


def stored(T, implementation):
    """The bytes that a compiled gradient holds besides its arguments and results."""
    shape = jax.ShapeDtypeStruct((1, T, 1, DEPTH), jnp.float32)

    def loss(q, k, v):
        return jnp.sum(attention(q, k, v, causal=True, implementation=implementation))

    program = jax.jit(jax.grad(loss, (0, 1, 2))).lower(shape, shape, shape).compile()
    analysis = program.memory_analysis()
    if analysis is None:
        pytest.skip("this backend does not say what a program stores")
    return analysis.temp_size_in_bytes


def test_blocks_do_not_store_the_square_of_the_length():
    assert stored(2048, "plain") > 3.5 * stored(1024, "plain")
    assert stored(2048, "blocked") < 2.5 * stored(1024, "blocked")
    assert stored(2048, "blocked") < stored(2048, "plain") / 4


def test_long_sequences_go_in_blocks_by_themselves(monkeypatch):
    asked = []
    right = module._in_blocks
    monkeypatch.setattr(module, "_in_blocks", lambda *given: asked.append(given) or right(*given))
    monkeypatch.setattr(module, "MANY", BATCH * HEADS * 64 * 65)
    attention(*arrays(64, 64))
    assert not asked
    attention(*arrays(64, 65))
    assert asked


def test_a_mapped_call_is_the_call_of_each():
    q, k, v = arrays(5, 6)
    mask = jnp.asarray(SEED.random((BATCH, HEADS, 5, 6)) < 0.7)
    each = jax.vmap(lambda q, k, v, m: attention(q[None], k[None], v[None], m[None])[0])(q, k, v, mask)
    np.testing.assert_allclose(each, attention(q, k, v, mask), rtol=1e-5, atol=1e-6)


def test_a_loss_over_padding_has_no_nan_in_its_second_derivative():
    q, k, v = arrays(3, 4)
    mask = jnp.zeros((BATCH, 1, 3, 4), bool).at[:, :, 1:, :2].set(True)

    def penalty(q):
        return jnp.sum(jax.grad(lambda q: jnp.sum(jnp.cos(attention(q, k.at[:, 3].set(jnp.nan), v, mask))))(q) ** 2)

    assert np.isfinite(jax.grad(penalty)(q)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda q, k, v: (q[:, :, :3], k[:, :, :2], v[:, :, :2]),
         "attention: q has heads=3, which is no multiple of the 2 of k and v"),
        (lambda q, k, v: (q, k, v, jnp.ones((BATCH, HEADS, 4, 6), bool)),
         "attention: mask has shape (2, 4, 4, 6), expected (2, 4, 5, 6), or 1 for what is shared"),
        (lambda q, k, v: (q, k.astype(jnp.bfloat16), v),
         "attention: q, k and v have dtypes float32, bfloat16 and float32; cast them to one"),
        (lambda q, k, v: (q, k, v[:, :5]), "attention: v has keys=5 but k has keys=6"),
        (lambda q, k, v: (q, k[..., :7], v), "attention: k has depth=7 but q has depth=8"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(change, message):
    with pytest.raises(ValueError) as caught:
        attention(*change(*arrays(5, 6)))
    assert str(caught.value) == message


def test_an_integer_mask_is_refused():
    with pytest.raises((TypeError, ValueError), match="mask"):
        attention(*arrays(5, 6), jnp.ones((BATCH, HEADS, 5, 6), jnp.int32))
