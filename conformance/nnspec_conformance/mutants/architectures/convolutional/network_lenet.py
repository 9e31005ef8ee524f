"""Wrong networks of two convolutions and two dense layers, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.convolutional._maps import activate, same_convolution
from nnspec_conformance.oracles.architectures.convolutional.network import flatten_features
from nnspec_conformance.oracles.architectures.convolutional.network_lenet import BLOCK, POOLS

MUTANTS = Mutants()
ORDER, VALUE, OUTPUT, GRADIENT = "network.flatten-order", "lenet.value", "lenet.output", "lenet.gradient"
MISSING = "network.missing-axis"


def changed(weights, **others):
    """The weights with some of them replaced, each by what is made of it."""
    return {name: others[name](w) if name in others else w for name, w in weights.items()}


def in_windows(function):
    """The function of both kernels of convolutions."""
    return {"kernel_0": function, "kernel_1": function}


@in_dtype
def rebuilt(x, weights, *, activation, pooling, flatten_order="hwc", maps=None, hidden=None):
    """The network with other maps made of the sums of a convolution, or with other hidden units of theirs."""

    def right(z):
        return POOLS[pooling][0](activate(z, activation), window=BLOCK)

    for i in range(2):
        x = (maps or right)(same_convolution(x, weights[f"kernel_{i}"], weights[f"bias_{i}"]))
    z = flatten_features(x, flatten_order=flatten_order) @ weights["kernel_2"] + weights["bias_2"]
    return (activate(z, activation) if hidden is None else hidden(z)) @ weights["kernel_3"] + weights["bias_3"]


# ---- the layers


@MUTANTS.each("a matrix the other way round, which only runs where it is square", VALUE)
def transposes_square_matrices(f, x, weights, **given):
    def turned(w):
        return w.swapaxes(-1, -2) if w.ndim > 1 and w.shape[-1] == w.shape[-2] else w

    return f(x, {name: turned(w) for name, w in weights.items()}, **given)


@MUTANTS.each("the convolution of mathematics turns the kernel around: a port from SciPy or MATLAB", VALUE)
def turns_the_kernels_around(f, x, weights, **given):
    return f(x, changed(weights, **in_windows(lambda w: w[::-1, ::-1])), **given)


@MUTANTS.each("kernels that lie as [width, height] after a port", VALUE)
def exchanges_rows_and_columns_of_the_windows(f, x, weights, **given):
    return f(x, changed(weights, **in_windows(lambda w: w.swapaxes(0, 1))), **given)


@MUTANTS.each("the odd zero of the padding at the start: same_lower of ONNX", VALUE)
def puts_the_odd_zero_at_the_start(f, x, weights, **given):
    even = weights["kernel_0"].shape[0] % 2 == 0

    def with_a_zero(w):  # one tap more, of zeros, puts the other taps one place further to the front
        return np.pad(w, [(0, 1), (0, 1), (0, 0), (0, 0)]) if even else w

    return f(x, changed(weights, **in_windows(with_a_zero)), **given)


@MUTANTS.each("the biases of the maps are registered, and never added", VALUE)
def forgets_the_biases_of_the_maps(f, x, weights, **given):
    return f(x, changed(weights, bias_0=np.zeros_like, bias_1=np.zeros_like), **given)


@MUTANTS.each("the lines of the first block are copied for the second one, its bias with them", VALUE)
def adds_the_first_bias_in_the_second_convolution_too(f, x, weights, **given):
    first, second = weights["bias_0"], weights["bias_1"]
    return f(x, changed(weights, bias_1=lambda b: (b + np.resize(first, second.shape)).astype(b.dtype)), **given)


@MUTANTS.each("examples of today have ReLU, the original has tanh", VALUE)
def has_relu_whatever_is_asked(f, x, weights, **given):
    return f(x, weights, **given | {"activation": "relu"})


@MUTANTS.each("examples of today have maximum pooling, the original has means", VALUE)
def takes_the_maximum_whatever_is_asked(f, x, weights, **given):
    return f(x, weights, **given | {"pooling": "max"})


@MUTANTS.each("convolution, pooling, activation: for a maximum it is the same, for a mean it is not", VALUE)
def pools_before_the_activation(f, x, weights, **given):
    pool = POOLS[given["pooling"]][0]
    return rebuilt(x, weights, **given, maps=lambda z: activate(pool(z, window=BLOCK), given["activation"]))


@MUTANTS.each("convolution and pooling alone, as if a pooling were the non-linearity", VALUE)
def forgets_the_activation_of_the_maps(f, x, weights, **given):
    pool = POOLS[given["pooling"]][0]
    return rebuilt(x, weights, **given, maps=lambda z: pool(z, window=BLOCK))


@MUTANTS.each("two dense layers with nothing between them are one", VALUE)
def forgets_the_activation_of_the_hidden_units(f, x, weights, **given):
    return rebuilt(x, weights, **given, hidden=lambda z: z)


@MUTANTS.each("the sum of a block in place of its mean: four times as large", VALUE)
def adds_up_each_block(f, x, weights, **given):
    def maps(z):
        factor = 4 if given["pooling"] == "average" else 1
        return factor * POOLS[given["pooling"]][0](activate(z, given["activation"]), window=BLOCK)

    return rebuilt(x, weights, **given, maps=maps)


# ---- the head


@MUTANTS.each("maps read as [width, height, channels]", ORDER, VALUE, operations=["lenet"])
def takes_columns_for_rows_in_the_head(f, x, weights, **given):
    turned = changed(weights, **in_windows(lambda w: w.swapaxes(0, 1)))
    return f(x.swapaxes(1, 2), turned, **given)


@MUTANTS.each(
    "rows of the head in the order in which a tutorial has them, whatever the framework does",
    "lenet.ported", ORDER, operations=["lenet"],
)  # fmt: skip
def reads_its_features_channel_by_channel(f, x, weights, **given):
    return f(x, weights, **given | {"flatten_order": "chw"})


@MUTANTS.each("a softmax inside of the network, and another one in the loss", OUTPUT, VALUE)
def ends_with_a_softmax(f, x, weights, **given):
    y = np.asarray(f(x, weights, **given), np.float64)
    p = np.exp(y - y.max(-1, keepdims=True))
    return (p / p.sum(-1, keepdims=True)).astype(x.dtype)


@MUTANTS.each("an activation behind every layer of a loop, the last one included", OUTPUT, VALUE)
def ends_with_the_activation(f, x, weights, **given):
    y = np.asarray(f(x, weights, **given), np.float64)
    return activate(y, given["activation"]).astype(x.dtype)


@MUTANTS.each("a regression of quantities that are positive, copied for one of others", OUTPUT, VALUE)
def ends_with_relu(f, x, weights, **given):
    return np.maximum(f(x, weights, **given), np.zeros((), x.dtype))


@MUTANTS.each("a single image comes back as a batch of one, from a helper of the prediction", MISSING)
def takes_one_image_for_a_batch_of_one(f, x, weights, **given):
    return f(x if x.ndim == 4 else x[None], weights, **given)


# ---- gradients


@MUTANTS.each("convolutions that were trained before are frozen, and stay so", GRADIENT, part="_vjp")
def hands_no_gradient_to_the_convolutions(f, x, weights, g, **given):
    dx, table = f(x, weights, g, **given)
    return dx, changed(table, **dict.fromkeys(("kernel_0", "bias_0", "kernel_1", "bias_1"), np.zeros_like))


@MUTANTS.each("the gradient of a bias at one place, not added up over all places", GRADIENT, part="_vjp")
def averages_the_gradients_of_biases_over_places(f, x, weights, g, **given):
    dx, table = f(x, weights, g, **given)
    places = x.shape[1] * x.shape[2]
    return dx, changed(table, bias_0=lambda b: b / b.dtype.type(places))


@MUTANTS.each("the mean over the batch is taken in the network and in the loss", GRADIENT, part="_vjp")
def averages_the_gradients_over_the_batch(f, x, weights, g, **given):
    dx, table = f(x, weights, g, **given)
    return dx, {name: w / w.dtype.type(max(1, len(x))) for name, w in table.items()}


@MUTANTS.each("the images are data, and the graph starts behind them: saliency maps are empty", GRADIENT, part="_vjp")
def hands_no_gradient_to_the_images(f, x, weights, g, **given):
    dx, table = f(x, weights, g, **given)
    return 0 * dx, table
