"""What the tests of half precision and of averages share: runs by hand, and a run whose backward pass overflows."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from loops import EPOCHS, N, X, Y

from nnspec.training.loop_failures import NonFiniteError
from nnspec.training.loop_precision import MixedPrecision
from nnspec.training.stochastic_gradient_descent import batches

RULE = optax.chain(optax.add_decayed_weights(0.5), optax.sgd(0.1, momentum=0.5))  # sees the weights
WEIGHTS = {"kernel": jnp.asarray(np.linspace(-1, 1, 6, dtype=np.float32).reshape(3, 2)), "bias": jnp.ones(2) / 3}
ONCE = {"epochs": 1, "progress": False}
HALF = MixedPrecision("bfloat16")
ORDERS = np.asarray(batches(examples=N, batch_size=4, epochs=EPOCHS, seed=0)).reshape(-1, 4)
SEEN: list = []  # the scales of the steps: what comes into the backward pass, added up
WILD, CALM = np.full(2, 2.0**13, np.float32), np.ones(2, np.float32)  # overflows with a scale above 4; never
STEPS = [WILD, WILD, CALM, WILD, CALM, CALM, WILD, CALM, CALM, CALM, CALM]
SCALES = [16, 8, 4, 4, 4, 8, 8, 4, 4, 4, 8]  # three steps without an overflow double it
MOVES = MixedPrecision("float16", loss_scale=16.0, period=3)
TAKEN = np.array([0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1], bool)
SLOW = optax.sgd(2.0**-20)


def losses(weights, x, y, *, key):
    """Half the squared distance of each example, of a single layer."""
    return jnp.square(x @ weights["kernel"] + weights["bias"] - y).sum(-1) / 2


def near(one, other):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in pairs)


def low(tree):
    return jax.tree.map(lambda x: x.astype(jnp.bfloat16), tree)


@functools.cache
def by_hand():
    """The run in half precision: the weights after each step, the last state, the losses."""

    @jax.jit
    def step(weights, state, x, y):
        mean = lambda w: losses(low(w), *low((x, y)), key=None).astype(jnp.float32).mean()  # noqa: E731
        value, g = jax.value_and_grad(mean)(weights)
        updates, state = RULE.update(g, state, weights)
        return optax.apply_updates(weights, updates), state, value

    weights, state, found, after = WEIGHTS, RULE.init(WEIGHTS), [], []
    for rows in ORDERS:
        rows = rows[rows >= 0]
        weights, state, value = step(weights, state, X[rows], Y[rows])
        found.append(value)
        after.append(weights)
    return after, state, np.array(found)


@jax.custom_vjp
def probe(x):
    """The numbers themselves; what comes back to them is written down."""
    return x


def probed(_, g):
    jax.debug.callback(lambda g: SEEN.append(float(np.float32(g).sum())), g)
    return (g,)


probe.defvjp(lambda x: (x, None), probed)


def slope(weight, x, y=1, *, key):
    """A loss whose gradient is x y, in half precision."""
    return probe(weight * x) * y


def run_of(implementation, steps, weight=1.0, **how):
    """The run of an epoch, the error that ended it, and the scales that it had."""
    SEEN.clear()
    told = None
    try:
        told = implementation(
            slope, jnp.float32(weight), lambda epoch: steps, SLOW, **ONCE | {"precision": MOVES} | how
        )
    except NonFiniteError as error:
        told = error
    jax.effects_barrier()
    return told, SEEN.copy()
