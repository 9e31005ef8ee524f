"""Wrong convolutional networks, each met in the wild, each caught by the clauses that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.convolutional import network as oracle
from nnspec_conformance.oracles.architectures.convolutional.convolution import convolution_2d
from nnspec_conformance.oracles.components.layers import activate, dense

MUTANTS = Mutants()
LENET = ("network.value[lenet]", "network.example[lenet]")
RESIDUAL = ("network.value[residual_network]", "network.example[residual_network]")
BOTH = ("network.value", "network.example")


# ---- networks of which one step is another


def same(x, kernel, bias):
    return convolution_2d(x, kernel, bias, padding="same")


def plain_head(f, weights, phi):
    h = phi(dense(f, weights["kernel_2"], weights["bias_2"]))
    return h, dense(h, weights["kernel_3"], weights["bias_3"])


def stage(p, kernel, bias, phi, pool):
    m = phi(same(p, kernel, bias))
    return m, pool(m)


def lenet_of(stage=stage, pool=None, flat=oracle.flatten_features, head=plain_head) -> Callable:
    """A LeNet of these steps."""

    @in_dtype
    def run(x, weights, *, activation, pooling, flatten_order="hwc"):
        phi, values, p = functools.partial(activate, name=activation), {}, x
        pooled = pool or functools.partial(oracle.halved, pooling=pooling)
        for i in (0, 1):
            m, p = stage(p, weights[f"kernel_{i}"], weights[f"bias_{i}"], phi, pooled)
            values |= {f"maps_{i}": m, f"pooled_{i}": p}
        f = flat(p, flatten_order=flatten_order)
        h, y = head(f, weights, phi)
        return values | {"features": f, "hidden": h, "output": y}

    return run


def strided(a, kernel, bias, strided_zeros):
    return convolution_2d(a, kernel, bias, **oracle._strided(strided_zeros))


def identity_block(a, conv, phi):
    return phi(conv(2, phi(conv(1, a))) + a)


def projected(a, kernel, bias):
    return convolution_2d(a, kernel, bias, padding="valid", stride=(2, 2))


def smaller_block(inner, shortcut, phi):
    return phi(inner + shortcut)


def residual_of(
    block=identity_block, shortcut=projected, last=smaller_block, mean=lambda a: a.mean((1, 2)), conv=same
) -> Callable:
    """A residual network of these steps."""

    @in_dtype
    def run(x, weights, *, activation, strided_zeros="both"):
        phi = functools.partial(activate, name=activation)

        def layer(i, a):
            return conv(a, weights[f"kernel_{i}"], weights[f"bias_{i}"])

        values = {"maps": phi(layer(0, x))}
        values["block_0"] = a = block(values["maps"], layer, phi)
        inner = layer(4, phi(strided(a, weights["kernel_3"], weights["bias_3"], strided_zeros)))
        values["block_1"] = a = last(inner, shortcut(a, weights["shortcut_kernel"], weights["shortcut_bias"]), phi)
        values["pooled"] = mean(a)
        values["output"] = dense(values["pooled"], weights["kernel_5"], weights["bias_5"])
        return values

    return run


def of_lenet(story: str, *catches: str) -> Callable[[Callable], Callable]:
    """Add what the decorated function returns under the function's name."""

    def bind(make: Callable) -> Callable:
        MUTANTS.add(story, *catches, name=make.__name__.replace("_", " "))(make())
        return make

    return bind


of_residual = of_lenet  # the clauses say of which network


# ---- features


@MUTANTS.each("images read as [width, height]", "network.flatten-order", operations=["flatten_features"])
def takes_columns_for_rows(f, x, **given):
    return f(x.swapaxes(1, 2), **given)


@MUTANTS.each("a view of memory in the order in which it happens to lie", "network.flatten-order",
              operations=["flatten_features"])  # fmt: skip
def interleaves_places_and_channels(f, x, **given):
    b, h, w, c = x.shape
    return f(x.reshape(b, h * w, c).swapaxes(1, 2).reshape(b, w, h, c), **given)


@of_lenet("the head reads columns before rows", "network.flatten-order[lenet]", "network.ported")
def flattens_column_by_column():
    return lenet_of(flat=lambda p, **given: oracle.flatten_features(p.swapaxes(1, 2), **given))


