"""Layers: what only the reference can be asked, its modules, its errors, and compiled against eager programs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.components.layers import Dense, MultilayerPerceptron, dense, mlp

X = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)
WEIGHTS = {
    "kernel_0": np.linspace(-1, 2, 12, dtype=np.float32).reshape(3, 4),
    "bias_0": np.linspace(0.5, 1, 4, dtype=np.float32),
    "kernel_1": np.linspace(-2, 1, 8, dtype=np.float32).reshape(4, 2),
    "bias_1": np.array([0.25, -0.5], np.float32),
}


def without(name):
    return {key: value for key, value in WEIGHTS.items() if key != name}


def network():
    return MultilayerPerceptron([3, 4, 2], activation="tanh", rngs=nnx.Rngs(0))


# Modules


def test_a_module_is_the_function_of_its_weights():
    net = network()
    np.testing.assert_allclose(net(X), mlp(X, net.get_weights(), activation="tanh"), rtol=1e-6)


def test_a_module_takes_a_table():
    net = network()
    net.set_weights(WEIGHTS)
    np.testing.assert_allclose(net(X), mlp(X, WEIGHTS, activation="tanh"), rtol=1e-6)


def test_a_dense_module_activates_after_the_bias():
    layer = Dense(3, 4, activation="relu", rngs=nnx.Rngs(0))
    layer.set_weights({"kernel_0": WEIGHTS["kernel_0"], "bias_0": WEIGHTS["bias_0"]})
    np.testing.assert_allclose(layer(X), np.maximum(X @ WEIGHTS["kernel_0"] + WEIGHTS["bias_0"], 0), rtol=1e-5)


def test_the_table_handed_out_is_no_part_of_the_module():
    net = network()
    before = net(X)
    net.get_weights()["kernel_0"] = jnp.zeros((3, 4))
    np.testing.assert_array_equal(net(X), before)


def test_first_weights_keep_the_variance_of_the_input():
    layer = Dense(400, 300, rngs=nnx.Rngs(1))
    assert np.var(layer.kernel[...]) * 400 == pytest.approx(1, abs=0.02)
    assert not layer.bias[...].any()


def test_layers_are_drawn_apart():
    net = MultilayerPerceptron([3, 3, 3], rngs=nnx.Rngs(0))
    weights = net.get_weights()
    assert (weights["kernel_0"] != weights["kernel_1"]).all()


def test_a_module_is_trained_by_stock_optax():
    import optax

    net = network()
    optimizer = nnx.Optimizer(net, optax.sgd(0.1), wrt=nnx.Param)

    def loss(net):
        return jnp.mean(net(X) ** 2)

    before = loss(net)
    optimizer.update(net, nnx.grad(loss)(net))
    assert loss(net) < before


# Programs


def test_compiled_mapped_and_eager_agree():
    eager = mlp(X, WEIGHTS, activation="gelu")
    program = jax.jit(lambda x, weights: mlp(x, weights, activation="gelu"))
    mapped = jax.vmap(lambda row: mlp(row, WEIGHTS, activation="gelu"))
    np.testing.assert_allclose(program(X, WEIGHTS), eager, rtol=1e-5)
    np.testing.assert_allclose(mapped(X), eager, rtol=1e-5)


def test_a_module_compiles():
    net = network()
    np.testing.assert_allclose(nnx.jit(lambda net, x: net(x))(net, X), net(X), rtol=1e-6)


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: dense(X, WEIGHTS["kernel_1"], WEIGHTS["bias_1"]),
            ValueError,
            "dense: kernel has in_features=4 but x has in_features=3",
        ),
        (
            lambda: dense(X, WEIGHTS["kernel_0"], WEIGHTS["bias_1"][:1]),
            ValueError,
            "dense: bias has out_features=1 but kernel has out_features=4",
        ),
        (
            lambda: dense(X.astype(np.int32), WEIGHTS["kernel_0"], WEIGHTS["bias_0"]),
            TypeError,
            "dense: x has dtype int32, expected floating point; cast it with x.astype(jnp.float32)",
        ),
        (
            lambda: mlp(X.astype(np.int32), WEIGHTS, activation="relu"),
            TypeError,
            "mlp: x has dtype int32, expected floating point; cast it with x.astype(jnp.float32)",
        ),
        (lambda: mlp(X, [X], activation="relu"), TypeError, "mlp: weights is a list, expected dict"),
        (
            lambda: mlp(X, {}, activation="relu"),
            ValueError,
            "mlp: weights lacks kernel_0, bias_0; it has no name",
        ),
        (
            lambda: mlp(X, without("bias_1"), activation="relu"),
            ValueError,
            "mlp: weights lacks bias_1; it has bias_0, kernel_0, kernel_1",
        ),
        (
            lambda: mlp(X, without("bias_1") | {"Bias_1": WEIGHTS["bias_1"]}, activation="relu"),
            ValueError,
            "mlp: weights lacks bias_1; is it Bias_1?",
        ),
        (
            lambda: mlp(X, WEIGHTS | {"bias_2": X}, activation="relu"),
            ValueError,
            "mlp: weights has bias_2, which is none of kernel_0, bias_0, kernel_1, bias_1; take it out",
        ),
        (
            lambda: mlp(X, WEIGHTS | {"bias_0": WEIGHTS["bias_0"][:1]}, activation="relu"),
            ValueError,
            "mlp: bias_0 has units_0=1 but kernel_0 has units_0=4",
        ),
        (
            lambda: mlp(X, WEIGHTS | {"kernel_0": WEIGHTS["kernel_0"].T}, activation="relu"),
            ValueError,
            "mlp: kernel_0 has in_features=4 but x has in_features=3; is it transposed?",
        ),
        (
            lambda: mlp(X, WEIGHTS | {"kernel_1": np.ones((5, 2), np.float32)}, activation="relu"),
            ValueError,
            "mlp: kernel_1 has units_0=5 but kernel_0 has units_0=4",
        ),
        (
            lambda: mlp(X, WEIGHTS | {"bias_1": np.ones((2, 1), np.float32)}, activation="relu"),
            ValueError,
            "mlp: bias_1 has shape (2, 1), expected [units_1]",
        ),
        (
            lambda: mlp(X, WEIGHTS | {"bias_1": np.ones(2, np.int32)}, activation="relu"),
            TypeError,
            "mlp: bias_1 has dtype int32, expected floating point; cast it with .astype(jnp.float32)",
        ),
        (
            lambda: mlp(X, WEIGHTS | {"bias_1": None}, activation="relu"),
            TypeError,
            "mlp: bias_1 is None, expected an array; convert it with jnp.asarray, a Tensor with .numpy()",
        ),
        (
            lambda: Dense(0, 2, rngs=nnx.Rngs(0)),
            ValueError,
            "Dense: in_features is 0, must be at least 1",
        ),
        (
            lambda: MultilayerPerceptron([], rngs=nnx.Rngs(0)),
            ValueError,
            "MultilayerPerceptron: sizes [] has no hidden layer; put one between, or use Dense",
        ),
        (
            lambda: MultilayerPerceptron([3, 2], rngs=nnx.Rngs(0)),
            ValueError,
            "MultilayerPerceptron: sizes [3, 2] has no hidden layer; put one between, or use Dense(3, 2)",
        ),
        (
            lambda: MultilayerPerceptron([3, 0, 2], rngs=nnx.Rngs(0)),
            ValueError,
            "MultilayerPerceptron: sizes[1] is 0, must be an integer of at least 1",
        ),
        (
            lambda: MultilayerPerceptron([3, 4.0, 2], rngs=nnx.Rngs(0)),
            ValueError,
            "MultilayerPerceptron: sizes[1] is 4.0, must be an integer of at least 1",
        ),
        (
            lambda: network()(X[:, :2]),
            ValueError,
            "dense: kernel has in_features=3 but x has in_features=2",
        ),
        (
            lambda: network().set_weights(without("kernel_1")),
            ValueError,
            "MultilayerPerceptron.set_weights: weights lacks kernel_1; it has kernel_0, bias_0, bias_1",
        ),
        (
            lambda: network().set_weights(WEIGHTS | {"bias_0": X}),
            ValueError,
            "MultilayerPerceptron.set_weights: bias_0 has shape (5, 3), expected [4]",
        ),
    ],
)
def test_bad_input_is_one_line(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_an_unknown_activation_names_the_nearest():
    with pytest.raises(ValueError, match="mlp: activation must be one of .*, got 'rulu'; did you mean 'relu'?"):
        mlp(X, WEIGHTS, activation="rulu")
    with pytest.raises(ValueError, match="Dense: activation must be one of .*, got 'tahn'; did you mean 'tanh'?"):
        Dense(3, 2, activation="tahn", rngs=nnx.Rngs(0))
