"""Generation: the cache gives what the full pass gives, texts end, draws follow the model, and errors of one line."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.transformer.decoding import token_probabilities, top_k_probabilities
from nnspec.architectures.transformer.generation import (
    LanguageModel,
    cached_language_model,
    generate,
    language_model,
    new_cache,
)

VOCABULARY, LAYERS, FEATURES, HIDDEN = 7, 2, 6, 9
GIVEN = {"norm": "pre", "epsilon": 0.05}
SHARES = (((1,) * 8), (3, 1, 1, 3), (8,))  # how many tokens are read at once
PLACES = 10


def drawn(dtype="float32", seed=0):
    """A table in which no two weights are alike."""
    model = LanguageModel(VOCABULARY, FEATURES, 2, HIDDEN, LAYERS, norm="pre", rngs=nnx.Rngs(0))
    random = np.random.default_rng(seed)
    return {name: jnp.asarray(random.standard_normal(w.shape), dtype) for name, w in model.get_weights().items()}


WEIGHTS = drawn()
IDS = jnp.asarray(np.random.default_rng(1).integers(0, VOCABULARY, (4, 8)))
PROMPT = IDS[:, :3]


def read(implementation, shares, ids, weights, **given):
    """The logits of all places, read in such shares."""
    cache, parts = new_cache(weights, batch=len(ids), places=PLACES), []
    for part in np.split(np.asarray(ids), np.cumsum(shares)[:-1], 1):
        z, cache = implementation(jnp.asarray(part), weights, cache, **given)
        parts.append(z)
    return jnp.concatenate(parts, 1)


def said(call):
    """What a call is refused with, or nothing."""
    try:
        call()
    except ValueError as error:
        return str(error)
    return None


# ---- the cache


def writes_to_the_first_place(ids, weights, cache, **given):
    """Keys, values and positions begin anew."""
    z, new = cached_language_model(ids, weights, cache._replace(count=jnp.zeros((), int)), **given)
    return z, new._replace(count=cache.count + ids.shape[1])


def leaves_the_first_place_empty(ids, weights, cache, **given):
    """Positions counted from 1, and a key of zeros that all see."""
    first = jnp.where(cache.count == 0, 1, cache.count)
    return cached_language_model(ids, weights, cache._replace(count=first), **given)


def forgets_the_oldest(ids, weights, cache, **given):
    """The first key and value are lost, as in a window that moves."""
    z, new = cached_language_model(ids, weights, cache, **given)
    return z, jax.tree.map(lambda a: a if a.ndim == 0 else a.at[:, 0].set(0), new)


def keeps_half_precision(ids, weights, cache, **given):
    """Keys and values lose digits on the way."""
    z, new = cached_language_model(ids, weights, cache, **given)
    return z, jax.tree.map(lambda a: a if a.ndim == 0 else a.astype(jnp.bfloat16).astype(a.dtype), new)


def adds_all_places_times_zero(ids, weights, cache, **given):
    """A mask by multiplication: 0 times NaN."""
    z, new = cached_language_model(ids, weights, cache, **given)
    return z + sum(0 * k.sum() for k in cache.keys), new


def sees_what_is_not_read_yet(ids, weights, cache, **given):
    """What lies behind reaches the result, as a small part of it."""
    z, new = cached_language_model(ids, weights, cache, **given)
    return z + 1e-6 * sum(k[:, -1].sum() for k in cache.keys), new


@pytest.mark.statement(
    "generation.cached",
    of=cached_language_model,
    mutants=[writes_to_the_first_place, leaves_the_first_place_empty, forgets_the_oldest, keeps_half_precision],
)
@pytest.mark.parametrize(
    ("dtype", "given"),
    [
        ("float32", GIVEN),
        ("float64", {"norm": "post", "epsilon": 0.05, "activation": "gelu"}),
    ],
)
def test_the_cache_gives_the_logits_of_the_full_pass(implementation, dtype, given):
    with jax.enable_x64(dtype == "float64"):
        weights = drawn(dtype)
        if given["norm"] == "post":
            weights = {name: w for name, w in weights.items() if not name.startswith("final")}
        want = np.asarray(language_model(IDS, weights, **given))
        off = [np.abs(read(implementation, shares, IDS, weights, **given) - want).max() for shares in SHARES]

    assert want.dtype == dtype
    assert max(off) <= 100 * np.finfo(dtype).eps * np.abs(want).max()


@pytest.mark.statement(
    "generation.unread", of=cached_language_model, mutants=[adds_all_places_times_zero, sees_what_is_not_read_yet]
)
def test_what_lies_in_places_that_are_not_read_changes_no_bit(implementation):
    clean = new_cache(WEIGHTS, batch=4, places=PLACES)
    right = implementation(PROMPT, WEIGHTS, clean, **GIVEN)[0]

    for rubbish in (1e30, np.nan, np.inf):
        other = jax.tree.map(lambda a, x=rubbish: jnp.full_like(a, x), clean)._replace(count=clean.count)
        np.testing.assert_array_equal(implementation(PROMPT, WEIGHTS, other, **GIVEN)[0], right)


def overwrites_the_last_places(ids, weights, cache, **given):
    """An update that does not fit is moved to where it does."""
    last = cache.keys[0].shape[1] - ids.shape[1]
    z, new = cached_language_model(ids, weights, cache._replace(count=jnp.minimum(cache.count, last)), **given)
    return z, new._replace(count=cache.count + ids.shape[1])


def refuses_one_place_too_early(ids, weights, cache, **given):
    """Compares with the number of the last place."""
    if int(cache.count) + ids.shape[1] >= PLACES:
        raise ValueError("cached_language_model: no place is left")
    return cached_language_model(ids, weights, cache, **given)


@pytest.mark.statement(
    "generation.overflow",
    of=cached_language_model,
    mutants=[overwrites_the_last_places, refuses_one_place_too_early],
)
def test_a_token_without_a_place_is_refused_in_one_line(implementation):
    _, read = cached_language_model(IDS, WEIGHTS, new_cache(WEIGHTS, batch=4, places=PLACES), **GIVEN)
    _, nearly_full = cached_language_model(IDS[:, :1], WEIGHTS, read, **GIVEN)

    assert said(lambda: implementation(IDS[:, :1], WEIGHTS, nearly_full, **GIVEN)) is None
    assert said(lambda: implementation(PROMPT, WEIGHTS, nearly_full, **GIVEN)) == (
        "cached_language_model: 3 tokens do not fit behind 9 in a cache of 10 places; make a larger one with new_cache"
    )


def test_a_traced_overflow_gives_nan():
    cache = new_cache(WEIGHTS, batch=4, places=PLACES)
    step = jax.jit(lambda count: cached_language_model(PROMPT, WEIGHTS, cache._replace(count=count), **GIVEN)[0])

    assert not np.isnan(step(7)).any()
    assert np.isnan(step(8)).all()


def reads_all_places_again(ids, weights, cache, **given):
    """The full pass, of which the last places are taken."""
    z, new = cached_language_model(ids, weights, cache, **given)
    text = jnp.zeros((len(ids), cache.keys[0].shape[1]), int)
    return z + 0 * language_model(text, weights, **given)[:, -1:], new


@pytest.mark.statement("generation.products", of=cached_language_model, mutants=[reads_all_places_again])
def test_products_of_a_step_and_of_the_full_pass_are_those_of_the_formula(implementation, layers_of):
    d, h, batch, places = FEATURES, HIDDEN, 4, 8
    cache = new_cache(WEIGHTS, batch=batch, places=places)

    step = layers_of(lambda ids, w, c: implementation(ids, w, c, **GIVEN)[0], IDS[:, :1], WEIGHTS, cache)
    full = layers_of(lambda ids, w: language_model(ids, w, **GIVEN), IDS, WEIGHTS)

    each = LAYERS * (4 * d * d + 2 * d * h + 2 * places * d) + VOCABULARY * d
    assert sum(products for _, products in step) == batch * each
    assert sum(products for _, products in full) == batch * places * each


# ---- texts


def full_passes(weights, prompt, limit, choose):
    """What is chosen of the logits of the full pass, again and again; what is not written yet no place sees."""
    time = prompt.shape[1]
    text = jnp.pad(prompt, ((0, 0), (0, limit)))
    for t in range(limit):
        z = language_model(text, weights, **GIVEN)[:, time + t - 1]
        text = text.at[:, time + t].set(choose(z))
    return np.asarray(text[:, time:])


def ended(texts, end):
    """Behind the first end of each text nothing but ends."""
    before = np.cumsum(texts == end, 1) - (texts == end) > 0
    return np.where(before, end, texts)


LIMIT = 20
FREE = full_passes(WEIGHTS, PROMPT, LIMIT, lambda z: jnp.argmax(z, -1))


def takes_the_least_probable(prompt, weights, key=None, **given):
    """The sign of the logits is lost."""
    return generate(prompt, weights | {"embedding": -weights["embedding"]}, key, **given)


def reads_the_last_token_of_the_prompt_only(prompt, weights, key=None, **given):
    """A cache that does not hold what stood before it."""
    return generate(prompt.at[:, :-1].set(0), weights, key, **given)


def hands_back_the_prompt_too(prompt, weights, key=None, **given):
    """The whole text, cut at the limit."""
    text = jnp.concatenate([prompt, generate(prompt, weights, key, **given)], 1)
    return text[:, : given["limit"]]


@pytest.mark.statement(
    "generation.greedy",
    of=generate,
    mutants=[takes_the_least_probable, reads_the_last_token_of_the_prompt_only, hands_back_the_prompt_too],
)
def test_without_a_key_the_text_is_that_of_repeated_full_passes(implementation):
    assert len(np.unique(FREE)) >= 3  # texts that say something

    for end in range(VOCABULARY):
        found = implementation(PROMPT, WEIGHTS, end=end, limit=LIMIT, **GIVEN)
        np.testing.assert_array_equal(found, ended(FREE, end))


STEPS = []


def counted(z):
    """All tokens are equally probable; every call of the program is noted."""
    jax.debug.callback(lambda: STEPS.append(1))
    return token_probabilities(z, temperature=1e6)


def runs_to_the_limit(prompt, weights, key=None, *, cut=token_probabilities, **given):
    """Steps whose tokens are thrown away."""
    texts = generate(prompt, weights, key, cut=cut, **given)
    for _ in range(given["limit"]):
        cut(jnp.zeros((len(prompt), VOCABULARY)))
    return texts


def fills_with_zeros(prompt, weights, key=None, **given):
    """The padding of another convention."""
    texts = np.asarray(generate(prompt, weights, key, **given))
    behind = np.cumsum(texts == given["end"], 1) - (texts == given["end"]) > 0
    return np.where(behind, 0, texts)


@pytest.mark.statement("generation.end", of=generate, mutants=[runs_to_the_limit, fills_with_zeros])
def test_texts_stop_at_their_ends_and_the_loop_at_the_last_of_them(implementation):
    STEPS.clear()
    given = {"end": 3, "limit": LIMIT, "cut": counted} | GIVEN
    texts = np.asarray(implementation(PROMPT, WEIGHTS, jax.random.key(5), **given))
    jax.effects_barrier()

    lengths = (texts != 3).sum(1) + 1
    np.testing.assert_array_equal(texts, ended(texts, 3))
    assert len(np.unique(lengths)) > 2
    assert len(STEPS) == lengths.max() < LIMIT


def ignores_the_key(prompt, weights, key=None, **given):
    """The key is taken, and never used."""
    return generate(prompt, weights, jax.random.key(0), **given)


def draws_one_text_for_all(prompt, weights, key=None, **given):
    """Every row gets the numbers of the first."""
    texts = generate(prompt, weights, key, **given)
    return jnp.tile(texts[:1], (len(prompt), 1))


def draws_the_same_number_at_each_step(prompt, weights, key=None, *, end, limit, cut=token_probabilities, **given):
    """The key of the first step for all."""
    noise = jax.random.gumbel(key, (len(prompt), VOCABULARY))
    return ended(full_passes(weights, prompt, limit, lambda z: jnp.argmax(jnp.log(cut(z)) + noise, -1)), end)


def always_greedy(prompt, weights, key=None, **given):
    """The key decides nothing."""
    return generate(prompt, weights, **given)


@pytest.mark.statement(
    "generation.seed",
    of=generate,
    mutants=[ignores_the_key, draws_one_text_for_all, draws_the_same_number_at_each_step, always_greedy],
)
def test_the_same_key_gives_the_same_texts_and_all_else_is_drawn_apart(implementation):
    same = jnp.tile(PROMPT[:1], (4, 1))

    def texts(seed):
        given = {"end": 0, "limit": LIMIT, "cut": counted} | GIVEN
        return np.asarray(implementation(same, WEIGHTS, jax.random.key(seed), **given))

    first = texts(1)
    np.testing.assert_array_equal(texts(1), first)
    assert (texts(2) != first).any()
    assert len(np.unique(first, axis=0)) == 4
    assert any(len(set(row[row != 0].tolist())) > 1 for row in first)  # not one token again and again


def flattens(prompt, weights, key=None, **given):
    """Smaller logits: a temperature that nobody asked for."""
    return generate(prompt, weights | {"embedding": weights["embedding"] * 0.5}, key, **given)


def forgets_the_prompt(prompt, weights, key=None, **given):
    """The tokens of no text in particular."""
    return generate(prompt * 0, weights, key, **given)


@pytest.mark.statement("generation.frequencies", of=generate, mutants=[flattens, forgets_the_prompt])
def test_tokens_come_as_often_as_the_model_says(implementation):
    n, cut = 8192, functools.partial(top_k_probabilities, k=4, temperature=0.5)
    q = np.asarray(cut(language_model(IDS[:, :3], WEIGHTS, **GIVEN)[1, -1]))
    same = jnp.tile(PROMPT[1:2], (n, 1))

    first = np.asarray(implementation(same, WEIGHTS, jax.random.key(9), end=0, limit=1, cut=cut, **GIVEN))[:, 0]

    shares = np.bincount(first, minlength=VOCABULARY) / n
    assert (q > 0).sum() == 4
    assert (np.abs(shares - q) <= 5 * np.sqrt(q * (1 - q) / n)).all()


# ---- the module, and errors


def test_the_module_is_the_functions_with_its_weights():
    model = LanguageModel(7, 6, 2, 9, 2, norm="pre", epsilon=0.05, rngs=nnx.Rngs(3))
    given = {"end": 2, "limit": LIMIT, "cut": counted}

    np.testing.assert_array_equal(model(IDS), language_model(IDS, model.get_weights(), **GIVEN))
    np.testing.assert_array_equal(
        model.generate(PROMPT, jax.random.key(1), **given),
        generate(PROMPT, model.get_weights(), jax.random.key(1), **given, **GIVEN),
    )


def test_a_later_token_changes_no_earlier_logit():
    z, other = (language_model(ids, WEIGHTS, **GIVEN) for ids in (IDS, IDS.at[:, 5].add(1) % VOCABULARY))

    np.testing.assert_array_equal(z[:, :5], other[:, :5])
    assert not np.array_equal(z[:, 5], other[:, 5])


def test_the_order_of_tokens_matters():
    z = language_model(jnp.array([[1, 2, 3], [2, 1, 3], [0, 0, 0], [0, 0, 0]]), WEIGHTS, **GIVEN)[:, -1]
    assert np.abs(z[0] - z[1]).max() > 0.01


LACKING = {name: w for name, w in WEIGHTS.items() if name != "embedding"}
CACHE = new_cache(WEIGHTS, batch=4, places=5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: generate(PROMPT, WEIGHTS, end=7, limit=3, **GIVEN),
         "generate: end is 7, but tokens go from 0 to 6"),
        (lambda: generate(PROMPT, WEIGHTS, end=0, limit=0, **GIVEN), "generate: limit must be at least 1, got 0"),
        (lambda: generate(PROMPT[:, :0], WEIGHTS, end=0, limit=3, **GIVEN),
         "generate: the prompt has no token; begin with one that means the start"),
        (lambda: language_model(IDS, LACKING, **GIVEN),
         "language_model: weights lacks embedding, an array with a row for each token"),
        (lambda: cached_language_model(IDS[:, :2], WEIGHTS | {"bias_q_1": jnp.ones(5)}, CACHE, **GIVEN),
         "cached_language_model: bias_q_1 has shape (5,), expected [heads_1, depth_1]"),
        (lambda: new_cache(LACKING, batch=0, places=3), "new_cache: batch must be at least 1, got 0"),
        (lambda: new_cache({}, batch=1, places=3),
         "new_cache: weights lacks kernel_k_0; hand over the table of language_model"),
        (lambda: LanguageModel(7, 5, 1, 9, 1, norm="pre", rngs=nnx.Rngs(0)),
         "LanguageModel: features is 5, must be even: a position is pairs of numbers"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(call, message):
    assert said(call) == message


@pytest.mark.parametrize("missing", ["end", "limit"])
def test_generation_without_an_end_or_a_limit_is_refused(missing):
    given = {"end": 0, "limit": 3} | GIVEN
    del given[missing]
    with pytest.raises(TypeError, match=f"generate: .*{missing}") as caught:
        generate(PROMPT, WEIGHTS, **given)
    assert "\n" not in str(caught.value)
