"""Tests of adam (stepper), cosine_decay (series of steps) and early_stopping (series of metrics)."""

import numpy as np
from oracles import adam, cosine_decay, early_stopping

from nnspec_conformance.cases import call, clause, steps
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.tolerance import spread, ulps

# ---- adam

RATES = [0.1, 0.1, 0.1, 0.02, 0.02, 0.05]  # changes mid-run, down and up
HYPER = {"b1": 0.8, "b2": 0.95, "eps": 0.01}  # off the defaults; epsilon of the size of some of the gradients


def adam_trajectory_of(params, grads, rates, hyper, dtype):
    """Expected parameters; every operand of every step, hyper-parameters too, is rounded at random."""

    def run(rounded):
        tree = lambda t: {k: rounded(v) for k, v in t.items()}  # noqa: E731
        moved = {k: float(rounded(v)) for k, v in hyper.items()}
        return adam(
            tree(params), [tree(g) for g in grads], [float(rounded(r)) for r in rates], **moved, rounded=rounded
        )

    return spread(run, dtype)


@clause("adam.trajectory")
def adam_trajectory():
    for dtype in ("float32", "float64"):
        params = {"a": normal_draws(1, (3,), dtype), "b": normal_draws(2, (2, 1), dtype)}
        grads = [  # of alternating sign and of sizes around epsilon
            {"a": normal_draws(10 + t, (3,), dtype) * (-1) ** t, "b": normal_draws(20 + t, (2, 1), dtype, 0.02)}
            for t in range(6)
        ]
        yield steps(
            "adam",
            params,
            learning_rate=RATES[0],
            **HYPER,
            grads=grads,
            rates=RATES,
            want=adam_trajectory_of(params, grads, RATES, HYPER, dtype),
        )


@clause("adam.eps")
def adam_eps(default):
    """At a gradient equal to epsilon the first step is half the rate; a decade away it is 0.09 or 0.91 of it."""
    params, grads = {"w": np.zeros(1, np.float32)}, [{"w": np.full(1, default, np.float32)}]
    want = adam_trajectory_of(params, grads, [1.0], {"b1": 0.9, "b2": 0.999, "eps": default}, "float32")
    attributes = {"learning_rate": 1.0, "b1": 0.9, "b2": 0.999}
    yield steps("adam", params, **attributes, grads=grads, want=want)


# ---- cosine_decay


def cosine_case(steps, past_end):
    value = cosine_decay(steps, init_value=0.3, decay_steps=7, past_end=past_end)
    attributes = {"init_value": 0.3, "decay_steps": 7}  # a period that no power of two divides
    return call("cosine_decay", steps, **attributes, want=ulps(value, 8, "float32", scale=0.3))


@clause("cosine-decay.value")
def cosine_decay_value(readings):
    yield cosine_case(np.arange(8), readings["past_end"])


@clause("cosine-decay.past-end")
def cosine_decay_past_end(readings):
    yield cosine_case(np.array([0, 7, 8, 9, 12]), readings["past_end"])


# ---- early_stopping


def stopping_case(metrics, patience, min_delta, readings):
    hyper = {"patience": patience, "min_delta": min_delta}
    want = early_stopping(metrics, **hyper, exceeded=readings["patience"] == "exceeded")
    return call("early_stopping", np.array(metrics, np.float32), **hyper, want=want)


@clause("early-stopping.patience")
def early_stopping_patience(readings):
    for metrics in ([3.0, 2.0, 2.5, 2.25, 1.0, 1.5, 1.5, 1.5, 1.5], [3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]):
        for patience in (2, 3):
            yield stopping_case(metrics, patience, 0.25, readings)


@clause("early-stopping.min-delta")
def early_stopping_min_delta(readings):
    """Patience 1: with 2, every second epoch improves by more and hides the rule."""
    yield stopping_case([4.0, 3.5, 3.0, 2.5, 2.0], 1, 0.5, readings)
    yield stopping_case([4.0, 3.4375, 2.875, 2.3125], 1, 0.5, readings)
