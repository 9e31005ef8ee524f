"""Figures that move, each on a page of its own in a browser: right by the reference."""

from __future__ import annotations

import math

import pytest


def slide(page, label: str, value: float) -> None:
    """Put a slider where a reader could put it."""
    found = page.get_by_label(label).evaluate(
        """(input, value) => {
            input.value = value;
            input.dispatchEvent(new Event('input'));
            return Number(input.value);
        }""",
        value,
    )
    assert found == value, f"{label} has no position {value}"


def number(text: str) -> float:
    """What is read: 0.5, −3, 2.6·10⁻¹³ (its exponent raised by the page), ∞, NaN."""
    return float(text.replace("\N{MINUS SIGN}", "-").replace("∞", "inf").replace("·10", "e"))


def cells(page) -> list[list[str]]:
    """The readout's table, without its head."""
    rows = page.locator(".nn-readout tr").all()
    return [row.locator("td").all_inner_texts() for row in rows[1:]]


# ------------------------------------------------------------------ neuron
@pytest.mark.parametrize(
    ("w1", "w2", "b"), [(1, 1, -1.5), (1, 1, -0.5), (-2, 3, 0.75), (0, 0, 1), (0, 0, -0.25), (2.5, -1, 0), (0, 1, -3)]
)
def test_neuron_counts_what_the_reference_has_right(show_figure, w1, w2, b):
    import numpy as np

    from nnspec.components.neurons import neuron
    from nnspec_site.figures.neurons_half_plane import POINTS

    page = show_figure("neurons-half-plane", again=True)
    for label, value in (("weight w₁", w1), ("weight w₂", w2), ("bias b", b)):
        slide(page, label, value)
    points = np.array(POINTS, np.float32)
    z = np.asarray(neuron(points, np.array([w1, w2], np.float32), np.float32(b), activation="identity"))
    for target, wanted in (("AND", points.all(1)), ("OR", points.any(1)), ("XOR", points.sum(1) == 1)):
        page.get_by_label("to learn").select_option(target)
        assert [number(row[1]) for row in cells(page)] == z.tolist()
        assert [row[2] for row in cells(page)] == [str(int(v)) for v in z > 0]
        right = int(((z > 0) == wanted).sum())
        assert page.locator(".nn-readout p").inner_text() == f"{target}: {right} of 4 points right."


def test_neuron_line_stands_where_the_sum_is_zero(show_figure):
    page = show_figure("neurons-half-plane", width=700)
    slide(page, "weight w₁", 2)
    slide(page, "weight w₂", 1)
    slide(page, "bias b", -1)  # through (0.5, 0) and (0, 1)
    line = page.locator(".nn-canvas line.ink")
    x1, y1, x2, y2 = (float(line.get_attribute(name)) for name in ("x1", "y1", "x2", "y2"))
    for x, y in ((0.5, 0), (0, 1)):
        px, py = _place(page, x, y)
        off = abs((x2 - x1) * (py - y1) - (y2 - y1) * (px - x1)) / math.hypot(x2 - x1, y2 - y1)
        assert off < 1e-6


