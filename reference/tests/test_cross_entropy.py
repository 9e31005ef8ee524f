"""What the suite cannot see of the cross-entropies: second derivatives, compiled programs, one-line errors."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from nnspec.components.losses import cross_entropy as losses
from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels as integer_loss
from nnspec.elementary import log_of_rest

Z = jnp.array([[0.0, 0.0, 0.0], [1.5, -0.5, 0.25], [4.0, 0.0, -3.0]])
Y = jnp.array([0, 2, 1])
X = jnp.array([0.0, 1.5, -4.0])
T = jnp.array([1.0, 0.0, 0.25])


def flat(f):
    """The loss of one row as a function of its logits, and of one number."""
    return lambda z, y: f(z[None], y[None])[0]


def hessians(softmax_loss, binary_loss):
    """By reverse over forward and by forward over reverse mode, both losses, in one program: compiling takes long."""

    def both(z, y, x, t):
        return [
            jax.vmap(outer(inner(flat(loss))))(*arrays)
            for outer, inner in ((jax.jacfwd, jax.jacrev), (jax.jacrev, jax.jacfwd))
            for loss, arrays in ((softmax_loss, (z, y)), (binary_loss, (x, t)))
        ]

    return jax.jit(both)(Z, Y, X, T)


def holds_the_probabilities_constant(logits, labels):
    """Its gradient is right, and nothing flows through the probabilities in it."""
    p = jax.lax.stop_gradient(jax.nn.softmax(logits))
    return jnp.sum((p - jax.nn.one_hot(labels, 3)) * logits, -1)


@pytest.mark.statement("cross-entropy.hessian", of=integer_loss, mutants=[holds_the_probabilities_constant])
def test_second_derivatives_are_those_of_the_definition(implementation):
    def binary(x, t):
        return losses.sigmoid_binary_cross_entropy(x, t, positive_weight=3.0)

    p, s = np.exp(Z) / np.exp(Z).sum(-1, keepdims=True), 1 / (1 + np.exp(-X))
    right = p[:, :, None] * np.eye(3) - p[:, :, None] * p[:, None, :], (1 - T + 3 * T) * s * (1 - s)

    for got, want in zip(hessians(implementation, binary), 2 * right, strict=True):
        assert np.abs(got - want).max() <= 1e-6


ROWS = jnp.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.2, 0.6, 0.2]])


@pytest.mark.parametrize(
    ("f", "arrays"),
    [
        (integer_loss, (Z, Y)),
        (losses.softmax_cross_entropy, (Z, ROWS)),
        (losses.cross_entropy_with_integer_labels, (ROWS, Y)),
        (losses.cross_entropy, (ROWS, ROWS[::-1])),
        (losses.sigmoid_binary_cross_entropy, (X, T)),
        (losses.binary_cross_entropy, (ROWS[0], T)),
        (losses.kl_divergence, (ROWS, ROWS[::-1])),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_compiled_and_mapped_equal_eager(f, arrays):
    got = f(*arrays)

    np.testing.assert_allclose(jax.jit(f)(*arrays), got, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(f)(*arrays), got, rtol=1e-6)
    np.testing.assert_allclose(f(*arrays, reduction="mean"), jnp.mean(got), rtol=1e-6)


@pytest.mark.parametrize(
    ("f", "arrays"),
    [
        (losses.softmax_cross_entropy, (Z, ROWS)),
        (losses.sigmoid_binary_cross_entropy, (X, T)),
        (losses.binary_cross_entropy, (ROWS[0], T)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_weights_of_examples_compiled_and_mapped(f, arrays):
    w = jnp.array([2.0, 0.0, 0.5])
    got = f(*arrays, w)

    np.testing.assert_allclose(got, w * f(*arrays), rtol=1e-6)
    np.testing.assert_allclose(jax.jit(f)(*arrays, w), got, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(f)(*arrays, w), got, rtol=1e-6)
    np.testing.assert_allclose(f(*arrays, w, reduction="mean"), jnp.sum(got) / 2.5, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "ulps"), [("float32", 2), ("float64", 2)])
def test_logarithm_of_the_rest_is_accurate_at_every_probability(dtype, ulps):
    p = np.concatenate([np.linspace(0.001, 0.999, 999), 2.0 ** -np.arange(1, 60, 0.37)]).astype(dtype)
    right = np.array([float(mpmath.log1p(-mpmath.mpf(float(x)))) for x in p])

    with jax.enable_x64(dtype == "float64"):
        got = np.asarray(jax.jit(log_of_rest)(p), np.float64)

    assert (np.abs(got - right) <= ulps * np.spacing(np.abs(right).astype(dtype)).astype(np.float64)).all()


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_that_is_no_class_gives_nan_in_a_compiled_program(label):
    got = jax.jit(integer_loss)(Z, Y.at[1].set(label))

    assert np.isnan(got).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: integer_loss(Z, Y.at[1].set(3)), "labels has the label 3, expected 0 to 2, the classes of logits"),
        (lambda: integer_loss(Z, Y, -jnp.ones(3)), "class_weights has the entry -1, expected none below 0"),
        (
            lambda: integer_loss(Z, Y, label_smoothing=1.0),
            "label_smoothing must be at least 0 and less than 1, got 1.0",
        ),
        (lambda: integer_loss(Z, Y, reduction="average"), "reduction must be one of "),
        (lambda: losses.cross_entropy(Z, ROWS), "probabilities has the entry 1.5, expected probabilities from 0 to 1"),
        (
            lambda: losses.cross_entropy(ROWS / 2, ROWS),
            "probabilities has a row with the sum 0.5, expected 1; are they ",
        ),
        (
            lambda: losses.sigmoid_binary_cross_entropy(X, T[:, None]),
            r"target has batch=\(3, 1\) but logits has batch=\(3,\)",
        ),
        (
            lambda: losses.binary_cross_entropy(X, T),
            "probabilities has the entry 1.5, expected probabilities from 0 to 1",
        ),
    ],
)
def test_wrong_calls_are_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as refused:
        call()

    assert "\n" not in str(refused.value)
