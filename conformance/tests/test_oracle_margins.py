"""The oracle of the losses of margins against mpmath in 50 digits, extremes included, and the page's numbers."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.components.losses import margins as oracle

MP = mpmath.mp.clone()
MP.dps = 50
RANDOM = np.random.default_rng(0)
SCORES = np.concatenate([RANDOM.normal(0, s, 50) for s in (0.1, 2, 30, 1e6)])
SIGNS = np.where(RANDOM.random(200) < 0.5, -1, 1)
ROWS = np.concatenate([RANDOM.normal(m, s, (50, 4)) for m, s in ((0, 1), (-9, 2), (300, 0.5), (0, 1e5))])
LABELS = RANDOM.integers(0, 4, 200)
A, B, C = (RANDOM.normal(0, 1, (200, 3)) * np.repeat([1, 1e-150, 1e150, 30], 50)[:, None] for _ in range(3))
NEAR, POSITIVE, NEGATIVE = (RANDOM.normal(0, 1, (200, 3)) * np.repeat([1, 1e-3, 30, 1e3], 50)[:, None] for _ in "apn")


def exactly(values):
    return [MP.mpf(float(v)) for v in np.atleast_1d(values)]


def multiclass(row, label, form):
    s = exactly(row)
    violations = [max(0, 1 + x - s[label]) for k, x in enumerate(s) if k != label]
    if form == "crammer-singer":
        return max(violations)
    if form == "one-vs-all":
        return sum(max(0, 1 - x if k == label else 1 + x) for k, x in enumerate(s))
    return sum(violations) / (len(s) if form == "weston-watkins-mean" else 1)


def cosine(a, b):
    a, b = exactly(a), exactly(b)
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / MP.sqrt(sum(x * x for x in a)) / MP.sqrt(sum(x * x for x in b))


def distance(a, b, kind):
    shift = MP.mpf(1e-6) if kind == "shifted" else 0
    square = sum((x - y + shift) ** 2 for x, y in zip(exactly(a), exactly(b), strict=True))
    return square if kind == "squared" else MP.sqrt(square + (MP.mpf(1e-6) if kind == "padded" else 0))


def test_hinge():
    right = [float(max(0, 1 - int(y) * exactly(s)[0])) for s, y in zip(SCORES, SIGNS, strict=True)]

    np.testing.assert_allclose(oracle.hinge(SCORES, SIGNS), right, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(oracle.squared_hinge(SCORES, SIGNS), np.square(right), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("form", ["crammer-singer", "weston-watkins", "weston-watkins-mean", "one-vs-all"])
def test_multiclass_hinge(form):
    right = [float(multiclass(row, label, form)) for row, label in zip(ROWS, LABELS, strict=True)]
    off = np.abs(oracle.multiclass_hinge(ROWS, LABELS, form=form) - right)

    assert (off <= 1e-14 * (1 + np.abs(ROWS).sum(-1))).all()


@pytest.mark.parametrize(
    ("sign", "of"), [("distance", lambda c: 1 - c), ("negative", lambda c: -c), ("similarity", lambda c: c)]
)
def test_cosine(sign, of):
    right = [float(of(cosine(a, b))) for a, b in zip(A, B, strict=True)]

    np.testing.assert_allclose(oracle.cosine_loss(A, B, sign=sign), right, rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", ["squared", "shifted", "padded", "plain"])
def test_triplet(kind):
    rows = list(zip(NEAR, POSITIVE, NEGATIVE, strict=True))
    terms = [(distance(a, p, kind), distance(a, n, kind)) for a, p, n in rows]
    right = [float(max(0, near - far + MP.mpf(0.5))) for near, far in terms]
    off = np.abs(oracle.triplet(NEAR, POSITIVE, NEGATIVE, margin=0.5, distance=kind) - right)

    assert (off <= 1e-14 * (1 + np.array([float(near + far) for near, far in terms]))).all()


@pytest.mark.parametrize(
    ("name", "arrays", "told"),
    [
        ("hinge", (SCORES[:100], SIGNS[:100]), {}),
        ("squared_hinge", (SCORES[:100], SIGNS[:100]), {}),
        *(("multiclass_hinge", (ROWS[:50], LABELS[:50]), {"form": form}) for form in
          ("crammer-singer", "weston-watkins", "weston-watkins-mean", "one-vs-all")),
        *(("cosine_loss", (A[:50], B[:50]), {"sign": sign}) for sign in ("distance", "negative", "similarity")),
        *(("triplet", (NEAR[:50], POSITIVE[:50], NEGATIVE[:50]), {"distance": kind}) for kind in
          ("squared", "shifted", "padded", "plain")),
    ],
)  # fmt: skip
def test_gradients_are_differences(name, arrays, told):
    function, cotangents = getattr(oracle, name), RANDOM.normal(0, 1, len(arrays[0]))
    gradients = getattr(oracle, name + "_vjp")(*arrays, cotangents, **told)
    for at, gradient in enumerate(gradients):
        for index in range(arrays[at].shape[-1]) if arrays[at].ndim > 1 else [slice(None)]:
            step = np.zeros_like(arrays[at])
            step[..., index] = 1e-6
            ends = [function(*arrays[:at], arrays[at] + s * step, *arrays[at + 1 :], **told) for s in (1, -1)]
            wanted = cotangents * (ends[0] - ends[1]) / 2e-6
            np.testing.assert_allclose(gradient[..., index], wanted, rtol=1e-5, atol=1e-6)


def test_the_numbers_of_the_page():
    hinge = oracle.hinge(np.array([3, 0.5, -2, -2]), np.array([1, 1, 1, -1]))
    rows = np.array([[2, 1.5, 0], [2, 1.5, 1.25]])
    zero, p, n = np.zeros((1, 2)), np.array([[3.0, 4]]), np.array([[0, 5.5]])

    assert hinge.tolist() == [0, 0.5, 3, 0]
    assert oracle.multiclass_hinge(rows, np.zeros(2, int)).tolist() == [0.5, 0.5]
    assert oracle.multiclass_hinge(rows, np.zeros(2, int), form="weston-watkins").tolist() == [0.5, 0.75]
    assert oracle.cosine_loss(p, p[:, ::-1]) == pytest.approx(0.04)
    assert oracle.triplet(zero, p, n, distance="plain") == 0.5
    assert oracle.triplet(zero, p, n) == 0


@pytest.mark.parametrize("sign", ["distance", "negative", "similarity"])
def test_second_derivative_of_the_cosine_is_a_difference_of_gradients(sign):
    x, y, v, h = *(RANDOM.normal(0, 2, (20, 3)) for _ in "xyv"), 1e-6
    ends = [oracle.cosine_loss_vjp(x + step * v, y, np.ones(20), sign=sign)[0] for step in (h, -h)]

    found = oracle.cosine_loss_second_derivative(x, y, v, sign=sign)

    np.testing.assert_allclose(found, (ends[0] - ends[1]) / (2 * h), rtol=1e-5, atol=1e-5)
