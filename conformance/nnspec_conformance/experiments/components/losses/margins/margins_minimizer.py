"""A.6: what the losses of margins ask for, where the labels of one input differ."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

SHARE = 0.3  # of the label 1; the others are -1


@experiment("margins-minimizer", short={"step": 0.05})
def margins_minimizer(*, step: float = 0.001) -> Outcome:
    """The grid's score, or share, of least expected loss; nothing is drawn. Short: a coarse grid."""
    import jax
    import jax.numpy as jnp

    from nnspec.components.losses import margins

    count = round(1 / step)
    scores, shares = np.arange(-2 * count, 2 * count + 1) / count, np.arange(1, count) / count
    rows, came = [], {}
    with jax.enable_x64(True):
        s, q = jnp.asarray(scores), jnp.stack([jnp.asarray(shares), 1 - jnp.asarray(shares)], -1)
        one, other = jnp.ones(s.size, int), jnp.zeros_like(q).at[:, 0].set(1)
        expected = {
            name: (grid, SHARE * loss(x, yes) + (1 - SHARE) * loss(x, no))
            for name, loss, grid, x, yes, no in (
                ("hinge", margins.hinge, scores, s, one, -one),
                ("squared hinge", margins.squared_hinge, scores, s, one, -one),
                ("cosine", margins.cosine_loss, shares, q, other, 1 - other),
            )
        }
        for name, (grid, loss) in expected.items():
            at = int(np.asarray(loss).argmin())
            came[f"minimizer, {name}"] = float(grid[at])
            rows.append({"loss": name, "minimizer": float(grid[at]), "expected loss": float(loss[at])})
    least = came["minimizer, hinge"]
    return Outcome(came, Effect("score of least expected hinge loss", least, (least, least), ""), rows, {})
