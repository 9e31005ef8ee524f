"""The oracle of spectral normalization, against NumPy's singular values and mpmath."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures import spectral_normalization as oracle

TRAINING = {"iterations": 1, "training": True}


def drawn(seed, shape=(5, 4)):
    rng = np.random.default_rng(seed)
    kernel, u = rng.standard_normal(shape), rng.standard_normal(shape[-1])
    return kernel, u / np.linalg.norm(u)


@pytest.mark.parametrize("estimate", ["last", "refreshed"])
@pytest.mark.parametrize("seed", range(12))
def test_value_is_that_of_fifty_digits(seed, estimate):
    kernel, u = drawn(seed)
    with mpmath.workdps(50):
        matrix, vector = mpmath.matrix(kernel.tolist()), mpmath.matrix(u.tolist())
        for _ in range(3):
            there = matrix * vector
            there /= mpmath.norm(there)
            vector = matrix.T * there
            vector /= mpmath.norm(vector)
        sigma = mpmath.norm(matrix * vector) if estimate == "refreshed" else (there.T * (matrix * vector))[0]
        wanted = np.array((matrix / sigma).tolist(), float)
        kept = np.array(vector.tolist(), float)[:, 0]

    found = oracle.spectral_norm(kernel, u, iterations=3, training=True, estimate=estimate)
    np.testing.assert_allclose(found, wanted, rtol=2e-14)
    np.testing.assert_allclose(oracle.spectral_vector(kernel, u, iterations=3, training=True), kept, atol=1e-14)


@pytest.mark.parametrize("shape", [(5, 4), (2, 7), (3, 2, 4, 5), (1, 1)])
def test_many_iterations_find_the_largest_singular_value(shape):
    kernel, u = drawn(3, shape)
    matrix = kernel.reshape(-1, shape[-1])
    found = oracle.spectral_norm(kernel, u, iterations=2000, training=True).reshape(matrix.shape)
    assert np.linalg.svd(found, compute_uv=False)[0] == pytest.approx(1, abs=1e-12)


def test_estimate_is_never_too_large_and_grows():
    for seed in range(100):
        kernel, u = drawn(seed)
        largest = np.linalg.svd(kernel, compute_uv=False)[0]
        seen = [oracle.estimated(kernel, u, iterations=n, training=True)[0] for n in range(1, 8)]
        assert all(a <= b * (1 + 1e-14) for a, b in zip(seen, [*seen[1:], largest], strict=True))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 4, 5)])
def test_gradient_is_that_with_both_vectors_held(shape, training):
    kernel, u = drawn(4, shape)
    g = np.random.default_rng(5).standard_normal(shape)
    _, last, v = oracle.estimated(kernel, u, iterations=1, training=training)

    def held(kernel):
        return kernel / (v @ (kernel.reshape(-1, shape[-1]) @ last))

    found, none = oracle.spectral_norm_vjp(kernel, u, g, iterations=1, training=training)
    np.testing.assert_allclose(found, complex_step(held, (kernel,), g)[0], rtol=1e-12, atol=1e-14)
    assert not none.any()


def test_gradient_has_no_part_along_the_kernel():
    kernel, u = drawn(6)
    g = np.random.default_rng(7).standard_normal(kernel.shape)
    assert (oracle.spectral_norm_vjp(kernel, u, g, **TRAINING)[0] * kernel).sum() == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_size_of_the_kernel_is_without_effect(scale):
    kernel, u = drawn(8)
    one, other = (oracle.spectral_norm(k, u, **TRAINING) for k in (kernel, kernel * scale))
    np.testing.assert_allclose(other, one, rtol=1e-13)


def test_nothing_to_divide_by():
    kernel, u = np.zeros((3, 2)), np.array([0.6, 0.8])
    assert not oracle.spectral_norm(kernel, u, **TRAINING).any()
    np.testing.assert_array_equal(oracle.spectral_vector(kernel, u, **TRAINING), u)
    g = np.ones((3, 2))
    np.testing.assert_array_equal(oracle.spectral_norm_vjp(kernel, u, g, **TRAINING)[0], g)


def test_readings_out_of_training():
    kernel, u = drawn(9)
    told = {"iterations": 2, "training": False}
    np.testing.assert_array_equal(oracle.spectral_norm(kernel, u, **told, evaluation="bare"), kernel)
    once_more = oracle.spectral_norm(kernel, u, **told, evaluation="iterated")
    np.testing.assert_array_equal(once_more, oracle.spectral_norm(kernel, u, iterations=2, training=True))


@pytest.mark.parametrize("iterations", [0, -1])
def test_no_iterations_are_refused(iterations):
    with pytest.raises(ValueError, match="at least 1"):
        oracle.spectral_norm(*drawn(0), iterations=iterations, training=True)
