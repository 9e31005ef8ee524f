"""Tests of batch_norm and lstm, state maps: y and the next state, several results of which each clause asks its own."""

import numpy as np
from oracles import GATES, batch_norm, lstm

from nnspec_conformance.cases import call, clause, gradient
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.tolerance import Shape, exact
from nnspec_conformance.wanted import gradients_of, value_of

# ---- batch_norm

HYPER = {"decay": 0.7, "epsilon": 0.05}  # off every framework's default, and epsilon large enough to matter


def batch(dtype):
    """Six values a channel (n and n-1 apart), channels of different mean and size, all arrays pairwise different.

    No mean is larger than its channel's deviation: whether a variance is taken in one pass is another question.
    """
    x = normal_draws(1, (2, 3, 4), "float64") * [1.0, 2.0, 0.5, 3.0] + [0.5, -1.0, 0.25, 2.0]
    parameters = normal_draws(2, (2, 4), "float64")
    state = (normal_draws(3, (4,), "float64"), np.array([0.5, 1.5, 2.5, 0.25]))
    return tuple(a.astype(dtype) for a in (x, parameters[0], parameters[1], *state))


def of_results(*places, readings):
    """Only these of (y, mean, variance); the others may be whatever they are: another clause's business."""
    right = value_of(lambda *a, **given: batch_norm(*a, running_variance=readings["running_variance"], **given))

    def want(*arrays, **attributes):
        wants = right(*arrays, **attributes)
        return tuple(w if i in places else Shape(w.value.shape, w.dtype) for i, w in enumerate(wants))

    return want


@clause("batch-norm.train")
def batch_norm_train(readings):
    for dtype in ("float32", "float64"):
        yield call("batch_norm", *batch(dtype), train=True, **HYPER, want=of_results(0, 1, readings=readings))


@clause("batch-norm.running-variance")
def batch_norm_running_variance(readings):
    yield call("batch_norm", *batch("float32"), train=True, **HYPER, want=of_results(2, readings=readings))


@clause("batch-norm.eval")
def batch_norm_eval(readings):
    yield call("batch_norm", *batch("float32"), train=False, **HYPER, want=of_results(0, 1, 2, readings=readings))


@clause("batch-norm.gradient")
def batch_norm_gradient():
    """Of y; a running statistic hands no gradient on, so its cotangent is zero."""
    arrays = batch("float32")
    cotangents = (normal_draws(4, arrays[0].shape), np.zeros(4, np.float32), np.zeros(4, np.float32))
    yield gradient("batch_norm", *arrays, train=True, **HYPER, cotangents=cotangents, want=gradients_of(batch_norm))


# ---- lstm


def lstm_arrays():
    """2 rows, 4 steps, 5 features, 3 units: all axes of different length; no state and no bias is zero.

    Weights of variance 1/n, so that no gate saturates: there a slope, 1 - tanh(z)^2, is right within units of 1 only.
    """
    shapes = {"kernel": (5, 3), "recurrent": (3, 3), "bias": (3,)}
    gates = {
        f"{name}_{gate}": normal_draws(10 * i + j, shape, scale=shape[0] ** -0.5)
        for i, gate in enumerate(GATES)
        for j, (name, shape) in enumerate(shapes.items())
    }
    return normal_draws(91, (2, 4, 5)), normal_draws(92, (2, 3)), normal_draws(93, (2, 3)), gates


@clause("lstm.value")
def lstm_value():
    yield call("lstm", *lstm_arrays(), want=value_of(lstm))


@clause("lstm.causal")
def lstm_causal(trial):
    x, *rest = lstm_arrays()
    later = x.copy()
    later[:, 2:] += 1
    before, after = trial.call(x, *rest)[0], trial.call(later, *rest)[0]
    trial.expect(after[:, :2], exact(before[:, :2]), "outputs before the input that changed")
    trial.require(bool((after[:, 2:] != before[:, 2:]).all()), "outputs do not depend on the input of their step")


@clause("lstm.gradient")
def lstm_gradient():
    cotangents = (normal_draws(94, (2, 4, 3)), normal_draws(95, (2, 3)), normal_draws(96, (2, 3)))
    yield gradient("lstm", *lstm_arrays(), cotangents=cotangents, want=gradients_of(lstm))
