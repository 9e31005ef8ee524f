"""The reference's gradient descent, accumulated gradients and averages."""

from __future__ import annotations

from typing import Literal

from nnspec.components import optimization as topic
from nnspec_conformance.adapters.jax.steppers import averager, stepper

VARIANTS = {
    "gradient-accumulation.combine": ("mean", "sum"),
    "exponential-average.start": ("debiased", "zero", "copied", "initial"),
}

gradient_descent = stepper(topic.gradient_descent)
exponential_average = averager(topic.exponential_average)


@stepper
def gradient_accumulation(learning_rate, *, every, combine: Literal["mean", "sum"] = "mean"):
    return topic.gradient_accumulation(topic.gradient_descent(learning_rate), every, combine=combine)
