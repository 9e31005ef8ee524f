"""``torch.argmax``, ``torch.topk`` and a draw from ``Categorical``."""

from __future__ import annotations

import torch

KNOWN_FAILURES = {
    "top-tokens.value; float32": (
        "of five logits of 1 with k = 4 the first token is 2, right is 0: ties come in the order of a partial sort, "
        "which is not stable; https://github.com/pytorch/pytorch/issues/88227"
    ),
}


def greedy_token(logits):
    return torch.argmax(logits, -1)


def top_tokens(logits, *, k):
    return torch.topk(logits, k).indices


def sample_token(logits, *, seed):
    torch.manual_seed(seed)
    return torch.distributions.Categorical(logits=logits).sample()
