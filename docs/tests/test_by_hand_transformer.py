"""The numbers that the pages on transformers, attention and generation work out by hand are those of the reference."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from nnspec.architectures.transformer.attention import attention
from nnspec.architectures.transformer.encoder import Encoder
from nnspec.architectures.transformer.generation import LanguageModel, new_cache
from nnspec_conformance.clauses import find_spec
from nnspec_conformance.oracles.architectures.transformer import attention as example

PAGES = find_spec() / "architectures" / "transformer"
LESSON, GENERATION, ATTENTION = (
    (PAGES / f"{name}.md").read_text(encoding="utf-8") for name in ("index", "generation", "attention")
)


def weights_of(module: nnx.Module) -> int:
    return sum(int(np.prod(leaf.shape)) for _, leaf in nnx.to_flat_state(nnx.state(module, nnx.Param)))


def number(pattern: str, text: str) -> int:
    """The number that stands at the bracket of a pattern, with commas between its thousands."""
    found = re.search(pattern, " ".join(text.split()))
    assert found is not None, pattern
    return int(found[1].replace("{,}", "").replace(",", ""))


def test_weights_of_a_layer():
    made = nnx.eval_shape(lambda: Encoder(512, 8, 2048, 1, norm="post", rngs=nnx.Rngs(0)))
    assert weights_of(made) == number(r"\+ 4 \\cdot 512 = ([\d{},]+\d)\.\$\$", LESSON)


def test_weights_of_the_exercise():
    made = nnx.eval_shape(lambda: LanguageModel(50257, 768, 12, 3072, 12, norm="pre", rngs=nnx.Rngs(0)))
    assert weights_of(made) == number(r"Together ([\d,]+\d)\.", LESSON)


def test_length_at_which_attention_is_the_larger_part():
    d, h = 512, 2048
    assert 2 * number(r"For ([\d,]+) tokens it is", LESSON) * d == 4 * d * d + 2 * d * h
    assert number(r"they are equal at .* at ([\d,]+)\.", LESSON.lower()) == 6 * d


def test_products_of_a_place_and_numbers_of_a_cache():
    d, h, layers, vocabulary, places = 512, 2048, 6, 32_000, 1000
    assert layers * (4 * d * d + 2 * d * h + 2 * places * d) + vocabulary * d == number(
        r"\+ 16\{,\}384\{,\}000 = ([\d{},]+\d)\$", GENERATION
    )

    def empty():
        model = LanguageModel(vocabulary, d, 8, h, layers, norm="pre", rngs=nnx.Rngs(0))
        return new_cache(model.get_weights(), batch=1, places=places)

    cache = jax.eval_shape(empty)
    kept = sum(a.size for a in (*cache.keys, *cache.values))
    assert kept == number(r"With the sizes above that is ([\d,]+), in float32", GENERATION)


def test_results_of_two_packed_sequences():
    q, k, v = (jnp.array(a, float)[None, :, None] for a in (example.EXAMPLE_Q, example.EXAMPLE_K, example.EXAMPLE_V))
    answer = ATTENTION.partition("/// exercise | attention-packed\n")[2].partition("///")[0].partition("---")[2]
    shown = [[float(n) for n in row.split(",")] for row in re.findall(r"result is \$\((.*?)\)\$", answer)]
    of_both, causal_alone = attention(q, k, v, jnp.array([False, True, True])[None, None, None]), attention(q, k, v)
    np.testing.assert_allclose(jnp.concatenate([of_both, causal_alone])[:, 0, 0], shown, atol=1e-5)
