"""Tests of dropout (random map) and he_normal (random): nobody can be handed a mask, so relations and statistics."""

import numpy as np

from nnspec_conformance.cases import call, clause
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.tolerance import Shape, exact, share, statistical, ulps, uncorrelated, variance

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
    n = 2**18
    dropped = trial.draws(np.ones(n, np.float32), seeds=1, **RATE) == 0
    trial.expect(dropped.mean(), share(0.25, n), "fraction dropped")


@clause("dropout.independence")
def dropout_independence(trial):
    n = 2**16
    one, other = trial.draws(np.ones(n, np.float32), seeds=2, **RATE) == 0
    trial.expect(np.corrcoef(one[1:], one[:-1])[0, 1], uncorrelated(n - 1), "correlation of neighbours dropped")
    trial.expect(np.corrcoef(one, other)[0, 1], uncorrelated(n), "correlation of what two seeds drop")


@clause("dropout.eval")
def dropout_eval():
    x = normal_draws(5, (64, 5))
    yield call("dropout", x, rate=0.25, train=False, seed=3, want=exact(x))


# ---- he_normal


SHAPES = ((400, 300), (3, 5, 40, 200))  # dense [in, out] and convolution [height, width, in, out]; no axes alike


@clause("he-normal.shape")
def he_normal_shape():
    for shape in SHAPES:
        yield call("he_normal", shape, seed=1, want=Shape(shape, "float32"))


@clause("he-normal.moments")
def he_normal_moments(trial):
    for shape in SHAPES:
        fan_in, n = np.prod(shape[:-1]), int(np.prod(shape))
        w = trial.draws(shape, seeds=1) * np.sqrt(fan_in / 2)
        trial.expect(w.mean(), statistical(0.0, 1.0, n), f"mean over {shape}, in standard deviations")
        trial.expect(np.mean(w**2), variance(1.0, 3.0, n), f"variance over {shape}, in units of 2/fan-in")
