"""The reference's autoencoders; the seed makes the key."""

from __future__ import annotations

import jax

from nnspec.architectures import autoencoder as topic
from nnspec.architectures import autoencoder_variational as variational

autoencoder = topic.autoencoder
tied_autoencoder = topic.tied_autoencoder
activity_penalty = topic.activity_penalty
sparsity_divergence = topic.sparsity_divergence
gaussian_divergence = variational.gaussian_divergence
gaussian_bound = variational.gaussian_bound
bernoulli_bound = variational.bernoulli_bound


def reparametrize(mean, log_variance, *, seed, **given):
    return variational.reparametrize(mean, log_variance, jax.random.key(seed), **given)


def add_noise(x, *, seed, **given):
    return topic.add_noise(x, jax.random.key(seed), **given)
