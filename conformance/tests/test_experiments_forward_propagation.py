"""The experiments of forward propagation turn where their effect is taken away, and count what they say they count."""

import pytest

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

    assert products.judge([dots / products.products((5, 11, 3), 7)]) == "holds"
    assert products.judge([dots / products.products((5, 11), 7)]) == "does not hold"


@pytest.mark.parametrize(
    ("form", "growth"),
    [("scan", 1.0), ("scan, rematerialized", 2.0), ("loop, rematerialized", 1.0), ("loop", 0.1)],
    ids=["scan stores less", "nothing saved by the scan", "something saved by the loop", "no growth with depth"],
)
def test_each_part_of_the_hypothesis_can_fail(form, growth):
    measured = {"loop": 2.0, "loop, rematerialized": 2.0, "scan": 2.0, "scan, rematerialized": 1.0}

    assert stored.judge(measured) == ("holds", None)
    assert stored.judge(measured | {form: growth}) == ("does not hold", None)


def test_growth_is_measured_between_the_second_depth_and_the_last():
    assert stored.slope([100.0, 8.0, 17.0, 56.0]) == 2.0
