"""The experiments of forward propagation count what they say they count."""

from nnspec_conformance.experiments.components.forward_propagation import forward_products as products
from nnspec_conformance.experiments.components.forward_propagation import stored_activations as stored

DOT = (
    "%0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : "
    "(tensor<7x5xf32>, tensor<5x11xf32>) -> tensor<7x11xf32>"
)


def test_products_of_a_dot_are_its_result_times_the_axis_summed_over():
    assert products.products_in_dots(f"{DOT}\n{DOT}") == 2 * 7 * 5 * 11
    assert products.products((5, 11, 3), 7) == 7 * (5 * 11 + 11 * 3)


def test_a_formula_that_forgets_the_output_layer_is_found():
    dots = products.products_in_dots(products.lowered((5, 11, 3), 7, "tanh").as_text())

    assert dots == products.products((5, 11, 3), 7)
    assert dots != products.products((5, 11), 7)


def test_growth_is_measured_from_the_first_depth_to_the_last():
    assert stored.slope([8.0, 17.0, 56.0], (8, 16, 32)) == 2.0


def test_stored_bytes_do_not_depend_on_the_level_of_the_machine_code():
    import jax
    import jax.numpy as jnp

    def f(x):
        return jnp.square(jnp.tanh(x @ x) @ x).sum()

    lowered = jax.jit(jax.grad(f)).lower(jax.ShapeDtypeStruct((64, 64), "float32"))
    plain, quick = (lowered.compile(given) for given in ({}, {"xla_backend_optimization_level": 0}))
    assert plain.memory_analysis().temp_size_in_bytes == quick.memory_analysis().temp_size_in_bytes > 0
