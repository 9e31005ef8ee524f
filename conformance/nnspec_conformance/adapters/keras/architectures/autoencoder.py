"""Stock layers and losses; what Keras has no loss for is taken as its own example of a variational autoencoder has it.

That is https://keras.io/examples/generative/vae: the divergence, and the draw of a code. Losses are means over the last
axis; each pixel has one of its own where they are added up.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import keras

from nnspec_conformance.adapters.halves import halves
from nnspec_conformance.adapters.keras import network

VARIANTS = {"evidence-bound.pixels": ("sum", "mean")}
SOURCE = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/"
VAE = "searched 2026-11-29, not found; https://keras.io/examples/generative/vae"
# Measured: what was asked, what came, what is right, and why.
BROADCAST = (
    "a mean of one example is taken beside the log-variances of several, right is to refuse: arrays are broadcast; "
    f"{VAE}"
)
BETA = f"a beta of -0.5 is taken, right is to refuse it: it is multiplied by hand; {VAE}"
KNOWN_FAILURES = {
    "autoencoder.shape[autoencoder]": network.ONE_AXIS,
    "autoencoder.shape[tied_autoencoder]": network.ONE_AXIS,
    "gaussian-divergence.near-equal": (
        "of nearly equal distributions the divergence is 6.0e-8 in float32, right is 2.7e-11: 1 and the exponential "
        f"cancel, as Keras' example writes it; {VAE}"
    ),
    "add-noise.moments; deviation=2.0": (
        "a deviation of 2 raises ValueError, right is the noise: GaussianNoise takes 0 to 1 alone; "
        f"searched 2026-11-29, not found; {SOURCE}layers/regularization/gaussian_noise.py"
    ),
    "sparsity-divergence.range": (
        f"a target of 1.5 gives 3.51, right is to refuse it: it is clipped to 1; searched 2026-11-29, not found; "
        f"{SOURCE}losses/losses.py"
    ),
    "sparsity-divergence.activations": (
        "an activation of 1.25 is taken and gives 0.930, right is to refuse it: the mean lies between 0 and 1, and "
        f"others are clipped; searched 2026-11-29, not found; {SOURCE}losses/losses.py"
    ),
    "evidence-bound.beta[gaussian_bound]": BETA,
    "evidence-bound.beta[bernoulli_bound]": BETA,
    "bernoulli-bound.range": (
        "a pixel of 1.5 is taken, right is to refuse it: the loss checks no target; "
        "https://github.com/keras-team/keras/issues/14046"
    ),
    "duty.choices[autoencoder]": network.NAMES,
    "duty.choices[tied_autoencoder]": network.NAMES,
    **{
        f"duty.broadcasting[{operation}]": BROADCAST
        for operation in ("gaussian_divergence", "reparametrize", "gaussian_bound", "bernoulli_bound")
    },
}


# ---- encoder and decoder


def autoencoder(x, weights, *, activation):
    return _both(x, halves(weights, keras.ops.transpose), activation)


def tied_autoencoder(x, weights, *, activation):
    return autoencoder(x, weights, activation=activation)


def _both(x, tables, activation):
    """The code and the reconstruction, by ``Sequential`` models of ``Dense`` layers."""
    results = [x]
    for table in tables.values():
        units, arrays = network.listed(table)
        results.append(network.sequential(units, activation, "identity", results[-1])(arrays, results[-1]))
    return tuple(results[1:])


# ---- sparse codes and noise


def activity_penalty(code, *, strength):
    layer = keras.layers.ActivityRegularization(l1=strength, dtype=keras.backend.standardize_dtype(code.dtype))
    layer(code)
    return layer.losses[0]


def sparsity_divergence(code, *, target):
    mean: Any = keras.ops.mean(code, 0)
    coin: Any = keras.ops.stack([mean, 1 - mean], -1)
    wanted = keras.ops.convert_to_tensor([target, 1 - target], code.dtype)
    return keras.ops.sum(keras.losses.kl_divergence(keras.ops.broadcast_to(wanted, coin.shape), coin))


def add_noise(x, *, seed, deviation):
    layer = keras.layers.GaussianNoise(deviation, seed=seed, dtype=keras.backend.standardize_dtype(x.dtype))
    layer.build(tuple(x.shape))
    states = [variable.value for variable in layer.non_trainable_variables]
    return layer.stateless_call([], states, x, training=True)[0]


# ---- variational codes


def gaussian_divergence(mean, log_variance, prior_mean=None, prior_log_variance=None) -> Any:
    if prior_mean is not None or prior_log_variance is not None:
        raise NotImplementedError("the example has the divergence from the standard normal distribution alone")
    ops = keras.ops
    return ops.sum(-0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance)), -1)


def reparametrize(mean, log_variance, *, seed):
    dtype = keras.backend.standardize_dtype(mean.dtype)
    epsilon = keras.random.normal(tuple(mean.shape), dtype=dtype, seed=seed)
    return mean + keras.ops.exp(0.5 * log_variance) * epsilon


def gaussian_bound(x, reconstruction, mean, log_variance, *, variance, beta, pixels=None):
    error = _of_pixels(keras.losses.mean_squared_error, x, reconstruction, pixels)
    count = 1 if pixels == "mean" else x.shape[-1]
    constant = 0.5 * count * math.log(2 * math.pi * variance)
    return -error / (2 * variance) - constant - beta * gaussian_divergence(mean, log_variance)


def bernoulli_bound(x, logits, mean, log_variance, *, beta, pixels=None):
    loss = functools.partial(keras.losses.binary_crossentropy, from_logits=True)
    return -_of_pixels(loss, x, logits, pixels) - beta * gaussian_divergence(mean, log_variance)


def _of_pixels(loss, target, prediction, pixels) -> Any:
    """The mean over the pixels, which is what a loss gives, or the sum of the losses of pixels."""
    if pixels == "mean":
        return loss(target, prediction)
    return keras.ops.sum(loss(target[..., None], prediction[..., None]), -1)
