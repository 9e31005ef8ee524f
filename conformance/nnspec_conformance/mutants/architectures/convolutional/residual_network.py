"""Wrong residual networks, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.convolutional._maps import (
    activate,
    same_convolution,
    strided_convolution,
)
from nnspec_conformance.oracles.architectures.convolutional.residual_network import STRIDE, strided_pads

MUTANTS = Mutants()
VALUE, IDENTITY, PROJECTION = (f"residual-network.{name}" for name in ("value", "identity", "projection"))
OUTPUT, GRADIENT, THROUGH = (f"residual-network.{name}" for name in ("output", "gradient", "identity-gradient"))
PADDING, MISSING = "residual-network.strided-padding", "residual-network.missing-axis"


def changed(weights, **others):
    """The weights with some of them replaced, each by what is made of it."""
    return {name: others[name](w) if name in others else w for name, w in weights.items()}


def in_windows(function):
    """The function of all kernels of 3 x 3."""
    return {f"kernel_{i}": function for i in range(5)}


def mean(maps):
    return maps.mean((1, 2))


def summed(shortcut, branch, phi):
    """The end of a block as it is right."""
    return phi(shortcut + branch)


@in_dtype
def rebuilt(
    x, weights, *, activation, strided_padding="centred", first=summed, second=summed, inside=None, whole=mean,
    project=None, pads=None,
):  # fmt: skip
    """The network with other ends of its blocks, another activation in them, another end, or another projection."""

    def phi(z):
        return activate(z, activation)

    def layer(i, a):
        return same_convolution(a, weights[f"kernel_{i}"], weights[f"bias_{i}"])

    def strided(i, a, zeros):
        return strided_convolution(a, weights[f"kernel_{i}"], weights[f"bias_{i}"], STRIDE, zeros)

    inside = inside or phi
    a0 = phi(layer(0, x))
    a1 = first(a0, layer(2, inside(layer(1, a0))), phi)
    zeros = pads or strided_pads(a1.shape[1:3], strided_padding)
    shortcut = (project or (lambda a: strided(5, a, [(0, 0)] * 2)))(a1)
    a2 = second(shortcut, layer(4, inside(strided(3, a1, zeros))), phi)
    return whole(a2) @ weights["kernel_6"] + weights["bias_6"]


# ---- where all lengths are alike


@MUTANTS.each("a projection where the number of maps changes, and nothing else: the stride is forgotten", VALUE)
def has_no_projection_between_equal_maps(f, x, weights, **given):
    kernel = weights["kernel_5"]
    if kernel.shape[-1] != kernel.shape[-2]:
        return f(x, weights, **given)
    same = np.broadcast_to(np.eye(kernel.shape[-1], dtype=kernel.dtype), kernel.shape)
    return f(x, changed(weights, kernel_5=lambda w: same, bias_5=lambda w: 0 * w), **given)


# ---- the blocks


@MUTANTS.add(
    "two plain layers where a block should be: the name is right, and the network a plain one", VALUE, IDENTITY
)
def forgets_the_shortcut_of_the_first_block(x, weights, **given):
    return rebuilt(x, weights, **given, first=lambda shortcut, branch, phi: phi(branch))


@MUTANTS.add("a shortcut is added only where shapes are equal, and the second block gets none", VALUE, PROJECTION)
def forgets_the_projection(x, weights, **given):
    return rebuilt(x, weights, **given, second=lambda shortcut, branch, phi: phi(branch))


@MUTANTS.add("a loop of convolution and activation, with the sum behind it", VALUE)
def applies_the_activation_before_the_addition(x, weights, **given):
    def end(shortcut, branch, phi):
        return shortcut + phi(branch)

    return rebuilt(x, weights, **given, first=end, second=end)


@MUTANTS.add("a block whose sum goes on as it is, as in the later networks with normalization first", VALUE)
def forgets_the_activation_behind_the_addition(x, weights, **given):
    def end(shortcut, branch, phi):
        return shortcut + branch

    return rebuilt(x, weights, **given, first=end, second=end)


@MUTANTS.add("two convolutions of a branch with nothing between them", VALUE)
def forgets_the_activation_inside_the_branches(x, weights, **given):
    return rebuilt(x, weights, **given, inside=lambda z: z)


@MUTANTS.add("the mean of shortcut and branch, to keep the variance", VALUE, IDENTITY)
def takes_the_mean_of_shortcut_and_branch(x, weights, **given):
    return rebuilt(x, weights, **given, first=lambda shortcut, branch, phi: phi((shortcut + branch) / 2))


@MUTANTS.add("an addition in place changes the shortcut, too: the branch is added twice", VALUE)
def adds_the_branch_twice(x, weights, **given):
    return rebuilt(x, weights, **given, first=lambda shortcut, branch, phi: phi(shortcut + branch + branch))


@MUTANTS.add("the sum has both biases, and the code one of them", VALUE, PROJECTION)
def forgets_the_bias_of_the_projection(x, weights, **given):
    return right.residual_network(x, changed(weights, bias_5=np.zeros_like), **given)


@MUTANTS.add("convolution and activation come as one layer, and the projection is made of it", PROJECTION, VALUE)
def applies_the_activation_to_the_projection(x, weights, **given):
    return rebuilt(x, weights, **given, second=lambda shortcut, branch, phi: phi(phi(shortcut) + branch))


@MUTANTS.add("a mean of 2 x 2 before the projection, as in later networks: it reads all places", PROJECTION, VALUE)
def projects_the_means_of_blocks(x, weights, **given):
    def project(a):
        even = np.pad(a, [(0, 0), (0, a.shape[1] % 2), (0, a.shape[2] % 2), (0, 0)], mode="edge")
        blocks = (even[:, ::2] + even[:, 1::2]) / 2
        means = (blocks[:, :, ::2] + blocks[:, :, 1::2]) / 2
        return means @ weights["kernel_5"][0, 0].astype(means.dtype) + weights["bias_5"].astype(means.dtype)

    return rebuilt(x, weights, **given, project=project)


@MUTANTS.add("both zeros before the image: the window ends where it should have its middle", PADDING, VALUE)
def puts_both_zeros_of_the_stride_before_the_maps(x, weights, **given):
    return rebuilt(x, weights, **given, pads=[(2, 0)] * 2)


@MUTANTS.add(
    "windows that begin with the first place, and zeros are filled in where the last one ends",
    "residual-network.odd-sides", PADDING, VALUE,
)  # fmt: skip
def reads_odd_sides_from_their_first_place(x, weights, **given):
    return rebuilt(x, weights, **given, pads=[(0, 2) if n % 2 else (1, 1) for n in x.shape[1:3]])


# ---- the layers


@MUTANTS.add("the convolution of mathematics turns the kernel around: a port from SciPy or MATLAB", VALUE)
def turns_the_kernels_around(x, weights, **given):
    return right.residual_network(x, changed(weights, **in_windows(lambda w: w[::-1, ::-1])), **given)


@MUTANTS.add("kernels that lie as [width, height] after a port", VALUE)
def exchanges_rows_and_columns_of_the_windows(x, weights, **given):
    return right.residual_network(x, changed(weights, **in_windows(lambda w: w.swapaxes(0, 1))), **given)


@MUTANTS.add("convolutions without a bias, as where a normalization follows, and none follows", VALUE)
def forgets_the_biases_of_the_convolutions(x, weights, **given):
    return right.residual_network(x, changed(weights, **{f"bias_{i}": np.zeros_like for i in range(5)}), **given)


@MUTANTS.add("residual networks have ReLU, and nobody looks at the keyword", VALUE)
def has_relu_whatever_is_asked(x, weights, **given):
    return right.residual_network(x, weights, **given | {"activation": "relu"})


@MUTANTS.add("the sum over the places in place of the mean: larger images have larger answers", VALUE)
def adds_up_the_last_maps(x, weights, **given):
    return rebuilt(x, weights, **given, whole=lambda maps: maps.sum((1, 2)))


@MUTANTS.add("the maximum of each map, where the mean is meant", VALUE)
def takes_the_maximum_of_the_last_maps(x, weights, **given):
    return rebuilt(x, weights, **given, whole=lambda maps: maps.max((1, 2)))


@MUTANTS.add("a softmax inside of the network, and another one in the loss", OUTPUT, VALUE)
def ends_with_a_softmax(x, weights, **given):
    y = np.asarray(right.residual_network(x, weights, **given), np.float64)
    p = np.exp(y - y.max(-1, keepdims=True))
    return (p / p.sum(-1, keepdims=True)).astype(x.dtype)


@MUTANTS.add("an activation behind every layer of a loop, the last one included", OUTPUT, VALUE)
def ends_with_the_activation(x, weights, **given):
    y = np.asarray(right.residual_network(x, weights, **given), np.float64)
    return activate(y, given["activation"]).astype(x.dtype)


@MUTANTS.add("a single image comes back as a batch of one, from a helper of the prediction", MISSING)
def takes_one_image_for_a_batch_of_one(x, weights, **given):
    return right.residual_network(x if x.ndim == 4 else x[None], weights, **given)


# ---- gradients


@MUTANTS.add("the shortcut is a copy outside of the graph: values are right", GRADIENT, THROUGH, part="_vjp")
def hands_no_gradient_through_the_shortcuts(x, weights, g, **given):
    _, table = right.residual_network_vjp(x, weights, g, **given)
    dx, _ = right.residual_network_vjp(x, changed(weights, kernel_5=np.zeros_like), g, **given)
    return dx, table


@MUTANTS.add("convolutions that were trained before are frozen, and stay so", GRADIENT, part="_vjp")
def hands_no_gradient_to_the_convolutions(x, weights, g, **given):
    dx, table = right.residual_network_vjp(x, weights, g, **given)
    frozen = {f"{part}_{i}": np.zeros_like for i in range(6) for part in ("kernel", "bias")}
    return dx, changed(table, **frozen)


@MUTANTS.add("the mean over the batch is taken in the network and in the loss", GRADIENT, part="_vjp")
def averages_the_gradients_over_the_batch(x, weights, g, **given):
    dx, table = right.residual_network_vjp(x, weights, g, **given)
    return dx, {name: w / w.dtype.type(max(1, len(x))) for name, w in table.items()}


@MUTANTS.add("the gradient at the addition is shared between the two ways", GRADIENT, THROUGH, part="_vjp")
def halves_the_gradient_of_the_images(x, weights, g, **given):
    dx, table = right.residual_network_vjp(x, weights, g, **given)
    return dx / dx.dtype.type(2), table


@MUTANTS.add("the images are data, and the graph starts behind them: saliency maps are empty", GRADIENT, part="_vjp")
def hands_no_gradient_to_the_images(x, weights, g, **given):
    dx, table = right.residual_network_vjp(x, weights, g, **given)
    return 0 * dx, table