@MUTANTS.add("a table from another framework, with the dense kernel transposed as a square and its rows as they were",
             "network.flatten-order[lenet]", "network.ported", "network.value[lenet]")  # fmt: skip
def reverses_the_rows_of_the_head(x, weights, **given):
    return right.lenet(x, weights | {"kernel_2": weights["kernel_2"][::-1]}, **given)


# ---- values of the network with a head


@of_lenet(
    "the pooling stands before the activation: no difference for a maximum, one for a mean", "network.value[lenet]"
)
def averages_before_the_activation():
    def stage(p, kernel, bias, phi, pool):
        z = same(p, kernel, bias)
        return phi(z), phi(pool(z))

    return lenet_of(stage=stage)


@of_lenet("pooling=... is read nowhere: the mean, as in 1998", "network.example[lenet]", "network.value[lenet]")
def always_averages():
    return lenet_of(pool=functools.partial(oracle.halved, pooling="average"))


@of_lenet("pooling=... is read nowhere: the maximum, as in any tutorial", "network.value[lenet]")
def always_takes_the_maximum():
    return lenet_of(pool=functools.partial(oracle.halved, pooling="max"))


@of_lenet("a mean that was meant, and a sum that came: four times too large", "network.value[lenet]")
def adds_the_four_in_place_of_their_mean():
    return lenet_of(pool=lambda m: 4 * oracle.halved(m, "average"))


