"""The reference's heavy ball and Nesterov's momentum."""

from __future__ import annotations

from nnspec.training import momentum as topic
from nnspec_conformance.adapters.jax.steppers import stepper

VARIANTS = {
    "momentum.rate-position": ("outside", "inside"),
    "momentum.dampening": ("whole", "dampened"),
    "momentum.weight-decay": ("gradient", "decoupled"),
}

momentum = stepper(topic.momentum)
nesterov = stepper(topic.nesterov)
