"""``keras.initializers``, and the parameters of new layers."""

from __future__ import annotations

import keras
from keras import initializers, layers

VARIANTS = {
    "init.tails": "truncated",
    "dense-start.kernel": "glorot",
    "convolution-start.kernel": "glorot",
    "grouped-convolution-start.kernel": "glorot-all",
    "depthwise-convolution-start.kernel": "glorot-dense",
    "transposed-convolution-start.kernel": "glorot",
    "embedding-start.table": "twentieth",
    "attention-start.kernel": "glorot",
}


SEARCHED = "searched 2026-11-28, not found; https://github.com/keras-team/keras/issues"
# Draws that hand their dtype on; a truncated normal distribution is looked up on PyTorch, which refuses the word.
TAKES_EMPTY = (
    *("uniform_init", "normal_init", "lecun_uniform", "glorot_uniform", "he_uniform", "variance_scaling"),
    "orthogonal_init",
)
CUT = ("truncated_normal_init", "lecun_normal", "glorot_normal", "he_normal")  # those that are drawn truncated
# Measured: at which input, got, right, and why.
VECTOR = (
    "the shape (5,) gives five numbers, right is to refuse it: both fans are taken to be 5; "
    "https://github.com/tensorflow/tensorflow/pull/4406, which made it so"
)
NO_FAN = f"the shape (0, 3) gives an empty kernel, right is to refuse it: a fan of 0 counts as 1; {SEARCHED}"
NEGATIVE = f"-0.3 gives entries as 0.3 does, right is to refuse it: no range is checked; {SEARCHED}"
EMPTY = (
    "the dtype '' gives float32, right is to refuse it: the draws take a word that is false for none (`dtype or "
    f"floatx()`); {SEARCHED}"
)
SCALED = ("lecun_uniform", "glorot_uniform", "he_uniform", "lecun_normal", "glorot_normal", "he_normal",
          "variance_scaling")  # fmt: skip
KNOWN_FAILURES = (
    {f"init.vector[{name}]": VECTOR for name in SCALED}
    | {f"init.no-fan[{name}]": NO_FAN for name in SCALED}
    | {f"init.negative[{name}]": NEGATIVE for name in ("uniform_init", "truncated_normal_init")}
    | {f"duty.choices[{name}]; dtype=''": EMPTY for name in TAKES_EMPTY}
)


def zeros_init(shape, *, seed, dtype=None):
    return initializers.Zeros()(shape, dtype=dtype)


def constant_init(shape, *, seed, value, dtype=None):
    return initializers.Constant(value)(shape, dtype=dtype)


def uniform_init(shape, *, seed, bound, dtype=None):
    return initializers.RandomUniform(-bound, bound, seed=seed)(shape, dtype=dtype)


def normal_init(shape, *, seed, deviation, dtype=None):
    return initializers.RandomNormal(stddev=deviation, seed=seed)(shape, dtype=dtype)


def truncated_normal_init(shape, *, seed, deviation, bound, dtype=None):
    if abs(bound) != 2 * abs(deviation):
        raise NotImplementedError("TruncatedNormal is cut off at two deviations")
    return initializers.TruncatedNormal(stddev=deviation, seed=seed)(shape, dtype=dtype)


def lecun_uniform(shape, *, seed, dtype=None):
    return initializers.LecunUniform(seed=seed)(shape, dtype=dtype)


def lecun_normal(shape, *, seed, dtype=None):
    return initializers.LecunNormal(seed=seed)(shape, dtype=dtype)


def glorot_uniform(shape, *, seed, dtype=None):
    return initializers.GlorotUniform(seed=seed)(shape, dtype=dtype)


def glorot_normal(shape, *, seed, dtype=None):
    return initializers.GlorotNormal(seed=seed)(shape, dtype=dtype)


def he_uniform(shape, *, seed, dtype=None):
    return initializers.HeUniform(seed=seed)(shape, dtype=dtype)


def he_normal(shape, *, seed, dtype=None):
    return initializers.HeNormal(seed=seed)(shape, dtype=dtype)


WORDS = {"normal": "untruncated_normal", "truncated": "truncated_normal", "uniform": "uniform"}
MODES = {"in": "fan_in", "out": "fan_out", "average": "fan_avg"}


def variance_scaling(shape, *, seed, scale, fans, distribution, dtype=None):
    made = initializers.VarianceScaling(scale, MODES[fans], WORDS[distribution], seed=seed)
    return made(shape, dtype=dtype)


def orthogonal_init(shape, *, seed, gain, dtype=None):
    return initializers.Orthogonal(gain=gain, seed=seed)(shape, dtype=dtype)


def identity_init(shape, *, seed, gain, dtype=None):
    return initializers.Identity(gain=gain)(shape, dtype=dtype)


def _built(make, seed, *shapes, place=0):
    """The kernel or table of a new layer, its first array, drawn after this seed of all generators; or another one."""
    keras.utils.set_random_seed(seed)  # before it is made, which draws the seeds of its initializers
    layer = make()
    layer.build(*shapes)
    return layer.weights[place].value


def dense_start(shape, *, seed):
    return _built(lambda: layers.Dense(shape[1]), seed, (None, shape[0]))


def dense_bias_start(shape, *, seed, inputs):
    return _built(lambda: layers.Dense(shape[0]), seed, (None, inputs), place=1)


def convolution_bias_start(shape, *, seed, inputs):
    return _built(lambda: layers.Conv2D(shape[0], 3), seed, (None, 9, 9, inputs), place=1)


def convolution_start(shape, *, seed):
    return _built(lambda: layers.Conv2D(shape[3], shape[:2]), seed, (None, 9, 9, shape[2]))


def grouped_convolution_start(shape, *, seed, groups):
    wide = groups * shape[2]
    return _built(lambda: layers.Conv2D(shape[3], shape[:2], groups=groups), seed, (None, 9, 9, wide))


def depthwise_convolution_start(shape, *, seed):
    def make():
        return layers.DepthwiseConv2D(shape[:2], depth_multiplier=shape[3])

    return _built(make, seed, (None, 9, 9, shape[2]))


def transposed_convolution_start(shape, *, seed):
    kernel = _built(lambda: layers.Conv2DTranspose(shape[3], shape[:2]), seed, (None, 9, 9, shape[2]))
    return keras.ops.transpose(kernel, (0, 1, 3, 2))  # kept as [*window, out, in]


def embedding_start(shape, *, seed):
    return _built(lambda: layers.Embedding(*shape), seed, (None, 3))


def attention_start(shape, *, seed):
    x = (None, 3, shape[0])
    return keras.ops.reshape(_built(lambda: layers.MultiHeadAttention(4, shape[1] // 4), seed, x, x), shape)
