"""``BatchNormalization``, called with its weights and its running statistics."""

from __future__ import annotations

import keras

LAYER = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/normalization/batch_normalization.py"
UNTIDY = (
    "a feature of eight times 3 gives -1.79541 for a shift of -1.79556, and a batch of one is off by a unit in the "
    "last place: right is the shift; the layer computes x a + b with b = -mean a, and one of them is rounded; "
    f"searched 2026-11-28, not found; {LAYER}"
)
NEGATIVE = (
    f"an epsilon of -1e-5 is taken, right is a refusal: nothing looks at it; searched 2026-11-28, not found; {LAYER}"
)
SHARE = (
    "a momentum of -0.25 is taken, and a running variance becomes -0.09, right is a refusal: nothing looks at it; "
    "https://github.com/keras-team/keras/pull/23623"
)
AVERAGED = (
    "a momentum of -0.25 is taken, right is a refusal: nothing looks at it; "
    "https://github.com/keras-team/keras/pull/23623"
)
EMPTY = (
    "a batch without examples makes the running statistics NaN, right is a refusal; "
    f"searched 2026-11-28, not found; {LAYER}"
)
ONE_FOR_ALL = (
    "a mask of length 1 for a batch of five is taken, right is a refusal: only its number of axes is looked at; "
    f"searched 2026-11-28, not found; {LAYER}"
)
KNOWN_FAILURES = {
    "masked-batch-norm.epsilon-range": NEGATIVE,
    "batch-norm-statistics.decay-range": AVERAGED,
    "batch-norm-statistics.empty": EMPTY,
    "duty.broadcasting[masked_batch_norm]": ONE_FOR_ALL,
    "batch-norm.epsilon-range[batch_norm]": NEGATIVE,
    "batch-norm.epsilon-range[batch_norm_eval]": NEGATIVE,
    "batch-norm-update.decay-range": SHARE,
    "batch-norm-update.empty": EMPTY,
}
VARIANTS = {"batch-norm-update.variance": "biased", "batch-norm-statistics.variance": "biased"}
DEFAULTS = {
    "batch-norm.default-epsilon[batch_norm]": 1e-3,
    "batch-norm.default-epsilon[batch_norm_eval]": 1e-3,
    "batch-norm-update.default-decay": 0.99,
    "batch-norm-layer.mode": "eval",
    "batch-norm-collected.statistics-dtype": "input",
}


def batch_norm(x, scale=None, bias=None, **given):
    zeros = keras.ops.zeros(x.shape[-1:], dtype=x.dtype)
    return _called(x, zeros, zeros + 1, scale, bias, True, given)[0]


def batch_norm_eval(x, mean, variance, scale=None, bias=None, **given):
    return _called(x, mean, variance, scale, bias, False, given)[0]


def batch_norm_update(x, mean, variance, **given):
    return tuple(_called(x, mean, variance, None, None, True, given)[1])


def batch_norm_statistics(x, **given):
    layer = _layer(x[0], None, None, given)
    state, found = [variable.value for variable in layer.non_trainable_variables], []
    for batch in x:
        state = layer.stateless_call([], state, batch, training=True)[1]
        found.append(state)
    return tuple(keras.ops.stack(part) for part in zip(*found, strict=True))


def batch_norm_collected(x, *, statistics_dtype=None, **given):
    dtype = keras.backend.standardize_dtype(x.dtype)
    policy = f"mixed_{dtype}" if statistics_dtype == "float32" and "16" in dtype else dtype
    layer = _layer(x[0], None, None, given, policy)
    state = [variable.value for variable in layer.non_trainable_variables]
    for batch in x:
        state = layer.stateless_call([], state, batch, training=True)[1]
    return tuple(state)


def batch_norm_layer(x, mean=None, variance=None, *, mode=None, **given):
    if mean is None:
        raise NotImplementedError("the layer always has running statistics")
    told = {} if mode is None else {"training": mode == "train"}
    return _layer(x, None, None, given).stateless_call([], [mean, variance], x, **told)[0]


def masked_batch_norm(x, mask, scale=None, bias=None, **given):
    zeros = keras.ops.zeros(x.shape[-1:], dtype=x.dtype)
    return _called(x, zeros, zeros + 1, scale, bias, True, given, mask=mask)[0]


def _called(x, mean, variance, scale, bias, training, given, **masked):
    layer = _layer(x, scale, bias, given)
    weights = [weight for weight in (scale, bias) if weight is not None]
    return layer.stateless_call(weights, [mean, variance], x, training=training, **masked)


def _layer(x, scale, bias, given, dtype=None):
    named = {"momentum" if name == "decay" else name: value for name, value in given.items()}
    dtype = dtype or keras.backend.standardize_dtype(x.dtype)
    layer = keras.layers.BatchNormalization(scale=scale is not None, center=bias is not None, dtype=dtype, **named)
    layer.build(tuple(x.shape))
    return layer
