"""Tests of batch_norm (state map), dropout (random map), he_normal (random) and lstm (state map with named weights)."""

import numpy as np
from oracles import GATES, batch_norm, lstm

from nnspec_conformance.cases import call, clause, gradient
from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.tolerance import Shape, exact, spread, statistical, ulps
from nnspec_conformance.trees import mapped

HYPER = {"decay": 0.7, "epsilon": 0.05}  # off every framework's default, and epsilon large enough to matter


def spread_of(f, arrays, dtype):
    """The expected results of ``f``: 8 times what they move when every operand is rounded, plus an ulp."""
    return spread(lambda rounded: f(*mapped(rounded, wide(arrays))), dtype)


def gradient_spread(f, arrays, cotangents, dtype):
    """The expected gradients of ``f``; the cotangents are operands, too."""
    return spread_of(lambda *operands: complex_step(f, operands[:-1], operands[-1]), (*arrays, cotangents), dtype)


# ---- batch_norm


def batch(dtype):
    """Six values a channel (n and n-1 apart), channels of different mean and size, all arrays pairwise different.

    No mean is larger than its channel's deviation: whether a variance is taken in one pass is another question.
    """
    x = normal_draws(1, (2, 3, 4), "float64") * [1.0, 2.0, 0.5, 3.0] + [0.5, -1.0, 0.25, 2.0]
    parameters = normal_draws(2, (2, 4), "float64")
    state = (normal_draws(3, (4,), "float64"), np.array([0.5, 1.5, 2.5, 0.25]))
    return tuple(a.astype(dtype) for a in (x, parameters[0], parameters[1], *state))


def batch_norm_case(dtype, train, part, readings):
    """The case, with only ``part`` of (y, mean, variance) compared; the rest is another clause's business."""
    arrays, reading = batch(dtype), readings["running_variance"]
    want = spread_of(lambda *a: batch_norm(*a, train=train, **HYPER, running_variance=reading), arrays, dtype)
    loose = [Shape(w.value.shape, dtype) for w in want]
    want = tuple(w if i in part else loose[i] for i, w in enumerate(want))
    return call("batch_norm", *arrays, train=train, **HYPER, want=want)


@clause("batch-norm.train")
def batch_norm_train(readings):
    for dtype in ("float32", "float64"):
        yield batch_norm_case(dtype, True, (0, 1), readings)


@clause("batch-norm.running-variance")
def batch_norm_running_variance(readings):
    yield batch_norm_case("float32", True, (2,), readings)


@clause("batch-norm.eval")
def batch_norm_eval(readings):
    yield batch_norm_case("float32", False, (0, 1, 2), readings)


@clause("batch-norm.gradient")
def batch_norm_gradient():
    """Of y; a running statistic hands no gradient on, so its cotangent is zero."""
    arrays = batch("float32")
    cotangents = (normal_draws(4, arrays[0].shape), np.zeros(4, np.float32), np.zeros(4, np.float32))
    forward = lambda *a: batch_norm(*a, train=True, **HYPER)  # noqa: E731
    want = gradient_spread(forward, arrays, cotangents, "float32")
    attributes = {"train": True, **HYPER}
    yield gradient("batch_norm", *arrays, **attributes, cotangents=cotangents, want=want)


# ---- dropout

RATE = {"rate": 0.25, "train": True}  # not 1/2, at which keeping and dropping cannot be told apart


@clause("dropout.repeatable")
def dropout_repeatable(trial):
    x = normal_draws(5, (64, 5))
    first, again, other = (trial.call(x, seed=seed, **RATE) for seed in (3, 3, 4))
    trial.expect(again, exact(first), "dropout with the same seed")
    trial.require(bool((first != other).any()), "dropout gives the same result for another seed")


@clause("dropout.scale")
def dropout_scale(trial):
    x = normal_draws(5, (64, 5))
    y = trial.call(x, seed=3, **RATE)
    trial.expect(y, ulps(np.where(y == 0, 0, x / np.float64(0.75)), 2, "float32"), "what dropout keeps")


@clause("dropout.gradient")
def dropout_gradient(trial):
    x, g = normal_draws(5, (64, 5)), normal_draws(6, (64, 5))
    y = trial.call(x, seed=3, **RATE)
    want = ulps(np.where(y == 0, 0, g / np.float64(0.75)), 2, "float32")
    trial.expect(trial.vjp((x,), g, seed=3, **RATE), (want,), "gradient of dropout")


@clause("dropout.fraction")
def dropout_fraction(trial):
    n, rate = 2**18, 0.25
    y = trial.call(np.ones((n,), np.float32), seed=7, **RATE)
    dropped = np.asarray(np.mean(y == 0, dtype=np.float64))
    trial.expect(dropped, statistical(rate, np.sqrt(rate * (1 - rate)), n), "fraction dropped")


@clause("dropout.eval")
def dropout_eval():
    x = normal_draws(5, (64, 5))
    yield call("dropout", x, rate=0.25, train=False, seed=3, want=exact(x))


# ---- he_normal


@clause("he-normal.shape")
def he_normal_shape():
    for shape in ((3, 5), (3, 2, 4, 5)):
        yield call("he_normal", shape, seed=1, want=Shape(shape, "float32"))


@clause("he-normal.moments")
def he_normal_moments(trial):
    for shape in ((400, 300), (3, 5, 40, 200)):  # dense [in, out] and convolution [height, width, in, out]
        fan_in, n = np.prod(shape[:-1]), int(np.prod(shape))
        w = trial.call(shape, seed=1).astype(np.float64) * np.sqrt(fan_in / 2)
        trial.expect(np.asarray(w.mean()), statistical(0.0, 1.0, n), f"mean over {shape}, in standard deviations")
        square = np.asarray(np.mean(w**2))  # of a normal variable the square has standard deviation sqrt(2)
        trial.expect(square, statistical(1.0, np.sqrt(2), n), f"variance over {shape}, in units of 2/fan-in")


# ---- lstm


def lstm_arrays():
    """2 rows, 4 steps, 3 features, 5 units: all axes of different length; no state and no bias is zero."""
    shapes = {"kernel": (3, 5), "recurrent": (5, 5), "bias": (5,)}
    gates = {
        f"{n}_{k}": normal_draws(10 * i + j, s) for i, k in enumerate(GATES) for j, (n, s) in enumerate(shapes.items())
    }
    return normal_draws(91, (2, 4, 3)), normal_draws(92, (2, 5)), normal_draws(93, (2, 5)), gates


@clause("lstm.value")
def lstm_value():
    yield call("lstm", *lstm_arrays(), want=spread_of(lstm, lstm_arrays(), "float32"))


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
    arrays = lstm_arrays()
    cotangents = (normal_draws(94, (2, 4, 5)), normal_draws(95, (2, 5)), normal_draws(96, (2, 5)))
    want = gradient_spread(lstm, arrays, cotangents, "float32")
    yield gradient("lstm", *arrays, cotangents=cotangents, want=want)
