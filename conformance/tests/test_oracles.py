"""The oracles against mpmath, whose formulas are written here once more from the definitions.

A float64 oracle is within 4 units in the last place of the result (of a derivative: measured at 1 where it is smaller,
or at |x| up to 8 for the gated functions), plus what the result changes when the input moves by 2 of its own units. A
result below the smallest normal number may be flushed: SciPy's erfc and expit do that.
"""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.inputs import neighbours
from nnspec_conformance.oracles.components import activations as oracle
from nnspec_conformance.tolerance import ulp

ULPS = 4
MP = mpmath.mp.clone()
MP.dps = 50
TINY, NORMAL, MAX = 5e-324, np.finfo(np.float64).smallest_normal, np.finfo(np.float64).max
EDGES = [
    0.0,
    TINY,
    NORMAL,
    1e-300,
    1e-160,
    1e-20,
    1e-8,
    1.0,
    2.0,
    26.5,
    38.4,
    708.3,
    709.7,
    745.0,
    1e3,
    1e10,
    1e160,
    MAX,
]
POINTS = np.unique([*EDGES, *(-x for x in EDGES), *np.linspace(-40, 40, 101), *np.geomspace(1e-6, 700, 32),
                    *-np.geomspace(1e-6, 700, 32)])  # fmt: skip
A, ALPHA = MP.mpf("1.0507009873554804934193349852946"), MP.mpf("1.6732632423543772848170429916717")
SLOPES = {"sixth": MP.mpf(float(1 / 6)), "fifth": MP.mpf(0.2), "half": MP.mpf(0.5)}


def sigma(x):
    return 1 / (1 + MP.exp(-x))


def gate(inner, slope, curvature):
    """x * sigma(inner(x)) with its first and second derivative, by the product rule."""

    def first(x):
        s = sigma(inner(x))
        return s + x * s * (1 - s) * slope(x)

    def second(x):
        s = sigma(inner(x))
        bend = s * (1 - s) * ((1 - 2 * s) * slope(x) ** 2 + curvature(x))
        return 2 * s * (1 - s) * slope(x) + x * bend

    return (lambda x: x * sigma(inner(x))), first, second


def cubic():
    c, k = 2 * MP.sqrt(2 / MP.pi), MP.mpf("0.044715")
    return gate(lambda x: c * (x + k * x**3), lambda x: c * (1 + 3 * k * x**2), lambda x: 6 * c * k * x)


def density(x):
    return MP.exp(-(x**2) / 2) / MP.sqrt(2 * MP.pi)


def phi(x):
    if abs(x) > 1e100:  # mpmath's erfc cannot
        return MP.mpf(x > 0)
    return MP.erfc(-x / MP.sqrt(2)) / 2


def bent(negative, slope, scale=1):
    """Of what is a line above 0; ``slope`` is its own derivative, or constant."""
    second = (lambda x: 0) if slope(MP.mpf(-1)) == slope(MP.mpf(-2)) else (lambda x: 0 if x > 0 else slope(x))
    return (lambda x: scale * x if x > 0 else negative(x)), (lambda x: scale if x > 0 else slope(x)), second


def clipped(form):
    slope = SLOPES[form]
    edge = {"sixth": 3, "fifth": 2.5, "half": 1}[form]
    return (lambda x: min(max(slope * x + 0.5, 0), 1)), (lambda x: slope if abs(x) < edge else 0), lambda x: 0


ELU = MP.mpf(1.75)
SLOPE = MP.mpf(0.3)
SHORT = MP.mpf(float(np.float32(0.3)))
# value, derivative and second derivative
TRUTH = {
    ("identity", ""): (lambda x: x, lambda x: 1, lambda x: 0),
    ("relu", ""): (lambda x: max(x, 0), lambda x: 1 if x > 0 else 0, lambda x: 0),
    ("leaky_relu", "negative_slope=0.3"): bent(lambda x: SLOPE * x, lambda x: SLOPE),
    ("leaky_relu", "negative_slope=0.3, numbers='float32'"): bent(lambda x: SHORT * x, lambda x: SHORT),
    ("elu", "alpha=0.3, numbers='float32'"): bent(lambda x: SHORT * MP.expm1(x), lambda x: SHORT * MP.exp(x)),
    ("elu", "alpha=1.75"): bent(lambda x: ELU * MP.expm1(x), lambda x: ELU * MP.exp(x)),
    ("selu", ""): bent(lambda x: A * ALPHA * MP.expm1(x), lambda x: A * ALPHA * MP.exp(x), A),
    ("gelu", ""): (lambda x: x * phi(x), lambda x: phi(x) + x * density(x), lambda x: density(x) * (2 - x**2)),
    ("gelu", "form='tanh'"): cubic(),
    ("gelu", "form='sigmoid'"): gate(lambda x: MP.mpf("1.702") * x, lambda x: MP.mpf("1.702"), lambda x: 0),
    ("sigmoid", ""): (
        sigma,
        lambda x: sigma(x) * sigma(-x),
        lambda x: sigma(x) * sigma(-x) * (1 - 2 * sigma(x)),
    ),
    ("tanh", ""): (MP.tanh, lambda x: MP.sech(x) ** 2, lambda x: -2 * MP.tanh(x) * MP.sech(x) ** 2),
    ("softplus", ""): (lambda x: MP.log1p(MP.exp(x)), sigma, lambda x: sigma(x) * sigma(-x)),
    ("silu", ""): gate(lambda x: x, lambda x: 1, lambda x: 0),
    ("hard_sigmoid", "form='sixth'"): clipped("sixth"),
    ("hard_sigmoid", "form='fifth'"): clipped("fifth"),
    ("hard_sigmoid", "form='half'"): clipped("half"),
}
SUFFIXES = ("", "_derivative", "_second_derivative")
QUESTIONS = [(name, given, order) for (name, given), fs in TRUTH.items() for order in range(len(fs))]
KINKED = {"relu", "leaky_relu", "elu", "selu"}


