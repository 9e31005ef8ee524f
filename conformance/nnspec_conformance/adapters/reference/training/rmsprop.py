"""The reference's RMSprop, its centred form, and Adagrad."""

from __future__ import annotations

from nnspec.training import rmsprop as topic
from nnspec_conformance.adapters.jax.steppers import stepper

rmsprop = stepper(topic.rmsprop)
centred_rmsprop = stepper(topic.centred_rmsprop)
adagrad = stepper(topic.adagrad)
