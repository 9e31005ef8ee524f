"""The reference's initializers, and what its layers start with."""

from __future__ import annotations

import jax
from flax import nnx

from nnspec.architectures.transformer.embedding import Embedding
from nnspec.architectures.transformer.multi_head_attention import MultiHeadAttention
from nnspec.components.layers import Dense
from nnspec.training import initialization as topic
from nnspec.training import initialization_matrices as matrices

VARIANTS = {"init.tails": ("normal", "truncated", "uncorrected")}


def _drawn(initializer):
    def draw(shape, *, seed, **given):
        return initializer(jax.random.key(seed), shape, **given)

    return draw


zeros_init = _drawn(topic.zeros_init)
constant_init = _drawn(topic.constant_init)
uniform_init = _drawn(topic.uniform_init)
normal_init = _drawn(topic.normal_init)
truncated_normal_init = _drawn(topic.truncated_normal_init)
lecun_uniform = _drawn(topic.lecun_uniform)
glorot_uniform = _drawn(topic.glorot_uniform)
he_uniform = _drawn(topic.he_uniform)
lecun_normal = _drawn(topic.lecun_normal)
glorot_normal = _drawn(topic.glorot_normal)
he_normal = _drawn(topic.he_normal)
variance_scaling = _drawn(topic.variance_scaling)
orthogonal_init = _drawn(matrices.orthogonal_init)
identity_init = _drawn(matrices.identity_init)
delta_init = _drawn(matrices.delta_init)


def dense_start(shape, *, seed):
    return Dense(*shape, rngs=nnx.Rngs(seed)).kernel[...]


def dense_bias_start(shape, *, seed, inputs):
    return Dense(inputs, *shape, rngs=nnx.Rngs(seed)).bias[...]


def embedding_start(shape, *, seed):
    return Embedding(*shape, rngs=nnx.Rngs(seed)).table[...]


def attention_start(shape, *, seed):
    return MultiHeadAttention(shape[0], heads=4, rngs=nnx.Rngs(seed)).get_weights()["kernel_q"].reshape(shape)
