"""Stock JAX, Flax and Optax; a layer is compiled as one program, as it is within a training step."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from flax.training.early_stopping import EarlyStopping

from nnspec_conformance.adapters.jax import transport
from nnspec_conformance.adapters.jax.steppers import stepper

NAME, VERSION, DTYPES = "jax", jax.__version__, ("float32", "float64")
VARIANTS = {"batch-norm.running-variance": "biased", "early-stopping.patience": "exceeded"}
DEFAULTS = {"adam.eps": 1e-8, "momentum.default": 0.0}

BROADCASTS = (
    "a gradient of one entry is taken for every entry of its parameter, right is to refuse it: updates and parameters "
    "are added by the rules of broadcasting; "
    "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/_src/update.py"
)
KNOWN_FAILURES = {
    "stepper.gradients-of-others[momentum]": BROADCASTS,
    "stepper.gradients-of-others[adam]": BROADCASTS,
    "momentum.negative": (
        "optax.sgd(0.5, momentum=-0.5) steps, right is to refuse it: the decay of a trace is not checked; "
        "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/transforms/_accumulation.py"
    ),
}

asarray, to_numpy, context, vjp = transport.asarray, transport.to_numpy, transport.context, transport.vjp


@partial(jax.jit, static_argnames="epsilon")
def layer_norm(x, scale, bias, *, epsilon):
    layer = nnx.LayerNorm(x.shape[-1], epsilon=epsilon, param_dtype=x.dtype, rngs=nnx.Rngs(0))
    layer.scale, layer.bias = nnx.Param(scale), nnx.Param(bias)
    return layer(x)


@partial(jax.jit, static_argnames=("train", "decay", "epsilon"))
def batch_norm(x, scale, bias, mean, variance, *, train, decay, epsilon):
    layer = nnx.BatchNorm(x.shape[-1], use_running_average=not train, momentum=decay, epsilon=epsilon, rngs=nnx.Rngs(0))
    layer.scale, layer.bias = nnx.Param(scale), nnx.Param(bias)
    layer.mean, layer.var = (
        nnx.BatchStat(mean),
        nnx.BatchStat(variance),
    )  # it makes float32 ones itself, whatever param_dtype
    return layer(x), layer.mean[...], layer.var[...]


@partial(jax.jit, static_argnames=("rate", "train"))
def dropout(x, *, seed, rate, train):
    return nnx.Dropout(rate, deterministic=not train, rngs=nnx.Rngs(jax.random.key(seed)))(x)


@partial(jax.jit, static_argnames="shape")
def he_normal(shape, *, seed):
    return jax.nn.initializers.he_normal()(jax.random.key(seed), shape)


momentum, adam = stepper(optax.sgd), stepper(optax.adam)


def cosine_decay(steps, *, init_value, decay_steps):
    return optax.cosine_decay_schedule(init_value, decay_steps)(steps)


def early_stopping(metrics, *, patience, min_delta):
    state, best_epoch = EarlyStopping(patience=patience, min_delta=min_delta), None
    for epoch, metric in enumerate(metrics.tolist(), 1):
        state = state.update(metric)
        best_epoch = epoch if state.has_improved else best_epoch
        if state.should_stop:
            return {"stopped_epoch": epoch, "best_epoch": best_epoch}
    return {"stopped_epoch": None, "best_epoch": best_epoch}


@jax.jit
def lstm(x, h0, c0, gates):
    cell = nnx.LSTMCell(x.shape[-1], h0.shape[-1], param_dtype=x.dtype, rngs=nnx.Rngs(0))
    inner, outer = (cell.ii, cell.if_, cell.ig, cell.io), (cell.hi, cell.hf, cell.hg, cell.ho)
    for k, from_input, from_state in zip("ifgo", inner, outer, strict=True):
        from_input.kernel[...] = gates[f"kernel_{k}"]
        from_state.kernel[...] = gates[f"recurrent_{k}"]
        from_state.bias = nnx.Param(gates[f"bias_{k}"])
    (c, h), ys = nnx.RNN(cell)(x, initial_carry=(c0, h0), return_carry=True)
    return jnp.asarray(ys), h, c
