"""The losses of Optax for regression, which give one number an element and have no reduction."""

from __future__ import annotations

import optax

VARIANTS = {"squared-error.factor": ("whole", "half")}

SOURCE = "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/losses/_regression.py"
# Measured: what was asked, what came, what is right, and why.
KNOWN_FAILURES = {
    "duty.broadcasting[huber]": (
        "[n] against [n, 1] gives n times n losses, right is a refusal: only squared_error compares the shapes; "
        "searched 2026-11-27, not found; " + SOURCE
    ),
    "duty.attributes[huber]; delta=2": (
        "the gradient for a small error is -0.0377640724, right is -0.0377639883: the sum of the same two parts as in "
        "duty.sizes; searched 2026-11-27, not found; " + SOURCE
    ),
    "duty.sizes[huber]; float32": (
        "the gradient for a small error is -0.000301033258, right is -0.000301019261: it is the sum of one through the "
        "clipped error, (|e| - delta) g, and one through the rest, delta g, and they cancel; "
        "searched 2026-11-27, not found; " + SOURCE
    ),
    "duty.programs[huber]; float32": (
        "the gradient for a small error is 0.0111471713 where the losses are summed, right is 0.0111471619: the sum of "
        "the same two parts; searched 2026-11-27, not found; " + SOURCE
    ),
    "huber.range[huber]": (
        "delta 0 gives losses of 0 and delta -1 negative ones, right is a refusal; "
        "searched 2026-11-27, not found; " + SOURCE
    ),
}


def squared_error(prediction, target, *weights, factor, **given):
    loss = optax.l2_loss if factor == "half" else optax.squared_error
    return loss(prediction, target, **_without_reduction(given, *weights))


def huber(prediction, target, *weights, **given):
    return optax.huber_loss(prediction, target, **_without_reduction(given, *weights))


def _without_reduction(given, *weights):
    if weights or given.pop("reduction", "none") != "none":
        raise NotImplementedError("the losses of Optax have neither weights nor a reduction")
    return given
