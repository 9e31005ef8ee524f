"""Transport and gradients of what runs on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

# TensorFlow sets flush-to-zero and denormals-are-zero in its threads.
SUBNORMALS = {"float32": "flushed", "float64": "flushed", "bfloat16": "flushed"}

STEPS = {  # of a program, as its arrays have no such methods
    "cast": tf.cast,
    "transpose": lambda x, _: tf.linalg.matrix_transpose(x),
    "reduce_sum": lambda x, _: tf.reduce_sum(x),
}


def asarray(x: np.ndarray) -> tf.Tensor:
    return tf.constant(x)


def to_numpy(t: tf.Tensor) -> np.ndarray:
    return np.asarray(t.numpy())


def vjp(f: Callable, primals: tuple, cotangents: Any) -> tuple:
    with tf.GradientTape() as tape:  # an outer tape records this one, so that a second derivative is the vjp of a vjp
        tape.watch(primals)
        y = f(*primals)
    zero = tf.UnconnectedGradients.ZERO
    gradients = tape.gradient(y, primals, output_gradients=cotangents, unconnected_gradients=zero)
    return tuple(tf.nest.map_structure(tf.convert_to_tensor, gradients))  # that of a lookup comes as rows and their ids
