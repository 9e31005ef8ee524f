"""The reference's autoencoders; the seed makes the key."""

from __future__ import annotations

import jax

from nnspec.architectures import autoencoder as topic

autoencoder = topic.autoencoder
tied_autoencoder = topic.tied_autoencoder
activity_penalty = topic.activity_penalty
sparsity_divergence = topic.sparsity_divergence
gaussian_divergence = topic.gaussian_divergence
gaussian_bound = topic.gaussian_bound
bernoulli_bound = topic.bernoulli_bound


def reparametrize(mean, log_variance, *, seed, **given):
    return topic.reparametrize(mean, log_variance, jax.random.key(seed), **given)


def add_noise(x, *, seed, **given):
    return topic.add_noise(x, jax.random.key(seed), **given)
