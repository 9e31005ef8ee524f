"""What the conformance suite cannot see of backpropagation: against autodiff, forward mode, mapped, and its cost."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.components import activations
from nnspec.components.backpropagation import backpropagation
from nnspec.components.forward_propagation import forward

UNIT = 2.0**-24
WIDTHS, BATCH = (3, 7, 5, 2), 6
LOSSES = ("softmax_cross_entropy", "half_squared_error")
HIDDEN = ("identity", "relu", "tanh", "sigmoid")


def draws(seed, *shape, scale=1.0):
    return jnp.asarray(np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32))


X = draws(0, BATCH, WIDTHS[0])
LABELS = activations.softmax(draws(1, BATCH, WIDTHS[-1]))
WEIGHTS = {}
for layer, (n, m) in enumerate(itertools.pairwise(WIDTHS)):
    WEIGHTS |= {f"kernel_{layer}": draws(10 + layer, n, m, scale=n**-0.5), f"bias_{layer}": draws(20 + layer, m)}


def loss_of(x, labels, weights, activation, loss):
    z = forward(x, weights, activation=activation)[f"z_{len(weights) // 2 - 1}"]
    if loss == "half_squared_error":
        return jnp.square(z - labels).sum() / 2
    return -(labels * activations.log_softmax(z)).sum()


autodiff = jax.jit(jax.grad(loss_of, argnums=2), static_argnums=(3, 4))


def flat(gradients):
    return np.concatenate([np.float64(gradients[name]).ravel() for name in sorted(gradients)])


def off(got, want):
    """Largest difference over what the sums of products of this network may lose, of the largest entry."""
    allowed = 2 * len(WIDTHS) * (max(WIDTHS) + BATCH) * UNIT * np.abs(want).max()
    return np.abs(got - want).max() / allowed


def forgets_the_slope(x, labels, weights, *, activation, loss):
    """Passes the activation as if it were the identity."""
    return backpropagation(x, labels, weights, activation="identity", loss=loss)


def averages(x, labels, weights, **given):
    """Divides by the number of examples."""
    return {name: g / BATCH for name, g in backpropagation(x, labels, weights, **given).items()}


@pytest.mark.statement("backpropagation.autodiff", of=backpropagation, mutants=[forgets_the_slope, averages])
def test_recursion_equals_jax_grad(implementation):
    for activation, loss in itertools.product(HIDDEN[1:], LOSSES):
        want = flat(autodiff(X, LABELS, WEIGHTS, activation, loss))
        given = {"activation": activation, "loss": loss}
        with jax.disable_jit():
            eager = implementation(X, LABELS, WEIGHTS, **given)
        compiled = implementation(X, LABELS, WEIGHTS, **given)

        assert max(off(flat(eager), want), off(flat(compiled), want)) <= 1


@pytest.mark.statement("backpropagation.forward-mode", of=backpropagation, mutants=[forgets_the_slope, averages])
def test_derivative_along_a_direction_is_the_gradient_times_it(implementation):
    direction = {name: draws(40 + i, *w.shape) for i, (name, w) in enumerate(WEIGHTS.items())}
    for loss in LOSSES:
        _, along = jax.jvp(lambda w, loss=loss: loss_of(X, LABELS, w, "tanh", loss), (WEIGHTS,), (direction,))
        terms = flat(implementation(X, LABELS, WEIGHTS, activation="tanh", loss=loss)) * flat(direction)

        assert abs(float(along) - terms.sum()) <= 2 * len(terms) * UNIT * np.abs(terms).sum()


def keeps_the_sum(x, labels, weights, **given):
    """Takes the first example for every one of them."""
    first = jnp.zeros_like(x) + draws(0, BATCH, WIDTHS[0])[0]
    return backpropagation(first, labels, weights, **given)


@pytest.mark.statement("backpropagation.per-example-map", of=backpropagation, mutants=[keeps_the_sum])
def test_mapped_over_examples_gives_a_gradient_for_each(implementation):
    given = {"activation": "tanh", "loss": "half_squared_error"}
    each = jax.vmap(lambda x, t: implementation(x[None], t[None], WEIGHTS, **given))(X, LABELS)
    want = [flat(autodiff(X[i], LABELS[i], WEIGHTS, *given.values())) for i in range(BATCH)]

    assert max(off(flat({n: g[i] for n, g in each.items()}), want[i]) for i in range(BATCH)) <= 1
    total = flat({name: g.sum(0) for name, g in each.items()})
    assert off(total, flat(backpropagation(X, LABELS, WEIGHTS, **given))) <= 1


# ---- cost


def products(function, *arrays):
    """Multiplications in the dots of a program before any optimization, in the programs inside it too."""

    def count(jaxpr):
        total = 0
        for equation in jaxpr.eqns:
            if equation.primitive.name == "dot_general":
                ((axes, _), _) = equation.params["dimension_numbers"]
                summed = math.prod(equation.invars[0].aval.shape[axis] for axis in axes)
                total += summed * math.prod(equation.outvars[0].aval.shape)
            inner = [v for v in equation.params.values() if hasattr(v, "eqns") or hasattr(v, "jaxpr")]
            total += sum(count(getattr(v, "jaxpr", v)) for v in inner)
        return total

    return count(jax.make_jaxpr(function)(*arrays).jaxpr)


def equal_layers(L, width=8):
    return {
        name: w
        for i in range(L)
        for name, w in ((f"kernel_{i}", jnp.ones((width, width))), (f"bias_{i}", jnp.ones(width)))
    }


def asks_for_the_data_too(x, labels, weights, *, activation, loss):
    """Computes the gradient for the data, which nobody asked for."""
    dx, gradients = jax.grad(loss_of, argnums=(0, 2))(x, labels, weights, activation, loss)
    return gradients | {"x": dx}


def runs_twice(x, labels, weights, **given):
    """Repeats the forward pass before the backward pass."""
    z = forward(x, weights, activation=given["activation"])["z_0"]
    return backpropagation(x + 0 * z, labels, weights, **given)


@pytest.mark.statement("backpropagation.cost", of=backpropagation, mutants=[asks_for_the_data_too, runs_twice])
def test_products_of_the_gradient_are_three_forward_passes_less_one_product(implementation):
    x = labels = jnp.ones((5, 8))
    ratios, with_data = [], []
    for L in (1, 2, 3):
        weights = equal_layers(L)
        once = products(lambda w, x=x: forward(x, w, activation="tanh"), weights)
        assert once == L * 5 * 8 * 8
        asked = {"activation": "tanh", "loss": "half_squared_error"}
        ratios.append(products(lambda w, asked=asked: implementation(x, labels, w, **asked), weights) / once)
        both = jax.grad(loss_of, argnums=(0, 2))
        with_data.append(
            products(lambda x, w, f=both: f(x, labels, w, "tanh", "half_squared_error"), x, weights) / once
        )

    assert ratios == [3 - 1 / L for L in (1, 2, 3)]
    assert with_data == [3, 3, 3]


# ---- errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": LABELS[:5]}, "backpropagation: labels has batch"),
        ({"labels": LABELS[:, :1]}, "backpropagation: labels has shape"),
        ({"loss": "hinge"}, "backpropagation: loss must be one of"),
        ({"activation": "gelu"}, "backpropagation: activation must be one of"),
        ({"weights": {}}, "backpropagation: weights lacks kernel_0, bias_0"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(change, message):
    given = {"x": X, "labels": LABELS, "weights": WEIGHTS, "activation": "tanh", "loss": LOSSES[0]} | change
    with pytest.raises(ValueError, match=message) as caught:
        backpropagation(**given)

    assert "\n" not in str(caught.value)
