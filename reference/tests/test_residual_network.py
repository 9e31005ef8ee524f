"""The residual network of the reference: its module, images of any size, errors of one line."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from nnspec.architectures.convolutional.network import receptive_field
from nnspec.architectures.convolutional.residual_network import (
    ResidualNetwork,
    _last_maps,
    residual_network,
    residual_network_counts,
)


def network(activation="tanh"):
    return ResidualNetwork(3, maps=(4, 5), activation=activation, rngs=nnx.Rngs(0))


def images(count=4, sides=(6, 7)):
    return jnp.asarray(np.random.default_rng(5).standard_normal((count, *sides, 3)), jnp.float32)


def test_the_module_is_the_function_with_its_table():
    net = network()
    np.testing.assert_array_equal(net(images()), residual_network(images(), net.get_weights(), activation="tanh"))


def test_a_table_that_is_handed_in_comes_back_out():
    net, other = network(), network()
    table = {name: w + 1 for name, w in net.get_weights().items()}
    other.set_weights(table)

    for name, w in other.get_weights().items():
        np.testing.assert_array_equal(w, table[name])
    assert not np.array_equal(other(images()), net(images()))


def test_one_table_takes_images_of_any_size():
    """A mean over places: of an image without colours, each size has the answer of a single place's biases alone."""
    table = network().get_weights()
    grey = {name: w if name.startswith("kernel_6") else jnp.zeros_like(w) for name, w in table.items()}
    grey |= {name: jnp.full_like(table[name], 0.25) for name in ("bias_5", "bias_6")}
    want = jnp.tanh(0.25) * grey["kernel_6"].sum(0) + 0.25

    for sides in ((1, 1), (2, 5), (9, 4)):
        got = residual_network(images(2, sides), grey, activation="tanh")
        np.testing.assert_allclose(got, jnp.tile(want, (2, 1)), rtol=1e-5, atol=1e-6)


def test_it_learns_to_classify():
    x, classes = images(12), jnp.arange(12) % 3
    net = network("relu")
    optimizer = nnx.Optimizer(net, optax.adam(0.02), wrt=nnx.Param)

    def loss(n):
        return optax.softmax_cross_entropy_with_integer_labels(n(x), classes).mean()

    step = nnx.jit(lambda net, optimizer: optimizer.update(net, nnx.grad(loss)(net)))
    before = loss(net)
    for _ in range(80):
        step(net, optimizer)

    assert loss(net) < before / 5


def test_first_kernels_have_the_variance_of_what_a_unit_reads():
    table = ResidualNetwork(50, maps=(20, 30), rngs=nnx.Rngs(3)).get_weights()

    for i in range(7):
        kernel = table[f"kernel_{i}"]
        reads = np.prod(kernel.shape[:-1])
        deviation = np.sqrt(2 / kernel.size)  # of the mean square of normal draws
        assert abs(float((kernel**2).mean()) * reads / 2 - 1) < 5 * deviation
        assert not table[f"bias_{i}"].any()


def test_mapped_and_whole_agree():
    table, x = network().get_weights(), images()
    each = jax.vmap(lambda image: residual_network(image[None], table, activation="relu")[0])(x)

    np.testing.assert_allclose(each, residual_network(x, table, activation="relu"), rtol=1e-5, atol=1e-6)


# ---- what a place sees, and counts


def support(phi, place):
    """Which pixels of an image a place of the last maps depends on."""
    table = ResidualNetwork(3, maps=(4, 5), rngs=nnx.Rngs(1)).get_weights()
    dx = jax.grad(lambda x: _last_maps(x, table, phi)[0, *place].sum())(images(1, (24, 30)))
    return np.asarray(dx != 0).any((0, 3))


def test_a_place_depends_on_the_square_of_the_formula():
    size, jump = receptive_field((3, 3, 3, 3, 3), (1, 1, 1, 2, 1))
    place, before = (5, 7), 1 + 1 + 1 + 1 + 2  # pixels before the place's own: each window has one tap there
    square = np.zeros((24, 30), bool)
    row, column = (jump * p - before for p in place)
    square[row : row + size, column : column + size] = True

    assert size == 13
    np.testing.assert_array_equal(support(jnp.tanh, place), square)
    there = support(jax.nn.relu, place)
    assert there.any()
    assert not (there & ~square).any()


