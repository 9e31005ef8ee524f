"""The stock layers, ``SimpleRNN`` and ``SimpleRNNCell``; lengths become a mask."""

from __future__ import annotations

import functools

import keras

VARIANTS = {
    "elman.no-steps": "refused",
    "elman.padded-outputs": "repeated",
    "elman.reverse-order": "processing",
}
DEFAULTS = {"elman.default-outputs": "last"}
RNN = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/rnn/"
KNOWN_FAILURES = {
    "elman.padding-gradient": (
        "with NaN in the masked steps every gradient is NaN, right is that of other padding: the new state is masked "
        "and the input is not, so that zero times NaN reaches the backward pass; "
        "searched 2026-11-28, not found; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/jax/rnn.py"
    ),
    "elman.lengths-range": (
        "a length of 8 in 7 steps is taken, right is a refusal: a layer has no lengths, and the mask that is made of "
        f"them, as the guide on masking makes it, compares nothing; searched 2026-11-28, not found; {RNN}rnn.py"
    ),
    "elman.lengths-integer": (
        "a length of 2.5 is taken for 3, right is a refusal: a layer has no lengths, and a mask is made of any "
        f"numbers; searched 2026-11-28, not found; {RNN}rnn.py"
    ),
    "duty.broadcasting[elman_step]": (
        "one input is taken for a batch of four states, right is a refusal: nothing compares shapes, and sums "
        f"broadcast; searched 2026-11-28, not found; {RNN}simple_rnn.py"
    ),
    "duty.broadcasting[elman]": (
        "a mask or a carry of one example is taken for five, right is a refusal: nothing compares shapes, and both "
        f"broadcast; searched 2026-11-28, not found; {RNN}rnn.py"
    ),
}
NAMES = ("kernel", "recurrent_kernel", "bias")


def elman_step(x, weights, carry, *, activation):
    cell = _built(keras.layers.SimpleRNNCell, weights, x, (("activation", activation),))
    return _called(cell, weights, x, [carry])[0]


def elman(x, weights, carry=None, lengths=None, *, activation, outputs=None, reverse=None):
    named = {"activation": activation}
    named |= {} if outputs is None else {"return_sequences": outputs == "all"}
    named |= {} if reverse is None else {"go_backwards": reverse}
    layer = _built(keras.layers.SimpleRNN, weights, x, tuple(sorted(named.items())))
    mask = None if lengths is None else keras.ops.expand_dims(_steps(x, lengths), 0) < lengths[:, None]
    return _called(layer, weights, x, initial_state=carry, mask=mask)


def _steps(x, lengths):
    """The numbers of the steps, of the type of the lengths: TensorFlow compares no others."""
    return keras.ops.arange(x.shape[1], dtype=keras.backend.standardize_dtype(lengths.dtype))


def _called(layer, weights, *arrays, **given):
    """The layer with these weights; Keras itself refuses another number of them."""
    table = dict(weights)
    arranged = [table.pop(name) for name in NAMES] + list(table.values())
    seeds = [variable.value for variable in layer.non_trainable_variables]
    return layer.stateless_call(arranged, seeds, *arrays, **given)[0]


def _built(kind, weights, x, named):
    return _of_sizes(
        kind, weights["recurrent_kernel"].shape[0], tuple(x.shape), keras.backend.standardize_dtype(x.dtype), named
    )


@functools.cache
def _of_sizes(kind, units, shape, dtype, named):
    """Built for a shape; it is called with its weights."""
    zeros = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}
    layer = kind(units, dtype=dtype, **zeros, **dict(named))
    layer.build(shape)
    return layer
