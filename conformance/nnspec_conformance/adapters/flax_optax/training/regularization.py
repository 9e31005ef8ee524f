"""``optax.l2_loss`` for each parameter; Optax and Flax have no penalty of absolute values and no bound on columns."""

from __future__ import annotations

import optax


def l2_penalty(x, *, strength):
    return strength * optax.l2_loss(x).sum()
