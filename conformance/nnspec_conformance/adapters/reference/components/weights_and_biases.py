"""The reference's counts."""

from __future__ import annotations

from nnspec.components import weights_and_biases
from nnspec_conformance import clauses

VARIANTS = clauses.own_spec().told("components/weights_and_biases")


def parameter_count(*, layer, rnn_biases, lstm_biases, gru_biases, **sizes):
    kept = {"rnn": rnn_biases, "lstm": lstm_biases, "gru": gru_biases}
    biases = {"biases": kept[layer]} if layer in kept else {}
    return weights_and_biases.parameter_count(layer=layer, **sizes, **biases)
