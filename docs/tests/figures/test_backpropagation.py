"""The backward stepper arrives at the reference's gradients."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("x", "t"), [((1, 2), 2), ((0, 0), 2), ((1, 0), -3), ((-3, 3), 0), ((3, -2), 5), ((2, 1), 4)])
def test_backward_stepper_arrives_at_the_gradients_of_the_reference(show_figure, slide, number, x, t):
    import numpy as np

    from nnspec.components.backpropagation import backpropagation
    from nnspec_conformance.oracles.components.backpropagation import EXAMPLE_WEIGHTS

    weights = {name: np.array(value, np.float32) for name, value in EXAMPLE_WEIGHTS.items()}
    arrays = np.array([x], np.float32), np.array([[t]], np.float32)
    want = backpropagation(*arrays, weights, activation="relu", loss="half_squared_error")
    page = show_figure("backpropagation", again=True)
    for label, value in (("input x₁", x[0]), ("input x₂", x[1]), ("label t", t)):
        slide(page, label, value)
    assert page.get_by_label("step").get_attribute("max") == "13"
    lines = []
    for step in range(5, 14):
        slide(page, "step", step)
        lines.append(number(page.locator(".nn-readout").inner_text().split(". This")[0].rstrip(".").rsplit("= ", 1)[1]))
    told = {name: np.ravel(g).tolist() for name, g in want.items()}
    assert lines == [*told["bias_1"], *told["kernel_1"], *told["bias_0"], *told["kernel_0"]]
    # by place: the four weights into the hidden layer, the two into the output, then the units
    drawn = [number(found.split()[-1]) for found in page.locator(".nn-canvas text.f1").all_text_contents() if found]
    assert drawn == [*told["kernel_0"], *told["kernel_1"], *told["bias_0"], *told["bias_1"]]


def test_backward_stepper_goes_forward_first(show_figure, slide):
    import numpy as np

    from nnspec.components.forward_propagation import forward
    from nnspec_conformance.oracles.components.backpropagation import EXAMPLE_LABEL, EXAMPLE_WEIGHTS, EXAMPLE_X

    weights = {name: np.array(value, np.float32) for name, value in EXAMPLE_WEIGHTS.items()}
    values = {k: np.asarray(v) for k, v in forward(np.array(EXAMPLE_X, np.float32), weights, activation="relu").items()}
    page = show_figure("backpropagation")
    slide(page, "step", 4)
    shown = [text for text in page.locator(".nn-canvas text.small").all_text_contents() if text[:2] in ("z ", "a ")]
    wanted = [f"{name} {values[f'{name}_0'][j]:g}" for j in range(2) for name in "za"] + [f"a {values['a_1'][0]:g}"]
    assert shown == wanted
    loss = float(np.square(values["a_1"][0] - EXAMPLE_LABEL[0]) / 2)
    assert f"= {loss:g}. Now back." in page.locator(".nn-readout").inner_text()
    assert [text for text in page.locator(".nn-canvas text.f1").all_text_contents() if text] == []
