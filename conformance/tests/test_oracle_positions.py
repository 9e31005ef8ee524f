"""The oracle of positions: angles in mpmath, turns as products of complex numbers, the numbers of the page."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.architectures.transformer import positions as oracle

AT = np.array([0, 1, 2, 7, 100, 4096, 99999, 100000])


@pytest.mark.parametrize("features", [2, 6, 64])
@pytest.mark.parametrize("base", [10000.0, 50.0])
def test_rows_are_those_of_the_formula(features, base):
    got = oracle.sinusoidal_positions(AT, features=features, base=base, dtype=np.float64)
    with mpmath.workdps(60):
        for p, row in zip(AT, got, strict=True):
            for i in range(features // 2):
                theta = int(p) * mpmath.mpf(base) ** (mpmath.mpf(-2 * i) / features)
                # an angle of 1e5 is off by its own rounding
                assert row[2 * i] == pytest.approx(float(mpmath.sin(theta)), abs=1e-15 * max(p, 1))
                assert row[2 * i + 1] == pytest.approx(float(mpmath.cos(theta)), abs=1e-15 * max(p, 1))


def test_halves_are_the_same_numbers_in_another_order():
    one, other = (oracle.sinusoidal_positions(AT, features=6, order=order) for order in ("interleaved", "halves"))
    np.testing.assert_array_equal(other, one[:, [0, 2, 4, 1, 3, 5]])


@pytest.mark.parametrize("pairs", ["interleaved", "halves"])
def test_a_turn_is_a_product_with_a_complex_number_of_size_one(pairs):
    x = normal_draws(1, (3, 8, 6), "float64")
    first, second = (x[..., ::2], x[..., 1::2]) if pairs == "interleaved" else (x[..., :3], x[..., 3:])
    turned = (first + 1j * second) * np.exp(1j * AT[:, None] * 10000.0 ** (-np.arange(3) / 3))
    want = np.empty_like(x)
    if pairs == "interleaved":
        want[..., ::2], want[..., 1::2] = turned.real, turned.imag
    else:
        want[..., :3], want[..., 3:] = turned.real, turned.imag
    np.testing.assert_allclose(oracle.rotary_positions(x, AT, pairs=pairs), want, atol=1e-10)


def test_positions_left_out_count_from_0():
    x = normal_draws(2, (2, 5, 4), "float64")
    np.testing.assert_array_equal(oracle.rotary_positions(x), oracle.rotary_positions(x, np.arange(5)))


@pytest.mark.parametrize("pairs", ["interleaved", "halves"])
def test_gradients_are_those_of_the_complex_step(pairs):
    x, g = normal_draws(3, (2, 4, 6), "float64"), normal_draws(4, (2, 4, 6), "float64")
    (want,) = complex_step(lambda x: oracle.rotary_positions(x, pairs=pairs), (x,), g)
    (got,) = oracle.rotary_positions_vjp(x, g, pairs=pairs)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)

    table = normal_draws(5, (7, 6), "float64")
    want = complex_step(oracle.learned_positions, (x, table), g)
    for one, other in zip(oracle.learned_positions_vjp(x, table, g), want, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_numbers_of_the_page():
    rows = oracle.sinusoidal_positions(np.arange(3), features=4, dtype=np.float64)
    table = [[0, 1, 0, 1], [0.8415, 0.5403, 0.0100, 0.99995], [0.9093, -0.4161, 0.0200, 0.9998]]
    np.testing.assert_allclose(rows, table, atol=6e-5)
    turned = oracle.rotary_positions(np.array([[1.0, 0, 1, 0]] * 3))
    np.testing.assert_allclose(turned[2], [-0.4161, 0.9093, 0.9998, 0.0200], atol=6e-5)
    assert turned[1] @ turned[2] == pytest.approx(1.54025, abs=1e-5)
    far = oracle.rotary_positions(np.array([[1.0, 0, 1, 0]] * 2), np.array([100, 101]))
    assert far[0] @ far[1] == pytest.approx(1.54025, abs=1e-5)
    assert 2 * np.pi * 10000 == pytest.approx(62832, abs=1)


@pytest.mark.parametrize(("apart", "first", "second"), [(44, 0.018, 0.44), (628, 0.32, 0.003)])
def test_distances_of_the_exercise(apart, first, second):
    rows = oracle.sinusoidal_positions(np.array([0, apart]), features=4, dtype=np.float64)
    between = np.abs(rows[1] - rows[0])
    assert np.hypot(*between[:2]) == pytest.approx(first, rel=0.05)
    turned = (apart * 0.01 + np.pi) % (2 * np.pi) - np.pi
    assert abs(turned) == pytest.approx(second, rel=0.1)


def test_no_examples_stay_none():
    assert oracle.rotary_positions(np.zeros((0, 3, 4))).shape == (0, 3, 4)
    assert oracle.rotary_positions(np.zeros((2, 0, 4))).shape == (2, 0, 4)


@pytest.mark.parametrize(
    "call",
    [
        lambda: oracle.sinusoidal_positions(AT, features=3),
        lambda: oracle.rotary_positions(np.zeros((2, 3))),
        lambda: oracle.sinusoidal_positions(AT, features=4, base=0.0),
        lambda: oracle.learned_positions(np.zeros((3, 2)), np.zeros((2, 2))),
    ],
)
def test_what_has_no_answer_is_refused(call):
    with pytest.raises(ValueError, match="expected|but the table"):
        call()
