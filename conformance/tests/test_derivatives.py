"""The complex step: exact where it applies, and an error where a gradient would silently be lost."""

import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.components import activations

X = np.array([[0.3, -1.2], [2.0, 0.7]])


def test_the_gradient_of_a_product_is_the_other_factor():
    w = np.array([[1.5, -2.0], [0.25, 3.0]])
    dx, dw = complex_step(lambda x, w: x * w, (X, w), np.full((2, 2), 3.0))
    np.testing.assert_array_equal((dx, dw), (3 * w, 3 * X))


def test_the_gradient_has_no_error_of_truncation():
    (got,) = complex_step(np.exp, (X,), np.ones((2, 2)))
    np.testing.assert_allclose(got, np.exp(X), rtol=1e-15)


def test_dicts_come_back_as_dicts_and_results_may_be_nested():
    def both(table):
        return {"sum": table["a"] + table["b"], "product": table["a"] * table["b"]}

    cotangents = {"sum": np.asarray(2.0), "product": np.asarray(10.0)}
    (got,) = complex_step(both, ({"a": np.asarray(3.0), "b": np.asarray(5.0)},), cotangents)
    assert got == {"a": 2 + 10 * 5, "b": 2 + 10 * 3}


def test_a_cast_that_drops_the_imaginary_part_is_an_error():
    with pytest.raises(TypeError, match="a cast drops the imaginary part"):
        complex_step(lambda x: np.tanh(x.astype(np.float64)) * x, (X,), X)


def test_a_result_that_became_real_is_an_error():
    with pytest.raises(TypeError, match="a result is float64: the imaginary part was lost"):
        complex_step(np.abs, (X,), X)


def test_an_absolute_value_inside_is_an_error():
    with pytest.raises(TypeError, match="an operation that is not analytic, such as abs, loses the imaginary part"):
        complex_step(lambda x: x * np.abs(x), (X,), np.ones_like(X))


@pytest.mark.parametrize("name", ["sigmoid", "gelu", "softplus", "silu"])
def test_no_oracle_of_an_activation_loses_its_gradient_without_a_word(name):
    """Those that do not take complex numbers say so; what is no error is right."""
    function = getattr(activations, name)
    try:
        (got,) = complex_step(function, (X,), np.ones_like(X))
    except TypeError:
        return
    np.testing.assert_allclose(got, getattr(activations, f"{name}_derivative")(X), rtol=1e-12)
