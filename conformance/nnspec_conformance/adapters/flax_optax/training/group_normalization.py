"""``nnx.GroupNorm`` and ``nnx.InstanceNorm``, called with their weights."""

from __future__ import annotations

import functools

from flax import nnx

NORMALIZATION = "https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/normalization.py"
ONE_PASS = (
    "of examples of float32 with mean 10,000 and deviation 1 an entry is 899, right is 2.967, as with "
    "use_fast_variance=False: by default the variance is the mean square less the square of the mean, and at least 0; "
    "https://github.com/google/flax/issues/1491"
)
RESHAPED = (
    "a scale of shape [features, 1] is taken, right is a refusal: the layer reshapes whatever it holds; "
    f"searched 2026-11-28, not found; {NORMALIZATION}"
)
NEGATIVE = (
    "an epsilon of -1e-5 is taken, right is a refusal: nothing looks at it; "
    f"searched 2026-11-28, not found; {NORMALIZATION}"
)
KNOWN_FAILURES = {
    "group-normalization.large-mean[group_norm]": ONE_PASS,
    "group-normalization.large-mean[instance_norm]": ONE_PASS,
    "group-normalization.epsilon-range[group_norm]": NEGATIVE,
    "group-normalization.epsilon-range[instance_norm]": NEGATIVE,
    "duty.broadcasting[group_norm]": RESHAPED,
    "duty.broadcasting[instance_norm]": RESHAPED,
}
DEFAULTS = {
    "group-normalization.default-epsilon[group_norm]": 1e-6,
    "group-normalization.default-epsilon[instance_norm]": 1e-6,
}


def group_norm(x, scale=None, bias=None, **given):
    named = {"num_groups" if name == "groups" else name: value for name, value in given.items()}
    return _called(nnx.GroupNorm, x, {"scale": scale, "bias": bias}, named)


def instance_norm(x, scale=None, bias=None, **given):
    return _called(nnx.InstanceNorm, x, {"scale": scale, "bias": bias}, given)


def _called(layer, x, weights, given):
    used = {f"use_{name}": weight is not None for name, weight in weights.items()}
    structure = _structure(layer, x.shape[-1], tuple((given | used).items()))
    state = nnx.State({name: nnx.Param(weight) for name, weight in weights.items() if weight is not None})
    return nnx.merge(structure, state)(x)


@functools.cache
def _structure(layer, features, given):
    return nnx.split(nnx.eval_shape(lambda: layer(features, rngs=nnx.Rngs(0), **dict(given))))[0]
