"""The oracle of group norm and instance norm: the formulas in mpmath, the complex step, and the numbers of the page."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.training import group_normalization as oracle
from nnspec_conformance.suite.training import test_group_normalization as suite

EXAMPLES = {
    "draws": normal_draws(1, (3, 7, 6), "float64"),
    "images": normal_draws(2, (2, 3, 4, 6), "float64"),
    "no places": normal_draws(3, (4, 6), "float64"),
    "a large mean": normal_draws(4, (2, 5, 6), "float64") + 1e4,
    "small numbers": normal_draws(5, (2, 5, 6), "float64") * 1e-9,
}


def by_mpmath(x, scale, bias, groups, epsilon):
    """One number after another: which group it is in is read off the page."""
    y, features = np.zeros(x.shape), x.shape[-1]
    flat, found = x.reshape(len(x), -1, features), y.reshape(len(x), -1, features)
    with mpmath.workdps(60):
        for b in range(len(x)):
            for group in range(groups):
                inside = [c for c in range(features) if c * groups // features == group]
                entries = [mpmath.mpf(float(e)) for e in flat[b][:, inside].ravel()]
                mean = mpmath.fsum(entries) / len(entries)
                v = mpmath.fsum((e - mean) ** 2 for e in entries) / len(entries)
                for c in inside:
                    for place in range(flat.shape[1]):
                        normal = (mpmath.mpf(float(flat[b, place, c])) - mean) / mpmath.sqrt(v + mpmath.mpf(epsilon))
                        found[b, place, c] = float(normal * mpmath.mpf(float(scale[c])) + mpmath.mpf(float(bias[c])))
    return y


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize(("groups", "epsilon"), [(1, 1e-5), (2, 1e-12), (3, 0.5), (6, 1e-5)])
def test_values_are_those_of_the_formula(name, groups, epsilon):
    x = EXAMPLES[name]
    scale, bias = normal_draws(6, (6,), "float64"), normal_draws(7, (6,), "float64")
    allowed = 1e-10 if name == "a large mean" else 1e-13  # the mean is rounded once
    want = by_mpmath(x, scale, bias, groups, epsilon)

    got = oracle.group_norm(x, scale, bias, groups=groups, epsilon=epsilon)

    np.testing.assert_allclose(got, want, rtol=0, atol=allowed)
    if groups == 6:
        np.testing.assert_array_equal(got, oracle.instance_norm(x, scale, bias, epsilon=epsilon))


@pytest.mark.parametrize("name", ["group_norm", "instance_norm"])
@pytest.mark.parametrize("places", [(5,), (2, 4)])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_gradients_are_those_of_the_complex_step(name, places, count):
    arrays = (suite.examples("float64", places), *suite.weights("float64")[:count])
    g, given = normal_draws(8, arrays[0].shape, "float64"), suite.told(name, epsilon=0.05)

    want = complex_step(lambda *those: suite.ORACLES[name](*those, **given), arrays, g)
    got = suite.GRADIENTS[name](*arrays, g, **given)

    assert len(got) == count + 1
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_the_numbers_of_the_page():
    x, scale, bias = np.array([suite.X], float), np.array(suite.SCALE, float), np.array(suite.BIAS, float)
    given = {"groups": 2, "epsilon": 1.0}

    np.testing.assert_array_equal(oracle.group_norm(x, scale, bias, **given), [suite.Y])
    dx = oracle.group_norm_vjp(x, scale, bias, np.array([suite.COTANGENT], float), **given)[0]
    np.testing.assert_array_equal(dx, [suite.SLOPE])
    four = np.arange(4.0)[None]
    np.testing.assert_allclose(oracle.group_norm(four, groups=2, epsilon=1e-9), [[-1, 1, -1, 1]], atol=1e-6)
    apart = four[:, [0, 2, 1, 3]]
    other = oracle.group_norm(apart, groups=2, epsilon=1e-9)[:, [0, 2, 1, 3]]
    np.testing.assert_allclose(other, [[-1, -1, 1, 1]], atol=1e-6)


@pytest.mark.parametrize("groups", [0, -2, 4, 12])
def test_groups_that_do_not_divide_are_refused(groups):
    with pytest.raises(ValueError, match="expected a divisor of the 6 features"):
        oracle.group_norm(EXAMPLES["draws"], groups=groups)
