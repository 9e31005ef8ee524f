"""The reference's activation functions."""

from __future__ import annotations

import jax

from nnspec.components import activations
from nnspec_conformance import clauses

VARIANTS = clauses.own_spec().told("components/activations") | {"activation.numbers": "kept"}
SUBNORMALS = {"identity": {"float32": "kept", "float64": "kept", "bfloat16": "kept"}}  # its input itself

identity = activations.identity
relu = activations.relu
leaky_relu = activations.leaky_relu
elu = activations.elu
selu = activations.selu
gelu = activations.gelu
sigmoid = activations.sigmoid
tanh = activations.tanh
softplus = activations.softplus
silu = activations.silu
hard_sigmoid = activations.hard_sigmoid
softmax = jax.jit(activations.softmax, static_argnames="axis")  # one program instead of one for each step
log_softmax = jax.jit(activations.log_softmax, static_argnames="axis")
