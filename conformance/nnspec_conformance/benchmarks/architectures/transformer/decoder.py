"""A decoder layer over batches of targets and sources: ours, PyTorch's, and of the stock layers of Flax and Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnspec_conformance.benchmarks.architectures.transformer.encoder import EPSILON, NORM, Layer
from nnspec_conformance.oracles.architectures.transformer.decoder import AXES

SET = "decoder"


def _ours(x: Any, weights: dict, source: Any) -> Any:
    from nnspec.architectures.transformer.decoder import decoder_layer

    return decoder_layer(x, weights, source, norm=NORM, epsilon=EPSILON)


def _table() -> Callable[[dict], dict]:
    from nnspec_conformance.adapters.torch.architectures.transformer.decoder import _table as named

    return named


workloads = Layer(SET, AXES, _ours, "TransformerDecoderLayer", _table, attentions=2).workloads
