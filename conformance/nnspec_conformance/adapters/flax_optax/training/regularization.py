"""``optax.l2_loss`` for each parameter; Optax and Flax have no penalty of absolute values and no bound on columns."""

from __future__ import annotations

import optax

KNOWN_FAILURES = {
    "penalty.negative-strength[l2_penalty]": (
        "a strength of -0.5 gives a negative penalty, right is to refuse it: l2_loss has no strength, "
        "it is multiplied by hand; searched 2026-11-28, not found; "
        "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/losses/_regression.py"
    ),
}


def l2_penalty(x, *, strength):
    return strength * optax.l2_loss(x).sum()
