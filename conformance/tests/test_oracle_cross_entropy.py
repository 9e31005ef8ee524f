"""The oracle of cross-entropy against mpmath in 50 digits, extremes included, and the page's numbers."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.components.losses import cross_entropy as oracle

MP = mpmath.mp.clone()
MP.dps = 50
RANDOM = np.random.default_rng(0)
LOGITS = np.concatenate([RANDOM.normal(0, s, (50, 4)) for s in (0.1, 2, 30, 300)])
LABELS = RANDOM.integers(0, 4, 200).astype(np.int32)
ROWS = RANDOM.dirichlet([0.3] * 4, 400).clip(1e-12)
P, Q = (ROWS / ROWS.sum(-1, keepdims=True)).reshape(2, 200, 4)
WEIGHTS = np.array([0.5, 3.0, 1.5, 0.25])


def mp(values):
    return [MP.mpf(float(v)) for v in values]


def log_softmax(z):
    z = mp(z)
    total = MP.log(sum(MP.exp(v) for v in z))
    return [v - total for v in z]


def weighted(target, logs, weights=(1, 1, 1, 1)):
    return float(-sum(MP.mpf(float(t)) * MP.mpf(float(w)) * v for t, w, v in zip(target, weights, logs, strict=True)))


@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_losses_from_logits_in_50_digits(smoothing):
    told = {"label_smoothing": smoothing}
    y = np.eye(4)[LABELS]
    hard = [
        weighted((1 - smoothing) * t + smoothing / 4, log_softmax(z), WEIGHTS) for z, t in zip(LOGITS, y, strict=True)
    ]
    soft = [weighted((1 - smoothing) * t + smoothing / 4, log_softmax(z)) for z, t in zip(LOGITS, P, strict=True)]
    given = oracle.softmax_cross_entropy_with_integer_labels(LOGITS, LABELS, WEIGHTS, **told)
    np.testing.assert_allclose(given, hard, rtol=1e-13, atol=2e-15)
    np.testing.assert_allclose(oracle.softmax_cross_entropy(LOGITS, P, **told), soft, rtol=1e-13, atol=2e-15)


def test_losses_from_probabilities_in_50_digits():
    right = [weighted(t, [MP.log(v) for v in mp(p)]) for p, t in zip(P, Q, strict=True)]
    np.testing.assert_allclose(oracle.cross_entropy(P, Q), right, rtol=1e-14)
    hard = [float(-MP.log(MP.mpf(float(p[y])))) for p, y in zip(P, LABELS, strict=True)]
    np.testing.assert_allclose(oracle.cross_entropy_with_integer_labels(P, LABELS), hard, rtol=1e-14, atol=1e-16)


def test_divergence_in_50_digits():
    right = [
        float(sum(a * MP.log(a / b) for a, b in zip(mp(p), mp(q), strict=True))) for p, q in zip(P, Q, strict=True)
    ]
    np.testing.assert_allclose(oracle.kl_divergence(P, Q), right, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(oracle.kl_divergence(Q, P, direction="second-from-first"), right, rtol=1e-12, atol=1e-15)


def test_binary_losses_in_50_digits():
    x = np.concatenate([LOGITS.ravel()[::4], [1e4, -1e4, 0, 745]])
    t, w = RANDOM.uniform(0, 1, x.size), 2.5

    def loss(x, t):
        x, t = mp((x, t))
        return float(w * t * MP.log(1 + MP.exp(-x)) + (1 - t) * MP.log(1 + MP.exp(x)))

    right = [loss(*pair) for pair in zip(x, t, strict=True)]
    np.testing.assert_allclose(oracle.sigmoid_binary_cross_entropy(x, t, positive_weight=w), right, rtol=1e-13)
    p = P.ravel()[:200]
    right = [float(-w * b * MP.log(a) - (1 - b) * MP.log(1 - a)) for a, b in zip(mp(p), mp(t[:200]), strict=True)]
    np.testing.assert_allclose(oracle.binary_cross_entropy(p, t[:200], positive_weight=w), right, rtol=1e-13)


CASES = {
    "softmax_cross_entropy_with_integer_labels": (
        (LOGITS[60:66], LABELS[:6]),
        {"label_smoothing": 0.3, "ignore_label": 2},
    ),
    "softmax_cross_entropy": ((LOGITS[60:66], P[:6]), {"label_smoothing": 0.3}),
    "cross_entropy_with_integer_labels": ((P[:6], LABELS[:6]), {}),
    "cross_entropy": ((P[:6], Q[:6]), {}),
    "sigmoid_binary_cross_entropy": ((LOGITS[60], P[0]), {"positive_weight": 2.5}),
    "binary_cross_entropy": ((P[0], Q[0]), {"positive_weight": 2.5}),
    "kl_divergence": ((P[:6], Q[:6]), {}),
}


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_central_differences(name, reduction, monkeypatch):
    arrays, told = CASES[name]
    monkeypatch.setattr(oracle, "check_probabilities", lambda *_: None)  # a step leaves the simplex
    told = told | {"reduction": reduction}
    f, vjp = getattr(oracle, name), getattr(oracle, f"{name}_vjp")
    cotangents = RANDOM.normal(size=np.shape(f(*arrays, **told)))
    found = vjp(*arrays, cotangents, **told)
    floats = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]
    for place, gradient in zip(floats, found, strict=True):
        for at in np.ndindex(arrays[place].shape):
            h = 1e-5 * min(1.0, abs(arrays[place][at]))
            ends = []
            for step in (h, -h):
                moved = [a.copy() for a in arrays]
                moved[place][at] += step
                ends.append(np.sum(cotangents * f(*moved, **told)))
            assert gradient[at] == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_second_derivatives_are_central_differences_of_the_gradients(name, monkeypatch):
    (x, *rest), told = CASES[name]
    monkeypatch.setattr(oracle, "check_probabilities", lambda *_: None)  # a step leaves the simplex
    readings = [{"direction": "second-from-first"}] if name.startswith("kl") else [{"normalization": "divided"}]
    vjp, along = getattr(oracle, f"{name}_vjp"), RANDOM.normal(size=x.shape)
    for reading in [{}, *readings] if name.startswith(("kl", "cross")) else [{}]:
        h, g = 1e-6 * x.min(initial=1.0, where=x > 0), np.ones(np.shape(getattr(oracle, name)(x, *rest)))
        ends = [vjp(x + step * along, *rest, g, **told, **reading)[0] for step in (h, -h)]
        found = getattr(oracle, f"{name}_second_derivative")(x, *rest, along, **told, **reading)
        np.testing.assert_allclose(found, (ends[0] - ends[1]) / (2 * h), rtol=1e-4, atol=1e-6)


WEIGHTED = {
    "softmax_cross_entropy": (LOGITS[60:66], P[:6]),
    "sigmoid_binary_cross_entropy": (LOGITS[:6, 0], P[:6, 0]),
    "binary_cross_entropy": (P[:6, 0], Q[:6, 0]),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_of_examples(name):
    arrays, w, f = WEIGHTED[name], np.array([0.5, 0, 3, 1, 2, 0.25]), getattr(oracle, name)
    each, vjp = f(*arrays), getattr(oracle, f"{name}_vjp")

    np.testing.assert_allclose(f(*arrays, w), w * each)
    assert f(*arrays, w, reduction="mean") == pytest.approx(np.average(each, weights=w))
    assert f(*arrays, w, reduction="mean", weighted_mean="count") == pytest.approx(np.mean(w * each))
    assert f(*arrays, 0 * w, reduction="mean") == 0
    assert np.isnan(f(*arrays, 0 * w, reduction="mean", zero_weights="nan"))
    mean = vjp(*arrays, w, np.float64(1), reduction="mean")
    for got, right in zip(mean, vjp(*arrays, w / w.sum()), strict=False):
        np.testing.assert_allclose(got, right)


def test_an_impossible_outcome_with_the_weight_0():
    z, t, w = np.array([[0.0, -np.inf]] * 2), np.eye(2), np.array([1.0, 0.0])

    assert oracle.softmax_cross_entropy(z, t, w).tolist() == [0, 0]
    assert np.isnan(oracle.softmax_cross_entropy(z, t, w, zero_times_infinity="multiplied")[1])


def test_slopes_for_targets_of_impossible_outcomes():
    p = t = np.array([0.0, 1.0])
    right = {"zero": [0, 0], "infinite": [np.inf, -np.inf], "clipped": [16.118, -16.118]}
    for reading, slopes in right.items():
        found = oracle.binary_cross_entropy_vjp(p, t, np.ones(2), target_slope=reading)[1]
        np.testing.assert_allclose(found, slopes, atol=1e-3)


def test_the_numbers_of_the_page():
    z = np.log([[2.0, 1, 1], [2, 1, 1]])
    labels = np.array([0, 1], np.int32)
    np.testing.assert_allclose(oracle.softmax_cross_entropy_with_integer_labels(z, labels), np.log([2, 4]))
    smoothed = oracle.softmax_cross_entropy_with_integer_labels(z, labels, label_smoothing=0.3)
    assert smoothed[0] == pytest.approx(1.2 * np.log(2))
    slope = oracle.softmax_cross_entropy_with_integer_labels_vjp(z, labels, np.ones(2), label_smoothing=0.3)[0]
    np.testing.assert_allclose(slope[0], [-0.3, 0.15, 0.15])
    p, q = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    assert [oracle.kl_divergence(p, q), oracle.kl_divergence(q, p)] == pytest.approx([0.143841, 0.130812], abs=1e-6)
