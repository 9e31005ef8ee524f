"""Dense layers and means on PyTorch, in float64."""

from __future__ import annotations

from nnspec_conformance.adapters.keras_torch.components.losses import cross_entropy
from nnspec_conformance.adapters.keras_torch.precision import FLOAT32_PRODUCT
from nnspec_conformance.adapters.torch.components.activations import HARD_SIGMOID

NETWORKS = ("autoencoder", "tied_autoencoder")
BOUNDS = ("gaussian_bound", "bernoulli_bound")
FLOAT32_MEAN = (
    "in float64 value and gradient are off by 1e-7: the mean over the batch, or over the pixels, is computed in "
    "float32, as result_type makes float32 of float64; https://github.com/keras-team/keras/issues/23704"
)
FLOAT32_PENALTY = (
    "of a float64 code the penalty is a float32 number, right is float64: the loss of a layer is multiplied and "
    "divided as result_type makes float32 of float64; https://github.com/keras-team/keras/issues/23704"
)
KNOWN_FAILURES = {
    "activity-penalty.batch; float64": FLOAT32_PENALTY,
    "duty.dtype[activity_penalty]; float64": FLOAT32_PENALTY,
    "duty.linear[activity_penalty]; float64": FLOAT32_PENALTY,
    **{
        f"{clause}[{operation}]; float64": FLOAT32_PRODUCT
        for clause in ("autoencoder.value", "autoencoder.gradient", "duty.linear", "duty.sizes")
        for operation in NETWORKS
    },
    **{f"duty.second[{operation}]; activation=hard_sigmoid": HARD_SIGMOID for operation in NETWORKS},
    "sparsity-divergence.value; float64": FLOAT32_MEAN,
    "sparsity-divergence.gradient; float64": FLOAT32_MEAN,
    "duty.linear[sparsity_divergence]; float64": FLOAT32_MEAN,
    **{
        f"{clause}[{operation}]; float64": FLOAT32_MEAN
        for clause in ("evidence-bound.pixels", "evidence-bound.gradient", "duty.linear", "duty.sizes")
        for operation in BOUNDS
    },
    "duty.nan[bernoulli_bound]": cross_entropy.KNOWN_FAILURES["duty.nan[sigmoid_binary_cross_entropy]"],
}
