"""``nnx.BatchNorm``, called with its weights and its running statistics."""

from __future__ import annotations

import functools

import jax.numpy as jnp
from flax import nnx

NORMALIZATION = "https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/normalization.py"
ONE_PASS = (
    "of features of float32 with mean 10,000 and deviation 1 an entry is -655, right is -2.185, as with "
    "use_fast_variance=False: by default the variance is the mean square less the square of the mean, and at least 0; "
    "https://github.com/google/flax/issues/1491"
)
RESHAPED = (
    "a scale or a mean of shape [features, 1] is taken, right is a refusal: the layer reshapes whatever it holds; "
    f"searched 2026-11-28, not found; {NORMALIZATION}"
)
NEGATIVE = (
    "an epsilon of -1e-5 is taken, right is a refusal: nothing looks at it; "
    f"searched 2026-11-28, not found; {NORMALIZATION}"
)
SHARE = (
    "a momentum of -0.25 is taken, and a running variance becomes -0.09, right is a refusal: nothing looks at it; "
    f"searched 2026-11-28, not found; {NORMALIZATION}"
)
AVERAGED = (
    "a momentum of -0.25 is taken, right is a refusal: nothing looks at it; "
    f"searched 2026-11-28, not found; {NORMALIZATION}"
)
EMPTY = (
    "a batch without examples makes the running statistics NaN, right is a refusal; "
    f"searched 2026-11-28, not found; {NORMALIZATION}"
)
NARROW = (
    "the running variance in float64 is off by 6.5e-8, right is the dtype of the input: the layer's statistics are "
    "float32 whatever param_dtype says; "
    f"searched 2026-11-28, not found; {NORMALIZATION}"
)
ONE_FOR_ALL = (
    "a mask of length 1 for a batch of five is taken, right is a refusal: it may be anything that broadcasts, says the "
    f"documentation; searched 2026-11-28, not found; {NORMALIZATION}"
)
KNOWN_FAILURES = {
    "masked-batch-norm.epsilon-range": NEGATIVE,
    "batch-norm-statistics.decay-range": AVERAGED,
    "batch-norm-statistics.empty": EMPTY,
    "batch-norm-statistics.average; float64": NARROW,
    "duty.attributes[batch_norm_statistics]; float64": NARROW,
    "duty.broadcasting[masked_batch_norm]": ONE_FOR_ALL,
    "batch-norm.large-mean": ONE_PASS,
    "batch-norm.epsilon-range[batch_norm]": NEGATIVE,
    "batch-norm.epsilon-range[batch_norm_eval]": NEGATIVE,
    "batch-norm-update.decay-range": SHARE,
    "batch-norm-update.empty": EMPTY,
    "duty.broadcasting[batch_norm]": RESHAPED,
    "duty.broadcasting[batch_norm_eval]": RESHAPED,
    "duty.broadcasting[batch_norm_update]": RESHAPED,
    "duty.broadcasting[batch_norm_layer]": RESHAPED,
}
VARIANTS = {"batch-norm-update.variance": "biased", "batch-norm-statistics.variance": "biased"}
DEFAULTS = {"batch-norm-update.default-decay": 0.99}


def batch_norm(x, scale=None, bias=None, **given):
    mean = jnp.zeros(x.shape[-1:], x.dtype)
    return _called(x, mean, mean + 1, scale, bias, False, given)[0]


def batch_norm_eval(x, mean, variance, scale=None, bias=None, **given):
    return _called(x, mean, variance, scale, bias, True, given)[0]


def batch_norm_update(x, mean, variance, **given):
    layer = _called(x, mean, variance, None, None, False, given)[1]
    return layer.mean[...], layer.var[...]


def batch_norm_statistics(x, **given):
    named = {"momentum" if name == "decay" else name: value for name, value in given.items()}
    layer = nnx.BatchNorm(x.shape[-1], dtype=x.dtype, param_dtype=x.dtype, rngs=nnx.Rngs(0), **named)
    found = []
    for batch in x:
        layer(batch, use_running_average=False)
        found.append((layer.mean[...], layer.var[...]))
    return tuple(jnp.stack(part) for part in zip(*found, strict=True))


def batch_norm_collected(x, *, decay, statistics_dtype=None, **given):
    if statistics_dtype == "input":
        raise NotImplementedError("the layer keeps its statistics in float32")
    named = {"momentum": decay, "dtype": x.dtype, "param_dtype": x.dtype, "rngs": nnx.Rngs(0)}
    layer = nnx.BatchNorm(x.shape[-1], **named, **given)
    for batch in x:
        layer(batch, use_running_average=False)
    return layer.mean[...], layer.var[...]


def batch_norm_layer(x, mean=None, variance=None, *, mode=None, **given):
    if mean is None:
        raise NotImplementedError("the layer always has running statistics")
    named = {} if mode is None else {"use_running_average": mode == "eval"}
    return _made(x, mean, variance, None, None, given)(x, **named)


def masked_batch_norm(x, mask, scale=None, bias=None, **given):
    mean = jnp.zeros(x.shape[-1:], x.dtype)
    return _called(x, mean, mean + 1, scale, bias, False, given, mask=mask[..., None])[0]


def _called(x, mean, variance, scale, bias, running, given, **masked):
    layer = _made(x, mean, variance, scale, bias, given | {"use_running_average": running})
    return layer(x, **masked), layer


def _made(x, mean, variance, scale, bias, given):
    named = {"momentum" if name == "decay" else name: value for name, value in given.items()}
    named |= {"use_scale": scale is not None, "use_bias": bias is not None}
    weights = {name: nnx.Param(w) for name, w in (("scale", scale), ("bias", bias)) if w is not None}
    statistics = {"mean": nnx.BatchStat(mean), "var": nnx.BatchStat(variance)}
    return nnx.merge(_structure(x.shape[-1], tuple(named.items())), nnx.State(weights | statistics))


@functools.cache
def _structure(features, given):
    return nnx.split(nnx.eval_shape(lambda: nnx.BatchNorm(features, rngs=nnx.Rngs(0), **dict(given))))[0]
