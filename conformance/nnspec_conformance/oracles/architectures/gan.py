"""The losses of two networks that are trained against each other, in NumPy, written from the clauses.

Every function computes in the dtype that it is handed. The penalty and what is said of distributions keep an imaginary
part, so that their gradients can be taken by the complex step.
"""

from __future__ import annotations

import numpy as np

DISCRIMINATOR = ("logistic", "least-squares", "hinge", "wasserstein")
GENERATOR = ("minimax", "non-saturating", *DISCRIMINATOR[1:])


def softplus(x):
    """The logarithm of 1 + e^x."""
    return np.logaddexp(x.dtype.type(0), x)


def sigmoid(x):
    """One over 1 + e^-x, from the exponential of a number that is not positive."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def same_shapes(real, fake):
    if real.shape != fake.shape:
        raise ValueError(f"real logits {real.shape} and fake ones {fake.shape} must have one shape")


def shares(halves, squares):
    """What each half of the discriminator's loss is multiplied by, and each square."""
    return {"sum": 1.0, "mean": 0.5}[halves], {"half": 0.5, "whole": 1.0}[squares]


def discriminator_loss(real, fake, *, kind="logistic", halves="sum", squares="half"):
    same_shapes(real, fake)
    half, square = shares(halves, squares)
    if kind == "logistic":
        loss = softplus(-real) + softplus(fake)
    elif kind == "least-squares":
        loss = square * ((real - 1) ** 2 + fake**2)
    elif kind == "hinge":
        loss = np.maximum(1 - real, 0) + np.maximum(1 + fake, 0)
    elif kind == "wasserstein":
        loss = fake - real
    else:
        raise ValueError(f"no kind {kind!r}; there are {', '.join(DISCRIMINATOR)}")
    return (half * loss).astype(real.dtype)


def discriminator_loss_vjp(real, fake, cotangents, *, kind="logistic", halves="sum", squares="half"):
    half, square = shares(halves, squares)
    g = half * cotangents
    if kind == "logistic":
        slopes = -sigmoid(-real), sigmoid(fake)
    elif kind == "least-squares":
        slopes = 2 * square * (real - 1), 2 * square * fake
    elif kind == "hinge":
        slopes = -(real < 1).astype(real.dtype), (fake > -1).astype(fake.dtype)
    else:
        slopes = -np.ones_like(real), np.ones_like(fake)
    return tuple((g * slope).astype(real.dtype) for slope in slopes)


def generator_loss(fake, *, kind="non-saturating", squares="half"):
    if kind == "minimax":
        return -softplus(fake)
    if kind == "non-saturating":
        return softplus(-fake)
    if kind == "least-squares":
        return (shares("sum", squares)[1] * (fake - 1) ** 2).astype(fake.dtype)
    if kind not in GENERATOR:
        raise ValueError(f"no kind {kind!r}; there are {', '.join(GENERATOR)}")
    return -fake


def generator_loss_vjp(fake, cotangents, *, kind="non-saturating", squares="half"):
    if kind == "minimax":
        slope = -sigmoid(fake)
    elif kind == "non-saturating":
        slope = -sigmoid(-fake)
    elif kind == "least-squares":
        slope = 2 * shares("sum", squares)[1] * (fake - 1)
    else:
        slope = -np.ones_like(fake)
    return ((cotangents * slope).astype(fake.dtype),)


# ---- a penalty on the slope of a critic of squares, ½ Σ read (x kernel + bias)²


def slope(x, kernel, bias, read, rounded=lambda part: part):
    """The gradient of the critic with respect to each x."""
    return rounded(rounded(read * rounded(x @ kernel + bias)) @ kernel.T)


def off_target(slopes, target, sides, rounded=lambda part: part):
    """The lengths of the slopes, and by how much they are off; 0 below the target where only one side counts."""
    square = (slopes**2).sum(-1)
    zero = square == 0
    length = rounded(np.where(zero, 0, np.sqrt(np.where(zero, 1, square))))
    off = length - slopes.real.dtype.type(target)
    return length, np.where(off.real > 0, off, 0) if sides == "one" else off


def gradient_penalty(x, kernel, bias, read, *, target=1.0, sides="two", rounded=lambda part: part):
    if not target >= 0:
        raise ValueError(f"target must not be negative, got {target}")
    return off_target(slope(x, kernel, bias, read, rounded), target, sides, rounded)[1] ** 2


def gradient_penalty_vjp(x, kernel, bias, read, cotangents, *, target=1.0, sides="two", rounded=lambda part: part):
    z = rounded(x @ kernel + bias)
    slopes = slope(x, kernel, bias, read, rounded)
    length, off = off_target(slopes, target, sides, rounded)
    unit = np.where(length[:, None] > 0, slopes / np.where(length > 0, length, 1)[:, None], 0)
    for_slopes = rounded(2 * (cotangents * off)[:, None] * unit)
    for_units = rounded(for_slopes @ kernel)  # of read times z
    for_z = rounded(for_units * read)
    for_kernel = for_slopes.T @ (read * z) + x.T @ for_z
    return for_z @ kernel.T, for_kernel, for_z.sum(0), (for_units * z).sum(0)


# ---- distributions


def plogp(p, ratio):
    """The product p · log(ratio), 0 where p is."""
    return p * np.log(np.where(p == 0, 1, ratio))


def distributions(*arrays):
    for p in arrays:
        if (p.real < 0).any() or (p.real > 1 + 4 * np.finfo(p.dtype).eps).any():
            raise ValueError("a probability lies outside [0, 1]")


def gan_value(d, p, q):
    distributions(d, p, q)
    return value(d, p, q)


def value(d, p, q):
    """The value of the game, of numbers that may be off by rounding."""
    return (plogp(p, d) + plogp(q, 1 - d)).sum(-1)


def gan_value_vjp(d, p, q, cotangents):
    g = cotangents[..., None]
    return g * (p / d - q / (1 - d)), g * np.log(d), g * np.log(1 - d)


def jensen_shannon(p, q, *, form="divergence"):
    distributions(p, q)
    middle = np.where(p + q == 0, 1, p + q) / 2
    found = (plogp(p, p / middle) + plogp(q, q / middle)).sum(-1) / 2
    return np.sqrt(found) if form == "distance" else found


def jensen_shannon_vjp(p, q, cotangents, *, form="divergence"):
    g = cotangents[..., None] / 2
    if form == "distance":
        g = g / (2 * jensen_shannon(p, q, form=form)[..., None])
    return tuple(g * np.log(2 * part / (p + q)) for part in (p, q))
