"""The reference's batch norm."""

from __future__ import annotations

from nnspec.training import batch_normalization

VARIANTS = {
    "batch-norm-update.variance": ("unbiased", "biased"),
    "batch-norm-statistics.variance": ("unbiased", "biased"),
    "batch-norm-statistics.average": ("exponential", "cumulative"),
}

batch_norm = batch_normalization.batch_norm
batch_norm_eval = batch_normalization.batch_norm_eval
batch_norm_update = batch_normalization.batch_norm_update
batch_norm_statistics = batch_normalization.batch_norm_statistics
masked_batch_norm = batch_normalization.masked_batch_norm
batch_norm_layer = batch_normalization.batch_norm_layer
batch_norm_collected = batch_normalization.batch_norm_collected
