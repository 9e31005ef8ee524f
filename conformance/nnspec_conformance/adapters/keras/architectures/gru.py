"""The stock layers, ``GRU`` and ``GRUCell``, with both places of the reset gate; lengths become a mask.

The gates z, r, n lie beside one another. With the reset gate after the product there are two rows of biases.
"""

from __future__ import annotations

import functools

import keras

VARIANTS = {
    "gru.reset": ("after", "before"),
    "gru.no-steps": "refused",
    "gru.padded-outputs": "repeated",
    "gru.reverse-order": "processing",
}
DEFAULTS = {"gru.default-outputs": "last"}
RNN = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/rnn/"
KNOWN_FAILURES = {
    "gru.padding-gradient": (
        "with NaN in the masked steps every gradient is NaN, right is that of other padding: the new state is masked "
        "and the input is not, so that zero times NaN reaches the backward pass; "
        "searched 2026-11-28, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/jax/rnn.py"
    ),
    "gru.lengths-range": (
        "a length of 8 in 7 steps is taken, right is a refusal: a layer has no lengths, and the mask that is made of "
        f"them, as the guide on masking makes it, compares nothing; searched 2026-11-28, not found; {RNN}rnn.py"
    ),
    "gru.lengths-integer": (
        "a length of 2.5 is taken for 3, right is a refusal: a layer has no lengths, and a mask is made of any "
        f"numbers; searched 2026-11-28, not found; {RNN}rnn.py"
    ),
    "duty.broadcasting[gru_step]": (
        "one input is taken for a batch of several states, right is a refusal: nothing compares shapes, and sums "
        f"broadcast; searched 2026-11-28, not found; {RNN}gru.py"
    ),
    "duty.broadcasting[gru]": (
        "a mask or a carry of one example is taken for five, right is a refusal: nothing compares shapes, and both "
        f"broadcast; searched 2026-11-28, not found; {RNN}rnn.py"
    ),
}
GATES = ("z", "r", "n")


def gru_step(x, weights, carry, *, reset):
    cell = _built(keras.layers.GRUCell, weights, x, reset_after=reset == "after")
    return _called(cell, weights, x, [carry])[0]


def gru(x, weights, carry=None, lengths=None, *, reset, outputs=None, reverse=None):
    named = {"reset_after": reset == "after"}
    named |= {} if outputs is None else {"return_sequences": outputs == "all"}
    named |= {} if reverse is None else {"go_backwards": reverse}
    layer = _built(keras.layers.GRU, weights, x, **named)
    mask = None if lengths is None else keras.ops.expand_dims(_steps(x, lengths), 0) < lengths[:, None]
    return _called(layer, weights, x, initial_state=carry, mask=mask)


def _steps(x, lengths):
    """The numbers of the steps, of the type of the lengths: TensorFlow compares no others."""
    return keras.ops.arange(x.shape[1], dtype=keras.backend.standardize_dtype(lengths.dtype))


def _called(layer, weights, *arrays, **given):
    """The layer with these weights; Keras itself refuses another number of them."""
    arranged = _arranged(weights, layer.get_config()["reset_after"])
    seeds = [variable.value for variable in layer.non_trainable_variables]
    return layer.stateless_call(arranged, seeds, *arrays, **given)[0]


def _arranged(weights, reset_after):
    """The weights in the order of the variables."""
    left = dict(weights)
    kernels = [_beside(left, kind) for kind in ("kernel", "recurrent_kernel", "bias")]
    if reset_after:
        second = left.pop("recurrent_bias_n")
        zero = keras.ops.zeros_like(second)  # the gates have a second bias, too, which is added to the first
        kernels[-1] = keras.ops.stack([kernels[-1], keras.ops.concatenate([zero, zero, second], -1)])
    return [*kernels, *left.values()]


def _beside(left, kind):
    return keras.ops.concatenate([left.pop(f"{kind}_{gate}") for gate in GATES], -1)


def _built(kind, weights, x, **named):
    units, dtype = weights["bias_n"].shape[0], keras.backend.standardize_dtype(x.dtype)
    return _of_sizes(kind, units, tuple(x.shape), dtype, tuple(sorted(named.items())))


@functools.cache
def _of_sizes(kind, units, shape, dtype, named):
    """Built for a shape; it is called with its weights."""
    zeros = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}
    layer = kind(units, dtype=dtype, **zeros, **dict(named))
    layer.build(shape)
    return layer
