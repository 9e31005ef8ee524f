"""Convolutional networks of the reference: counts as XLA has them, modules, orders of features, errors of one line."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.convolutional.network import (
    LeNet,
    ResidualNetwork,
    flatten_features,
    lenet,
    network_costs,
    receptive_field,
    reorder_head,
    residual_network,
)
from nnspec.components.layers import dense

RNG = np.random.default_rng(3)
PLAIN = {"activation": "relu", "pooling": "max"}


def draws(*shape):
    return jnp.asarray(RNG.standard_normal(shape), jnp.float32)


X = draws(2, 9, 12, 2)
NET = LeNet((9, 12, 2), maps=(3, 4), hidden=6, outputs=5, rngs=nnx.Rngs(0))
WEIGHTS = NET.get_weights()
RESIDUAL = ResidualNetwork(2, maps=(3, 4), outputs=5, rngs=nnx.Rngs(0))


# ---- what a place sees


def box(windows, strides):
    """The extent of the inputs of one place of the last layer, from the set of them."""
    seen = {0}
    for k, s in zip(reversed(windows), reversed(strides), strict=True):
        seen = {p * s + a for p in seen for a in range(k)}
    return max(seen) - min(seen) + 1


def adds_the_windows(windows, strides):
    """Counts every stride as one."""
    return 1 + sum(k - 1 for k in windows), int(np.prod(strides))


def takes_a_layers_own_stride(windows, strides):
    """Multiplies each window by its own stride, too."""
    jumps = np.cumprod(strides)
    return 1 + sum((k - 1) * int(j) for k, j in zip(windows, jumps, strict=True)), int(np.prod(strides))


@pytest.mark.statement(
    "network.receptive-field-formula", of=receptive_field, mutants=[adds_the_windows, takes_a_layers_own_stride]
)
def test_the_formula_is_the_box_of_what_a_place_depends_on(implementation):
    for layers in (1, 2, 3):
        for numbers in itertools.product(range(1, 5), repeat=2 * layers):
            windows, strides = numbers[:layers], numbers[layers:]

            assert implementation(windows, strides) == (box(windows, strides), np.prod(strides))


def support(activation, pooling, place=(2, 3)):
    """Which pixels of an image the first of the last maps depends on, at one place."""
    image = draws(1, 20, 24, 1)
    net = LeNet((20, 24, 1), maps=(1, 1), hidden=1, outputs=1, rngs=nnx.Rngs(1))

    def one(x):
        return lenet(x, net.get_weights(), activation=activation, pooling=pooling)["pooled_1"][0, *place, 0]

    return np.asarray(jax.grad(one)(image))[0, :, :, 0] != 0


def test_a_smooth_network_depends_on_its_whole_receptive_field():
    there = support("tanh", "average")

    size, jump = receptive_field((5, 2, 5, 2), (1, 2, 1, 2))
    assert (size, jump) == (16, 4)
    assert there.sum() == size**2
    assert there.any(1).sum() == there.any(0).sum() == size


def test_a_maximum_and_relu_leave_holes_in_the_receptive_field():
    there = support("relu", "max")

    assert 0 < there.sum() < 16**2


# ---- costs


def counts_the_zeros(weights, *, height, width):
    """Takes every window for a full one."""
    n0, n1 = weights["kernel_0"].shape[-1], weights["kernel_1"].shape[-1]
    maps = 25 * height * width * weights["kernel_0"].shape[2] * n0 + 25 * (height // 2) * (width // 2) * n0 * n1
    head = weights["kernel_2"].size + weights["kernel_3"].size
    return network_costs(weights, height=height, width=width) | {"products": maps + head}


def forgets_the_biases(weights, *, height, width):
    """Counts kernels only."""
    kernels = sum(w.size for name, w in weights.items() if name.startswith("kernel"))
    return network_costs(weights, height=height, width=width) | {"parameters": kernels}


def counted_by_xla(weights, x):
    """Operations of the program of a network, before any optimization."""
    program = jax.jit(lambda x, weights: lenet(x, weights, **PLAIN)["output"]).lower(x, weights)
    return program.cost_analysis()["flops"]


@pytest.mark.statement("network.costs", of=network_costs, mutants=[counts_the_zeros, forgets_the_biases])
def test_products_and_parameters_are_those_that_xla_counts(implementation):
    for image, maps in (((9, 12, 2), (3, 4)), ((28, 28, 1), (6, 16)), ((6, 5, 1), (2, 3))):
        height, width, _ = image
        weights = LeNet(image, maps=maps, hidden=7, outputs=5, rngs=nnx.Rngs(0)).get_weights()
        costs = implementation(weights, height=height, width=width)
        flops = counted_by_xla(weights, jnp.zeros((1, *image)))
        n0, n1 = maps
        first, second = height * width * n0, (height // 2) * (width // 2) * n1
        # for each number a bias, and of ReLU a comparison and a choice, whose zero is converted once for each layer;
        # the output has its bias alone; three comparisons in each square of a pooling
        rest = 3 * (first + second + 7 + 1) + 5
        rest += 3 * (height // 2) * (width // 2) * n0 + 3 * (height // 4) * (width // 4) * n1

        assert costs["parameters"] == sum(w.size for w in weights.values())
        assert flops == pytest.approx(2 * costs["products"] + rest, abs=1e-6 * flops), (flops, costs, rest)


# ---- the order of features


def leaves_the_rows(kernel, *, maps, before):
    """Hands the kernel back as it came."""
    return kernel


def reads_columns_first(kernel, *, maps, before):
    """Takes width for height."""
    height, width, channels = maps
    return reorder_head(kernel, maps=(width, height, channels), before=before)


@pytest.mark.statement("network.reorder", of=reorder_head, mutants=[leaves_the_rows, reads_columns_first])
def test_a_reordered_head_gives_equal_logits_and_comes_back(implementation):
    maps, kernel = draws(3, 4, 5, 2), draws(40, 6)
    by_channel = maps.transpose(0, 3, 1, 2).reshape(3, -1)
    here = implementation(kernel, maps=(4, 5, 2), before="chw")

    np.testing.assert_allclose(flatten_features(maps) @ here, by_channel @ kernel, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(implementation(here, maps=(4, 5, 2), before="hwc"), kernel)


# ---- modules


def called(net, x):
    """The output of a module."""
    return net(x)


def keeps_its_own_output_bias(net, x):
    """Takes all of a table but its last bias."""
    weights = net.get_weights()
    name = [*weights][-1]
    return net(x) - weights[name]


def pools_or_activates_otherwise(net, x):
    """Reads its keywords nowhere."""
    run = lenet if isinstance(net, LeNet) else residual_network
    given = {"activation": "relu", "pooling": "max"} if isinstance(net, LeNet) else {"activation": "tanh"}
    return run(x, net.get_weights(), **given)["output"]


@pytest.mark.statement("network.modules", of=called, mutants=[keeps_its_own_output_bias, pools_or_activates_otherwise])
def test_a_module_gives_the_output_of_the_function_on_its_table(implementation):
    for net, run in (
        (NET, lambda w: lenet(X, w, activation="tanh", pooling="average")),
        (RESIDUAL, lambda w: residual_network(X, w, activation="relu")),
    ):
        table = {name: 1.5 * w + 0.25 for name, w in net.get_weights().items()}
        net.set_weights(table)

        np.testing.assert_array_equal(net.get_weights()["kernel_1"], table["kernel_1"])
        np.testing.assert_allclose(implementation(net, X), run(table)["output"], rtol=1e-5, atol=1e-5)


def test_compiled_mapped_and_eager_agree():
    want = lenet(X, WEIGHTS, **PLAIN)
    mapped = jax.vmap(lambda x: lenet(x[None], WEIGHTS, **PLAIN)["output"][0])(X)
    with jax.disable_jit():
        eager = lenet(X, WEIGHTS, **PLAIN)

    np.testing.assert_allclose(mapped, want["output"], rtol=1e-5, atol=1e-5)
    for name, value in want.items():
        np.testing.assert_allclose(eager[name], value, rtol=1e-5, atol=1e-5)


def test_a_module_is_trained_through_its_parameters():
    net = LeNet((8, 8, 1), maps=(2, 2), hidden=4, outputs=1, rngs=nnx.Rngs(0))
    gradients = nnx.grad(lambda net: net(jnp.ones((3, 8, 8, 1))).sum())(net)

    assert len(jax.tree.leaves(gradients)) == 8
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(gradients))


def test_the_hidden_layer_is_a_dense_layer_of_the_features():
    values = lenet(X, WEIGHTS, **PLAIN)

    hidden = jnp.maximum(dense(values["features"], WEIGHTS["kernel_2"], WEIGHTS["bias_2"]), 0)
    np.testing.assert_allclose(values["hidden"], hidden, rtol=1e-5, atol=1e-5)


# ---- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lenet(X[:, :8, :8], WEIGHTS, **PLAIN),
         "lenet: kernel_2 takes 24 features but images of 8 by 8 give 16; bring the images to the size"),
        (lambda: lenet(X[:, :3], WEIGHTS, **PLAIN), "give 0; bring the images .*, at least 4 by 4"),
        (lambda: lenet(X[..., 0], WEIGHTS, **PLAIN), "lenet: x"),
        (lambda: lenet(X[..., :1], WEIGHTS, **PLAIN), "lenet: kernel_0 has in_features=2 but x has in_features=1"),
        (lambda: lenet(X, WEIGHTS, activation="relu", pooling="mean"), "lenet: pooling must be one of"),
        (lambda: lenet(X, {k: v for k, v in WEIGHTS.items() if k != "bias_3"}, **PLAIN), "lenet: weights lacks bias_3"),
        (lambda: residual_network(X, RESIDUAL.get_weights() | {"kernel_4": draws(3, 3, 3, 4)}, activation="relu"),
         "residual_network: kernel_4 has maps_1=3 but kernel_3 has maps_1=4"),
        (lambda: reorder_head(draws(24, 5), maps=(2, 3, 5), before="chw"),
         r"reorder_head: kernel has 24 rows but maps=\(2, 3, 5\) give 30 features"),
        (lambda: receptive_field((3, 3), (1,)), "receptive_field: 2 windows but 1 strides"),
        (lambda: receptive_field((3, 0), (1, 1)), "receptive_field: .* at least 1, got 0"),
        (lambda: LeNet((3, 8, 1), outputs=2, rngs=nnx.Rngs(0)), r"LeNet: kernel_2 would have shape \(0, 84\)"),
        (lambda: NET.set_weights({}), "LeNet.set_weights: weights lacks kernel_0"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_refused_in_one_line(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()

    assert "\n" not in str(caught.value)
