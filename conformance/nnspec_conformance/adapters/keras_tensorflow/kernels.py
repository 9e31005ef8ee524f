"""What TensorFlow's kernels do on this machine: probes for known failures.

oneDNN has kernels of its own. TensorFlow takes them on processors with VNNI, in AVX or AVX-512, or later instructions,
unless TF_ENABLE_ONEDNN_OPTS is 0.
"""

from __future__ import annotations

import functools
import signal
import subprocess
import sys

import numpy as np
import tensorflow as tf

NO_WINDOW = "import tensorflow as tf; tf.nn.max_pool2d(tf.ones((1, 3, 3, 1), {dtype!r}), (2, 4), 1, 'VALID')"


def softmax_loses_nan(dtype: str) -> bool:
    """Whether a NaN stays alone in its row, as in oneDNN's kernel; not where that refuses the dtype."""
    row = tf.cast(np.array([[1.0, np.nan, 2.0, -3.0, 0.5, 4.0, 0.0]], np.float32), dtype)
    try:
        return not np.isnan(tf.nn.softmax(row).numpy().astype(np.float32)).all()
    except tf.errors.OpError:
        return False


def softmax_is_short() -> bool:
    """Whether the softmax of a single score is 1 less a unit in the last place, as in Eigen's kernel."""
    return bool((tf.nn.softmax(tf.zeros((16, 1))).numpy() < 1).any())


def empty_convolution_is_misshapen() -> bool:
    """Whether the convolution of a batch of none has the shape of its input, as in oneDNN's kernel."""
    return tf.nn.conv2d(tf.zeros((0, 2, 4, 3)), tf.zeros((2, 4, 3, 5)), 1, "VALID").shape != (0, 1, 1, 5)


def dilation_is_refused() -> bool:
    """Whether a transposed convolution of float32 has to be without dilation, as in Eigen's kernel."""
    shape = np.array([1, 5, 5, 1])
    try:
        tf.nn.conv2d_transpose(tf.ones((1, 3, 3, 1)), tf.ones((2, 2, 1, 1)), shape, 1, "VALID", dilations=2)
    except tf.errors.InvalidArgumentError:
        return True
    return False


def kernel_gradient_is_short(dtype: str = "float16") -> bool:
    """Whether the gradient of a kernel over many places is off in half precision, as of Eigen's kernel."""
    x, g = tf.ones((1, 4096, 2, 2), dtype), tf.fill((1, 4096, 2, 3), tf.constant(0.9375, dtype))
    found = tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=[1, 1, 2, 3], out_backprop=g, strides=[1, 1, 1, 1], padding="VALID"
    )
    return bool(np.abs(found.numpy().astype(np.float32) - 7680).max() > (8 if dtype == "float16" else 32))


def mean_is_short() -> bool:
    """Whether the mean of 1,024 ones in bfloat16 is less by Einsum, as of Eigen's kernel."""
    weights = tf.fill((1, 1, 2, 1024), tf.constant(2.0**-10, "bfloat16"))
    found = tf.einsum("BNTS,BSNH->BTNH", weights, tf.ones((1, 1024, 1, 2), "bfloat16"))
    return bool((found.numpy().astype(np.float32) < 1).any())


@functools.cache
def no_window_ends_the_process(dtype: str) -> bool:
    """Whether a maximum over windows that do not fit divides by zero, and ends its process: asked in another one."""
    command = [sys.executable, "-c", NO_WINDOW.format(dtype=dtype)]
    return subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGFPE
