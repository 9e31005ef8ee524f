"""The oracle of two networks against each other: mpmath in 50 digits, the complex step, and the page's numbers."""

from functools import partial

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures import gan as oracle

MP = mpmath.mp.clone()
MP.dps = 50
RANDOM = np.random.default_rng(0)
REAL, FAKE = (np.concatenate([RANDOM.normal(0, s, 50) for s in (0.1, 3, 40, 1e4)]) for _ in "rf")


def softplus(x):
    return MP.log1p(MP.exp(MP.mpf(x)))


DISCRIMINATOR = {
    "logistic": lambda r, f: softplus(-r) + softplus(f),
    "least-squares": lambda r, f: ((MP.mpf(r) - 1) ** 2 + MP.mpf(f) ** 2) / 2,
    "hinge": lambda r, f: max(0, 1 - MP.mpf(r)) + max(0, 1 + MP.mpf(f)),
    "wasserstein": lambda r, f: MP.mpf(f) - MP.mpf(r),
}
GENERATOR = {
    "minimax": lambda f: -softplus(f),
    "non-saturating": lambda f: softplus(-f),
    "least-squares": lambda f: (MP.mpf(f) - 1) ** 2 / 2,
    "hinge": lambda f: -MP.mpf(f),
    "wasserstein": lambda f: -MP.mpf(f),
}


@pytest.mark.parametrize("kind", DISCRIMINATOR)
def test_discriminator(kind):
    right = [float(DISCRIMINATOR[kind](float(r), float(f))) for r, f in zip(REAL, FAKE, strict=True)]

    np.testing.assert_allclose(oracle.discriminator_loss(REAL, FAKE, kind=kind), right, rtol=4e-15)
    np.testing.assert_allclose(
        oracle.discriminator_loss(REAL, FAKE, kind=kind, halves="mean"), np.array(right) / 2, rtol=4e-15
    )


@pytest.mark.parametrize("kind", GENERATOR)
def test_generator(kind):
    right = [float(GENERATOR[kind](float(f))) for f in FAKE]

    np.testing.assert_allclose(oracle.generator_loss(FAKE, kind=kind), right, rtol=4e-15)


@pytest.mark.parametrize(
    ("name", "arrays", "kind"),
    [("discriminator_loss", (REAL[:150], FAKE[:150]), kind) for kind in DISCRIMINATOR]
    + [("generator_loss", (FAKE[:150],), kind) for kind in GENERATOR],
)
def test_slopes_are_differences_in_50_digits(name, arrays, kind):
    exact, h = (DISCRIMINATOR if name == "discriminator_loss" else GENERATOR)[kind], MP.mpf("1e-20")
    found = getattr(oracle, f"{name}_vjp")(*arrays, np.ones(150), kind=kind)
    for at, slopes in enumerate(found):
        for i, slope in enumerate(slopes):
            ends = [[MP.mpf(float(x[i])) + (s * h if j == at else 0) for j, x in enumerate(arrays)] for s in (1, -1)]
            want = float((exact(*ends[0]) - exact(*ends[1])) / (2 * h))
            assert slope == pytest.approx(want, rel=1e-14, abs=1e-25)


@pytest.mark.parametrize("sides", ["two", "one"])
def test_penalty_against_the_definition_and_the_complex_step(sides):
    x, kernel, bias, read, g = (RANDOM.normal(0, 1, shape) for shape in ((6, 3), (3, 4), 4, 4, 6))
    for i, point in enumerate(x):
        slope = complex_step(lambda p: 0.5 * ((p @ kernel + bias) ** 2) @ read, (point,), np.array(1.0))[0]
        off = np.linalg.norm(slope) - 0.75
        want = max(off, 0) ** 2 if sides == "one" else off**2
        found = oracle.gradient_penalty(x, kernel, bias, read, target=0.75, sides=sides)[i]
        assert found == pytest.approx(want, rel=1e-13)
    wanted = complex_step(lambda *a: oracle.gradient_penalty(*a, target=0.75, sides=sides), (x, kernel, bias, read), g)
    found = oracle.gradient_penalty_vjp(x, kernel, bias, read, g, target=0.75, sides=sides)
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_distributions():
    weights = RANDOM.random((2, 100, 5)) ** np.repeat([1, 30], 50)[:, None]
    p, q = weights / weights.sum(-1, keepdims=True)
    d = RANDOM.uniform(0.01, 0.99, (100, 5))
    for i in range(100):
        a, b, c = ([MP.mpf(float(v)) for v in row[i]] for row in (p, q, d))
        value = sum(x * MP.log(z) + y * MP.log(1 - z) for x, y, z in zip(a, b, c, strict=True))
        js = sum(x * MP.log(2 * x / (x + y)) + y * MP.log(2 * y / (x + y)) for x, y in zip(a, b, strict=True)) / 2
        assert oracle.gan_value(d, p, q)[i] == pytest.approx(float(value), rel=1e-14)
        assert oracle.jensen_shannon(p, q)[i] == pytest.approx(float(js), rel=1e-13)
        assert oracle.jensen_shannon(p, q, form="distance")[i] == pytest.approx(float(MP.sqrt(js)), rel=1e-13)
    for name, arrays, told in (
        ("value", (d, p, q), {}),
        ("jensen_shannon", (p, q), {}),
        ("jensen_shannon", (p, q), {"form": "distance"}),
    ):
        arrays, g = tuple(a[:50] for a in arrays), RANDOM.normal(0, 1, 50)
        wanted = complex_step(partial(getattr(oracle, name), **told), arrays, g)
        vjp = oracle.gan_value_vjp if name == "value" else oracle.jensen_shannon_vjp
        for got, want in zip(vjp(*arrays, g, **told), wanted, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_the_numbers_of_the_page():
    p = np.array([0.75, 0.25])
    q = p[::-1].copy()
    d = p / (p + q)
    real, fake = np.array([2.0]), np.array([-1.0])

    assert oracle.plogp(p, d) == pytest.approx([-0.2158, -0.3466], abs=5e-5)
    assert oracle.gan_value(d, p, q) == pytest.approx(-1.1247, abs=5e-5)
    assert 2 * oracle.jensen_shannon(p, q) == pytest.approx(2 * 0.1308, abs=1e-4)
    assert [
        float(oracle.discriminator_loss(real, fake, kind=kind)[0]) for kind in oracle.DISCRIMINATOR
    ] == pytest.approx([0.4402, 1, 0, -3], abs=5e-5)
    assert [float(oracle.generator_loss(fake, kind=kind)[0]) for kind in oracle.GENERATOR] == pytest.approx(
        [-0.3133, 1.3133, 2, 1, 1], abs=5e-5
    )


def test_no_discriminator_is_better_than_the_ratio():
    weights = RANDOM.random((2, 20, 6)) + 0.01
    p, q = weights / weights.sum(-1, keepdims=True)
    best = oracle.gan_value(p / (p + q), p, q)

    np.testing.assert_allclose(best, 2 * oracle.jensen_shannon(p, q) - np.log(4), rtol=1e-13)
    for _ in range(50):
        other = np.clip(p / (p + q) + RANDOM.normal(0, 0.05, p.shape), 0.001, 0.999)
        assert (oracle.gan_value(other, p, q) <= best + 1e-15).all()
