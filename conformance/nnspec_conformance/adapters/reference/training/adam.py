"""The reference's Adam and its relatives."""

from __future__ import annotations

from nnspec.training import adam as topic
from nnspec_conformance.adapters.jax.steppers import stepper

adam = stepper(topic.adam)
amsgrad = stepper(topic.amsgrad)
adamw = stepper(topic.adamw)
nadam = stepper(topic.nadam)
adamax = stepper(topic.adamax)
