"""The reference's decoding; the seed makes the key."""

from __future__ import annotations

import jax

from nnspec.architectures.transformer import decoding as topic

VARIANTS = {
    "nucleus-probabilities.boundary": ("reaches", "exceeds"),
    "decoding.order": ("before", "after"),
    "beam-search.penalty": ("length", "wu"),
}

token_probabilities = topic.token_probabilities
top_k_probabilities = topic.top_k_probabilities
nucleus_probabilities = topic.nucleus_probabilities
min_p_probabilities = topic.min_p_probabilities
greedy_token = topic.greedy_token
top_tokens = topic.top_tokens
beam_search = topic.beam_search


def sample_token(logits, *, seed):
    return topic.sample_token(logits, jax.random.key(seed))
