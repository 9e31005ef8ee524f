"""What the suite cannot see of the losses of margins: compiled and mapped programs, one-line errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.components.losses import margins as losses

S = jnp.array([0.5, -2.0, 3.0])
Y = jnp.array([1, 1, -1])
A = jnp.array([[1.0, 2.0], [0.0, 0.0], [-3.0, 1.0]])
B = jnp.array([[2.0, 1.0], [1.0, 1.0], [6.0, -2.0]])


@pytest.mark.parametrize(
    ("f", "arrays"),
    [
        (losses.hinge, (S, Y)),
        (losses.squared_hinge, (S, Y)),
        (losses.multiclass_hinge, (A, jnp.array([0, 1, 1]))),
        (losses.cosine_loss, (A, B)),
        (losses.triplet, (A, B, A + 0.5)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_compiled_and_mapped_equal_eager(f, arrays):
    got = f(*arrays)

    np.testing.assert_allclose(jax.jit(f)(*arrays), got, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(f)(*arrays), got, rtol=1e-6)
    np.testing.assert_allclose(f(*arrays, reduction="mean"), jnp.mean(got), rtol=1e-6)


def test_a_vector_without_direction_has_a_finite_gradient():
    gradients = jax.grad(lambda a, b: jnp.sum(losses.cosine_loss(a, b)), (0, 1))(A, B)

    assert all(np.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: losses.hinge(S, jnp.array([1, 0, 1])), "hinge: labels has the label 0, expected -1 or 1"),
        (lambda: losses.multiclass_hinge(A, jnp.array([0, 2, 1])), "has the label 2, expected 0 to 1"),
        (lambda: losses.triplet(A, B, A, margin=-1.0), "margin"),
        (lambda: losses.cosine_loss(A, B[:1]), "cosine_loss"),
    ],
)
def test_errors_of_one_line(call, says):
    with pytest.raises(ValueError, match=says) as raised:
        call()

    assert "\n" not in str(raised.value)
