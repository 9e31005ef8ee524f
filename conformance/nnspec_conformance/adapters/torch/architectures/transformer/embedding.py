"""``F.embedding``, and ``F.linear`` with the same table."""

from __future__ import annotations

import torch.nn.functional as F

VARIANTS = {
    "padded-embedding.padding": "row",
    "embedding.out-of-range": "refused",
    "embedding.negative": "refused",
    "embedding.narrow-ids": "refused",
    "embedding.unsigned-ids": "refused",
}
KNOWN_FAILURES = {
    "embedding.half-precision-sum": (
        "the gradient of a row that is used 4,096 times with cotangents of 1 is 256 in bfloat16 and 2048 in float16, "
        "right is 4096: the uses are added in half precision; searched 2026-11-28, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/Embedding.cpp"
    ),
}


def embedding(table, ids, **given):
    if given.pop("scaled", False):
        raise NotImplementedError("no scale")
    return F.embedding(ids, table, **given)


def padded_embedding(table, ids, *, padding_id):
    return F.embedding(ids, table, padding_idx=padding_id)


def tied_logits(x, table):
    return F.linear(x, table)


def tied_embedding(table, ids):
    return F.linear(F.embedding(ids, table), table)
