"""The oracle of autoencoders: mpmath in 50 digits, the complex step, and the page's numbers."""

import itertools
from functools import partial

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures import autoencoder as oracle

MP = mpmath.mp.clone()
MP.dps = 50
RANDOM = np.random.default_rng(0)
NORMALS = tuple(RANDOM.normal(0, 1, (200, 3)) * np.repeat([1e-7, 1e-3, 1, 4], 50)[:, None] for _ in range(4))
IMAGES = (RANDOM.random((40, 3)), RANDOM.normal(0, 2, (40, 3)), *(RANDOM.normal(0, 1, (40, 2)) for _ in range(2)))
FAR = np.array([[-1e4, -800, -40], [1e4, 800, 40]])


def numbers(row):
    return [MP.mpf(float(x)) for x in row]


def divergence(m, s, n, t):
    return sum(
        ((a - c) ** 2 / MP.exp(d) + MP.exp(b - d) - 1 - (b - d)) / 2
        for a, b, c, d in zip(*map(numbers, (m, s, n, t)), strict=True)
    )


def table(tied, widths=(5, 4, 3)):
    parts = {}
    for i, (n, m) in enumerate(itertools.pairwise(widths)):
        if tied:
            parts[f"kernel_{i}"] = RANDOM.normal(0, 0.5, (n, m))
        else:
            parts |= {f"encoder_kernel_{i}": RANDOM.normal(0, 0.5, (n, m))}
            parts |= {f"decoder_kernel_{i}": RANDOM.normal(0, 0.5, (m, n))}
        parts |= {f"encoder_bias_{i}": RANDOM.normal(0, 0.5, m), f"decoder_bias_{i}": RANDOM.normal(0, 0.5, n)}
    return parts


