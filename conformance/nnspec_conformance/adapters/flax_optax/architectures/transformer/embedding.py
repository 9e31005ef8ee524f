"""``nnx.Embed``, called with its table, and its method ``attend``."""

from __future__ import annotations

import functools

from flax import nnx

VARIANTS = {"embedding.negative": "last-row"}
KNOWN_FAILURES = {
    "embedding.half-precision-sum": (
        "the gradient of a row that is used 4,096 times with cotangents of 1 is 256 in bfloat16 and 2048 in float16, "
        "right is 4096: scatter adds one use after the other in the dtype of the table; reported of float32: "
        "https://github.com/jax-ml/jax/issues/39949"
    ),
    "embedding.out-of-range": (
        "of a table of one row the id 1 gives row 0, right is NaN, as of every larger table: one row is broadcast and "
        "the ids are not looked at; searched 2026-11-28, not found; "
        "https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/linear.py"
    ),
}


def embedding(table, ids, **given):
    if given.pop("scaled", False):
        raise NotImplementedError("no scale")
    return _layer(table)(ids, **given)


def tied_logits(x, table):
    return _layer(table).attend(x)


def tied_embedding(table, ids):
    layer = _layer(table)
    return layer.attend(layer(ids))


def _layer(table):
    structure = _structure(*table.shape, table.dtype)
    return nnx.merge(structure, nnx.State({"embedding": nnx.Param(table)}))


@functools.cache
def _structure(vocabulary, features, dtype):
    def make():
        return nnx.Embed(vocabulary, features, param_dtype=dtype, rngs=nnx.Rngs(0))

    return nnx.split(nnx.eval_shape(make))[0]
