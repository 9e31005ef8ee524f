"""Tests of cosine_decay (a series of steps) and early_stopping (a series of metrics, a dict of plain numbers)."""

import numpy as np
from oracles import cosine_decay, early_stopping

from nnspec_conformance.cases import call, clause
from nnspec_conformance.tolerance import ulps

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
