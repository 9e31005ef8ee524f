"""Transport, context and gradients that every adapter of something on JAX shares."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

# XLA on CPU runs with flush-to-zero and denormals-are-zero set. Half precision is computed in float32, in which the
# small numbers of float16 are normal ones.
SUBNORMALS = {"float32": "flushed", "float64": "flushed", "bfloat16": "flushed"}

to_numpy = np.asarray
compile = jax.jit


def asarray(x: np.ndarray) -> jax.Array:
    """A copy on the device; ``jnp.asarray`` compiles a program for every shape and dtype, which takes 20 ms."""
    return jax.device_put(x.copy())


@contextlib.contextmanager
def context(dtype: str) -> Iterator[None]:
    """float64 only where it is asked for; sums of products in the full precision of their dtype."""
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        yield


def abstract(f: Callable, *arrays: Any) -> Any:
    """Zeros of the shapes and dtypes of what ``f`` returns: it is traced, as for a program, and nothing is compiled."""
    try:
        forms = jax.eval_shape(f, *arrays)
    except Exception as error:  # it needs the numbers themselves, or refuses them: the call will tell
        raise NotImplementedError from error
    return jax.tree.map(lambda form: np.zeros(form.shape, form.dtype), forms)


def vjp(f: Callable, primals: tuple, cotangents: Any) -> tuple:
    """Compiled, as every training step is: one program instead of one for each primitive and shape."""
    return _program(f)(primals, cotangents)


@functools.lru_cache(maxsize=256)
def _program(f: Callable) -> Callable:
    """Kept, since the same operation with the same attributes comes as an equal function; the oldest make room."""
    return jax.jit(lambda primals, cotangents: jax.vjp(f, *primals)[1](cotangents))