@of_lenet("every second pixel in place of a pooling", *LENET)
def takes_every_second_place():
    return lenet_of(pool=lambda m: m[:, : m.shape[1] // 2 * 2 : 2, : m.shape[2] // 2 * 2 : 2])


@of_lenet("an odd map loses its first row in place of its last", "network.value[lenet]")
def leaves_the_first_odd_row_out():
    def pool(m):
        return oracle.halved(m[:, m.shape[1] % 2 :, m.shape[2] % 2 :], "average")

    return lenet_of(pool=pool)


@of_lenet("ceil_mode=True: the last odd row makes a window of its own", "network.shapes[lenet]")
def pools_what_sticks_out():
    def pool(m):
        return oracle.halved(np.pad(m, [(0, 0), (0, m.shape[1] % 2), (0, m.shape[2] % 2), (0, 0)], mode="edge"), "max")

    def head(f, weights, phi):  # the table is for fewer features
        return plain_head(f[:, : len(weights["kernel_2"])], weights, phi)

    return lenet_of(pool=pool, head=head)


@of_lenet("bias=False, as before a batch normalization", *LENET)
def forgets_the_biases_of_the_convolutions():
    def without(p, kernel, bias, phi, pool):
        return stage(p, kernel, 0 * bias, phi, pool)

    return lenet_of(stage=without)


@of_lenet("the hidden layer has lost its activation: two dense layers are one", *LENET)
def leaves_the_hidden_layer_linear():
    return lenet_of(head=lambda f, weights, phi: plain_head(f, weights, lambda z: z))


@of_lenet("replicate in place of zeros around the maps", *LENET)
def repeats_the_edge_around_the_maps():
    def edge(p, kernel, bias, phi, pool):
        m = phi(convolution_2d(np.pad(p, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="edge"), kernel, bias))
        return m, pool(m)

    return lenet_of(stage=edge)


@of_lenet(
    "windows of three by three were thought to be enough", "network.receptive-field[lenet]", "network.value[lenet]"
)
def reads_the_inner_nine_taps_alone():
    def inner(p, kernel, bias, phi, pool):
        return stage(p, np.pad(kernel[1:-1, 1:-1], [(1, 1), (1, 1), (0, 0), (0, 0)]), bias, phi, pool)

    return lenet_of(stage=inner)


# ---- values of both


def with_kernels(change: Callable) -> Callable:
    """The network with each kernel of a window changed."""

    def wrong(f, x, weights, **given):
        return f(x, {name: change(w) if w.ndim == 4 else w for name, w in weights.items()}, **given)

    return wrong


MUTANTS.each("the convolution of mathematics", "network.value", name="flips its kernels")(
    with_kernels(lambda w: w[::-1, ::-1])
)
MUTANTS.each("kernels ported as [width, height]", "network.value", name="transposes its windows")(
    with_kernels(lambda w: w.swapaxes(0, 1))
)


@MUTANTS.each("a model that ends with a softmax, and a loss that has another", *BOTH, "network.output")
def ends_with_a_softmax(f, x, weights, **given):
    values = f(x, weights, **given)
    e = np.exp((values["output"] - values["output"].max(-1, keepdims=True)).astype(np.float32))
    return values | {"output": (e / e.sum(-1, keepdims=True)).astype(x.dtype)}


@MUTANTS.each("every layer is made by one function, with its ReLU: no number below zero can be regressed",
              "network.output", "network.value")  # fmt: skip
def activates_the_output(f, x, weights, **given):
    values = f(x, weights, **given)
    return values | {"output": np.maximum(values["output"], np.zeros_like(values["output"]))}


@MUTANTS.each("values handed out before their activation", "network.value")
def hands_out_the_values_of_the_negative_image(f, x, weights, **given):
    return f(-x, weights, **given)


@MUTANTS.each("channels before lengths, as PyTorch has them, where the others come last", "network.shapes")
def hands_out_maps_with_channels_first(f, x, weights, **given):
    return {name: np.moveaxis(v, -1, 1) if v.ndim == 4 else v for name, v in f(x, weights, **given).items()}


@MUTANTS.each("an image standardized by its own mean, as some libraries do before the first layer", "network.value")
def subtracts_the_mean_of_the_image(f, x, weights, **given):
    return f((x - x.mean((1, 2), keepdims=True, dtype=np.float32) / 8).astype(x.dtype), weights, **given)


# ---- values of the network with shortcuts


@of_residual("a plain network: the shortcut was forgotten", *RESIDUAL, "network.shortcut")
def forgets_the_shortcut():
    return residual_of(block=lambda a, conv, phi: phi(conv(2, phi(conv(1, a)))))


@of_residual("the shortcut is added behind the activation", *RESIDUAL)
def adds_the_shortcut_after_the_activation():
    return residual_of(
        block=lambda a, conv, phi: phi(conv(2, phi(conv(1, a)))) + a, last=lambda inner, short, phi: phi(inner) + short
    )


@of_residual("identity mappings of 2016: activations before the convolutions", "network.value[residual_network]")
def activates_before_the_convolutions():
    return residual_of(block=lambda a, conv, phi: conv(2, phi(conv(1, phi(a)))) + a)


@of_residual("the branch has lost its inner activation", *RESIDUAL)
def leaves_the_branch_linear():
    return residual_of(block=lambda a, conv, phi: phi(conv(2, conv(1, a)) + a))


@of_residual("the sum divided by the root of two, to keep its variance", *RESIDUAL, "network.shortcut")
def scales_the_sum_of_a_block():
    return residual_of(block=lambda a, conv, phi: phi((conv(2, phi(conv(1, a))) + a) / np.sqrt(2)))


@of_residual("the shortcut pools, as in later variants of the network", "network.value[residual_network]",
             "network.shortcut")  # fmt: skip
def averages_in_the_shortcut():
    def shortcut(a, kernel, bias):
        wide = np.pad(a, [(0, 0), (0, a.shape[1] % 2), (0, a.shape[2] % 2), (0, 0)], mode="edge")
        return convolution_2d(oracle.halved(wide, "average"), kernel, bias)

    return residual_of(shortcut=shortcut)


@of_residual("the shortcut reads the second of two places", "network.value[residual_network]", "network.shortcut")
def reads_the_odd_places_in_the_shortcut():
    def shortcut(a, kernel, bias):
        wide = np.pad(a, [(0, 0), (0, a.shape[1] % 2), (0, a.shape[2] % 2), (0, 0)], mode="edge")
        return convolution_2d(wide[:, 1::2, 1::2], kernel, bias)

    return residual_of(shortcut=shortcut)


@of_residual("a mean over the window that the images of training had", "network.any-size")
def divides_by_the_places_of_the_images_of_training():
    return residual_of(mean=lambda a: a.sum((1, 2)) / 12)


@of_residual("the maximum of each map in place of its mean", "network.value[residual_network]")
def takes_the_maximum_of_each_map():
    return residual_of(mean=lambda a: a.max((1, 2)))


@of_residual("zeros are not handed around a map: its edge is repeated", "network.value[residual_network]")
def repeats_the_edge_in_the_blocks():
    def edge(a, kernel, bias):
        return convolution_2d(np.pad(a, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="edge"), kernel, bias)

    return residual_of(conv=edge)
