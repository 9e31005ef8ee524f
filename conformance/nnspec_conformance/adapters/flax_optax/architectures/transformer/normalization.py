"""``nnx.LayerNorm`` and ``nnx.RMSNorm``, called with their weights."""

from __future__ import annotations

import functools

from flax import nnx

NORMALIZATION = "https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/normalization.py"
ONE_PASS = (
    "of rows of float32 with mean 10,000 and deviation 1 an entry is -656, right is -2.13, as with "
    "use_fast_variance=False: by default the variance is the mean square less the square of the mean, and at least 0; "
    "https://github.com/google/flax/issues/1491"
)
RESHAPED = (
    "a scale of shape [features, 1] is taken, right is a refusal: the layer reshapes whatever it holds; "
    f"searched 2026-11-28, not found; {NORMALIZATION}"
)
NEGATIVE = (
    "an epsilon of -2 is taken and gives NaN, right is a refusal: nothing looks at it; "
    f"searched 2026-11-28, not found; {NORMALIZATION}"
)
KNOWN_FAILURES = {
    "layer-norm.large-mean": ONE_PASS,
    "layer-norm.shift": ONE_PASS,
    "duty.broadcasting[layer_norm]": RESHAPED,
    "duty.broadcasting[rms_norm]": RESHAPED,
    "normalization.epsilon-range[layer_norm]": NEGATIVE,
    "normalization.epsilon-range[rms_norm]": NEGATIVE,
}


def layer_norm(x, scale=None, bias=None, **given):
    return _called(nnx.LayerNorm, x, {"scale": scale, "bias": bias}, given)


def rms_norm(x, scale=None, **given):
    return _called(nnx.RMSNorm, x, {"scale": scale}, given)


def _called(layer, x, weights, given):
    used = {f"use_{name}": weight is not None for name, weight in weights.items()}
    structure = _structure(layer, x.shape[-1], tuple((given | used).items()))
    state = nnx.State({name: nnx.Param(weight) for name, weight in weights.items() if weight is not None})
    return nnx.merge(structure, state)(x)


@functools.cache
def _structure(layer, features, given):
    return nnx.split(nnx.eval_shape(lambda: layer(features, rngs=nnx.Rngs(0), **dict(given))))[0]
