"""The oracle of the losses of regression against mpmath in 50 digits, extremes included, and the page's numbers."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.components.losses import regression as oracle

MP = mpmath.mp.clone()
MP.dps = 50
RANDOM = np.random.default_rng(0)
X = np.concatenate([RANDOM.normal(0, s, 50) for s in (0.1, 2, 30, 300)])
Y = X + np.concatenate([RANDOM.normal(0, s, 50) for s in (3, 0.1, 100, 1)])
V = np.exp(RANDOM.uniform(-12, 12, 200))
LOG_RATE = RANDOM.uniform(-30, 12, 200)
RATE = np.exp(LOG_RATE)
COUNT = np.concatenate([RANDOM.integers(0, 400, 150), RANDOM.uniform(0, 5, 50)]).astype(np.float64)


def in_50_digits(f, *arrays):
    return [float(f(*(MP.mpf(float(v)) for v in row))) for row in zip(*arrays, strict=True)]


def huber(d, delta):
    return d * d / 2 if abs(d) <= delta else delta * (abs(d) - delta / 2)


def stirling(t):
    return t * MP.log(t) - t + MP.log(2 * MP.pi * t) / 2 if t > 1 else MP.mpf(0)


RIGHT = {
    "squared_error": (lambda x, y: (x - y) ** 2, (X, Y), {}),
    "squared_error, half": (lambda x, y: (x - y) ** 2 / 2, (X, Y), {"factor": "half"}),
    "absolute_error": (lambda x, y: abs(x - y), (X, Y), {}),
    "huber": (lambda x, y: huber(x - y, MP.mpf(2)), (X, Y), {"delta": 2.0}),
    "smooth_l1": (lambda x, y: huber(x - y, MP.mpf("0.5")) * 2, (X, Y), {"beta": 0.5}),
    "smooth_l1, at 0": (lambda x, y: abs(x - y), (X, Y), {"beta": 0.0}),
    "gaussian_nll": (lambda x, y, v: (MP.log(v) + (x - y) ** 2 / v) / 2, (X, Y, V), {}),
    "gaussian_nll, full": (
        lambda x, y, v: -MP.log(MP.exp(-((x - y) ** 2) / (2 * v)) / MP.sqrt(2 * MP.pi * v)), (X, Y, V), {"full": True}
    ),
    "gaussian_nll, clamped": (
        lambda x, y, v: (MP.log(max(v, MP.mpf(1e-6))) + (x - y) ** 2 / max(v, MP.mpf(1e-6))) / 2,
        (X, Y, V * 1e-4), {"small_variance": "clamped"},
    ),
    "poisson_nll": (lambda x, t: MP.exp(x) - t * x, (LOG_RATE, COUNT), {}),
    "poisson_nll, full": (lambda x, t: MP.exp(x) - t * x + MP.loggamma(t + 1), (LOG_RATE, COUNT), {"full": True}),
    "poisson_nll, stirling": (
        lambda x, t: MP.exp(x) - t * x + stirling(t), (LOG_RATE, COUNT), {"full": True, "log_factorial": "stirling"}
    ),
    "poisson_nll_from_rate": (lambda r, t: r - t * MP.log(r), (RATE, COUNT), {}),
    "poisson_nll_from_rate, 1e-7": (
        lambda r, t: r - t * MP.log(r + MP.mpf(1e-7)), (RATE, COUNT), {"epsilon": "seven-digits"}
    ),
    "poisson_nll_from_rate, full": (
        lambda r, t: r - t * MP.log(r) + MP.loggamma(t + 1), (RATE, COUNT), {"full": True}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_losses_in_50_digits(name):
    right, arrays, told = RIGHT[name]
    got = getattr(oracle, name.partition(",")[0])(*arrays, **told)
    terms = 0.0  # whose difference a log-likelihood is: e^x, t x and log t!, or log v and d^2 / v
    if "poisson" in name:
        terms = RATE + COUNT * (np.abs(LOG_RATE) + 7)
    elif "gaussian" in name:
        terms = np.abs(np.log(arrays[2])) + 1
    assert (np.abs(got - in_50_digits(right, *arrays)) <= 1e-14 * (np.abs(got) + terms)).all()


POINTS = {  # no error is at a kink
    "squared_error": ((X[60:66], Y[60:66]), {"factor": "half"}),
    "absolute_error": ((X[60:66], Y[60:66]), {}),
    "huber": ((X[:6], Y[:6]), {"delta": 2.0}),
    "smooth_l1": ((X[:6], Y[:6]), {"beta": 2.0}),
    "gaussian_nll": ((X[:6], Y[:6], np.array([0.5, 2.0, 0.25, 3.0, 1.5, 4.0])), {"full": True}),
    "poisson_nll": ((LOG_RATE[:6] / 10, COUNT[-6:]), {"full": True}),
    "poisson_nll_from_rate": ((np.array([0.5, 2.0, 0.25, 3.0, 1.5, 4.0]), COUNT[-6:]), {"full": True}),
}


@pytest.mark.parametrize("shape", [(6,), (2, 3)])
@pytest.mark.parametrize("outputs", ["each", "averaged"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", POINTS)
def test_gradients_are_central_differences(name, reduction, outputs, shape):
    arrays, told = POINTS[name]
    arrays, told = [a.reshape(shape) for a in arrays], told | {"reduction": reduction, "outputs": outputs}
    f, vjp = getattr(oracle, name), getattr(oracle, f"{name}_vjp")
    cotangents = RANDOM.normal(size=np.shape(f(*arrays, **told)))
    for place, gradient in enumerate(vjp(*arrays, cotangents, **told)):
        for at in np.ndindex(shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [a.copy() for a in arrays]
                moved[place][at] += step
                ends.append(np.sum(cotangents * f(*moved, **told)))
            assert gradient[at] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", POINTS)
def test_second_derivatives_are_central_differences_of_the_gradient(name):
    (x, *held), told = POINTS[name]
    vjp = getattr(oracle, f"{name}_vjp")
    ends = [vjp(x + step, *held, np.ones(6), **told)[0] for step in (1e-5, -1e-5)]
    found = getattr(oracle, f"{name}_second_derivative")(x, *held, **told)
    np.testing.assert_allclose(found, (ends[0] - ends[1]) / 2e-5, rtol=1e-5, atol=1e-7)


def test_the_numbers_of_the_page():
    x, y, one = np.array([3.0]), np.array([1.0]), np.ones(1)
    by_hand = {
        "squared_error": (4.0, 4.0, {}),
        "absolute_error": (2.0, 1.0, {}),
        "huber": (1.5, 1.0, {"delta": 1.0}),
        "smooth_l1": (0.5, 0.5, {"beta": 4.0}),
    }
    for name, (loss, slope, told) in by_hand.items():
        assert getattr(oracle, name)(x, y, **told) == loss
        assert getattr(oracle, f"{name}_vjp")(x, y, one, **told)[0] == slope
    assert oracle.huber(x, y, delta=4.0) == 2
    variance = np.array([4.0])
    assert oracle.gaussian_nll(x, y, variance) == pytest.approx(np.log(2) + 0.5)
    np.testing.assert_allclose(oracle.gaussian_nll_vjp(x, y, variance, one), [[0.5], [-0.5], [0]])
    count = np.array([3.0])
    assert oracle.poisson_nll(np.zeros(1), count) == 1
    assert oracle.poisson_nll_vjp(np.zeros(1), count, one)[0] == -2
    rate = np.array([2.0])
    assert oracle.poisson_nll_from_rate(rate, count) == pytest.approx(2 - 3 * np.log(2))
    assert oracle.poisson_nll_from_rate(rate, count, full=True) == pytest.approx(2 - 3 * np.log(2) + np.log(6))
    assert oracle.poisson_nll_from_rate_vjp(rate, count, one)[0] == -0.5


@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "huber"])
def test_weights_of_examples(name):
    f, vjp = getattr(oracle, name), getattr(oracle, f"{name}_vjp")
    arrays, w = (np.array([1.0, 2, -3, 0.25, 5, 0]), np.zeros(6)), np.array([3.0, 1, 0.5, 0, 2, 0.25])
    each = f(*arrays)

    np.testing.assert_allclose(f(*arrays, w), w * each)
    assert f(*arrays, w, reduction="mean") == pytest.approx(np.average(each, weights=w))
    assert f(*arrays, w, reduction="mean", weighted_mean="count") == pytest.approx(np.mean(w * each))
    assert f(*arrays, 0 * w, reduction="mean") == 0
    assert np.isnan(f(*arrays, 0 * w, reduction="mean", zero_weights="nan"))
    for got, right in zip(vjp(*arrays, w, np.float64(1), reduction="mean"), vjp(*arrays, w / w.sum()), strict=False):
        np.testing.assert_allclose(got, right)


def test_the_weighted_means_of_the_page():
    given = np.array([1.0, 2]), np.zeros(2), np.array([3.0, 1])
    means = [oracle.squared_error(*given, reduction="mean", weighted_mean=reading) for reading in ("weights", "count")]
    assert means == [1.75, 3.5]
