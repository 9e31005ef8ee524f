"""The forward stepper arrives where the reference does."""

from __future__ import annotations


def test_stepper_arrives_at_the_reference_unit_by_unit(show_figure, slide, number):
    import numpy as np

    from nnspec.components.forward_propagation import forward
    from nnspec_conformance.oracles.components.forward_propagation import EXAMPLE_WEIGHTS, EXAMPLE_X

    weights = {name: np.array(value, np.float32) for name, value in EXAMPLE_WEIGHTS.items()}
    values = {k: np.asarray(v) for k, v in forward(np.array(EXAMPLE_X, np.float32), weights, activation="relu").items()}
    page = show_figure("forward-propagation")
    lines = []
    for step in range(1, 21):
        slide(page, "step", step)
        lines.append(page.locator(".nn-readout").inner_text())
    assert page.get_by_label("step").get_attribute("max") == "20"
    last = [number(line.rsplit("= ", 1)[1]) for line in lines]
    assert last[2:12:4] == values["z_0"].tolist()  # bias, two products, activation
    assert last[3:12:4] == values["a_0"].tolist()
    assert last[15::4] == values["z_1"].tolist()  # bias, three products
    shown = page.locator(".nn-canvas text.small").all_text_contents()
    assert [number(text.split()[-1]) for text in shown[2:]] == [
        *np.stack([values["z_0"], values["a_0"]], -1).ravel().tolist(),
        *values["a_1"].tolist(),
    ]


def test_stepper_shows_each_product_with_its_weight(show_figure, slide, number):
    import numpy as np

    from nnspec_conformance.oracles.components.forward_propagation import EXAMPLE_VALUES, EXAMPLE_WEIGHTS, EXAMPLE_X

    page = show_figure("forward-propagation", again=True)
    step, found, wanted = 0, [], []
    for layer, inputs in enumerate((EXAMPLE_X, EXAMPLE_VALUES["a_0"])):
        kernel = np.array(EXAMPLE_WEIGHTS[f"kernel_{layer}"])
        for unit in range(kernel.shape[1]):
            for i, value in enumerate(inputs):
                slide(page, "step", step + 2 + i)
                text = page.locator(".nn-readout").inner_text()
                found.append([number(part) for part in text.split(" = ")[1].split(": ")[:1]])
                wanted.append([value * kernel[i, unit]])
                weight = page.locator(".nn-canvas text.strong").last.text_content()
                assert number(weight) == kernel[i, unit]
            step += 1 + len(inputs) + (layer == 0)
    assert found == wanted
