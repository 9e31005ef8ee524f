"""The losses of Optax for regression, which give one number an element and have no reduction."""

from __future__ import annotations

import optax

VARIANTS = {"squared-error.factor": ("whole", "half")}


def squared_error(prediction, target, *, factor, **given):
    _only_reduction(given)
    return (optax.l2_loss if factor == "half" else optax.squared_error)(prediction, target)


def huber(prediction, target, *, reduction="none", **given):
    _only_reduction({"reduction": reduction})
    return optax.huber_loss(prediction, target, **given)


def _only_reduction(given):
    if given.get("reduction", "none") != "none":
        raise NotImplementedError("the losses of Optax have no reduction")
