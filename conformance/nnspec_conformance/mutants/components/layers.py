"""Wrong layers, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.components import layers as oracle
from nnspec_conformance.tolerance import smallest_normal
from nnspec_conformance.trees import mapped

MUTANTS = Mutants()


def recursion(layer: Callable) -> Callable:
    """A network by its recursion; ``layer(i, depth, h, kernel, bias, activate)`` is one step of it."""

    @functools.wraps(layer)
    def mlp(x, weights, *, activation):
        h, depth = x, oracle.depth(weights)
        activate = functools.partial(oracle.activate, name=activation)
        for i in range(depth):
            h = layer(i, depth, h, weights[f"kernel_{i}"], weights[f"bias_{i}"], activate)
        return h.astype(x.dtype)

    return mlp


def right_layer(i, depth, h, kernel, bias, activate):
    z = h @ kernel + bias
    return activate(z) if i < depth - 1 else z


# ---- dense


@MUTANTS.add("products below the smallest normal number become zero, and nobody has said so", "dense.value")
def loses_small_products(x, kernel, bias, **_):
    products = x[..., :, None].astype(np.float64) * kernel.astype(np.float64)
    products[np.abs(products) < smallest_normal(str(x.dtype))] = 0
    return (products.sum(-2) + bias.astype(np.float64)).astype(x.dtype)


@MUTANTS.add("what is missing of a bias is taken for zeros", "dense.one-bias")
def fills_a_bias_up_with_zeros(x, kernel, bias, *, one_bias="refused"):
    filled = np.zeros(kernel.shape[1], bias.dtype)
    filled[: len(bias)] = bias
    return right.dense(x, kernel, filled)


@MUTANTS.add("the gradient of one bias is the mean over the units", "dense.one-bias", part="_vjp")
def averages_the_gradients_of_one_bias(x, kernel, bias, cotangents, **given):
    dx, dkernel, dbias = right.dense_vjp(x, kernel, bias, cotangents, **given)
    return dx, dkernel, dbias / np.float32(kernel.shape[1] if bias.shape == (1,) else 1)


# ---- families


MUTANTS.each("leading axes are flattened for one matrix product and never restored", "layers.shape")(
    classic.flattens_the_batch_axes
)


MUTANTS.each("a single example comes back as a batch of one", "layers.shape")(classic.always_has_a_batch_axis)


@MUTANTS.each("the last, smaller minibatch may be empty, and is padded", "layers.empty-batch")
def pads_an_empty_batch(f, x, *weights, **given):
    return f(x if len(x) else np.zeros((1, *x.shape[1:]), x.dtype), *weights, **given)


@MUTANTS.each("0 / 0: one empty minibatch, and every weight is NaN", "layers.empty-batch", part="_vjp")
def averages_over_no_examples(f, x, *rest, **given):
    dx, *gradients = f(x, *rest, **given)
    return (dx, *(gradients if len(x) else mapped(lambda gradient: gradient * np.nan, gradients)))


# ---- dense


@MUTANTS.add("the bias is registered, and never added", "dense.value")
def forgets_the_bias(x, kernel, bias, **_):
    return (x @ kernel).astype(x.dtype)


@MUTANTS.add("the bias has the wrong sign, as a threshold has", "dense.value")
def subtracts_the_bias(x, kernel, bias, **_):
    return right.dense(x, kernel, -bias)


@MUTANTS.add("weights ported from a framework that keeps [out, in]; only a square kernel lets it run", "dense.value")
def transposes_a_square_kernel(x, kernel, bias, **_):
    return right.dense(x, kernel.T if kernel.shape[0] == kernel.shape[1] else kernel, bias)


@MUTANTS.add("a fast path rounds the operands of the product to bfloat16", "dense.value")
def multiplies_in_bfloat16(x, kernel, bias, **_):
    short = x.astype("bfloat16").astype(np.float32), kernel.astype("bfloat16").astype(np.float32)
    return (short[0] @ short[1] + bias).astype(x.dtype)


MUTANTS.each(
    "the gradient of the bias is a mean where the gradient of the kernel is a sum", "dense.gradient", part="_vjp"
)(classic.averages_the_gradients_of_the_biases)


MUTANTS.each("all gradients are divided by the batch, which the loss has done already", "dense.gradient", part="_vjp")(
    classic.averages_the_gradients
)


@MUTANTS.add("only the first leading axis is summed over", "dense.gradient", part="_vjp")
def takes_one_batch_axis_for_all(x, kernel, bias, g, **_):
    dx, dw, db = right.dense_vjp(x, kernel, bias, g)
    first = x.reshape(x.shape[0], -1, x.shape[-1])[:, 0], g.reshape(g.shape[0], -1, g.shape[-1])[:, 0]
    return (dx, *right.dense_vjp(first[0], kernel, bias, first[1])[1:]) if x.ndim > 2 else (dx, dw, db)


@MUTANTS.add(
    "the gradient for the input is left zero: the first layer has nobody to hand it to", "dense.gradient", part="_vjp"
)
def stops_the_gradient_of_the_input(x, kernel, bias, g, **_):
    dx, dw, db = right.dense_vjp(x, kernel, bias, g)
    return 0 * dx, dw, db


# ---- multilayer perceptron


@MUTANTS.add("the biases of all layers are forgotten", "mlp.value")
@recursion
def has_no_biases(i, depth, h, kernel, bias, activate):
    return right_layer(i, depth, h, kernel, 0 * bias, activate)


@MUTANTS.add("no activation at all: the network is one affine map", "mlp.value")
@recursion
def has_no_activation(i, depth, h, kernel, bias, activate):
    return h @ kernel + bias


@MUTANTS.add("the bias comes after the activation", "mlp.hidden-layers")
@recursion
def activates_before_the_bias(i, depth, h, kernel, bias, activate):
    return (activate(h @ kernel) if i < depth - 1 else h @ kernel) + bias


@MUTANTS.add("the activation is applied before the product, as in pre-activation blocks", "mlp.hidden-layers")
@recursion
def activates_the_input_of_each_layer(i, depth, h, kernel, bias, activate):
    return activate(h) @ kernel + bias


@MUTANTS.add("no negative prediction can come out of a ReLU", "mlp.output-layer")
@recursion
def activates_the_output(i, depth, h, kernel, bias, activate):
    return activate(h @ kernel + bias)


@MUTANTS.add("the data are activated before the first layer", "mlp.input-layer")
@recursion
def activates_the_data(i, depth, h, kernel, bias, activate):
    return right_layer(i, depth, h if i else activate(h), kernel, bias, activate)


@MUTANTS.add("the data are standardized inside the network, unasked", "mlp.input-layer")
@recursion
def standardizes_the_data(i, depth, h, kernel, bias, activate):
    if i == 0:
        h = (h - h.mean(-1, keepdims=True)) / (h.std(-1, keepdims=True) + 1e-3)
    return right_layer(i, depth, h, kernel, bias, activate)


@MUTANTS.add("an off-by-one loop misses a layer, and equal widths let it run", "mlp.depth")
@recursion
def skips_the_fourth_layer_where_widths_agree(i, depth, h, kernel, bias, activate):
    return h if i == 3 and kernel.shape[0] == kernel.shape[1] else right_layer(i, depth, h, kernel, bias, activate)


@MUTANTS.add("written for two layers: the activation only after the first", "mlp.depth")
@recursion
def activates_the_first_layer_only(i, depth, h, kernel, bias, activate):
    z = h @ kernel + bias
    return activate(z) if i == 0 and depth > 1 else z


@MUTANTS.add("a network of one layer gets an activation: it is taken for a hidden one", "mlp.depth")
@recursion
def activates_a_single_layer(i, depth, h, kernel, bias, activate):
    z = h @ kernel + bias
    return activate(z) if i < max(depth - 1, 1) else z


@MUTANTS.add("a skip connection wherever the widths agree tells units apart by their position", "mlp.permutation")
@recursion
def adds_a_skip_where_widths_agree(i, depth, h, kernel, bias, activate):
    y = right_layer(i, depth, h, kernel, bias, activate)
    return y + h if y.shape == h.shape and i < depth - 1 else y


@MUTANTS.add("the biases are kept sorted", "mlp.permutation")
@recursion
def sorts_the_biases(i, depth, h, kernel, bias, activate):
    return right_layer(i, depth, h, kernel, np.sort(bias) if i < depth - 1 else bias, activate)


def renumbered(weights: dict, order: list[int]) -> dict:
    """The table with its layers in another order."""
    return {f"{part}_{new}": weights[f"{part}_{old}"] for new, old in enumerate(order) for part in ("kernel", "bias")}


MUTANTS.each("names sorted as strings: kernel_10 comes before kernel_2, and a deep network is shuffled", "mlp.order")(
    classic.sorts_the_names_as_text
)


@MUTANTS.add("layers in the order in which the file happens to list them", "mlp.order")
def takes_the_layers_as_the_table_lists_them(x, weights, *, activation):
    names = [name for name in weights if name.startswith("kernel")]
    return right.mlp(x, renumbered(weights, [int(name.split("_")[1]) for name in names]), activation=activation)


CONFUSED = {  # a name, and what is taken for it
    "identity": "relu", "relu": "leaky_relu", "leaky_relu": "relu", "elu": "selu", "selu": "elu", "gelu": "silu",
    "sigmoid": "hard_sigmoid", "tanh": "sigmoid", "softplus": "relu", "silu": "gelu", "hard_sigmoid": "sigmoid",
    "softmax": "sigmoid", "log_softmax": "softmax",
}  # fmt: skip
for _name, _other in CONFUSED.items():

    @MUTANTS.add("a wrong line in the table of names", "mlp.activations", name=f"takes {_other} for {_name}")
    def confuses_two_names(x, weights, *, activation, _name=_name, _other=_other):
        return right.mlp(x, weights, activation=_other if activation == _name else activation)


# ---- gradients of a network


MUTANTS.each(
    "the gradients of the biases are averaged over the batch, those of the kernels summed", "mlp.gradient", part="_vjp"
)(classic.averages_the_gradients_of_the_biases)


@MUTANTS.add("a layer is frozen and nobody asked for it", "mlp.gradient", part="_vjp")
def freezes_the_first_layer(x, weights, cotangents, **given):
    dx, found = right.mlp_vjp(x, weights, cotangents, **given)
    return dx, {n: 0 * g if n.endswith("_0") else g for n, g in found.items()}


@MUTANTS.add("the slope of the activation is left out of the chain rule", "mlp.gradient", part="_vjp")
def leaves_out_the_slope_of_the_activation(x, weights, cotangents, *, activation):
    (_, inputs, _), g, wrong = oracle._forward(x, weights, activation, lambda a: a), cotangents, {}
    for i in reversed(range(len(inputs))):
        kernel, bias = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        g, wrong[f"kernel_{i}"], wrong[f"bias_{i}"] = oracle.dense_vjp(inputs[i], kernel, bias, g)
    return g, wrong


@MUTANTS.add("the gradients of the table are returned in the order of a sorted one", "mlp.gradient", part="_vjp")
def swaps_the_biases_of_two_layers(x, weights, cotangents, **given):
    dx, found = right.mlp_vjp(x, weights, cotangents, **given)
    return dx, found | {"bias_0": np.resize(found["bias_1"], found["bias_0"].shape)}
