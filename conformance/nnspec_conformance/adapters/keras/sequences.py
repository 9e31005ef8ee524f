"""What the recurrent layers share: a layer of a size, its call with given weights, lengths as a mask, what is known."""

from __future__ import annotations

import functools

import keras

RNN = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/rnn/"
SEARCHED = "searched 2026-11-28, not found"


def mask(x, lengths):
    """Which steps are read, or None; the numbers of the steps are of the type of the lengths, as TensorFlow asks."""
    if lengths is None:
        return None
    steps = keras.ops.arange(x.shape[1], dtype=keras.backend.standardize_dtype(lengths.dtype))
    return keras.ops.expand_dims(steps, 0) < lengths[:, None]


def called(layer, arranged, *arrays, **given):
    """The layer with these weights; Keras itself refuses another number of them."""
    seeds = [variable.value for variable in layer.non_trainable_variables]
    return layer.stateless_call(arranged, seeds, *arrays, **given)[0]


def built(kind, units, x, **named):
    """A layer of this kind, built for these inputs."""
    return _of_sizes(
        kind, units, tuple(x.shape), keras.backend.standardize_dtype(x.dtype), tuple(sorted(named.items()))
    )


@functools.cache
def _of_sizes(kind, units, shape, dtype, named):
    """Built for a shape; it is called with its weights."""
    zeros = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}
    layer = kind(units, dtype=dtype, **zeros, **dict(named))
    layer.build(shape)
    return layer


def known_failures(operation, module, several):
    """What all layers and cells have.

    Args:
        operation: the layer; its cell is ``<operation>_step``.
        module: of Keras, in which both are.
        several: the arrays that are taken for those of one example alone.
    """
    return {
        f"{operation}.padding-gradient": (
            "with NaN in the masked steps every gradient is NaN, right is that of other padding: the new state is "
            f"masked and the input is not, so that zero times NaN reaches the backward pass; {SEARCHED}; "
            "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/jax/rnn.py"
        ),
        f"{operation}.lengths-range": (
            "a length of 8 in 7 steps is taken, right is a refusal: a layer has no lengths, and the mask that is made "
            f"of them, as the guide on masking makes it, compares nothing; {SEARCHED}; {RNN}rnn.py"
        ),
        f"{operation}.lengths-integer": (
            "a length of 2.5 is taken for 3, right is a refusal: a layer has no lengths, and a mask is made of any "
            f"numbers; {SEARCHED}; {RNN}rnn.py"
        ),
        f"duty.broadcasting[{operation}_step]": (
            "one input is taken for a batch of several states, right is a refusal: nothing compares shapes, and sums "
            f"broadcast; {SEARCHED}; {RNN}{module}.py"
        ),
        f"duty.broadcasting[{operation}]": (
            f"{several} of one example is taken for five, right is a refusal: nothing compares shapes, and masks "
            f"broadcast; {SEARCHED}; {RNN}rnn.py"
        ),
    }
