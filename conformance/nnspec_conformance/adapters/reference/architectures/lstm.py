"""The reference's long short-term memory."""

from __future__ import annotations

import jax

from nnspec.architectures.lstm import lstm as lstm
from nnspec.architectures.lstm import lstm_start
from nnspec.architectures.lstm import lstm_step as lstm_step


def lstm_forget_bias(*, in_features, hidden_features, **given):
    return lstm_start(jax.random.key(0), in_features, hidden_features, **given)["bias_f"].mean()
