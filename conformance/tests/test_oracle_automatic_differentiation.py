"""The gradients of functions with an edge against differences in 50 digits, and at the edges by hand."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.components import automatic_differentiation as edges

MP = mpmath.mp.clone()
MP.dps = 50
BOUNDS = {"minimum": -1.0, "maximum": 2.0}
IN_50_DIGITS = {  # of a row of numbers, and which of them are positive
    "pairwise_maximum": lambda x, y: max(x, y),
    "maximum_reduction": lambda *x: max(x),
    "absolute_value": abs,
    "euclidean_norm": lambda *x: MP.sqrt(MP.fsum(v * v for v in x)),
    "square_root": lambda x: MP.sqrt(x),
    "masked_square_root": lambda x: MP.sqrt(x) if x > 0 else MP.mpf(0),
    "clamp": lambda x: min(max(x, MP.mpf(-1)), MP.mpf(2)),
    "power": lambda x, y: x**y,
    "product_reduction": lambda *x: MP.fprod(x),
}
ROWS = ("maximum_reduction", "euclidean_norm", "product_reduction")
POSITIVE = ("square_root", "power")


def points(name):
    """Two hundred points, from 1e-150 to 1e150 where the function has only one argument, else of ordinary size."""
    random = np.random.default_rng(0)
    if name in ROWS:
        x = random.normal(0, 1, (200, 4))
        x[:50] *= 10.0 ** random.integers(-30, 30, (50, 1))
        return (x,)
    size = (
        10.0 ** random.uniform(-150, 150, 200) if name in ("absolute_value", "square_root", "masked_square_root") else 1
    )
    x = random.normal(0, 1.5, 200) * size
    x = np.abs(x) if name in POSITIVE else x
    return (x, random.normal(0, 1.5, 200)) if name in ("pairwise_maximum", "power") else (x,)


def gradients(name, arrays, g, **given):
    if hasattr(edges, f"{name}_vjp"):
        return getattr(edges, f"{name}_vjp")(*arrays, g, **given)
    return (g * getattr(edges, f"{name}_derivative")(*arrays, **given),)


@pytest.mark.parametrize("name", IN_50_DIGITS)
def test_value_and_gradient_away_from_the_edge(name):
    arrays, given = points(name), BOUNDS if name == "clamp" else {}
    f = IN_50_DIGITS[name]
    values = getattr(edges, name)(*arrays, **given)
    found = gradients(name, arrays, np.ones_like(values), **given)
    found = found[0] if name in ROWS else np.stack(found, -1)
    rows = arrays[0] if name in ROWS else np.stack(arrays, -1)
    for row, value, slopes in zip(rows, values, found, strict=True):
        exact = [MP.mpf(float(v)) for v in row]
        assert value == pytest.approx(float(f(*exact)), rel=1e-14)
        for i, slope in enumerate(slopes):
            h = MP.mpf(10) ** -20 * abs(exact[i])
            above, below = (f(*[v + s * h if i == j else v for j, v in enumerate(exact)]) for s in (1, -1))
            assert slope == pytest.approx(float((above - below) / (2 * h)), rel=1e-12, abs=0 if slope else 1e-300)


@pytest.mark.parametrize("name", ["square_root", "masked_square_root", "absolute_value", "clamp"])
def test_second_derivative_is_a_difference_of_slopes(name):
    given = BOUNDS if name == "clamp" else {}
    x = np.random.default_rng(1).uniform(0.1, 4, 200)
    h, ones = 1e-6 * x, np.ones(200)
    above, below = (gradients(name, (x + s * h,), ones, **given)[0] for s in (1, -1))
    second = getattr(edges, f"{name}_second_derivative")(x, **given)
    np.testing.assert_allclose(second, (above - below) / (2 * h), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "arrays", "given", "want"),
    [
        ("maximum_reduction", [[1.0, 3, 3]], {"tie": "split"}, [[0, 0.5, 0.5]]),
        ("maximum_reduction", [[1.0, 3, 3]], {"tie": "first"}, [[0, 1, 0]]),
        ("pairwise_maximum", [3.0, 3.0], {"tie": "half"}, [0.5, 0.5]),
        ("pairwise_maximum", [3.0, 3.0], {"tie": "second"}, [0, 1]),
        ("absolute_value", [-0.0], {"at_zero": "one"}, [1]),
        ("euclidean_norm", [[0.0, 0]], {"at_zero": "zero"}, [[0, 0]]),
        ("euclidean_norm", [[0.0, 0]], {"at_zero": "nan"}, [[np.nan, np.nan]]),
        ("square_root", [0.0], {"zero_cotangent": "nan"}, [np.inf]),
        ("masked_square_root", [-4.0], {"untaken_branch": "nan"}, [np.nan]),
        ("masked_square_root", [-4.0], {"untaken_branch": "finite"}, [0]),
        ("clamp", [2.0], {"at_bounds": "half", **BOUNDS}, [0.5]),
        ("clamp", [-1.0], {"at_bounds": "zero", **BOUNDS}, [0]),
        ("power", [0.0, 0.0], {"zero_exponent": "zero"}, [0, -np.inf]),
        ("power", [0.0, 0.0], {"zero_exponent": "nan"}, [np.nan, -np.inf]),
        ("power", [0.0, 1.0], {}, [1, 0]),
        ("product_reduction", [[2.0, 0, 5]], {}, [[0, 10, 0]]),
        ("product_reduction", [[0.0, 3, 0]], {}, [[0, 0, 0]]),
    ],
)
def test_edge_by_hand(name, arrays, given, want):
    arrays = tuple(np.array(a) for a in arrays)
    ones = np.ones_like(np.asarray(getattr(edges, name)(*arrays, **given)))
    for got, one in zip(gradients(name, arrays, ones, **given), want, strict=True):
        np.testing.assert_array_equal(got, one)
