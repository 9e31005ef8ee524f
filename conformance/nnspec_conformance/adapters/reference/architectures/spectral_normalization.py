"""The reference's spectral normalization, which hands out kernel and vector together."""

from __future__ import annotations

from nnspec.architectures import spectral_normalization as topic


def spectral_norm(kernel, u, **given):
    return topic.spectral_norm(kernel, u, **given)[0]


def spectral_vector(kernel, u, **given):
    return topic.spectral_norm(kernel, u, **given)[1]