def with_(counts, **changed):
    return [row._replace(**{name: change(row) for name, change in changed.items()}) for row in counts]


def counts_zeros_of_the_padding(image, outputs, *, maps):
    """A product for each tap at each place."""

    def all_of(row):
        return row.products and (row.parameters - row.shape[-1]) * int(np.prod(row.shape[:-1]))

    return with_(residual_network_counts(image, outputs, maps=maps), products=all_of)


def forgets_the_biases(image, outputs, *, maps):
    """Counts the entries of the kernels alone."""
    counts = residual_network_counts(image, outputs, maps=maps)
    return with_(counts, parameters=lambda row: row.parameters and row.parameters - row.shape[-1])


def forgets_the_projection(image, outputs, *, maps):
    """Counts a shortcut as if it never had weights."""
    return [row for row in residual_network_counts(image, outputs, maps=maps) if row.name != "kernel_5"]


def leaves_a_last_row_out(image, outputs, *, maps):
    """A stride that rounds down, as a pooling does."""
    height, width, channels = image
    half = residual_network_counts((height // 2 * 2, width // 2 * 2, channels), outputs, maps=maps)
    full = residual_network_counts(image, outputs, maps=maps)
    return full[:3] + half[3:]


@pytest.mark.statement(
    "residual-network.counts",
    of=residual_network_counts,
    mutants=[counts_zeros_of_the_padding, forgets_the_biases, forgets_the_projection, leaves_a_last_row_out],
)
def test_counts_by_formula_are_those_of_xla_and_of_the_table(implementation, layers_of):
    table = network().get_weights()
    entries = [table[f"kernel_{i}"].size + table[f"bias_{i}"].size for i in range(7)]
    for image in ((7, 8, 3), (5, 9, 3), (1, 2, 3)):
        counts = implementation(image, 3, maps=(4, 5))
        asked = layers_of(lambda x, w: residual_network(x, w, activation="tanh"), jnp.ones((1, *image)), table)

        assert sorted((row.shape, row.products) for row in counts if row.products) == sorted(asked)
        assert [row.parameters for row in counts if row.parameters] == entries
        assert [row.name for row in counts if row.parameters] == [f"kernel_{i}" for i in range(7)]
        assert [row.shape for row in counts if row.name == "mean"] == [(5,)]


def without(name):
    return {other: w for other, w in network().get_weights().items() if other != name}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: residual_network(images()[0], without(""), activation="relu"), "residual_network: x"),
        (lambda: residual_network(images()[:, :0], without(""), activation="relu"),
         "residual_network: x has shape .* without a place"),
        (lambda: residual_network(images(), without("bias_5"), activation="relu"),
         "residual_network: weights lacks bias_5"),
        (lambda: residual_network(images()[..., :2], without(""), activation="relu"),
         "residual_network: kernel_0 has in_features=3 but x has in_features=2"),
        (lambda: residual_network(images(), without("") | {"kernel_5": jnp.ones((3, 3, 4, 5))}, activation="relu"),
         r"residual_network: kernel_5 has shape \(3, 3, 4, 5\), expected \[1, 1, maps_0, maps_1\]"),
        (lambda: residual_network(images(), without(""), activation="relu6"), "residual_network: activation"),
        (lambda: ResidualNetwork(3, maps=(8,), rngs=nnx.Rngs(0)), r"ResidualNetwork: maps=\(8,\)"),
        (lambda: ResidualNetwork(0, rngs=nnx.Rngs(0)), "ResidualNetwork: every size must be at least 1, got 0"),
        (lambda: network().set_weights(without("kernel_0")), "ResidualNetwork.set_weights: weights lacks kernel_0"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_refused_in_one_line(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()

    assert "\n" not in str(caught.value)
