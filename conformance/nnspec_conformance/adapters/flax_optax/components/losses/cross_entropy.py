"""The losses of Optax, which are one number an example and have no reduction."""

from __future__ import annotations

import jax.numpy as jnp
import optax

VARIANTS = {"kl-divergence.direction": "second-from-first"}


def softmax_cross_entropy_with_integer_labels(logits, labels, *, reduction="none"):
    return _unreduced(reduction, optax.softmax_cross_entropy_with_integer_labels)(logits, labels)


def softmax_cross_entropy(logits, target, *, label_smoothing=0.0, reduction="none"):
    target = optax.smooth_labels(target, label_smoothing) if label_smoothing else target
    return _unreduced(reduction, optax.softmax_cross_entropy)(logits, target)


def sigmoid_binary_cross_entropy(logits, target, *, reduction="none"):
    return _unreduced(reduction, optax.sigmoid_binary_cross_entropy)(logits, target)


def kl_divergence(p, q, *, reduction="none"):
    return _unreduced(reduction, optax.losses.kl_divergence)(jnp.log(p), q)


def _unreduced(reduction, loss):
    if reduction != "none":
        raise NotImplementedError("Optax has no reduction")
    return loss
