"""The oracle of resizing, against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from nnspec_conformance.oracles.architectures import resizing as oracle

PAIRS = [(n, m) for n in (1, 2, 3, 5, 8, 13) for m in (1, 2, 3, 4, 7, 21)]


def place(i, n, m, coordinates):
    if coordinates == "corners":
        return Fraction(i * (n - 1), m - 1) if m > 1 else Fraction(0)
    return Fraction((2 * i + 1) * n, 2 * m) - Fraction(1, 2) if coordinates == "half-pixel" else Fraction(i * n, m)


def step(n, m, coordinates):
    if coordinates == "corners":
        return Fraction(n - 1, m - 1) if m > 1 else Fraction(0)
    return Fraction(n, m)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("coordinates", ["half-pixel", "corners", "origin"])
def test_linear_weights_are_those_of_fractions(coordinates, antialias):
    for n, m in PAIRS:
        found = oracle.linear_weights(n, m, antialias=antialias, coordinates=coordinates)
        wide = max(Fraction(1), step(n, m, coordinates)) if antialias else Fraction(1)
        for i, row in enumerate(found):
            p = place(i, n, m, coordinates)
            p = min(max(p, Fraction(0)), Fraction(n - 1)) if wide == 1 else p
            right = [max(1 - abs(p - j) / wide, Fraction(0)) for j in range(n)]
            np.testing.assert_allclose(row, [float(w / sum(right)) for w in right], atol=4e-15)


@pytest.mark.parametrize(("kernel", "a"), [("half", Fraction(-1, 2)), ("three-quarters", Fraction(-3, 4))])
@pytest.mark.parametrize("border", ["left-out", "repeated"])
def test_cubic_weights_are_those_of_fractions(kernel, a, border):
    def k(d):
        if d <= 1:
            return (a + 2) * d**3 - (a + 3) * d**2 + 1
        return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else Fraction(0)

    for n, m in PAIRS:
        found = oracle.cubic_weights(n, m, kernel=kernel, border=border)
        for i, row in enumerate(found):
            p, right = place(i, n, m, "half-pixel"), [Fraction(0)] * n
            for j in range(-3, n + 3):
                if border == "repeated" or 0 <= j < n:
                    right[min(max(j, 0), n - 1)] += k(abs(p - j))
            np.testing.assert_allclose(row, [float(w / sum(right)) for w in right], atol=4e-14)


def test_the_half_cubic_reproduces_parabolas_and_the_other_does_not():
    x = np.arange(20.0)
    p, _ = oracle.places(20, 50)
    inner = slice(5, -5)
    half, sharp = (oracle.cubic_weights(20, 50, kernel=kernel) @ x**2 for kernel in ("half", "three-quarters"))

    np.testing.assert_allclose(half[inner], p[inner] ** 2, rtol=1e-13)
    assert np.abs(sharp - p**2)[inner].max() > 0.05


@pytest.mark.parametrize("takes", ["middle", "corner"])
def test_nearest_takes_the_entry_of_fractions(takes):
    for n, m in PAIRS:
        right = [
            int(place(i, n, m, "half-pixel") + Fraction(1, 2)) if takes == "middle" else i * n // m for i in range(m)
        ]
        assert oracle.taken(n, m, takes).tolist() == right


@pytest.mark.parametrize("order", ["maps-first", "squares-first"])
def test_shuffles_follow_their_formula(order):
    r, maps = 3, 2
    x = np.random.default_rng(0).standard_normal((2, 4, 5, maps * r * r))
    y = oracle.pixel_shuffle(x, factor=r, order=order)
    for h, w, u, v, c in np.ndindex(4, 5, r, r, maps):
        q = c * r * r + u * r + v if order == "maps-first" else (u * r + v) * maps + c
        np.testing.assert_array_equal(y[:, r * h + u, r * w + v, c], x[:, h, w, q])
    np.testing.assert_array_equal(oracle.pixel_unshuffle(y, factor=r, order=order), x)


@pytest.mark.parametrize("name", ["resize_nearest", "resize_linear", "resize_cubic"])
def test_gradients_are_the_adjoints(name):
    rng = np.random.default_rng(1)
    for given in ({}, {"antialias": True}) if name == "resize_linear" else ({},):
        x, g = rng.standard_normal((2, 9, 4, 3)), rng.standard_normal((2, 5, 7, 3))
        y = getattr(oracle, name)(x, size=(5, 7), **given)
        (back,) = getattr(oracle, f"{name}_vjp")(x, g, size=(5, 7), **given)
        np.testing.assert_allclose((g * y).sum(), (back * x).sum(), rtol=1e-12)


def test_in_a_line_a_hole_reaches_everything_and_in_a_window_its_neighbours():
    x = np.zeros((1, 6, 6, 1))
    x[0, 2, 3] = np.nan
    window = np.isnan(oracle.resize_linear(x, size=(12, 12)))[0, :, :, 0]
    line = np.isnan(oracle.resize_linear(x, size=(12, 12), reach="line"))[0, :, :, 0]
    assert window.sum() == 16
    assert line.all()


@pytest.mark.parametrize("size", [(0, 2), (2,), (2, 2, 2)])
def test_sizes_that_are_none(size):
    with pytest.raises(ValueError, match="cannot be resized"):
        oracle.resize_linear(np.ones((1, 3, 3, 1)), size=size)


def test_what_does_not_divide():
    with pytest.raises(ValueError, match="no multiple"):
        oracle.pixel_shuffle(np.ones((1, 1, 1, 6)), factor=2)
    with pytest.raises(ValueError, match="no multiples"):
        oracle.pixel_unshuffle(np.ones((1, 3, 2, 1)), factor=2)
