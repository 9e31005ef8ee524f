"""The numbers that the page on activation functions works out by hand are those of the reference."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.components import activations
from nnspec_conformance.clauses import find_spec

PAGE = (find_spec() / "components" / "activations.md").read_text(encoding="utf-8")


def row(start: str) -> list[float]:
    """The numbers of the page's table row that starts so; a power of ten is written as TeX."""
    line = re.search(rf"^\| {re.escape(start)} \|(.*)\|$", PAGE, re.M)
    assert line is not None
    numbers = [re.sub(r"\$(\S+) \\cdot 10\^\{(\S+)\}\$", r"\1e\2", cell.strip()) for cell in line[1].split("|")]
    return [float(number.replace("\N{MINUS SIGN}", "-")) for number in numbers if number]


@pytest.mark.parametrize("x", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_xor_with_two_relu_units(x):
    z1, z2, h1, h2, y = row(f"{x[0]}, {x[1]}")
    assert (z1, z2) == (sum(x), sum(x) - 1)
    assert activations.relu(jnp.array([z1, z2])).tolist() == [h1, h2]
    assert y == h1 - 2 * h2 == x[0] ^ x[1]


def test_softmax_of_three_numbers():
    x = jnp.array([1.0, 2.0, 3.0])
    *shares, total = row(r"$\operatorname{softmax}(x)_i$")
    np.testing.assert_allclose(activations.softmax(x), shares, atol=5e-5)
    np.testing.assert_allclose(activations.softmax(x + 100), shares, atol=5e-5)
    assert total == 1
    *exponentials, total = row("$e^{x_i - m}$")
    np.testing.assert_allclose([*np.exp([-2, -1, 0]), np.exp([-2, -1, 0]).sum()], [*exponentials, total], atol=5e-5)


def test_gradient_of_softmax():
    said = re.search(r"\$g = \(0, 0, 1\)\$ this is \$\((.*?)\)\$", PAGE)
    assert said is not None
    pulled = jax.vjp(activations.softmax, jnp.array([1.0, 2.0, 3.0]))[1](jnp.array([0.0, 0.0, 1.0]))[0]
    np.testing.assert_allclose(pulled, [float(number) for number in said[1].split(",")], atol=5e-5)


def test_products_of_the_largest_slope_of_sigmoid():
    slope = jax.grad(activations.sigmoid)(0.0)
    np.testing.assert_allclose(row("$0.25^k$"), [slope**k for k in (1, 5, 10, 30)], rtol=6e-3)
