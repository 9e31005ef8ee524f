"""Wrong gradients of convolutional networks, and a head that takes whatever comes; each caught by the clauses named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()


# ---- gradients


def changed(change: Callable) -> Callable:
    """The gradients of the weights changed; ``change(name, gradient, x)``."""

    def wrong(f, x, weights, cotangents, **given):
        dx, table = f(x, weights, cotangents, **given)
        return dx, {name: np.asarray(change(name, g, x)).astype(g.dtype) for name, g in table.items()}

    return wrong


GRADIENTS = "network.gradient", "network.gradient-of-values"
MUTANTS.each("a mean over the batch where the loss already has its own", *GRADIENTS, part="_vjp",
             name="averages the gradients")(changed(lambda name, g, x: g / len(x)))  # fmt: skip
MUTANTS.each("the first layer is frozen by an early return", *GRADIENTS, part="_vjp", name="forgets the first layer")(
    changed(lambda name, g, x: 0 * g if name == "kernel_0" else g)
)
MUTANTS.each("the gradient of a bias is the mean over all places, not their sum", *GRADIENTS, part="_vjp",
             name="averages over the places")(
    changed(lambda name, g, x: g / (x.shape[1] * x.shape[2]) if name == "bias_0" else g)
)  # fmt: skip
MUTANTS.each("a gradient in the layout [filters, channels, window] of another framework, that happens to fit",
             *GRADIENTS, part="_vjp", name="hands back transposed windows")(
    changed(lambda name, g, x: g.swapaxes(0, 1) if g.ndim == 4 else g)
)  # fmt: skip


@MUTANTS.each("values handed out are detached copies", "network.gradient-of-values", part="_vjp")
def cuts_the_values_in_the_middle_off(f, x, weights, cotangents, **given):
    kept = {name: c if name == "output" else np.zeros_like(c) for name, c in cotangents.items()}
    return f(x, weights, kept, **given)


@MUTANTS.each("convolutions by a Fourier transform: what leaves at one edge comes in at the other",
              "network.receptive-field", "network.gradient", part="_vjp")  # fmt: skip
def goes_round_the_edge_on_the_way_back(f, x, weights, cotangents, **given):
    dx, table = f(x, weights, cotangents, **given)
    return (dx + np.roll(dx, (dx.shape[1] // 2, dx.shape[2] // 2), (1, 2)) / 8).astype(x.dtype), table


@MUTANTS.each("the gradient of a convolution is the convolution with the same kernel", "network.gradient",
              "network.gradient-of-values", part="_vjp")  # fmt: skip
def hands_back_a_mirrored_gradient(f, x, weights, cotangents, **given):
    dx, table = f(x, weights, cotangents, **given)
    return dx[:, ::-1, ::-1], table


@MUTANTS.add("the way back passes the hidden layer as if it were linear", "network.gradient[lenet]", part="_vjp")
def passes_straight_through_the_hidden_layer(x, weights, cotangents, **given):
    values, g = right.lenet(x, weights, **given), np.asarray(cotangents["output"])
    to_features = (g @ weights["kernel_3"].T) @ weights["kernel_2"].T
    bent = {name: np.zeros_like(c) for name, c in cotangents.items()} | {"features": to_features.astype(x.dtype)}
    dx, table = right.lenet_vjp(x, weights, bent, **given)
    exact = right.lenet_vjp(x, weights, cotangents, **given)[1]
    h = (g @ weights["kernel_3"].T).astype(x.dtype)
    linear = {"kernel_2": (values["features"].T @ h).astype(x.dtype), "bias_2": h.sum(0).astype(x.dtype)}
    return dx, table | {name: exact[name] for name in ("kernel_3", "bias_3")} | linear


@MUTANTS.add("the shortcut has no way back: gradients vanish as in a plain network",
             "network.gradient[residual_network]", part="_vjp")  # fmt: skip
def cuts_the_shortcut_off(x, weights, cotangents, **given):
    table = right.residual_network_vjp(x, weights, cotangents, **given)[1]
    plain = weights | {"shortcut_kernel": np.zeros_like(weights["shortcut_kernel"])}
    none = right.residual_network_vjp(x, plain, cotangents, **given)
    return none[0], {name: g if "5" in name or "shortcut" in name else none[1][name] for name, g in table.items()}


@MUTANTS.add("the gradient of the mean is that of the sum", "network.gradient[residual_network]", part="_vjp")
def forgets_the_divisor_of_the_mean(x, weights, cotangents, **given):
    places = -(-x.shape[1] // 2) * -(-x.shape[2] // 2)
    dx, table = right.residual_network_vjp(x, weights, cotangents, **given)
    return (dx * places).astype(x.dtype), {
        name: g if "5" in name else (g * places).astype(g.dtype) for name, g in table.items()
    }


# ---- refusals


@MUTANTS.add("features are cut or repeated until they fit the head", "network.image-size-error")
def makes_the_head_fit(x, weights, **given):
    features = (x.shape[1] // 4) * (x.shape[2] // 4) * weights["kernel_1"].shape[-1]
    units = weights["kernel_2"].shape[1]
    kernel = np.resize(weights["kernel_2"], (features, units)) if features else np.zeros((0, units), x.dtype)
    if not features:
        x = np.resize(x, (len(x), 4, 4, x.shape[-1]))
        kernel = weights["kernel_2"][: weights["kernel_1"].shape[-1]]
    return right.lenet(x, weights | {"kernel_2": kernel}, **given)
