"""Wrong decoding, each easily written or met in the wild, and caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.transformer import decoding as right

MUTANTS = Mutants()
MAPS = ("token_probabilities", "top_k_probabilities", "nucleus_probabilities", "min_p_probabilities")


def like(y, x):
    return np.asarray(y).astype(x.dtype)


def among(x, kept, temperature=1.0):
    """The softmax of the kept tokens, in float64."""
    z = np.where(kept, x.astype(np.float64) / temperature, -np.inf)
    return like(right.softmax(z), x)


# ---- softmax and temperature


@MUTANTS.add("logits multiplied by the temperature", "decoding.value[token_probabilities]",
             "decoding.example[token_probabilities]")  # fmt: skip
def heats_where_it_should_cool(logits, *, temperature=1.0):
    return right.token_probabilities(logits, temperature=1 / temperature)


@MUTANTS.add("no shift by the maximum", "decoding.large-logits[token_probabilities]", "token-probabilities.cold")
def takes_plain_exponentials(logits, *, temperature=1.0):
    if not temperature > 0:
        raise ValueError("temperature")
    with np.errstate(all="ignore"):
        powers = np.exp(logits.astype(np.promote_types(logits.dtype, np.float32) if logits.dtype.itemsize > 2 else
                                      np.float32) / np.float32(temperature))  # fmt: skip
        return like(powers / powers.sum(-1, keepdims=True), logits)


@MUTANTS.add("a temperature is kept above 0.01", "token-probabilities.cold")
def never_gets_cold(logits, *, temperature=1.0):
    return right.token_probabilities(logits, temperature=max(temperature, 0.05) if temperature > 0 else temperature)


@MUTANTS.each("logits less their mean, which is minus infinity", "decoding.impossible")
def centres_the_logits(correct, logits, **given):
    with np.errstate(invalid="ignore"):
        y = correct(np.where(np.isfinite(logits), logits, 0), **given)
        lost = np.isneginf(logits).any(-1, keepdims=True)
    return np.where(lost, np.asarray(np.nan, logits.dtype), y if lost.any() else correct(logits, **given))


@MUTANTS.each("minus infinity replaced by a large number", "decoding.impossible", operations=MAPS[:2])
def bans_by_a_finite_number(correct, logits, **given):
    return correct(np.where(np.isneginf(logits), np.asarray(-10.0, logits.dtype), logits), **given)


@MUTANTS.each("a cut by multiplication, without dividing by what is left", "decoding.value",
              operations=MAPS[1:])  # fmt: skip
def does_not_renormalize(correct, logits, *, temperature=1.0, **given):
    y = correct(logits, temperature=temperature, **given)
    return like(np.where(y > 0, right.token_probabilities(logits, temperature=temperature), 0), logits)


@MUTANTS.each("the example of the first row for all", "decoding.value", operations=MAPS[1:])
def cuts_all_rows_like_the_first(correct, logits, *, temperature=1.0, **given):
    y = correct(logits, temperature=temperature, **given)
    if logits.ndim < 2 or not logits.size:
        return y
    kept = np.broadcast_to(y.reshape(-1, y.shape[-1])[0] > 0, y.shape)
    return among(logits, kept, temperature)


@MUTANTS.each("shares of logits of large size not shifted", "decoding.large-logits", operations=MAPS)
def loses_digits_of_large_logits(correct, logits, **given):
    return correct(like(logits.astype(np.float16).astype(np.float32), logits) if np.abs(logits).max(initial=0) > 9e3
                   else logits, **given)  # fmt: skip


# ---- gradients


@MUTANTS.each("the sum over all tokens is forgotten", "decoding.gradient", part="_vjp", operations=MAPS)
def takes_the_slope_of_one_token(correct, logits, g, *, temperature=1.0, **given):
    f = getattr(right, MAPS[0] if not given else next(n for n in MAPS[1:] if _takes(n, given)))
    r = f(logits, temperature=temperature, **given).astype(np.float64)
    return (like(r * (1 - r) * g.astype(np.float64) / temperature, logits),)


def _takes(name, given):
    word = {"top_k_probabilities": "k", "nucleus_probabilities": "p", "min_p_probabilities": "min_p"}[name]
    return word in given


@MUTANTS.each("the temperature is not divided by once more", "decoding.gradient", part="_vjp", operations=MAPS)
def forgets_the_temperature_in_the_backward_pass(correct, logits, g, *, temperature=1.0, **given):
    (slope,) = correct(logits, g, temperature=temperature, **given)
    return (like(slope.astype(np.float64) * temperature, logits),)


# ---- top-k


@MUTANTS.add("whoever equals the last one is kept, too", "top-k-probabilities.ties")
def keeps_all_that_equal_the_last(logits, *, k, temperature=1.0):
    y = right.top_k_probabilities(logits, k=k, temperature=temperature)
    least = np.where(y > 0, logits.astype(np.float64), np.inf).min(-1, keepdims=True, initial=np.inf)
    return among(logits, (logits >= least) & ~np.isneginf(logits), temperature) if logits.size else y


@MUTANTS.add("a sort that is not stable, turned round", "top-k-probabilities.ties")
def prefers_the_last_of_equal_ones(logits, *, k, temperature=1.0):
    return right.top_k_probabilities(logits[..., ::-1], k=k, temperature=temperature)[..., ::-1]


@MUTANTS.add("the smallest logits are kept", "decoding.value[top_k_probabilities]",
             "decoding.example[top_k_probabilities]")  # fmt: skip
def keeps_the_tail(logits, *, k, temperature=1.0):
    right.top_k_probabilities(logits, k=k, temperature=temperature)
    return among(logits, right.first_k(-logits, k), temperature)


@MUTANTS.add("the rank is compared with at most k", "decoding.value[top_k_probabilities]")
def keeps_one_more(logits, *, k, temperature=1.0):
    return right.top_k_probabilities(logits, k=k + 1 if k > 0 else k, temperature=temperature)


@MUTANTS.add("k is taken modulo the vocabulary by an index from the end", "top-k-probabilities.all")
def wraps_a_k_that_is_too_large(logits, *, k, temperature=1.0):
    n = logits.shape[-1]
    return right.top_k_probabilities(logits, k=k if k < n else max(k % n, 1), temperature=temperature)


# ---- nucleus


@MUTANTS.add("the token that reaches p is cut, too", "decoding.value[nucleus_probabilities]",
             "decoding.example[nucleus_probabilities]")  # fmt: skip
def stays_below_p(logits, *, p, temperature=1.0, **given):
    y = right.nucleus_probabilities(logits, p=p, temperature=temperature, **given)
    count = (y > 0).sum(-1, keepdims=True)
    last = right.first_k(logits, 10**6) & (np.argsort(right.ranked(logits), -1) == count - 1) & (count > 1)
    return among(logits, (y > 0) & ~last, temperature)


@MUTANTS.add("p is the probability that is cut", "decoding.value[nucleus_probabilities]")
def cuts_p(logits, *, p, **given):
    return right.nucleus_probabilities(logits, p=1 - p if 0 < p < 1 else p, **given)


@MUTANTS.add("the sum goes by the order of the vocabulary", "decoding.value[nucleus_probabilities]")
def adds_without_sorting(logits, *, p, temperature=1.0, **given):
    right.nucleus_probabilities(logits, p=p, temperature=temperature, **given)
    q = right.softmax(logits.astype(np.float64) / temperature)
    return among(logits, np.cumsum(q, -1) - q < p, temperature)


@MUTANTS.add("equal tokens by their index from the end", "nucleus-probabilities.ties")
def prefers_the_last_of_equal_ones_in_a_nucleus(logits, **given):
    return right.nucleus_probabilities(logits[..., ::-1], **given)[..., ::-1]


@MUTANTS.add("a sum in float32 is compared with 1", "nucleus-probabilities.all")
def cuts_what_a_rounded_sum_leaves(logits, *, p, **given):
    return right.nucleus_probabilities(logits, p=min(p, 1 - 2.0**-20) if p > 0 else p, **given)


# ---- min-p


@MUTANTS.add("the bound is a probability, not a share of the largest", "decoding.value[min_p_probabilities]")
def compares_with_min_p_itself(logits, *, min_p, temperature=1.0, **given):
    y = right.min_p_probabilities(logits, min_p=min_p, temperature=temperature, **given)
    q = right.softmax(logits.astype(np.float64) / temperature)
    return among(logits, (q >= min_p) | (q == q.max(-1, keepdims=True)), temperature) if logits.size else y


@MUTANTS.add("the example read as more than, and min_p halved", "decoding.example[min_p_probabilities]")
def keeps_too_many(logits, *, min_p, **given):
    return right.min_p_probabilities(logits, min_p=min_p / 2 if min_p <= 1 else min_p, **given)


@MUTANTS.add("the first of equal ones alone", "min-p-probabilities.ties")
def keeps_one_of_equal_ones(logits, *, min_p, temperature=1.0, **given):
    y = right.min_p_probabilities(logits, min_p=min_p, temperature=temperature, **given)
    if min_p < 1:
        return y
    return among(logits, right.first_k(logits, 1), temperature)


# ---- greedy and ranking


@MUTANTS.add("the last of equal ones", "greedy-token.value")
def takes_the_last_of_equal_ones(logits):
    return logits.shape[-1] - 1 - logits[..., ::-1].argmax(-1)


@MUTANTS.add("no token where none is possible", "greedy-token.value")
def finds_nothing_where_all_are_impossible(logits):
    return np.where(np.isneginf(logits).all(-1), -1, logits.argmax(-1))


@MUTANTS.add("the largest size", "greedy-token.value")
def looks_at_sizes(logits):
    return np.where(np.isfinite(logits), np.abs(logits), logits).argmax(-1)


@MUTANTS.add("a sort turned round, which turns equal ones round", "top-tokens.value")
def sorts_upwards_and_turns_round(logits, *, k):
    right.top_tokens(logits, k=k)
    return np.argsort(logits, -1, kind="stable")[..., ::-1][..., :k]


@MUTANTS.add("the first k by their index", "top-tokens.value")
def returns_the_best_in_the_order_of_the_vocabulary(logits, *, k):
    return np.sort(right.top_tokens(logits, k=k), -1)


# ---- long rows


@MUTANTS.each("probabilities added up in the dtype of the logits", "decoding.large-vocabulary", operations=MAPS)
def divides_by_a_sum_in_half_precision(correct, logits, **given):
    y = correct(logits, **given)
    if logits.dtype.itemsize > 2 or logits.shape[-1] <= 256:
        return y
    powers = (y / y.max(-1, keepdims=True)).astype(logits.dtype)
    total = np.zeros((*powers.shape[:-1], 1), logits.dtype)
    for i in range(powers.shape[-1]):
        total = (total + powers[..., i : i + 1]).astype(logits.dtype)
    return (powers / total).astype(logits.dtype)


@MUTANTS.add("as many as a kernel keeps in its registers", "decoding.large-vocabulary[top_k_probabilities]")
def keeps_64_at_most(logits, *, k, temperature=1.0):
    return right.top_k_probabilities(logits, k=min(k, 64), temperature=temperature)


@MUTANTS.add("the largest 128 are sorted, and no other", "decoding.large-vocabulary[nucleus_probabilities]")
def looks_for_a_nucleus_among_128(logits, *, p, **given):
    right.nucleus_probabilities(logits, p=p, **given)
    few = right.first_k(logits, 128)
    return right.nucleus_probabilities(np.where(few, logits, np.asarray(-np.inf, logits.dtype)), p=p, **given)


# ---- draws


@MUTANTS.add("the low bits of a seed", "sample-token.repeatable")
def takes_16_bits_of_the_seed(logits, *, seed):
    return right.sample_token(logits, seed=int(seed) % 2**16)


def drawn_by(logits, u):
    """The tokens at whose probability these numbers lie."""
    ends = np.cumsum(right.softmax(logits.astype(np.float64)), -1)
    return (ends <= np.broadcast_to(u, logits.shape[:-1])[..., None] * ends[..., -1:]).sum(-1)


@MUTANTS.add("the noise of a row for all along the first axis", "sample-token.independence")
def draws_once_along_the_first_axis(logits, *, seed):
    shape = logits.shape[1:-1] if logits.ndim > 2 else logits.shape[:-1]
    return drawn_by(logits, np.random.default_rng(seed).random(shape))


@MUTANTS.add("one stream, which each seed enters a row later", "sample-token.independence")
def counts_the_seed_to_the_row(logits, *, seed):
    rows = int(np.prod(logits.shape[:-1]))
    stream = np.random.default_rng(7).random(rows + 4096)[int(seed) % 4096 :][:rows]
    return drawn_by(logits, stream.reshape(logits.shape[:-1]))


@MUTANTS.add("what is rarer than one in 64 is left out", "sample-token.frequencies")
def never_draws_what_is_rare(logits, *, seed):
    q = right.softmax(logits.astype(np.float64))
    with np.errstate(divide="ignore"):
        return right.sample_token(np.log(np.where(q < min(1 / 64, q.max()), 0, q)), seed=seed)


@MUTANTS.add("the seed is taken, and never used", "sample-token.repeatable", "sample-token.independence")
def ignores_the_seed(logits, *, seed):
    return right.sample_token(logits, seed=0)


@MUTANTS.add("logits of the base 2", "sample-token.frequencies")
def takes_powers_of_2(logits, *, seed):
    return right.sample_token(logits.astype(np.float64) * np.log(2), seed=seed)


@MUTANTS.add("probabilities for logits", "sample-token.frequencies")
def takes_a_softmax_of_probabilities(logits, *, seed):
    return right.sample_token(right.softmax(logits.astype(np.float64)), seed=seed)


@MUTANTS.add("one number drawn for two rows", "sample-token.independence")
def draws_once_for_a_pair(logits, *, seed):
    flat = logits.reshape(-1, logits.shape[-1])
    ends = np.cumsum(right.softmax(flat.astype(np.float64)), -1)
    u = np.repeat(np.random.default_rng(seed).random(-(-len(flat) // 2)), 2)[: len(flat), None]
    return (ends <= u * ends[:, -1:]).sum(-1).reshape(logits.shape[:-1])


@MUTANTS.add("one number drawn for all rows", "sample-token.frequencies")
def draws_once_for_a_batch(logits, *, seed):
    q = right.softmax(logits.astype(np.float64))
    ends = np.cumsum(q, -1)
    return (ends <= np.random.default_rng(seed).random() * ends[..., -1:]).sum(-1)


@MUTANTS.add("the axes of the batch taken in another order, as in Fortran", "sample-token.certain")
def hands_back_rows_in_column_order(logits, *, seed):
    tokens = right.sample_token(logits, seed=seed)
    return tokens.reshape(-1, order="F").reshape(tokens.shape)


@MUTANTS.add("softmax over the first axis", "sample-token.certain")
def draws_from_a_softmax_over_the_batch(logits, *, seed):
    q = right.softmax(logits.astype(np.float64).T).T
    with np.errstate(divide="ignore"):
        return right.sample_token(np.log(q), seed=seed)


@MUTANTS.add("a small probability for every token", "sample-token.impossible")
def smooths(logits, *, seed):
    return right.sample_token(np.maximum(logits.astype(np.float64), -7.0), seed=seed)


@MUTANTS.add("exponentials without a shift, clipped", "sample-token.large-logits")
def clips_exponents(logits, *, seed):
    return right.sample_token(np.where(np.isfinite(logits), np.clip(logits.astype(np.float64), -80, 80), logits),
                              seed=seed)  # fmt: skip


@MUTANTS.add("noise in the dtype of the logits", "sample-token.half-precision")
def draws_noise_in_half_precision(logits, *, seed):
    if logits.dtype.itemsize > 2:
        return right.sample_token(logits, seed=seed)
    u = np.floor(np.random.default_rng(seed).random(logits.shape) * 2**7) / 2**7
    noise = -np.log(-np.log(np.maximum(u, 2.0**-8)))
    return (logits + noise.astype(logits.dtype)).argmax(-1)


@MUTANTS.add("as many as there are, whatever was asked for", "top-tokens.beyond")
def ranks_what_there_is(logits, *, k):
    return right.top_tokens(logits, k=min(k, logits.shape[-1]))


# ---- refusals


@MUTANTS.each("any temperature is taken", "decoding.temperature-range", operations=MAPS)
def takes_any_temperature(correct, logits, *, temperature=1.0, **given):
    return correct(logits, temperature=abs(temperature) or 1.0, **given)


@MUTANTS.each("0 stands for no cut, and more than all for all", "decoding.cut-range")
def takes_any_cut(correct, logits, **given):
    most = {"k": logits.shape[-1], "p": 1.0, "min_p": 1.0}
    for name in given.keys() & most.keys():
        value = given[name]
        given[name] = most[name] if value <= 0 or (name != "k" and value > 1) else value
    return correct(logits, **given)
