"""Autoencoders, the divergence of normal distributions and the evidence bound, in NumPy, written from the clauses.

Every function computes in the dtype that it is handed, and keeps an imaginary part. ``rounded`` is given every operand.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.components import layers

PARTS = ("encoder_kernel", "encoder_bias", "decoder_kernel", "decoder_bias")
TIED = ("kernel", "encoder_bias", "decoder_bias")
LOG_2_PI = np.log(2 * np.pi)


def same(x):
    return x


# ---- two networks, one after the other


def halves(weights, parts=PARTS):
    """The tables of encoder and decoder, as a network has them; the decoder's first layer is the one of the code."""
    depth = sum(name.startswith(f"{parts[0]}_") for name in weights)
    if set(weights) != {f"{part}_{i}" for part in parts for i in range(depth)}:
        raise ValueError(f"names {sorted(weights)} are not {', '.join(parts)} of layers from 0 on")
    encoder, decoder = {}, {}
    for i in range(depth):
        last = depth - 1 - i
        tied = weights.get(f"kernel_{i}")
        encoder[f"kernel_{i}"] = weights[f"encoder_kernel_{i}"] if tied is None else tied
        encoder[f"bias_{i}"] = weights[f"encoder_bias_{i}"]
        decoder[f"kernel_{last}"] = weights[f"decoder_kernel_{i}"] if tied is None else tied.T
        decoder[f"bias_{last}"] = weights[f"decoder_bias_{i}"]
    for i in range(depth):
        mirrored = decoder[f"kernel_{depth - 1 - i}"].shape
        if encoder[f"kernel_{i}"].shape != mirrored[::-1]:
            raise ValueError(
                f"layer {i} of the decoder is {mirrored}, not the mirror of {encoder[f'kernel_{i}'].shape}"
            )
        if mirrored[0] == 0:
            raise ValueError(f"layer {i} of the encoder has no units, and the decoder is given nothing")
    return encoder, decoder


def autoencoder(x, weights, *, activation, rounded=same, parts=PARTS):
    encoder, decoder = halves(weights, parts)
    code = layers.mlp(x, encoder, activation=activation, rounded=rounded)
    return code, layers.mlp(code, decoder, activation=activation, rounded=rounded)


def autoencoder_vjp(x, weights, cotangents, *, activation, rounded=same):
    encoder, decoder = halves(weights)
    for_x, for_encoder, for_decoder = pulled_back(x, encoder, decoder, cotangents, activation, rounded)
    depth, found = len(encoder) // 2, {}
    for name in weights:
        half, part, i = name.split("_")
        table, at = (for_encoder, int(i)) if half == "encoder" else (for_decoder, depth - 1 - int(i))
        found[name] = table[f"{part}_{at}"]
    return for_x, found


def pulled_back(x, encoder, decoder, cotangents, activation, rounded):
    """The gradients for x and for both tables; the code is a result, and what the decoder is given."""
    for_code, g = cotangents
    code = layers.mlp(x, encoder, activation=activation, rounded=rounded)
    from_decoder, for_decoder = layers.mlp_vjp(code, decoder, g, activation=activation, rounded=rounded)
    total = rounded(for_code) + from_decoder
    for_x, for_encoder = layers.mlp_vjp(x, encoder, total, activation=activation, rounded=rounded)
    return for_x, for_encoder, for_decoder


def tied_autoencoder(x, weights, *, activation, rounded=same):
    return autoencoder(x, weights, activation=activation, rounded=rounded, parts=TIED)


def tied_autoencoder_vjp(x, weights, cotangents, *, activation, rounded=same):
    encoder, decoder = halves(weights, TIED)
    for_x, for_encoder, for_decoder = pulled_back(x, encoder, decoder, cotangents, activation, rounded)
    depth, found = len(encoder) // 2, {}
    for i in range(depth):
        last = depth - 1 - i
        found[f"kernel_{i}"] = for_encoder[f"kernel_{i}"] + for_decoder[f"kernel_{last}"].T
        found[f"encoder_bias_{i}"], found[f"decoder_bias_{i}"] = for_encoder[f"bias_{i}"], for_decoder[f"bias_{last}"]
    return for_x, {name: found[name] for name in weights}


# ---- sparse codes