def true(f, x):
    """In float64, of a function of mpmath numbers."""
    return np.array([float(f(MP.mpf(float(v)))) for v in x])


def difference(a, b):
    """Zero where both are the same infinity."""
    with np.errstate(invalid="ignore"):
        return np.where(a == b, 0.0, np.abs(a - b))


def points(name, order):
    x = POINTS
    if order and name in KINKED:
        x = x[x != 0]
    if order and name == "hard_sigmoid":
        x = x[~np.isin(np.abs(x), [1, 2.5, 3])]
    return x if order < 2 else x[np.abs(x) <= 1e3]


def evaluate(name, given, order, x):
    keywords = eval(f"dict({given})")
    with np.errstate(all="ignore"):
        return getattr(oracle, name + SUFFIXES[order])(x, **keywords)


@pytest.mark.parametrize(("name", "given", "order"), QUESTIONS)
def test_oracle_is_within_4_ulp(name, given, order):
    x = points(name, order)
    f = TRUTH[name, given][order]
    expected, (below, above) = true(f, x), neighbours(x, 2)
    moved = np.maximum(difference(true(f, below), expected), difference(true(f, above), expected))
    moved[~np.isfinite(moved)] = 0
    gated = np.minimum(np.abs(x), 8) if name in ("gelu", "silu") else 1
    size = np.maximum(np.abs(expected), np.maximum(gated, 1)) if order else expected

    error = difference(evaluate(name, given, order, x), expected)

    assert x.size >= 150
    flushed = np.where(np.abs(expected) < NORMAL, NORMAL, 0.0)
    assert float(np.max(error / (ULPS * ulp(size, "float64") + moved + flushed))) <= 1


@pytest.mark.parametrize(("name", "given", "order"), [q for q in QUESTIONS if q[2]])
def test_truth_is_the_derivative_of_the_truth(name, given, order):
    integral, derivative = TRUTH[name, given][order - 1], TRUTH[name, given][order]
    for x in (-2.125, -0.375, 0.625, 2.25):
        assert MP.almosteq(MP.diff(integral, MP.mpf(x)), derivative(MP.mpf(x)), 1e-15)


def test_constants_are_those_that_keep_mean_0_and_variance_1():
    def moment(power):
        f, *_ = TRUTH["selu", ""]
        return MP.quad(lambda z: f(z) ** power * density(z), [-MP.inf, 0, MP.inf])

    assert abs(moment(1)) < 1e-25
    assert abs(moment(2) - 1) < 1e-25


ROWS = {
    "spread": [3.0, -1.0, 0.5, -7.25, 2.0],
    "ties": [1.5, 1.5, 1.5],
    "far": [0.0, -40.0, -700.0, -745.0],
    "large": [1e300, 1e300, -1e300],
    "huge offset": [1e4, 1e4 - 2, 1e4 + 1.5],
    "one": [-3.0],
}


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("logarithm", [False, True])
def test_softmax_is_within_4_ulp_and_a_unit_of_the_distance(row, logarithm):
    x = np.array(ROWS[row])
    shifted = [MP.mpf(v) - MP.mpf(float(x.max())) for v in x]
    total = sum(map(MP.exp, shifted))
    expected = np.array([float(s - MP.log(total) if logarithm else MP.exp(s) / total) for s in shifted])

    got = (oracle.log_softmax if logarithm else oracle.softmax)(x)

    distance = x.max() - x
    reach = np.where(logarithm, 1.0, expected) * np.minimum(distance, 800) * 2.0**-53
    allowed = (ULPS + len(x)) * ulp(np.maximum(np.abs(expected), float(logarithm)), "float64") + reach
    assert float(np.max(np.abs(got - expected) / allowed)) <= 1


def test_by_rank_is_the_first_of_one_or_three_axes_and_else_the_second():
    assert [oracle.axis_of("by-rank", rank) for rank in (1, 2, 3, 4, 5)] == [0, 1, 0, 1, 1]
    assert [oracle.axis_of(axis, 3) for axis in (-1, 0, 2)] == [-1, 0, 2]


@pytest.mark.parametrize("operation", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gradient_of_softmax_is_the_jacobian_transposed(operation, axis):
    random = np.random.default_rng(0)
    x, g = random.standard_normal((2, 3, 4))
    step = 1e-6

    got = getattr(oracle, f"{operation}_vjp")(x, g, axis=axis)[0]

    f = getattr(oracle, operation)
    for index in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[index] = step
        slope = ((f(x + e, axis=axis) - f(x - e, axis=axis)) * g).sum() / (2 * step)
        assert abs(got[index] - slope) < 1e-8
