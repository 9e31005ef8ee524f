"""Reference implementation of nnspec: neural networks in JAX, Flax NNX and Optax, one function a definition.

Examples:
    >>> import jax.numpy as jnp
    >>> import nnspec
    >>> print(nnspec.relu(jnp.array([-1.0, 0.0, 2.0])))
    [0. 0. 2.]
"""

from nnspec.components.activations import (
    elu,
    gelu,
    hard_sigmoid,
    identity,
    leaky_relu,
    log_softmax,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)

__version__ = "0.1.0"

__all__ = [
    "elu",
    "gelu",
    "hard_sigmoid",
    "identity",
    "leaky_relu",
    "log_softmax",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]
