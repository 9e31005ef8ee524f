"""The network like LeNet of the reference: its module, what compiling changes, errors of one line."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from nnspec.architectures.convolutional.network import flatten_features, reorder_head
from nnspec.architectures.convolutional.network_lenet import LeNet, lenet, lenet_counts

GIVEN = {"activation": "tanh", "pooling": "average"}


def network(outputs=3, image=(8, 9, 1)):
    return LeNet(image, outputs, maps=(3, 4), hidden=6, window=3, rngs=nnx.Rngs(0))


def images(count=4):
    return jnp.asarray(np.random.default_rng(5).standard_normal((count, 8, 9, 1)), jnp.float32)


def test_the_module_is_the_function_with_its_table():
    net = network()
    np.testing.assert_array_equal(net(images()), lenet(images(), net.get_weights(), **GIVEN))


def test_a_table_that_is_handed_in_comes_back_out():
    net, other = network(), network()
    table = {name: w + 1 for name, w in net.get_weights().items()}
    other.set_weights(table)

    for name, w in other.get_weights().items():
        np.testing.assert_array_equal(w, table[name])
    assert not np.array_equal(other(images()), net(images()))


def test_one_network_learns_to_classify_and_to_regress():
    x = images(12)
    classes, places = jnp.arange(12) % 3, jnp.linspace(-2, 2, 36).reshape(12, 3)

    def trained(loss):
        net = network()
        optimizer = nnx.Optimizer(net, optax.adam(0.02), wrt=nnx.Param)
        step = nnx.jit(lambda net, optimizer: optimizer.update(net, nnx.grad(lambda n: loss(n(x)))(net)))
        before = loss(net(x))
        for _ in range(60):
            step(net, optimizer)
        return before, loss(net(x))

    before, after = trained(lambda y: optax.softmax_cross_entropy_with_integer_labels(y, classes).mean())
    assert after < before / 5
    before, after = trained(lambda y: ((y - places) ** 2).mean())
    assert after < before / 5


def test_first_kernels_have_the_variance_of_what_a_unit_reads():
    table = LeNet((12, 12, 1), 50, maps=(20, 40), hidden=300, activation="relu", rngs=nnx.Rngs(3)).get_weights()

    for i in range(4):
        kernel = table[f"kernel_{i}"]
        reads = np.prod(kernel.shape[:-1])
        deviation = np.sqrt(2 / kernel.size)  # of the mean square of normal draws
        assert abs(float((kernel**2).mean()) * reads / 2 - 1) < 5 * deviation
        assert not table[f"bias_{i}"].any()


def test_rows_of_a_head_from_pytorch_give_equal_outputs():
    table, x = network().get_weights(), images()
    by_channel = table | {"kernel_2": reorder_head(table["kernel_2"], maps=(2, 2, 4), before="hwc")}
    back = by_channel | {"kernel_2": reorder_head(by_channel["kernel_2"], maps=(2, 2, 4), before="chw")}

    np.testing.assert_array_equal(lenet(x, back, **GIVEN), lenet(x, table, **GIVEN))
    assert not np.allclose(lenet(x, by_channel, **GIVEN), lenet(x, table, **GIVEN))
    assert flatten_features(x).shape == (4, 72)


def test_mapped_and_whole_agree():
    table, x = network().get_weights(), images()
    each = jax.vmap(lambda image: lenet(image[None], table, **GIVEN)[0])(x)

    np.testing.assert_allclose(each, lenet(x, table, **GIVEN), rtol=1e-5, atol=1e-6)


# ---- counts


def with_(counts, **changed):
    return [row._replace(**{name: change(row) for name, change in changed.items()}) for row in counts]


def counts_zeros_of_the_padding(image, outputs, *, maps, hidden, window):
    """A product for each tap at each place."""

    def all_of(row):
        taps = row.parameters - row.shape[-1]  # entries of the kernel
        return row.products and taps * int(np.prod(row.shape[:-1]))

    return with_(lenet_counts(image, outputs, maps=maps, hidden=hidden, window=window), products=all_of)


def forgets_the_biases(image, outputs, *, maps, hidden, window):
    """Counts the entries of the kernels alone."""
    counts = lenet_counts(image, outputs, maps=maps, hidden=hidden, window=window)
    return with_(counts, parameters=lambda row: row.parameters and row.parameters - row.shape[-1])


def rounds_halves_up(image, outputs, *, maps, hidden, window):
    """A pooling that keeps a last row that fills no block."""
    height, width, channels = image
    even = (height + height % 2, width + width % 2, channels)
    return lenet_counts(even, outputs, maps=maps, hidden=hidden, window=window)


def padding_at_the_start(image, outputs, *, maps, hidden, window):
    """The window of an even size counted as the next larger one."""
    counts = lenet_counts(image, outputs, maps=maps, hidden=hidden, window=window + 1 - window % 2)
    right = lenet_counts(image, outputs, maps=maps, hidden=hidden, window=window)
    return [a._replace(parameters=b.parameters) for a, b in zip(counts, right, strict=True)]


@pytest.mark.statement(
    "network.lenet-counts",
    of=lenet_counts,
    mutants=[counts_zeros_of_the_padding, forgets_the_biases, rounds_halves_up, padding_at_the_start],
)
def test_counts_by_formula_are_those_of_xla_and_of_the_table(implementation, layers_of):
    for image, window in (((9, 14, 2), 4), ((12, 7, 3), 5)):
        net = LeNet(image, 3, maps=(4, 6), hidden=7, window=window, pooling="average", rngs=nnx.Rngs(0))
        table = net.get_weights()
        counts = implementation(image, 3, maps=(4, 6), hidden=7, window=window)
        shapes = {row.name: row.shape for row in counts if row.name != "pooling"}
        pooled = [row.shape for row in counts if row.name == "pooling"]
        entries = [table[f"kernel_{i}"].size + table[f"bias_{i}"].size for i in range(4)]

        assert [(row.shape, row.products) for row in counts if row.products] == layers_of(
            lambda x, w: lenet(x, w, **GIVEN), jnp.ones((1, *image)), table
        )
        assert [row.parameters for row in counts if row.parameters] == entries
        assert list(shapes) == [f"kernel_{i}" for i in range(4)]
        assert np.prod(pooled[1]) == len(table["kernel_2"])
        assert pooled[0][:2] == shapes["kernel_1"][:2]
        assert pooled[0][2] == shapes["kernel_0"][2]


def without(name):
    return {other: w for other, w in network().get_weights().items() if other != name}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lenet(images()[0], without(""), **GIVEN), "lenet: x"),
        (lambda: lenet(images()[:, :3], without(""), **GIVEN), "lenet: x is 3 x 9, too small for two poolings"),
        (lambda: lenet(images()[:, :7], without(""), **GIVEN),
         r"lenet: kernel_2 has 16 rows but images of 7 x 9 give 1 \* 2 \* 4 = 8 features"),
        (lambda: lenet(images(), without("bias_1"), **GIVEN), "lenet: weights lacks bias_1"),
        (lambda: lenet(images(), without("") | {"kernel_1": jnp.ones((3, 2, 3, 4))}, **GIVEN),
         "lenet: kernel_1 has window=2 but"),
        (lambda: LeNet((8, 9), 3, rngs=nnx.Rngs(0)), r"LeNet: image=\(8, 9\)"),
        (lambda: LeNet((8, 3, 1), 3, rngs=nnx.Rngs(0)), "LeNet: images of 8 x 3 are too small"),
        (lambda: LeNet((8, 9, 1), 0, rngs=nnx.Rngs(0)), "LeNet: every size must be at least 1, got 0"),
        (lambda: network().set_weights(without("kernel_0")), "LeNet.set_weights: weights lacks kernel_0"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_refused_in_one_line(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()

    assert "\n" not in str(caught.value)
