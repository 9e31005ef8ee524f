"""The head is a dense layer, whose product of float64 is done in float32; kernels are views of others."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT

KNOWN_FAILURES = {
    f"{clause}; float64": FLOAT32_PRODUCT
    for clause in ("residual-network.value", "residual-network.gradient", "duty.linear[residual_network]")
} | {
    "duty.sizes[residual_network]": (
        "Conv2D(1, 3) on an image of two channels has no gradient, 'slow_conv2d: grad_weight must be contiguous', "
        "right is that of the copied kernel: Keras hands PyTorch its kernels as views with other strides; "
        "https://github.com/pytorch/vision/issues/6001; and the dense layer's product of float64 is in float32; "
        "https://github.com/keras-team/keras/issues/23704"
    )
}
