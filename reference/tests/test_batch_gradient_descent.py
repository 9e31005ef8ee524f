"""The mean gradient of any loss, at once and in pieces; the page's program of ten lines; refusals."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.components.layers import mlp
from nnspec.training.batch_gradient_descent import batch_gradient, mean_gradient
from nnspec_conformance.inputs import network

PAGE = Path(__file__).resolve().parents[2] / "spec" / "training" / "batch_gradient_descent.md"
X, WEIGHTS = network((3, 5, 2), leading=(7,), seed=5)
Y = network((2, 1), leading=(7,), seed=9)[0]


def losses(weights, x, y):
    return jnp.square(mlp(x, weights, activation="tanh") - y).sum(-1) / 2


def takes_the_mean_of_each_piece(loss, params, data, *, chunk):
    """Each piece counts the same, whatever its size."""
    parts = [tuple(a[i : i + chunk] for a in data) for i in range(0, len(data[0]), chunk)]
    found = [jax.grad(lambda p, part=part: loss(p, *part).mean())(params) for part in parts]
    return jax.tree.map(lambda *g: sum(g) / len(g), *found)


def leaves_the_rest_out(loss, params, data, *, chunk):
    """A last piece that is too short is dropped."""
    whole = max(len(data[0]) // chunk * chunk, 1)
    return mean_gradient(loss, params, tuple(a[:whole] for a in data), chunk=chunk)


def adds_the_examples(loss, params, data, *, chunk):
    """The sum over the examples stands where the mean should."""
    return jax.tree.map(lambda g: len(data[0]) * g, mean_gradient(loss, params, data, chunk=chunk))


@pytest.mark.statement(
    "mean-gradient.chunks",
    of=mean_gradient,
    mutants=[takes_the_mean_of_each_piece, leaves_the_rest_out, adds_the_examples],
)
def test_mean_gradient_is_that_of_the_mean_loss(implementation):
    want = jax.grad(lambda weights: losses(weights, X, Y).mean())(WEIGHTS)
    for chunk in (1, 2, 3, 7, 50):
        found = implementation(losses, WEIGHTS, (X, Y), chunk=chunk)
        for name, g in want.items():
            np.testing.assert_allclose(found[name], g, rtol=1e-5, atol=1e-6, err_msg=f"{name}, {chunk} at a time")


def program(change=lambda text: text):
    """The weights that the page's program ends with, and its lines of code."""
    text = change(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0])
    names: dict = {}
    exec(compile(text, str(PAGE), "exec"), names)  # the text of our own page
    return names["weights"], [line for line in text.splitlines() if line.strip()]


def climbs():
    """The gradient is added."""
    return program(lambda text: text.replace("[name] - 4", "[name] + 4"))


def stops_early():
    """A tenth of the epochs is made."""
    return program(lambda text: text.replace("range(100)", "range(10)"))


def is_longer():
    """More lines are needed."""
    return program(lambda text: text + "print(weights)\n" * 3)


@pytest.mark.statement("batch-gradient-descent.ten-lines", of=program, mutants=[climbs, stops_early, is_longer])
def test_the_ten_lines_of_the_page_find_the_minimum(implementation, capsys):
    weights, lines = implementation()
    assert len(lines) <= 10
    assert abs(float(weights["w"]) - 1) < 1e-5
    assert abs(float(weights["b"]) - 2) < 1e-5


def test_batch_gradient_of_traced_data_is_the_eager_one():
    x, labels, weights = X, Y, {"kernel": WEIGHTS["kernel_0"][:, :2], "bias": WEIGHTS["bias_0"][:2]}
    eager = batch_gradient(x, labels, weights, chunk=3)
    traced = jax.jit(lambda *given: batch_gradient(*given, chunk=3))(x, labels, weights)
    many = jax.vmap(lambda x, y: batch_gradient(x, y, weights, chunk=3))(np.stack([x, x]), np.stack([labels, labels]))
    for name, g in eager.items():
        np.testing.assert_allclose(traced[name], g, rtol=1e-6)
        np.testing.assert_allclose(many[name][1], g, rtol=1e-5, atol=1e-6)


def test_sums_of_half_precision_are_kept_in_float32():
    """The 4,097th example of the same gradient would be lost in a sum of bfloat16."""
    x, labels = jnp.ones((4_100, 1), jnp.bfloat16), jnp.zeros((4_100, 1), jnp.bfloat16)
    weights = {"kernel": jnp.ones((1, 1), jnp.bfloat16), "bias": jnp.zeros(1, jnp.bfloat16)}
    found = batch_gradient(x, labels, weights, chunk=1)
    assert (float(found["kernel"][0, 0]), float(found["bias"][0])) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"chunk": 0}, ValueError, r"chunk must be at least 1, got 0$"),
        ({"x": X[:0], "labels": Y[:0]}, ValueError, r"data has no examples"),
        ({"labels": Y[:, :1]}, ValueError, r"^batch_gradient: labels have outputs=1, bias 2"),
        ({"labels": Y[:3]}, ValueError, r"^batch_gradient: labels has examples=3 but x has examples=7$"),
        ({"weights": {"kernel": WEIGHTS["kernel_1"]}}, ValueError, r"^batch_gradient: .*bias"),
    ],
)
def test_wrong_calls_are_refused_in_one_line(change, error, message):
    given = {"x": X, "labels": Y, "weights": {"kernel": WEIGHTS["kernel_0"][:, :2], "bias": WEIGHTS["bias_0"][:2]}}
    given |= {"chunk": 3} | change
    with pytest.raises(error, match=message):
        batch_gradient(given["x"], given["labels"], given["weights"], chunk=given["chunk"])
