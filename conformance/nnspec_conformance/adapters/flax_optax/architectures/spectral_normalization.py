"""``nnx.SpectralNorm``, which normalizes the kernel of a layer in place."""

from __future__ import annotations

from flax import nnx

VARIANTS = {"spectral-norm.evaluation": "iterated"}
SOURCE = "searched 2026-11-29, not found; https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/normalization.py"
FEWER = f"0 iterations give the kernel back, and no vector is kept, right is to refuse; {SOURCE}"
ONE_ENTRY = f"a vector of one entry is taken beside two outputs, right is to refuse: it is broadcast in place; {SOURCE}"
KNOWN_FAILURES = {
    "spectral-norm.scale": (
        "of 2^-30 times a kernel an entry is 1.1e16, right is 0.06: epsilon is added to the square of each length, "
        f"which is far below it; {SOURCE}"
    ),
    "spectral-vector.zero": (
        f"after a kernel of zeros the vector is 0, right is to keep it: from then on no kernel is normalized; {SOURCE}"
    ),
    "spectral-norm.iterations[spectral_norm]": FEWER,
    "spectral-norm.iterations[spectral_vector]": FEWER,
    "duty.broadcasting[spectral_norm]": ONE_ENTRY,
    "duty.broadcasting[spectral_vector]": ONE_ENTRY,
}


class Held(nnx.Module):
    """A layer of one kernel, which it hands out."""

    def __init__(self, kernel):
        self.kernel = nnx.Param(kernel)

    def __call__(self, _):
        return self.kernel[...]


def spectral_norm(kernel, u, **given):
    return _stepped(kernel, u, **given)[0]


def spectral_vector(kernel, u, **given):
    return _stepped(kernel, u, **given)[1]


def _stepped(kernel, u, *, iterations, training):
    layer = nnx.SpectralNorm(Held(kernel), n_steps=iterations, param_dtype=kernel.dtype, rngs=nnx.Rngs(0))
    place = ("kernel", "u")
    if place in layer.batch_stats:
        layer.batch_stats[place][...] = u[None]
    normalized = layer(None, update_stats=training)
    return normalized, layer.batch_stats[place][...][0] if place in layer.batch_stats else u
