"""``Embedding`` and ``ReversibleEmbedding``, called with their table."""

from __future__ import annotations

import functools

import keras

VARIANTS = {"embedding.negative": "last-row"}
NARROW_SUM = (
    "the gradient of a row that is used 4,096 times with cotangents of 1 is 256 in bfloat16 and 2048 in float16, right "
    "is 4096: the uses are added in half precision; searched 2026-11-28, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/core/embedding.py"
)
KNOWN_FAILURES = {
    "embedding.half-precision-sum": NARROW_SUM,
    "embedding.unsigned-range": (
        "of seven rows the id 4294967295 of uint32 gives row 6, right is what 7 gives: ids are cast to int32, in which "
        "it is -1; searched 2026-11-30, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/core/embedding.py"
    ),
    "embedding.integer-ids": (
        "an id of 3.5 is taken for 3, right is a refusal: ids are cast to int32; searched 2026-11-28, not found; "
        "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/core/embedding.py"
    ),
}


def embedding(table, ids, **given):
    if given.pop("scaled", False):
        raise NotImplementedError("no scale")
    return _layer(keras.layers.Embedding, table).stateless_call([table], [], ids, **given)[0]


def tied_logits(x, table):
    return _layer(keras.layers.ReversibleEmbedding, table).stateless_call([table], [], x, reverse=True)[0]


def tied_embedding(table, ids):
    layer = _layer(keras.layers.ReversibleEmbedding, table)
    rows, _ = layer.stateless_call([table], [], ids)
    return layer.stateless_call([table], [], rows, reverse=True)[0]


def _layer(kind, table):
    return _built(kind, *table.shape, keras.backend.standardize_dtype(table.dtype))


@functools.cache
def _built(kind, vocabulary, features, dtype):
    layer = kind(vocabulary, features, embeddings_initializer="zeros", dtype=dtype)
    layer.build()
    return layer
