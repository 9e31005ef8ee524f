"""A module of stock layers, ``nnx.Conv`` and ``nnx.ConvTranspose``, merged with the weights of the table."""

from __future__ import annotations

import functools

from flax import nnx

from nnspec_conformance.adapters.flax_optax import network

# Measured: what was asked, what came, what is right, and why.
SIDES = (
    "an image of 6 x 12 comes back as 8 x 12, right is to refuse it: padding='SAME' rounds up what a stride halves; "
    "searched 2026-11-29, not found; https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/linear.py"
)
WINDOWS = (
    "a kernel of {} taps is taken in the place of 4 x 4, right is a refusal: nnx.merge compares no shapes, and "
    "padding='SAME' fits any window; searched 2026-11-28, not found; "
    "https://github.com/google/flax/blob/v0.12.8/flax/nnx/graphlib.py"
)
MAPS = (
    "a layer without a map is taken, and every image has the reconstruction of the biases, right is to refuse it: "
    "nothing checks the shape of a kernel; searched 2026-11-29, not found; "
    "https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/linear.py"
)
NETWORKS = ("convolutional_autoencoder", "tied_convolutional_autoencoder")
KNOWN_FAILURES = {
    **{f"convolutional-autoencoder.sides[{name}]": SIDES for name in NETWORKS},
    **{f"convolutional-autoencoder.maps[{name}]": MAPS for name in NETWORKS},
    **{f"duty.refusals[{name}]": WINDOWS.format("5 x 4") for name in NETWORKS},
    **{f"duty.broadcasting[{name}]": WINDOWS.format("1 x 4") for name in NETWORKS},
}


def convolutional_autoencoder(x, weights, *, activation):
    state = {"encoder": {}, "decoder": {}}
    for name, value in weights.items():
        half, part, i = _place(name)
        turned = value.swapaxes(2, 3) if (half, part) == ("decoder", "kernel") else value
        state.setdefault(half, {}).setdefault(i, {})[part] = nnx.Param(turned)
    return nnx.merge(_structure(activation), nnx.State(state))(x)


def tied_convolutional_autoencoder(x, weights, *, activation):
    table = {}
    for name, value in weights.items():
        tied = name.startswith("kernel_")  # with transpose_kernel a layer takes the kernel of what it undoes as it is
        table |= {f"{half}_{name}": value for half in ("encoder", "decoder")} if tied else {name: value}
    state = {"encoder": {}, "decoder": {}}
    for name, value in table.items():
        half, part, i = _place(name)
        state.setdefault(half, {}).setdefault(i, {})[part] = nnx.Param(value)
    return nnx.merge(_structure(activation), nnx.State(state))(x)


def _place(name):
    """Half, part and layer; a name that is none of these is a part of no layer, and ``nnx.merge`` refuses it."""
    half, _, rest = name.partition("_")
    part, _, i = rest.partition("_")
    return (half, part, int(i)) if i.isdigit() else ("encoder", name, network.NONE)


class ConvolutionalAutoencoder(nnx.Module):
    """Stock layers; the numbers of maps are those of the weights that it is merged with."""

    def __init__(self, activation, rngs):
        given = {"strides": 2, "padding": "SAME", "rngs": rngs}
        self.encoder = nnx.List([nnx.Conv(1, 1, (4, 4), **given) for _ in range(2)])
        self.decoder = nnx.List([nnx.ConvTranspose(1, 1, (4, 4), transpose_kernel=True, **given) for _ in range(2)])
        self.phi = activation

    def __call__(self, x):
        code = self.encoder[1](self.phi(self.encoder[0](x)))
        return code, self.decoder[0](self.phi(self.decoder[1](code)))


@functools.cache
def _structure(activation):
    phi = network.activation(activation)
    return nnx.split(nnx.eval_shape(lambda: ConvolutionalAutoencoder(phi, nnx.Rngs(0))))[0]
