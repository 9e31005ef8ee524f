"""Native layouts on TensorFlow."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_tensorflow.kernels import empty_convolution_is_misshapen

KNOWN_FAILURES = {
    "duty.sizes[convolution_native]; float32": (
        "the convolution of an empty batch, [0, 2, 4, 3], with a kernel of 2 x 4 has the shape of its input, right is "
        "[0, 1, 1, 3]: oneDNN's kernel allocates that where there is nothing to compute; right with "
        "TF_ENABLE_ONEDNN_OPTS=0; https://github.com/tensorflow/tensorflow/issues/109175",
        empty_convolution_is_misshapen,
    ),
}