def activity_penalty(code, *, strength, batch="mean", rounded=same):
    """The sizes of the entries, without an absolute value, which has no imaginary part."""
    if not strength >= 0:
        raise ValueError(f"strength must not be negative, got {strength}")
    total = (rounded(code) * np.sign(code.real)).sum(-1).sum(-1)
    return over(strength * total, len(code), batch)


def over(total, count, batch):
    """The mean over the examples, or the sum; of no examples either is 0."""
    return np.asarray(total / max(count, 1) if batch == "mean" else total, total.dtype)


def activity_penalty_vjp(code, cotangents, *, strength, batch="mean"):
    return (over(cotangents * strength * np.sign(code), len(code), batch).astype(code.dtype),)


def sparsity_divergence(code, *, target, rounded=same):
    """Give the divergence of a coin of the target's probability from one of the mean activation, by unit."""
    inside(code, target)
    mean = rounded(rounded(code).mean(0))
    terms = target * np.log(target / mean), (1 - target) * np.log((1 - target) / (rounded(1 - mean)))
    return np.asarray((rounded(terms[0]) + rounded(terms[1])).sum(-1), code.dtype)


def inside(code, target):
    if not 0 < target < 1:
        raise ValueError(f"target must be between 0 and 1, got {target}")
    if ((code.real <= 0) | (code.real >= 1)).any():
        raise ValueError("an activation lies outside (0, 1)")


def sparsity_divergence_vjp(code, cotangents, *, target):
    inside(code, target)
    mean = code.mean(0)
    slope = (mean - target) / (mean * (1 - mean))
    return (np.broadcast_to(cotangents * slope / len(code), code.shape).astype(code.dtype),)


# ---- normal distributions


def off_one(e, rounded):
    """What rounding makes of the 1 that is subtracted from an exponential; no NaN where that is infinite."""
    moved = rounded(np.ones_like(e)) - 1
    with np.errstate(invalid="ignore"):
        return np.where(moved == 0, 0, e * moved)


def gaussian_divergence(mean, log_variance, prior_mean=None, prior_log_variance=None, *, code="sum", rounded=same):
    """A half of (m - n)^2 / e^t + e^(s - t) - 1 - (s - t), added over the code."""
    s, off = rounded(log_variance), rounded(mean)
    if prior_mean is not None:
        fitting(mean, prior_mean)
        off = off - rounded(prior_mean)
    fitting(mean, log_variance)
    square = rounded(off) ** 2
    if prior_log_variance is not None:
        fitting(mean, prior_log_variance)
        t = rounded(prior_log_variance)
        s, square = rounded(s - t), square * rounded(np.exp(-t))
    with np.errstate(over="ignore", invalid="ignore"):
        grown = np.expm1(s) + off_one(np.exp(s), rounded)
        terms = rounded(square) + (grown - rounded(s))
    total = terms.sum(-1) / 2
    return (total / max(mean.shape[-1], 1) if code == "mean" else total).astype(mean.dtype)


def fitting(one, other):
    if one.shape != other.shape:
        raise ValueError(f"arrays of the shapes {one.shape} and {other.shape} must have one shape")


def gaussian_divergence_vjp(mean, log_variance, *rest, code="sum", rounded=same):
    *prior, cotangents = rest
    g = rounded(cotangents)[..., None] / (mean.shape[-1] if code == "mean" else 1)
    off, s = rounded(mean), rounded(log_variance)
    if prior:
        off = off - rounded(prior[0])
    precision = np.ones_like(s)
    if len(prior) > 1:
        t = rounded(prior[1])
        s, precision = rounded(s - t), rounded(np.exp(-t))
    with np.errstate(over="ignore", invalid="ignore"):
        grown = np.expm1(s) + off_one(np.exp(s), rounded)
    for_mean, for_log_variance = rounded(g * off * precision), rounded(g / 2 * grown)
    return (for_mean, for_log_variance, -for_mean, -rounded(g / 2 * off**2 * precision) - for_log_variance)[
        : 2 + len(prior)
    ]


def reparametrize(mean, log_variance, *, seed, rounded=same):
    fitting(mean, log_variance)
    noise = np.random.default_rng(seed).standard_normal(mean.shape)
    return (mean + np.exp(log_variance / 2) * noise.astype(mean.real.dtype)).astype(mean.dtype)


