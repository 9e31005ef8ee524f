"""Gradient clipping of the reference: compiled, mapped, in an Optax chain, and its refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.training.gradient_clipping import clip_by_global_norm, clip_by_norm, clip_by_value

ALL = (clip_by_value, clip_by_norm, clip_by_global_norm)
DRAWS = np.random.default_rng(3)
GRADIENTS = {"kernel": jnp.asarray(DRAWS.normal(size=(3, 5)), jnp.float32), "gain": jnp.float32(2.0)}


@pytest.mark.parametrize("clip", ALL)
def test_inside_a_compiled_program_the_limit_may_be_traced(clip):
    traced = jax.jit(lambda g, c: clip(g, limit=c))(GRADIENTS, 0.5)
    jax.tree.map(np.testing.assert_array_equal, traced, clip(GRADIENTS, limit=0.5))


@pytest.mark.parametrize("clip", ALL)
def test_mapped_over_examples_equals_a_loop(clip):
    stacked = jax.tree.map(lambda g: jnp.stack([g, 3 * g, 0 * g]), GRADIENTS)
    mapped = jax.vmap(lambda g: clip(g, limit=0.5))(stacked)
    for i, factor in enumerate((1, 3, 0)):
        one = clip(jax.tree.map(lambda g, factor=factor: factor * g, GRADIENTS), limit=0.5)
        for name, want in one.items():
            np.testing.assert_allclose(mapped[name][i], want, rtol=1e-6)


@pytest.mark.parametrize("clip", ALL)
def test_any_tree(clip):
    got = clip([GRADIENTS["kernel"], (GRADIENTS["gain"],)], limit=0.5)
    want = clip(GRADIENTS, limit=0.5)
    np.testing.assert_allclose(got[0], want["kernel"], rtol=1e-6)
    np.testing.assert_allclose(got[1][0], want["gain"], rtol=1e-6)


@pytest.mark.parametrize("clip", ALL)
@pytest.mark.parametrize("limit", [-1.0, float("nan")])
def test_limits_are_refused_in_one_line(clip, limit):
    with pytest.raises(ValueError, match=rf"^{clip.__name__}: limit must be zero or positive, got {limit}$"):
        clip(GRADIENTS, limit=limit)


@pytest.mark.parametrize("clip", ALL)
def test_trees_are_refused_in_one_line(clip):
    with pytest.raises(ValueError, match=r"empty; hand over at least one array$"):
        clip({}, limit=1.0)
    with pytest.raises(TypeError, match=r"dtype int32, expected a float dtype$"):
        clip({"a": jnp.ones(2, jnp.int32)}, limit=1.0)


def test_the_compiled_program_grows_as_the_number_of_arrays():
    def lines(arrays):
        tree = {str(i): jnp.ones(8) for i in range(arrays)}
        text = jax.jit(lambda g: clip_by_global_norm(g, limit=1.0)).lower(tree).compile().as_text()
        return len(text.splitlines())

    assert lines(40) < 2.5 * lines(20)  # 3.2 times where the search for the largest entry is repeated for each array
