"""Functions of ``jax.numpy``, ``jax.lax`` and Optax that have an edge."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

VARIANTS = {
    "abs.at-zero": "one",
    "clamp.at-bounds": ("half", "zero"),
    "norm.at-zero": ("zero", "nan"),
    "power.zero-exponent": "nan",
    "where.untaken-branch": ("finite", "nan"),
}

pairwise_maximum = jnp.maximum
absolute_value = jnp.abs
square_root = jnp.sqrt
selection = jnp.where
power = jnp.power


def maximum_reduction(x):
    return jnp.max(x, axis=-1)


def euclidean_norm(x, *, at_zero):
    return optax.safe_norm(x, 0.0, axis=-1) if at_zero == "zero" else jnp.linalg.norm(x, axis=-1)


def masked_square_root(x, *, untaken_branch):
    inside = jnp.where(x > 0, x, 1) if untaken_branch == "finite" else x
    return jnp.where(x > 0, jnp.sqrt(inside), 0)


def clamp(x, *, minimum, maximum, at_bounds):
    if at_bounds == "half":
        return jnp.clip(x, minimum, maximum)
    return jax.lax.clamp(x.dtype.type(minimum), x, x.dtype.type(maximum))


def product_reduction(x):
    return jnp.prod(x, axis=-1)


def embedding_lookup(table, ids):
    return jnp.take(table, ids, axis=0)


def stopped_gradient(x, y):
    return x * jax.lax.stop_gradient(y)


def unused_parameter(x, unused):
    return x * x


def gradient_of_squares(x):
    return jax.grad(lambda x: x * x)(x)
