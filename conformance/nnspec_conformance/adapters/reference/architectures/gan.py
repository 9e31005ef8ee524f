"""The reference's losses of two networks against each other; its critic is made here, of the arrays that are given."""

from __future__ import annotations

import jax

from nnspec.architectures import gan

discriminator_loss = gan.discriminator_loss
generator_loss = gan.generator_loss
gan_value = gan.gan_value
jensen_shannon = gan.jensen_shannon


@jax.jit
def _penalty(x, kernel, bias, read, target):
    return gan.gradient_penalty(x, critic=lambda point: 0.5 * read @ (point @ kernel + bias) ** 2, target=target)


def gradient_penalty(x, kernel, bias, read, *, target):
    return _penalty(x, kernel, bias, read, target)
