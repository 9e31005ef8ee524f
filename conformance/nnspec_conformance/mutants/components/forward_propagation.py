"""Wrong forward passes, each met in the wild, each caught by the clauses that it names."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.components import layers as oracle
from nnspec_conformance.oracles.components.layers import activate

MUTANTS = Mutants()
GRADIENTS = ("forward.gradient", "forward.gradient-of-values")
VALUES = ("forward.composition", "forward.example")


def recursion(layer: Callable) -> Callable:
    """A forward pass by its recursion; ``layer(i, last, a, W, b, phi)`` gives z and a."""

    @functools.wraps(layer)
    @in_dtype
    def run(x, weights, *, activation):
        values, a, depth = {}, x, oracle.depth(weights)
        phi = functools.partial(activate, name=activation)
        for i in range(depth):
            z, a = layer(i, i == depth - 1, a, weights[f"kernel_{i}"], weights[f"bias_{i}"], phi)
            values |= {f"z_{i}": z, f"a_{i}": a}
        return values

    return run


def renamed(values: dict, name: Callable[[str], str]) -> dict:
    return {name(key): value for key, value in values.items()}


# ---- names


@MUTANTS.add("layers counted from 1, as in most textbooks", "forward.names")
def counts_layers_from_1(x, weights, **given):
    return renamed(right.forward(x, weights, **given), lambda key: f"{key[0]}_{int(key[2:]) + 1}")


@MUTANTS.add("the input is handed out as the first activation, and every name is off by one", "forward.names", *VALUES)
def names_the_input_a_0(x, weights, **given):
    values = right.forward(x, weights, **given)
    last = len(weights) // 2 - 1
    return values | {"a_0": x} | {f"a_{i + 1}": values[f"a_{i}"] for i in range(last)}


MUTANTS.each("weights kept in float32 promote half precision, and memory doubles", "forward.names")(
    classic.promotes_half_precision
)


MUTANTS.each("leading axes are flattened for one matrix product and never restored", "forward.names")(
    classic.flattens_the_batch_axes
)


MUTANTS.each("a single example comes back as a batch of one", "forward.single-example")(classic.always_has_a_batch_axis)


# ---- values


@MUTANTS.add("a hook on the whole layer sees what leaves it, after the activation", *VALUES, "forward.consistency")
def hands_out_activations_as_pre_activations(x, weights, **given):
    values = right.forward(x, weights, **given)
    return {key: values[f"a_{key[2:]}"] for key in values}


@MUTANTS.add("a hook on the linear part sees what leaves it, before the activation", *VALUES, "forward.consistency")
def hands_out_pre_activations_as_activations(x, weights, **given):
    values = right.forward(x, weights, **given)
    return {key: values[f"z_{key[2:]}"] for key in values}


@MUTANTS.add("an activation that works in place overwrites what was to be kept", *VALUES, "forward.consistency")
@recursion
def overwrites_the_pre_activation_in_place(i, last, a, W, b, phi):
    z = a @ W + b
    z[...] = z if last else phi(z)
    return z, z


@MUTANTS.add("the network is built from layers that all have the activation", *VALUES, "forward.output")
@recursion
def activates_the_output(i, last, a, W, b, phi):
    z = a @ W + b
    return z, phi(z)


@MUTANTS.add("the same, and the sum is lost: z and a agree", *VALUES, "forward.output")
@recursion
def activates_the_output_in_place(i, last, a, W, b, phi):
    z = a @ W + b
    return (phi(z), phi(z)) if last else (z, phi(z))


@MUTANTS.add("the bias is added to what the activation made", *VALUES, "forward.consistency")
@recursion
def adds_the_bias_after_the_activation(i, last, a, W, b, phi):
    return (a @ W + b, a @ W + b) if last else (a @ W, phi(a @ W) + b)


@MUTANTS.add("the bias is registered, and never added", *VALUES, "forward.consistency")
@recursion
def forgets_the_bias(i, last, a, W, b, phi):
    z = a @ W
    return z, z if last else phi(z)


@MUTANTS.add(
    "a fast path rounds the operands of each product to bfloat16", "forward.composition", "forward.consistency"
)
@recursion
def multiplies_in_bfloat16(i, last, a, W, b, phi):
    z = (a.astype("bfloat16").astype(a.dtype) @ W.astype("bfloat16").astype(a.dtype) + b).astype(a.dtype)
    return z, z if last else phi(z)


@MUTANTS.add("weights ported from a framework that keeps [out, in]; only a square kernel lets it run", "forward.depth")
@recursion
def transposes_a_square_kernel(i, last, a, W, b, phi):
    z = a @ (W.T if W.shape[0] == W.shape[1] else W) + b
    return z, z if last else phi(z)


@MUTANTS.add("a stack is popped from its end; equal widths let it run", "forward.depth")
def applies_the_layers_in_reverse_where_they_fit(x, weights, **given):
    depth = len(weights) // 2
    turned = {f"{part}_{i}": weights[f"{part}_{depth - 1 - i}"] for i in range(depth) for part in ("kernel", "bias")}
    fits = len({n for i in range(depth) for n in weights[f"kernel_{i}"].shape}) == 1
    return right.forward(x, turned if fits else weights, **given)


MUTANTS.each("names sorted as text: kernel_10 comes before kernel_2", "forward.depth")(classic.sorts_the_names_as_text)


@MUTANTS.add("layers counted up to the last but one: the loop over hidden layers ends early", "forward.depth")
def applies_the_layer_before_the_last_twice(x, weights, **given):
    depth = len(weights) // 2
    same = depth > 2 and weights[f"kernel_{depth - 1}"].shape == weights[f"kernel_{depth - 2}"].shape
    repeated = {f"{part}_{depth - 1}": weights[f"{part}_{depth - 2}"] for part in ("kernel", "bias")} if same else {}
    return right.forward(x, weights | repeated, **given)


@MUTANTS.add("hooks run in a second pass, with dropout still on", "forward.consistency", "forward.composition")
def hands_out_values_of_another_pass(x, weights, **given):
    values = right.forward(x, weights, **given)
    seen = right.forward(x * (np.arange(x.shape[-1]) > 0), weights, **given)
    last = len(weights) // 2 - 1
    return values | {key: y for key, y in seen.items() if int(key[2:]) < last}


# ---- examples


MUTANTS.each("statistics of the batch leak into every example", "forward.nan", "forward.composition")(
    classic.subtracts_the_mean_of_the_batch
)


@MUTANTS.add(
    "the scale of a quantized pass is the largest number of the batch", "duty.neighbours[forward]", "forward.nan"
)
def quantizes_to_the_scale_of_the_batch(x, weights, **given):
    scale = np.abs(x).max() / 127
    return right.forward((np.round(x / scale) * scale).astype(x.dtype), weights, **given)


@MUTANTS.add("the values kept are those of the first example, for all of them", "forward.composition")
def keeps_the_values_of_the_first_example(x, weights, **given):
    return {key: np.broadcast_to(y[:1], y.shape) for key, y in right.forward(x, weights, **given).items()}


MUTANTS.each("a comparison drops NaN, and a diverged example looks healthy", "forward.nan")(classic.swallows_nan)


# ---- determinism: what a call leaves behind for the next one

CALLS = itertools.count()


@MUTANTS.add("dropout was never switched off", "duty.history[forward]")
def draws_new_numbers_at_every_call(x, weights, **given):
    kept = np.random.default_rng(next(CALLS)).random(x.shape) < 0.9
    return right.forward((x * kept).astype(x.dtype), weights, **given)


@MUTANTS.add("a sum whose order is left to the scheduler, as with atomic additions", "duty.history[forward]")
def adds_in_another_order_at_every_call(x, weights, **given):
    order = np.random.default_rng(next(CALLS)).permutation(x.shape[-1])
    return right.forward(x[..., order], weights | {"kernel_0": weights["kernel_0"][order]}, **given)


# ---- gradients


MUTANTS.each("a mean over the batch where the loss already has its own", *GRADIENTS, part="_vjp")(
    classic.averages_the_gradients
)


@MUTANTS.add("the gradient of the bias is that of one example", *GRADIENTS, part="_vjp")
def takes_the_bias_gradient_of_the_first_example(x, weights, cotangents, **given):
    dx, gradients = right.forward_vjp(x, weights, cotangents, **given)
    first = {key: c[:1] for key, c in cotangents.items()}
    one = right.forward_vjp(x[:1], weights, first, **given)[1]
    return dx, {name: one[name] if name.startswith("bias") else g for name, g in gradients.items()}


@MUTANTS.add("the kernels of one layer are frozen by an early return", *GRADIENTS, part="_vjp")
def forgets_the_first_layer(x, weights, cotangents, **given):
    dx, gradients = right.forward_vjp(x, weights, cotangents, **given)
    return dx, gradients | {"kernel_0": np.zeros_like(gradients["kernel_0"])}


@MUTANTS.add("a bias that two parts of a program both count as theirs", *GRADIENTS, part="_vjp")
def counts_a_bias_twice(x, weights, cotangents, **given):
    dx, gradients = right.forward_vjp(x, weights, cotangents, **given)
    return dx, gradients | {"bias_1": 2 * gradients["bias_1"]}


@MUTANTS.add("the backward pass takes the activation for the identity", *GRADIENTS, part="_vjp")
def passes_straight_through_the_activation(x, weights, cotangents, *, activation):
    bent = right.forward(x, weights, activation=activation)
    straight = {key: np.asarray(c) for key, c in cotangents.items()}
    g, gradients, last = straight[f"z_{len(weights) // 2 - 1}"] * 0, {}, len(weights) // 2 - 1
    for i in range(last, -1, -1):
        g = straight[f"z_{i}"] + straight[f"a_{i}"] + g
        inputs, rows = bent[f"a_{i - 1}"] if i else x, g.reshape(-1, g.shape[-1])
        gradients[f"kernel_{i}"] = (inputs.reshape(-1, inputs.shape[-1]).T @ rows).astype(x.dtype)
        gradients[f"bias_{i}"] = rows.sum(0).astype(x.dtype)
        g = (g @ weights[f"kernel_{i}"].T).astype(x.dtype)
    return g, {name: gradients[name] for name in weights}


@MUTANTS.add("values handed out are detached copies", "forward.gradient-of-values", part="_vjp")
def cuts_the_values_in_the_middle_off(x, weights, cotangents, **given):
    last = str(len(weights) // 2 - 1)
    kept = {key: c if key.endswith(last) else np.zeros_like(c) for key, c in cotangents.items()}
    return right.forward_vjp(x, weights, kept, **given)


@MUTANTS.add(
    "a cotangent of the pre-activation is taken for one of the activation", "forward.gradient-of-values", part="_vjp"
)
def takes_z_for_a_on_the_way_back(x, weights, cotangents, **given):
    swapped = {("z" if key[0] == "a" else "a") + key[1:]: c for key, c in cotangents.items()}
    return right.forward_vjp(x, weights, swapped, **given)


# ---- refusals: what lets a wrong call through


def repaired(x: np.ndarray, weights: dict) -> dict:
    """The table made to fit, with zeros where something is missing, cut or repeated where something is too long."""
    table, n = {}, x.shape[-1]
    for i in range(max(1, sum(name.startswith("kernel_") for name in weights))):
        kernel = weights.get(f"kernel_{i}", np.eye(n, dtype=x.dtype))
        table[f"kernel_{i}"] = np.resize(kernel, (n, kernel.shape[1]))
        n = kernel.shape[1]
        table[f"bias_{i}"] = np.resize(weights.get(f"bias_{i}", np.zeros(1, x.dtype)), n)
    return table


@MUTANTS.add("a loop over nothing: the table of no layers gives a table of no values", "forward.empty-table")
def runs_over_no_layers(x, weights, **given):
    return right.forward(x, weights, **given) if weights else {}