def _place(page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the plane is drawn, from the four points that are."""
    circles = page.locator(".nn-canvas circle[r='8']").all()
    (x0, y0), (_, y1), (x1, _) = [[float(c.get_attribute(k)) for k in ("cx", "cy")] for c in circles[:3]]
    return x0 + x * (x1 - x0), y0 + y * (y1 - y0)


# ------------------------------------------------------------------ softmax
@pytest.mark.parametrize("temperature", [0.25, 1, 2.5])
@pytest.mark.parametrize("offset", [-120, -50, 0, 40, 86, 87, 120])
def test_softmax_as_written_is_the_naive_one_and_shifted_is_the_reference(show_figure, offset, temperature):
    import numpy as np

    from nnspec.components.activations import softmax
    from nnspec_conformance.mutants.components.activations_softmax import without_the_shift
    from nnspec_conformance.oracles.components import activations as oracle
    from nnspec_site.figures.softmax_offset import SCORES

    page = show_figure("softmax-offset", again=True)
    slide(page, "temperature", temperature)
    slide(page, "offset c", offset)
    x = np.array(SCORES, np.float32) / np.float32(temperature) + np.float32(offset)
    shown = np.array([[number(cell) for cell in row] for row in cells(page)])
    np.testing.assert_allclose(shown[:, 0], x, atol=5e-5)
    np.testing.assert_allclose(shown[:, 2], without_the_shift(oracle.softmax, x), atol=6e-4)
    np.testing.assert_allclose(shown[:, 4], softmax(x), atol=6e-4)


def test_softmax_as_written_overflows_at_89(show_figure):
    page = show_figure("softmax-offset")  # the scores are 0, 1, 2
    slide(page, "offset c", 86)
    assert "NaN" not in page.locator(".nn-readout").inner_text()
    slide(page, "offset c", 87)
    assert "∞ / ∞ is NaN" in page.locator(".nn-readout").inner_text()
    assert "0.665" in page.locator(".nn-readout").inner_text()


# ------------------------------------------------------------------ product of slopes
@pytest.mark.parametrize(("z", "layers"), [(0, 1), (0, 30), (0.5, 60), (-2.25, 7), (4, 60), (-4, 2)])
def test_products_are_powers_of_the_slopes_of_the_definition(show_figure, z, layers):
    import numpy as np

    from nnspec_conformance.oracles.components import activations as oracle

    page = show_figure("slopes-through-depth", again=True)
    slide(page, "layers", layers)
    slide(page, "sum z in every layer", z)
    for name, (slope, product) in zip(("sigmoid", "tanh", "relu"), cells(page), strict=True):
        exact = float(getattr(oracle, f"{name}_derivative")(np.float64(z)))
        assert number(slope) == pytest.approx(exact, rel=5e-3)  # three digits are shown
        assert number(product) == pytest.approx(exact**layers, rel=5e-3)


def test_products_end_where_the_scale_says(show_figure):
    page = show_figure("slopes-through-depth")
    slide(page, "layers", 30)
    slide(page, "sum z in every layer", 0)
    ends = [float(circle.get_attribute("cy")) for circle in page.locator(".nn-canvas circle").all()]
    lines = [float(line.get_attribute("y1")) for line in page.locator(".nn-canvas .grid").all()]  # 1, 1e-10, ...
    decade = (lines[1] - lines[0]) / 10
    assert [(end - lines[0]) / decade for end in ends[:2]] == pytest.approx([-30 * math.log10(0.25), 0])


# ------------------------------------------------------------------ activation explorer
def test_explorer_shows_what_the_reference_gives_in_each_dtype(show_figure):
    import jax.numpy as jnp
    import numpy as np

    from nnspec.components import activations
    from nnspec_conformance.oracles.components import activations as oracle

    page = show_figure("activation-explorer")
    for name, x in zip(oracle.ELEMENTWISE, (1, -3, -8, -0.25, -4, -6.5, 7, 2.75, -8, -1, 2), strict=True):
        page.get_by_label("function").select_option(name)
        slide(page, "input x", x)
        exact, single, half, slope = cells(page)
        value = float(getattr(oracle, name)(np.float64(x)))
        assert number(exact[0]) == pytest.approx(value, rel=1e-9)
        assert number(slope[0]) == pytest.approx(float(getattr(oracle, f"{name}_derivative")(np.float64(x))), rel=1e-5)
        for shown, dtype, digits in ((single, "float32", 9), (half, "bfloat16", 6)):
            given = float(getattr(activations, name)(jnp.asarray([x], dtype))[0])
            assert number(shown[0]) == pytest.approx(given, rel=10.0 ** (1 - digits))
            assert number(shown[1]) == pytest.approx(abs(given - value), rel=0.06)


def test_explorer_counts_distance_in_units_of_the_last_place(show_figure):
    page = show_figure("activation-explorer")
    page.get_by_label("function").select_option("hard_sigmoid")
    slide(page, "input x", -2)  # 1/6: bfloat16 has 0.1669921875, a third of its unit 2^-10 off
    _, _, half, _ = cells(page)
    assert half == ["0.166992", "3.3·10−4", "0.33"]


def test_explorer_tangent_has_the_slope(show_figure):
    page = show_figure("activation-explorer", width=700)
    page.get_by_label("function").select_option("relu")  # its tangent lies on the curve
    slide(page, "input x", 3)
    line = page.locator(".nn-canvas line.s3")
    x1, y1, x2, y2 = (float(line.get_attribute(name)) for name in ("x1", "y1", "x2", "y2"))
    curve = page.locator(".nn-canvas path.s0").get_attribute("d")
    points = [tuple(map(float, point.split())) for point in curve[1:].split("L")]
    (cx1, cy1), (cx2, cy2) = points[44], points[64]  # x = 3 and 8
    assert (y2 - y1) / (x2 - x1) == pytest.approx((cy2 - cy1) / (cx2 - cx1), rel=2e-3)
    slide(page, "input x", -3)
    assert line.get_attribute("y1") == line.get_attribute("y2")


# ------------------------------------------------------------------ forward stepper
def test_stepper_arrives_at_the_reference_unit_by_unit(show_figure):
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


def test_stepper_shows_each_product_with_its_weight(show_figure):
    import numpy as np

    from nnspec_conformance.oracles.components.forward_propagation import EXAMPLE_VALUES, EXAMPLE_WEIGHTS, EXAMPLE_X

    page = show_figure("forward-propagation")
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


# ------------------------------------------------------------------ cross-entropy
@pytest.mark.parametrize(("p", "label"), [(0.25, "1"), (0.25, "0"), (0.01, "1"), (0.99, "0"), (0.5, "1")])
def test_cross_entropy_shows_loss_and_gradient_of_the_reference(show_figure, p, label):
    import jax
    import jax.numpy as jnp

    from nnspec.components.losses.cross_entropy import sigmoid_binary_cross_entropy

    page = show_figure("cross-entropy", again=True)
    slide(page, "predicted probability p", p)
    page.get_by_label("label").select_option(label)
    logit, loss, slope = (number(cell) for cell in cells(page)[0])
    x = jnp.log(p / (1 - p))
    value, gradient = jax.value_and_grad(sigmoid_binary_cross_entropy)(x, jnp.float32(label))
    assert (logit, loss, slope) == pytest.approx((float(x), float(value), float(gradient)), abs=1e-4)


# ------------------------------------------------------------------ backward stepper
@pytest.mark.parametrize(("x", "t"), [((1, 2), 2), ((0, 0), 2), ((1, 0), -3), ((-3, 3), 0), ((3, -2), 5), ((2, 1), 4)])
def test_backward_stepper_arrives_at_the_gradients_of_the_reference(show_figure, x, t):
    import numpy as np

    from nnspec.components.backpropagation import backpropagation
    from nnspec_conformance.oracles.components.backpropagation import EXAMPLE_WEIGHTS

    weights = {name: np.array(value, np.float32) for name, value in EXAMPLE_WEIGHTS.items()}
    arrays = np.array([x], np.float32), np.array([[t]], np.float32)
    want = backpropagation(*arrays, weights, activation="relu", loss="half_squared_error")
    page = show_figure("backpropagation")
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


def test_backward_stepper_goes_forward_first(show_figure):
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


# ------------------------------------------------------------------ rates of batch gradient descent
@pytest.mark.parametrize(("rate", "updates"), [(0.02, 20), (0.33, 1), (0.57, 8), (0.66, 20), (0.74, 15)])
def test_batch_rates_lead_where_the_reference_does(show_figure, rate, updates):
    import jax
    import numpy as np
    import optax

    from nnspec.components.optimization import gradient_descent
    from nnspec.training.batch_gradient_descent import batch_gradient
    from nnspec_site.figures.batch_rates import DATA, START, loss

    page = show_figure("batch-rates", again=True)
    slide(page, "learning rate", rate)
    slide(page, "updates", updates)
    with jax.enable_x64(True):
        now, method = {"kernel": START[:1, None], "bias": START[1:]}, gradient_descent(rate)
        state = method.init(now)
        for _ in range(updates):
            moves, state = method.update(batch_gradient(*DATA, now, chunk=4), state, now)
            now = optax.apply_updates(now, moves)
        w, b = float(now["kernel"][0, 0]), float(now["bias"][0])
    shown = [number(cell) for cell in cells(page)[0]]
    assert shown == pytest.approx([w, b, float(loss(np.float64(w), np.float64(b)))], abs=6e-5)


@pytest.mark.parametrize(("rate", "word"), [(0.33, "below 1/L"), (0.34, "between"), (0.66, "between"), (0.67, "above")])
def test_batch_rates_name_the_limits(show_figure, rate, word):
    page = show_figure("batch-rates", again=True)
    slide(page, "learning rate", rate)
    assert page.locator(".nn-readout p").inner_text().startswith(word)


# ------------------------------------------------------------------ paths of batches
@pytest.mark.parametrize("updates", [0, 1, 13, 24])
def test_batch_paths_show_the_loss_of_the_reference_and_count_examples(show_figure, updates):
    from nnspec_site.figures.mini_batch_paths import METHODS, losses, paths

    page = show_figure("mini-batch-paths", again=True)
    slide(page, "updates", updates)
    want = [[size * updates, size * updates / 8, losses(*paths()[name][updates])] for name, size in METHODS.items()]
    for row, numbers in zip(cells(page), want, strict=True):
        assert [number(cell) for cell in row] == pytest.approx(numbers, abs=2e-4)


def test_batch_paths_are_drawn_as_far_as_the_slider_says(show_figure):
    page = show_figure("mini-batch-paths", width=700)
    slide(page, "updates", 7)
    assert page.locator(".nn-canvas circle").count() == 3 * 8


# ------------------------------------------------------------------ path of single examples
@pytest.mark.parametrize(("rate", "steps"), [(0.05, 60), (0.4, 40), (0.5, 1), (1, 7), (0.75, 0)])
def test_path_of_single_examples_is_that_of_the_reference(show_figure, rate, steps):
    import re

    import numpy as np

    from nnspec_site.figures.sgd_path import POINTS, order, path

    page = show_figure("sgd-path", again=True)
    slide(page, "learning rate", rate)
    slide(page, "steps", steps)
    text = page.locator(".nn-readout").inner_text()
    want = path(rate, steps)
    found = re.search(r"\((\S+), (\S+)\)\. Distance from the mean, squared: (\S+)\.", text)
    assert found is not None
    away = np.square(want - np.mean(POINTS, 0)).sum(1)
    assert [number(one) for one in found.groups()] == pytest.approx([*want[-1], away[-1]], abs=2e-4)
    if steps:
        assert f"towards example {order()[steps - 1]}, to" in text
        assert f"last {min(steps, 18)} steps" in text
        spread = number(text.rsplit("steps ", 1)[1].split(" on average")[0])
        assert spread == pytest.approx(away[1:][-18:].mean(), abs=2e-4)
    drawn = page.locator(".nn-canvas path.s1").get_attribute("d")
    assert drawn.count("L") == steps