def reparametrize_vjp(mean, log_variance, cotangents, *, seed):
    noise = np.random.default_rng(seed).standard_normal(mean.shape).astype(mean.dtype)
    slope = np.exp(log_variance / 2) * noise / 2
    return cotangents, (cotangents * slope).astype(mean.dtype)


def add_noise(x, *, seed, deviation):
    if not deviation >= 0:
        raise ValueError(f"deviation must not be negative, got {deviation}")
    noise = deviation * np.random.default_rng(seed).standard_normal(x.shape)
    return (x + noise.astype(x.dtype)).astype(x.dtype)


def add_noise_vjp(x, cotangents, *, seed, deviation):
    add_noise(x, seed=seed, deviation=deviation)
    return (cotangents,)


# ---- the evidence bound


def normal_logs(x, reconstruction, variance, rounded=same):
    """The logarithm of the density of each pixel."""
    square = rounded(rounded(x) - rounded(reconstruction)) ** 2
    return -(rounded(square / variance) + rounded(np.log(variance) + LOG_2_PI + np.zeros_like(square))) / 2


def coin_logs(x, logits, rounded=same):
    """The logarithm of the probability of each pixel: x z - log(1 + e^z), without an overflow."""
    z = rounded(logits)
    low = z.real <= 0
    e = np.exp(np.where(low, z, -z))
    grown = rounded(np.log1p(rounded(e)))
    positive, negative = rounded(rounded(x) * z), rounded((rounded(x) - 1) * z)
    return np.where(low, positive, negative) - grown


def bound(logs, divergence, beta, pixels, dtype):
    total = logs.mean(-1) if pixels == "mean" else logs.sum(-1)
    return (total - beta * divergence).astype(dtype)


def checked(beta):
    if not beta >= 0:
        raise ValueError(f"beta must not be negative, got {beta}")


def gaussian_bound(x, reconstruction, mean, log_variance, *, variance, beta=1.0, pixels="sum", rounded=same):
    checked(beta)
    fitting(x, reconstruction)
    if not variance > 0:
        raise ValueError(f"variance must be positive, got {variance}")
    divergence = rounded(gaussian_divergence(mean, log_variance, rounded=rounded))
    return bound(normal_logs(x, reconstruction, variance, rounded), divergence, beta, pixels, x.dtype)


def gaussian_bound_vjp(
    x, reconstruction, mean, log_variance, cotangents, *, variance, beta=1.0, pixels="sum", rounded=same
):
    g = rounded(cotangents)[..., None] / (x.shape[-1] if pixels == "mean" else 1)
    off = rounded(g * rounded(rounded(reconstruction) - rounded(x)) / variance)
    back = gaussian_divergence_vjp(mean, log_variance, -beta * cotangents, rounded=rounded)
    return tuple(part.astype(x.dtype) for part in (off, -off, *back))


def bernoulli_bound(x, logits, mean, log_variance, **given):
    if ((x.real < 0) | (x.real > 1)).any():
        raise ValueError("a pixel lies outside [0, 1]")
    return coin_bound(x, logits, mean, log_variance, **given)


def coin_bound(x, logits, mean, log_variance, *, beta=1.0, pixels="sum", rounded=same):
    """The bound, of pixels that may be off by rounding."""
    checked(beta)
    fitting(x, logits)
    divergence = rounded(gaussian_divergence(mean, log_variance, rounded=rounded))
    return bound(coin_logs(x, logits, rounded), divergence, beta, pixels, x.dtype)


def bernoulli_bound_vjp(x, logits, mean, log_variance, cotangents, *, beta=1.0, pixels="sum", rounded=same):
    g = rounded(cotangents)[..., None] / (x.shape[-1] if pixels == "mean" else 1)
    z = rounded(logits)
    e = np.exp(-np.abs(z))
    sigmoid = rounded(np.where(z >= 0, 1, e) / (1 + e))
    rest = np.log1p(e)  # x times softplus(-z) and 1 - x times softplus(z), whose difference is z
    with np.errstate(invalid="ignore"):
        for_x = np.where(np.isfinite(z), rounded(np.maximum(z, 0) + rest) - rounded(np.maximum(-z, 0) + rest), z)
    back = gaussian_divergence_vjp(mean, log_variance, -beta * cotangents, rounded=rounded)
    return tuple(part.astype(x.dtype) for part in (g * for_x, g * (rounded(x) - sigmoid), *back))
