"""Keras: an optimizer alone, on the backend that is chosen, JAX if none is."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # read when Keras is imported, once a process

import keras

from nnspec_conformance.adapters.keras.steppers import stepper

NAME, VERSION, DTYPES = "keras", keras.__version__, ("float32",)
VARIANTS = {"momentum.rate-position": "inside"}
KNOWN_FAILURES = {
    "stepper.gradients-of-others[momentum]": (
        "a gradient of one entry is taken for every entry of its variable, right is to refuse it: the velocity is "
        "assigned after broadcasting; https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/sgd.py"
    ),
}

asarray, to_numpy = keras.ops.convert_to_tensor, keras.ops.convert_to_numpy
momentum = stepper(keras.optimizers.SGD)
