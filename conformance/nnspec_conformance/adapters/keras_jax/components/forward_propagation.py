"""One program instead of one for each step."""

from __future__ import annotations

import jax

from nnspec_conformance.adapters.keras.components import forward_propagation

forward = jax.jit(forward_propagation.forward, static_argnames="activation")
