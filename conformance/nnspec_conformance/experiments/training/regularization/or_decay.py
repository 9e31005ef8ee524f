"""Where a penalty of squares and weight decay are the same method, and where they are not."""

from __future__ import annotations

from typing import Any

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

START, RATE, STRENGTH = 2.0, 0.1, 1.0


@experiment("penalty-or-decay", short={})
def penalty_or_decay() -> Outcome:
    """Steps of three optimizers, with the penalty in the gradient and with the decay beside it."""
    from nnspec.components.optimization import gradient_descent
    from nnspec.training.adam import adam
    from nnspec.training.momentum import momentum

    methods = {
        "gradient descent": (gradient_descent(RATE), 3),
        "momentum": (momentum(RATE, momentum=0.9), 3),
        "Adam after a step": (adam(RATE), 1),
    }
    ends = {
        name: {kind: end(method, steps, kind) for kind in ("penalty", "decay")}
        for name, (method, steps) in methods.items()
    }
    came = {f"{name}, {kind}": x for name, of in ends.items() for kind, x in of.items()}
    came["gradient descent, penalty less decay"] = came.pop("gradient descent, penalty") - came.pop(
        "gradient descent, decay"
    )
    rows: list[dict[str, Any]] = [{"optimizer": name, **of} for name, of in ends.items()]
    apart = ends["momentum"]["decay"] - ends["momentum"]["penalty"]
    return Outcome(came, Effect("momentum, decay less penalty", apart, (apart, apart)), rows)


def end(method: Any, steps: int, kind: str) -> float:
    """The parameter after so many steps on a loss that does not depend on it."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.training.regularization import l2_penalty

    x: Any = jnp.asarray(START)
    state = method.init(x)
    for _ in range(steps):
        g = jax.grad(lambda x: l2_penalty(x, strength=STRENGTH))(x) if kind == "penalty" else jnp.zeros(())
        updates, state = method.update(g, state, x)
        decay = RATE * STRENGTH * x if kind == "decay" else 0.0
        stepped: Any = optax.apply_updates(x, updates)
        x = stepped - decay
    return float(x)