@pytest.mark.parametrize("tied", [False, True])
def test_two_layers_each_way(tied):
    x, w = RANDOM.normal(0, 1, (6, 5)), table(tied)
    function = oracle.tied_autoencoder if tied else oracle.autoencoder
    into = [w[f"kernel_{i}" if tied else f"encoder_kernel_{i}"] for i in (0, 1)]
    back = [kernel.T for kernel in into] if tied else [w[f"decoder_kernel_{i}"] for i in (0, 1)]
    code = np.tanh(x @ into[0] + w["encoder_bias_0"]) @ into[1] + w["encoder_bias_1"]
    y = np.tanh(code @ back[1] + w["decoder_bias_1"]) @ back[0] + w["decoder_bias_0"]

    for got, want in zip(function(x, w, activation="tanh"), (code, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-13)

    def smooth(x, w):  # the complex step needs an activation that keeps the imaginary part
        return function(x, w, activation="identity")

    g = RANDOM.normal(0, 1, (6, 3)), RANDOM.normal(0, 1, (6, 5))
    vjp = oracle.tied_autoencoder_vjp if tied else oracle.autoencoder_vjp
    found, wanted = vjp(x, w, g, activation="identity"), complex_step(smooth, (x, w), g)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-11, atol=1e-13)
    for name in w:
        np.testing.assert_allclose(found[1][name], wanted[1][name], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("tied", [False, True])
def test_gradients_of_tanh_are_differences(tied):
    x, w = RANDOM.normal(0, 1, (4, 5)), table(tied)
    function = oracle.tied_autoencoder if tied else oracle.autoencoder
    vjp = oracle.tied_autoencoder_vjp if tied else oracle.autoencoder_vjp
    g = RANDOM.normal(0, 1, (4, 3)), RANDOM.normal(0, 1, (4, 5))
    for_x, found = vjp(x, w, g, activation="tanh")
    v, h = {name: RANDOM.normal(0, 1, part.shape) for name, part in w.items()}, 1e-5
    u = RANDOM.normal(0, 1, x.shape)

    def at(step):
        results = function(x + step * u, {n: p + step * v[n] for n, p in w.items()}, activation="tanh")
        return sum((c * r).sum() for c, r in zip(g, results, strict=True))

    slope = (at(h) - at(-h)) / (2 * h)
    assert slope == pytest.approx((for_x * u).sum() + sum((found[n] * v[n]).sum() for n in w), rel=1e-8)


def test_divergence():
    m, s, n, t = NORMALS
    for i in range(200):
        right = divergence(m[i], s[i], n[i], t[i])
        # e^d - 1 - d is d^2 / 2 near 0, of two numbers of the size of d
        near = 4e-16 * np.abs(s[i] - t[i]).sum()
        assert oracle.gaussian_divergence(m, s, n, t)[i] == pytest.approx(float(right), rel=1e-14, abs=near)
        alone = divergence(m[i], s[i], 0 * m[i], 0 * m[i])
        near = 4e-16 * np.abs(s[i]).sum()
        assert oracle.gaussian_divergence(m, s)[i] == pytest.approx(float(alone), rel=1e-14, abs=near)
        assert oracle.gaussian_divergence(m, s, code="mean")[i] == pytest.approx(float(alone) / 3, rel=1e-14, abs=near)


@pytest.mark.parametrize("code", ["sum", "mean"])
@pytest.mark.parametrize("prior", [0, 1, 2])
def test_divergence_gradient(prior, code):
    arrays = tuple(part[100:150] for part in NORMALS[: 2 + prior])
    g = RANDOM.normal(0, 1, 50)
    wanted = complex_step(partial(oracle.gaussian_divergence, code=code), arrays, g)
    for got, want in zip(oracle.gaussian_divergence_vjp(*arrays, g, code=code), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-14)


def logs_of_coins(x, y):
    z = MP.mpf(float(y))
    return -MP.mpf(float(x)) * MP.log1p(MP.exp(-z)) - (1 - MP.mpf(float(x))) * MP.log1p(MP.exp(z))


def test_bounds():
    x, y, m, s = IMAGES
    for i in range(40):
        kl = divergence(m[i], s[i], 0 * m[i], 0 * m[i])
        squares = sum((a - b) ** 2 for a, b in zip(numbers(x[i]), numbers(y[i]), strict=True))
        normal = -squares / 2 / MP.mpf(0.75) - 3 * MP.log(2 * MP.pi * MP.mpf(0.75)) / 2
        coins = sum(logs_of_coins(a, b) for a, b in zip(x[i], y[i], strict=True))
        for name, logs, given in (("gaussian_bound", normal, {"variance": 0.75}), ("bernoulli_bound", coins, {})):
            for pixels, share in (("sum", 1), ("mean", 3)):
                found = getattr(oracle, name)(x, y, m, s, beta=1.5, pixels=pixels, **given)[i]
                assert found == pytest.approx(float(logs / share - MP.mpf(1.5) * kl), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("pixels", ["sum", "mean"])
@pytest.mark.parametrize(("name", "given"), [("gaussian_bound", {"variance": 0.75}), ("bernoulli_bound", {})])
def test_gradients_of_bounds(name, given, pixels):
    g, told = RANDOM.normal(0, 1, 40), {"beta": 1.5, "pixels": pixels, **given}
    wanted = complex_step(partial(getattr(oracle, name), **told), IMAGES, g)
    for got, want in zip(getattr(oracle, f"{name}_vjp")(*IMAGES, g, **told), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-14)


def test_logits_far_from_0():
    for x in (0.0, 0.25, 1.0):
        found = oracle.coin_logs(np.full_like(FAR, x), FAR)
        wanted = [[float(logs_of_coins(x, y)) for y in row] for row in FAR]
        np.testing.assert_allclose(found, wanted, rtol=1e-14)


def test_sparse_codes():
    code = RANDOM.uniform(0.02, 0.9, (6, 4))
    right = 0
    for column in code.T:
        r, p = sum(numbers(column)) / 6, MP.mpf(0.125)
        right += p * MP.log(p / r) + (1 - p) * MP.log((1 - p) / (1 - r))
    assert oracle.sparsity_divergence(code, target=0.125) == pytest.approx(float(right), rel=1e-14)
    for name, given in (("sparsity_divergence", {"target": 0.125}), ("activity_penalty", {"strength": 0.5}),
                        ("activity_penalty", {"strength": 0.5, "batch": "sum"})):  # fmt: skip
        wanted = complex_step(partial(getattr(oracle, name), **given), (code - 0.01,), np.asarray(1.5))
        found = getattr(oracle, f"{name}_vjp")(code - 0.01, np.asarray(1.5), **given)
        np.testing.assert_allclose(found[0], wanted[0], rtol=1e-11)
    assert oracle.activity_penalty(-code, strength=0.5) == pytest.approx(code.sum() / 12)


def test_the_numbers_of_the_page():
    x = np.array([[3, 3], [-3, -3], [1, -1], [-1, 1.0]])
    covariance = x.T @ x / 4
    np.testing.assert_allclose(covariance, [[5, 4], [4, 5]])
    np.testing.assert_allclose(np.linalg.eigvalsh(covariance), [1, 9])
    half = np.log(np.array([[0.5]]))
    one, nothing = np.ones((1, 1)), np.zeros((1, 1))
    posterior = one, half

    assert oracle.gaussian_divergence(*posterior) == pytest.approx(0.5966, abs=5e-5)
    assert oracle.gaussian_divergence(nothing, np.log(4 * one)) == pytest.approx(0.8069, abs=5e-5)
    assert (np.log(4) ** 2 - 1 - 2 * np.log(np.log(4))) / 2 == pytest.approx(0.1343, abs=5e-5)
    assert -np.log(4 * np.pi) / 2 - 1 == pytest.approx(-2.2655, abs=5e-5)
    ends = [one + sign * np.exp(half / 2) for sign in (-1, 1)]
    bounds = [oracle.gaussian_bound(2 * one, z, *posterior, variance=1.0) for z in ends]
    assert np.mean(bounds) == pytest.approx(-2.2655, abs=5e-5)
    wide = [oracle.gaussian_bound(2 * one, one + sign, one, nothing, variance=1.0) for sign in (-1, 1)]
    assert np.mean(wide) == pytest.approx(-2.4189, abs=5e-5)
    assert oracle.gaussian_divergence(one, nothing, *posterior) == pytest.approx(0.1534, abs=5e-5)
