"""Wrong layers, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutation import ORACLE as right
from nnspec_conformance.mutation import Mutant
from nnspec_conformance.oracles.components import layers as oracle

MUTANTS: list[Mutant] = []
BOTH = ("dense", "mlp")


def catches(clause: str, story: str, operation: str = "", part: str = "") -> Callable[[Callable], Callable]:
    """Add the decorated function as a mutant of the operation, by default the one that the clause is named after."""
    operation = operation or clause.split(".")[0]

    def add(wrong: Callable) -> Callable:
        MUTANTS.append(Mutant(wrong.__name__.replace("_", " "), story, (clause,), {operation + part: wrong}))
        return wrong

    return add


def family(clause: str, story: str) -> Callable[[Callable], Callable]:
    """One mutant for each operation: the decorated function is given the right one first."""

    def add(wrong: Callable) -> Callable:
        for operation in BOTH:

            def changed(*arrays, _operation=operation, **given):
                return wrong(getattr(right, _operation), *arrays, **given)

            name, instance = wrong.__name__.replace("_", " "), f"{clause}[{operation}]"
            MUTANTS.append(Mutant(name, story, (instance,), {operation: changed}))
        return wrong

    return add


def in_layers(x, weights, activation, layer: Callable) -> np.ndarray:
    """A network by its recursion; ``layer(l, depth, h, kernel, bias, activate)`` is one step of it."""
    h, depth = x, oracle.depth(weights)
    for i in range(depth):
        h = layer(i, depth, h, weights[f"kernel_{i}"], weights[f"bias_{i}"], lambda z: oracle.activate(z, activation))
    return h.astype(x.dtype)


def step(i, depth, h, kernel, bias, activate):
    """The right one."""
    z = h @ kernel + bias
    return activate(z) if i < depth - 1 else z


# ---- families


@family("layers.shape", "leading axes are flattened for one matrix product and never restored")
def flattens_the_batch_axes(f, x, *weights, **given):
    y = f(x, *weights, **given)
    return y.reshape(-1, y.shape[-1])


@family("layers.shape", "a single example comes back as a batch of one")
def always_has_a_batch_axis(f, x, *weights, **given):
    return f(np.atleast_2d(x), *weights, **given)


@family("layers.dtype", "weights kept in float32 promote half precision, and memory doubles")
def promotes_half_precision(f, x, *weights, **given):
    y = f(x, *weights, **given)
    return y.astype(np.float32) if x.dtype.itemsize == 2 else y


@family("layers.batch", "statistics of the batch leak into every example")
def subtracts_the_mean_of_the_batch(f, x, *weights, **given):
    return f(x - x.mean(0) / 8, *weights, **given)


@family("layers.batch", "the results are summed over the batch, where one an example is asked")
def sums_over_the_batch(f, x, *weights, **given):
    y = f(x, *weights, **given)
    return np.broadcast_to(y.sum(0), y.shape)


@family("layers.empty-batch", "the last, smaller minibatch may be empty, and is padded")
def pads_an_empty_batch(f, x, *weights, **given):
    return f(x if len(x) else np.zeros((1, *x.shape[1:]), x.dtype), *weights, **given)


@family("layers.feature-count", "what does not fit is cut off or repeated until it does")
def makes_the_features_fit(f, x, *weights, **given):
    return f(np.resize(x, (*x.shape[:-1], 3)), *weights, **given)


for _operation in BOTH:

    def nan_gradients(*arrays, _operation=_operation, **given):
        x, *rest = getattr(right, f"{_operation}_vjp")(*arrays, **given)
        empty = not len(arrays[0])

        def averaged(gradient):
            if isinstance(gradient, dict):
                return {name: averaged(part) for name, part in gradient.items()}
            return gradient * np.nan if empty else gradient

        return (x, *map(averaged, rest))

    MUTANTS.append(
        Mutant(
            "averages over no examples",
            "0 / 0: one empty minibatch, and every weight is NaN",
            (f"layers.empty-batch[{_operation}]",),
            {f"{_operation}_vjp": nan_gradients},
        )
    )


# ---- dense


@catches("dense.value", "the bias is registered, and never added")
def forgets_the_bias(x, kernel, bias):
    return (x @ kernel).astype(x.dtype)


@catches("dense.value", "the bias has the wrong sign, as a threshold has")
def subtracts_the_bias(x, kernel, bias):
    return right.dense(x, kernel, -bias)


@catches("dense.value", "weights ported from a framework that keeps [out, in]; only a square kernel lets it run")
def transposes_a_square_kernel(x, kernel, bias):
    return right.dense(x, kernel.T if kernel.shape[0] == kernel.shape[1] else kernel, bias)


@catches("dense.value", "a fast path rounds the operands of the product to bfloat16")
def multiplies_in_bfloat16(x, kernel, bias):
    short = x.astype("bfloat16").astype(np.float32), kernel.astype("bfloat16").astype(np.float32)
    return (short[0] @ short[1] + bias).astype(x.dtype)


@catches("dense.gradient", "the gradient of the bias is a mean where the gradient of the kernel is a sum", part="_vjp")
def averages_the_gradient_of_the_bias(x, kernel, bias, g):
    dx, dw, db = right.dense_vjp(x, kernel, bias, g)
    return dx, dw, (db / (g.size // g.shape[-1])).astype(db.dtype)


@catches("dense.gradient", "all gradients are divided by the batch, which the loss has done already", part="_vjp")
def averages_all_gradients(x, kernel, bias, g):
    dx, dw, db = right.dense_vjp(x, kernel, bias, g)
    rows = g.size // g.shape[-1]
    return dx, (dw / rows).astype(dw.dtype), (db / rows).astype(db.dtype)


@catches("dense.gradient", "only the first leading axis is summed over", part="_vjp")
def takes_one_batch_axis_for_all(x, kernel, bias, g):
    dx, dw, db = right.dense_vjp(x, kernel, bias, g)
    first = x.reshape(x.shape[0], -1, x.shape[-1])[:, 0], g.reshape(g.shape[0], -1, g.shape[-1])[:, 0]
    return (dx, *right.dense_vjp(first[0], kernel, bias, first[1])[1:]) if x.ndim > 2 else (dx, dw, db)


@catches(
    "dense.gradient", "the gradient for the input is left zero: the first layer has nobody to hand it to", part="_vjp"
)
def stops_the_gradient_of_the_input(x, kernel, bias, g):
    dx, dw, db = right.dense_vjp(x, kernel, bias, g)
    return 0 * dx, dw, db


@catches("dense.bias-length", "a bias of length one is added to every unit")
def broadcasts_the_bias(x, kernel, bias):
    return right.dense(x, kernel, np.resize(bias, kernel.shape[1]) if bias.size == 1 else bias)


@catches("dense.bias-length", "the bias is cut or repeated")
def makes_the_bias_fit(x, kernel, bias):
    return right.dense(x, kernel, np.resize(bias, kernel.shape[1]))


# ---- multilayer perceptron


def network(clause: str, story: str) -> Callable[[Callable], Callable]:
    """A mutant whose recursion has the decorated function as its step."""

    def add(layer: Callable) -> Callable:
        def mlp(x, weights, *, activation):
            return in_layers(x, weights, activation, layer)

        MUTANTS.append(Mutant(layer.__name__.replace("_", " "), story, (clause,), {"mlp": mlp}))
        return layer

    return add


@network("mlp.value", "the biases of all layers are forgotten")
def has_no_biases(i, depth, h, kernel, bias, activate):
    return step(i, depth, h, kernel, 0 * bias, activate)


@network("mlp.value", "no activation at all: the network is one affine map")
def has_no_activation(i, depth, h, kernel, bias, activate):
    return h @ kernel + bias


@network("mlp.hidden-layers", "the bias comes after the activation")
def activates_before_the_bias(i, depth, h, kernel, bias, activate):
    return (activate(h @ kernel) if i < depth - 1 else h @ kernel) + bias


@network("mlp.hidden-layers", "the activation is applied before the product, as in pre-activation blocks")
def activates_the_input_of_each_layer(i, depth, h, kernel, bias, activate):
    return activate(h) @ kernel + bias


@network("mlp.output-layer", "no negative prediction can come out of a ReLU")
def activates_the_output(i, depth, h, kernel, bias, activate):
    return activate(h @ kernel + bias)


@network("mlp.input-layer", "the data are activated before the first layer")
def activates_the_data(i, depth, h, kernel, bias, activate):
    return step(i, depth, h if i else activate(h), kernel, bias, activate)


@network("mlp.input-layer", "the data are standardized inside the network, unasked")
def standardizes_the_data(i, depth, h, kernel, bias, activate):
    if i == 0:
        h = (h - h.mean(-1, keepdims=True)) / (h.std(-1, keepdims=True) + 1e-3)
    return step(i, depth, h, kernel, bias, activate)


@network("mlp.depth", "an off-by-one loop misses a layer, and equal widths let it run")
def skips_the_fourth_layer_where_widths_agree(i, depth, h, kernel, bias, activate):
    return h if i == 3 and kernel.shape[0] == kernel.shape[1] else step(i, depth, h, kernel, bias, activate)


@network("mlp.depth", "written for two layers: the activation only after the first")
def activates_the_first_layer_only(i, depth, h, kernel, bias, activate):
    z = h @ kernel + bias
    return activate(z) if i == 0 and depth > 1 else z


@network("mlp.depth", "a network of one layer gets an activation: it is taken for a hidden one")
def activates_a_single_layer(i, depth, h, kernel, bias, activate):
    z = h @ kernel + bias
    return activate(z) if i < max(depth - 1, 1) else z


@network("mlp.permutation", "a skip connection wherever the widths agree tells units apart by their position")
def adds_a_skip_where_widths_agree(i, depth, h, kernel, bias, activate):
    y = step(i, depth, h, kernel, bias, activate)
    return y + h if y.shape == h.shape and i < depth - 1 else y


@network("mlp.permutation", "the biases are kept sorted")
def sorts_the_biases(i, depth, h, kernel, bias, activate):
    return step(i, depth, h, kernel, np.sort(bias) if i < depth - 1 else bias, activate)


def renumbered(weights: dict, order: list[int]) -> dict:
    """The table with its layers in another order."""
    return {f"{part}_{new}": weights[f"{part}_{old}"] for new, old in enumerate(order) for part in ("kernel", "bias")}


@catches("mlp.order", "names sorted as strings: kernel_10 comes before kernel_2, and a deep network is shuffled")
def sorts_the_names_as_strings(x, weights, *, activation):
    names = sorted(name for name in weights if name.startswith("kernel"))
    return right.mlp(x, renumbered(weights, [int(name.split("_")[1]) for name in names]), activation=activation)


@catches("mlp.order", "layers in the order in which the file happens to list them")
def takes_the_layers_as_the_table_lists_them(x, weights, *, activation):
    names = [name for name in weights if name.startswith("kernel")]
    return right.mlp(x, renumbered(weights, [int(name.split("_")[1]) for name in names]), activation=activation)


CONFUSED = {  # a name, and what is taken for it
    "identity": "relu", "relu": "leaky_relu", "leaky_relu": "relu", "elu": "selu", "selu": "elu", "gelu": "silu",
    "sigmoid": "hard_sigmoid", "tanh": "sigmoid", "softplus": "relu", "silu": "gelu", "hard_sigmoid": "sigmoid",
    "softmax": "sigmoid", "log_softmax": "softmax",
}  # fmt: skip
for _name, _other in CONFUSED.items():

    def confused(x, weights, *, activation, _name=_name, _other=_other):
        return right.mlp(x, weights, activation=_other if activation == _name else activation)

    MUTANTS.append(
        Mutant(
            f"takes {_other} for {_name}", "a wrong line in the table of names", ("mlp.activations",), {"mlp": confused}
        )
    )


@catches("mlp.unknown-activation", "an unknown name falls back to the default, and a typo trains another network")
def falls_back_to_relu(x, weights, *, activation):
    return right.mlp(x, weights, activation=activation if activation in oracle.ACTIVATIONS else "relu")


@catches("mlp.unknown-activation", "an unknown name falls back to none at all")
def falls_back_to_identity(x, weights, *, activation):
    return right.mlp(x, weights, activation=activation if activation in oracle.ACTIVATIONS else "identity")


@catches("mlp.missing-weights", "what the table lacks is filled with zeros")
def fills_in_zeros(x, weights, *, activation):
    widths = {0: (3, 7), 1: (7, 5), 2: (5, 2)}
    full = {f"kernel_{i}": np.zeros(shape, x.dtype) for i, shape in widths.items()}
    full |= {f"bias_{i}": np.zeros(shape[1:], x.dtype) for i, shape in widths.items()}
    known = {name: weights.get(name, full[name]) for name in full}
    return right.mlp(x, known if set(weights) < set(full) else weights, activation=activation)


@catches("mlp.extra-weights", "names that nobody asks for are never looked at, like a load that is not strict")
def ignores_names_it_does_not_know(x, weights, *, activation):
    layers = sum(f"kernel_{i}" in weights and f"bias_{i}" in weights for i in range(len(weights)))
    wanted = {f"{part}_{i}" for part in ("kernel", "bias") for i in range(layers)}
    return right.mlp(x, {n: w for n, w in weights.items() if n in wanted}, activation=activation)


# ---- gradients of a network


def gradients(story: str) -> Callable[[Callable], Callable]:
    """A mutant that changes the right gradients: given activation, cotangents, dx and the table of gradients."""

    def add(change: Callable) -> Callable:
        def mlp_vjp(x, weights, cotangents, *, activation):
            found = right.mlp_vjp(x, weights, cotangents, activation=activation)
            return change(x, weights, cotangents, activation, *found)

        MUTANTS.append(Mutant(change.__name__.replace("_", " "), story, ("mlp.gradient",), {"mlp_vjp": mlp_vjp}))
        return change

    return add


@gradients("the gradients of the biases are averaged over the batch, those of the kernels summed")
def averages_the_gradients_of_the_biases(x, weights, cotangents, activation, dx, found):
    rows = len(x)
    return dx, {n: (g / rows).astype(g.dtype) if n.startswith("bias") else g for n, g in found.items()}


@gradients("a layer is frozen and nobody asked for it")
def freezes_the_first_layer(x, weights, cotangents, activation, dx, found):
    return dx, {n: 0 * g if n.endswith("_0") else g for n, g in found.items()}


@gradients("the slope of the activation is left out of the chain rule")
def leaves_out_the_slope_of_the_activation(x, weights, cotangents, activation, dx, found):
    (_, inputs, _), g, wrong = oracle._forward(x, weights, activation, lambda a: a), cotangents, {}
    for i in reversed(range(len(inputs))):
        kernel, bias = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        g, wrong[f"kernel_{i}"], wrong[f"bias_{i}"] = oracle.dense_vjp(inputs[i], kernel, bias, g)
    return g, wrong


@gradients("the gradients of the table are returned in the order of a sorted one")
def swaps_the_biases_of_two_layers(x, weights, cotangents, activation, dx, found):
    return dx, found | {"bias_0": np.resize(found["bias_1"], found["bias_0"].shape)}
