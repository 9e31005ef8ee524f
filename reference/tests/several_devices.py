"""A process with eight virtual devices, and what it is asked: the runs of the tests of `training/scale`."""

import concurrent.futures
import contextlib
import functools
import importlib
import multiprocessing
import os
import re
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
from loops import changed

from nnspec.training._loop_devices import given_out
from nnspec.training.scale import Devices
from nnspec.training.stochastic_gradient_descent import batches
from nnspec_conformance.tolerance import spread

COUNT = 8
FLAG = f"--xla_force_host_platform_device_count={COUNT}"
N, BATCH, EPOCHS, RATE, DECAY = 27, 16, 2, 0.5, 0.75  # the last batch has 11 examples: no device can have as many
IN, OUT = 3, 8
HOW = {"epochs": EPOCHS, "batch_size": BATCH, "progress": False}
RULE = optax.sgd(RATE, momentum=DECAY)
draw = np.random.default_rng(11)
X, Y = (draw.standard_normal((N, n)).astype(np.float32) for n in (IN, OUT))
WEIGHTS = {
    "kernel": draw.standard_normal((IN, OUT)).astype(np.float32),
    "bias": draw.standard_normal(OUT).astype(np.float32),
}
SHARES = np.floor(4 * np.abs(np.sin(7 * X[:, 0])))  # weights of the examples, 0 to 3


@contextlib.contextmanager
def eight_devices():
    """A function that asks a process with eight devices: for a function of a module, by name, and its arguments."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} {FLAG}"
    context = multiprocessing.get_context("spawn")
    with mock.patch.dict(os.environ, XLA_FLAGS=flags, JAX_PLATFORMS="cpu"):
        pool = concurrent.futures.ProcessPoolExecutor(1, mp_context=context)
        pool.submit(os.getpid).result()
    with pool:
        yield lambda module, *names, **given: pool.submit(asked, module, *names, **given).result()


def asked(module, function, implementation, **given):
    """What a function of a test's module says of an implementation, both by name."""
    names = vars(importlib.import_module(module))
    return names[function](names[implementation], **given)


def losses(weights, x, y, *, key):
    """Half the squared distance of each example."""
    return jnp.square(jnp.tanh(x @ weights["kernel"] + weights["bias"]) - y).sum(-1) / 2


def weighted(weights, x, y, shares, *, key):
    return losses(weights, x, y, key=key), shares


def trajectory(implementation, *, devices=None, by_weight=False, one_step=False, gather=np.asarray, **how):
    """The loss of each step, the weights after each epoch, and the share of each array that the first device holds.

    One step is that of the first 16 examples alone: a wrong run is often told by it, before a short batch is compiled.
    """
    found = []
    note = lambda record, weights: found.append(jax.tree.map(gather, weights))  # noqa: E731
    data = (X, Y, SHARES) if by_weight else (X, Y)
    if one_step:
        data, how = tuple(a[:BATCH] for a in data), how | {"epochs": 1}
    devices = None if devices is None else Devices(**devices)
    how = HOW | how | {"callbacks": [note], "devices": devices}
    run = implementation(weighted if by_weight else losses, WEIGHTS, data, RULE, **how)
    held = [x.addressable_shards[0].data.size / x.size for x in jax.tree.leaves((run.model, run.optimizer_state))]
    return {"losses": run.losses, **{name: np.stack([w[name] for w in found]) for name in WEIGHTS}, "held": held}


@functools.cache
def wanted(by_weight=False, one_step=False):
    """The same by hand, in float64, with what rounding may move; the order within one batch does not matter."""
    whole = np.arange(BATCH)[None, None]
    orders = whole if one_step else np.asarray(batches(examples=N, batch_size=BATCH, epochs=EPOCHS, seed=0))

    def run(rounded):
        kernel, bias = rounded(WEIGHTS["kernel"]), rounded(WEIGHTS["bias"])
        trace, found = [np.zeros((IN, OUT)), np.zeros(OUT)], {"losses": [], "kernel": [], "bias": []}
        for order in orders:
            for rows in order:
                rows = rows[rows >= 0]
                x, y = rounded(X[rows]), rounded(Y[rows])
                share = SHARES[rows] / SHARES[rows].sum() if by_weight else np.full(len(rows), 1 / len(rows))
                h = rounded(np.tanh(rounded(x @ kernel + bias)))
                found["losses"].append(share @ np.square(h - y).sum(-1) / 2)
                g = rounded((h - y) * (1 - h * h)) * share[:, None]
                trace = [rounded(DECAY * t + s) for t, s in zip(trace, (x.T @ g, g.sum(0)), strict=True)]
                kernel, bias = rounded(kernel - RATE * trace[0]), rounded(bias - RATE * trace[1])
            found["kernel"].append(kernel)
            found["bias"].append(bias)
        return {name: np.array(values) for name, values in found.items()}

    return spread(run, "float32")


def agree(found, want):
    """Whether a run is the one that is wanted, within rounding."""
    for name, right in want.items():
        error, allowed = np.abs(found[name] - right.value), right.allowed
        assert (error <= allowed).all(), f"{name} is off by {(error / allowed).max():.3g} tolerances"


# ------------------------------------------------------------------ compiled programs
TYPES = {"f32": 4, "s32": 4, "u32": 4, "pred": 1, "bf16": 2}
COLLECTIVE = re.compile(
    r"^\s*(?:ROOT )?\S+ = (.+?) (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)\("
)


def collectives(text):
    """The bytes of the results of each kind of collective in a compiled program's text."""
    found = {}
    for line in text.splitlines():
        if match := COLLECTIVE.match(line):
            parts = re.findall(r"(\w+)\[([\d,]*)\]", match[1])
            size = sum(TYPES[kind] * int(np.prod([int(n) for n in axes.split(",") if n])) for kind, axes in parts)
            found[match[2]] = found.get(match[2], 0) + size
    return found


def program(edits, *, parameters="whole", statistics="batch", width=1024, batch=64, pieces=1):
    """A step of two dense layers with Adam, compiled for eight devices: what it exchanges, and its memory."""
    loop = changed(*edits, of=None)
    devices = Devices(COUNT, parameters=parameters, statistics=statistics)
    weights = {"a": jnp.ones((width, width)), "b": jnp.zeros((width, width))}
    loss = lambda w, x, *, key: jnp.square(jnp.tanh(x @ w["a"]) @ w["b"] - x).sum(-1)  # noqa: E731
    rule = optax.adam(0.1)
    carry = loop["Carry"](weights, (), rule.init(weights), jnp.array(False))
    carry = loop["put"](carry, devices)
    x = given_out((np.ones((batch, width), np.float32),), devices)
    how = loop["Rule"](loss, None, rule, None, pieces, "stop", None, None, devices)
    compiled = loop["step"].lower(carry, x, np.int64(0), np.uint32(0), how).compile()
    memory = compiled.memory_analysis()
    sizes = {"arguments": memory.argument_size_in_bytes, "temporaries": memory.temp_size_in_bytes}
    return {"collectives": collectives(compiled.as_text()), "parameters": 2 * width * width, **sizes}
