"""Decoding in NumPy, written from the clauses: who is kept, how probable each token is, and the search."""

from __future__ import annotations

import numpy as np


def _wide(x):
    """Half precision in float32: a sum of probabilities needs the digits."""
    return x if x.real.dtype.itemsize > 2 else x.astype(np.float32)


def softmax(x):
    with np.errstate(invalid="ignore"):
        powers = np.exp(x - x.real.max(-1, keepdims=True, initial=-np.inf))
    return powers / powers.sum(-1, keepdims=True)


def ranked(x):
    """Token indices, the largest logit first, equal ones by their index."""
    return np.argsort(-x.real, -1, kind="stable")


def _by_rank(keeps, order):
    """What is said about ranks, told of tokens."""
    kept = np.zeros(order.shape, bool)
    np.put_along_axis(kept, order, np.broadcast_to(keeps, order.shape), -1)
    return kept


def first_k(x, k):
    return _by_rank(np.arange(x.shape[-1]) < k, ranked(x))


def nucleus(x, p, boundary="reaches"):
    order = ranked(x)
    q = np.take_along_axis(softmax(x.real), order, -1)
    before = np.cumsum(q, -1) - q if p < 1 else np.zeros_like(q)  # with p 1 nothing is cut
    return _by_rank(before <= p if boundary == "exceeds" else before < p, order)


def likely_enough(x, min_p):
    with np.errstate(invalid="ignore"):
        return np.exp(x.real - x.real.max(-1, keepdims=True, initial=-np.inf)) >= min_p


def _check(temperature, **cuts):
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, expected a positive number")
    for name, cut in cuts.items():
        if not 0 < cut <= 1:
            raise ValueError(f"{name} is {cut}, expected a number above 0 and up to 1")


def _within(x, temperature, keep, order="before"):
    """The probabilities of the tokens that ``keep`` keeps."""
    z = _wide(x)
    kept = keep(z / z.real.dtype.type(temperature) if order == "before" else z)
    z = (z - np.where(kept, z.real, -np.inf).max(-1, keepdims=True, initial=-np.inf)) / z.real.dtype.type(temperature)
    return softmax(np.where(kept, z, -np.inf)).astype(x.dtype)


def token_probabilities(logits, *, temperature=1.0):
    _check(temperature)
    return _within(logits, temperature, lambda x: np.ones(x.shape, bool))


def top_k_probabilities(logits, *, k, temperature=1.0):
    _check(temperature)
    if k < 1:
        raise ValueError(f"k is {k}, expected at least 1")
    return _within(logits, temperature, lambda x: first_k(x, k))


def nucleus_probabilities(logits, *, p, temperature=1.0, boundary="reaches", order="before"):
    _check(temperature, p=p)
    return _within(logits, temperature, lambda x: nucleus(x, p, boundary), order)


def min_p_probabilities(logits, *, min_p, temperature=1.0, order="before"):
    _check(temperature, min_p=min_p)
    return _within(logits, temperature, lambda x: likely_enough(x, min_p), order)


def _pulled_back(r, g, temperature):
    """The cotangents of the logits: among the kept tokens, whose probabilities are not 0."""
    r, g = _wide(r), _wide(g)
    return r * (g - (r * g).sum(-1, keepdims=True)) / r.real.dtype.type(temperature)


def token_probabilities_vjp(logits, g, *, temperature=1.0):
    r = token_probabilities(_wide(logits), temperature=temperature)
    return (_pulled_back(r, g, temperature).astype(logits.dtype),)


def top_k_probabilities_vjp(logits, g, *, k, temperature=1.0):
    r = top_k_probabilities(_wide(logits), k=k, temperature=temperature)
    return (_pulled_back(r, g, temperature).astype(logits.dtype),)


def nucleus_probabilities_vjp(logits, g, *, p, temperature=1.0, **given):
    r = nucleus_probabilities(_wide(logits), p=p, temperature=temperature, **given)
    return (_pulled_back(r, g, temperature).astype(logits.dtype),)


def min_p_probabilities_vjp(logits, g, *, min_p, temperature=1.0, **given):
    r = min_p_probabilities(_wide(logits), min_p=min_p, temperature=temperature, **given)
    return (_pulled_back(r, g, temperature).astype(logits.dtype),)


def greedy_token(logits):
    return logits.argmax(-1)


def top_tokens(logits, *, k):
    if not 1 <= k <= logits.shape[-1]:
        raise ValueError(f"k is {k}, expected 1 to {logits.shape[-1]}, the tokens that there are")
    return ranked(logits)[..., :k]


def sample_token(logits, *, seed):
    """The token at whose probability a uniform number lies, all probabilities being laid side by side."""
    q = softmax(logits.astype(np.float64))
    ends = np.cumsum(q, -1)
    at = np.random.default_rng(seed).random(logits.shape[:-1])[..., None] * ends[..., -1:]
    return (ends <= at).sum(-1)


def divisor(count, alpha, penalty):
    """What a sum over so many tokens is divided by."""
    return (count if penalty == "length" else (5 + count) / 6) ** alpha


def beam_search(first, following, *, beams, end, limit, alpha=0.0, penalty="length"):
    """The search, text by text; a text is its tokens, and the sum of its log-probabilities."""
    vocabulary = len(first)
    if following.shape != (vocabulary, vocabulary):
        raise ValueError(f"following has the shape {following.shape}, but there are {vocabulary} tokens")
    if beams < 1 or limit < 1 or alpha < 0 or not 0 <= end < vocabulary:
        raise ValueError(f"beams {beams}, limit {limit}, alpha {alpha} and end {end} allow no search")
    dtype = first.dtype
    first, following = _wide(first), _wide(following)

    def score(text):
        tokens, total = text
        return total / divisor(len(tokens), alpha, penalty)

    texts = [((), first.dtype.type(0))]
    for _ in range(limit):
        extended = []
        for tokens, total in texts:
            if tokens and tokens[-1] == end:
                extended.append((tokens, total))
                continue
            row = following[tokens[-1]] if tokens else first
            extended += [((*tokens, w), total + row[w]) for w in range(vocabulary)]
        texts = sorted(extended, key=score, reverse=True)[:beams]  # a stable sort, reversed or not
    best = texts[0]
    padded = best[0] + (end,) * (limit - len(best[0]))
    return np.array(padded), np.asarray(score(best)).astype(dtype)
