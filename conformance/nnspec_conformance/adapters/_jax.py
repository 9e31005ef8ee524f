"""Transport, context and gradients that every adapter of something on JAX shares."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

asarray = jnp.asarray
to_numpy = np.asarray


@contextlib.contextmanager
def context(dtype: str) -> Iterator[None]:
    """float64 only where it is asked for; sums of products in the full precision of their dtype."""
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        yield


def vjp(f: Callable, primals: tuple, cotangents: Any) -> tuple:
    return jax.vjp(f, *primals)[1](cotangents)
