"""What the tests of the training loop share: a small run, and the loop with parts of its source changed."""

import functools
import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from nnspec.training.adam import adam
from nnspec.training.dropout import Dropout
from nnspec_conformance.inputs import network

N, BATCH, EPOCHS = 12, 4, 3
SHORT = 11  # of these examples; the last batch then has three, and a program of its own
X, WEIGHTS = network((3, 5, 2), leading=(N,), seed=5)
Y = network((2, 1), leading=(N,), seed=9)[0]
HOW = {"epochs": EPOCHS, "batch_size": BATCH, "progress": False}
RULE = optax.sgd(lambda count: 0.1 / (1 + count), momentum=0.9)  # a program of it takes two thirds of one of Adam
ADAM = adam(lambda count: 0.05 / (1 + count))
FAST = adam(0.1)


def output(weights, x):
    """Two layers; `nnspec.components.layers.mlp` would check its arguments in each program anew."""
    return jnp.tanh(x @ weights["kernel_0"] + weights["bias_0"]) @ weights["kernel_1"] + weights["bias_1"]


def losses(weights, x, y, *, key):
    """Half the squared distance of each example."""
    return jnp.square(output(weights, x) - y).sum(-1) / 2


def weighted(weights, x, y, *, key):
    """The same, where each example has a weight between 0 and 3."""
    return losses(weights, x, y, key=key), jnp.floor(4 * jnp.abs(jnp.sin(7 * x[:, 0])))


def same(one, other):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)


class Network(nnx.Module):
    """A layer behind dropout, with the mean of what went through it as a statistic."""

    def __init__(self):
        rngs = nnx.Rngs(params=0, dropout=1)
        self.dropout = Dropout(0.5, rngs=rngs)
        self.kernel = nnx.Param(jnp.asarray(WEIGHTS["kernel_0"][:, :2]))
        self.mean = nnx.BatchStat(jnp.zeros(3))
        self.use_running_average = False

    def __call__(self, x):
        if not self.use_running_average:
            self.mean[...] = 0.9 * self.mean[...] + 0.1 * x.mean(0)
        return (self.dropout(x) - self.mean[...]) @ self.kernel[...]


def of_a_module(model, x, y, *, key):
    return jnp.square(model(x) - y).sum(-1) / 2


def arrays(model):
    """All arrays of a module, keys as numbers."""
    leaves = jax.tree.leaves(nnx.state(model))
    return [jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else np.array(x) for x in leaves]


def equal(one, other):
    """Whether two runs have come to the same, but for the seconds."""
    told = [[{k: v for k, v in r.items() if k != "seconds"} for r in run.history] for run in (one, other)]
    return (
        json.dumps(told[0]) == json.dumps(told[1])
        and one.ended == other.ended
        and np.array_equal(one.losses, other.losses)
        and {name: x.tobytes() for name, x in one.metrics.items()} == {n: x.tobytes() for n, x in other.metrics.items()}
        and same(one.optimizer_state, other.optimizer_state)
        and [np.asarray(x).tobytes() for x in one.watched] == [np.asarray(x).tobytes() for x in other.watched]
        and same(*([arrays(x) if isinstance(x, nnx.Module) else x for x in (one.model, other.model)]))
    )


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


# The loop's own modules, each after those that it imports.
MODULES = [
    "scale", "_loop_devices", "_loop_data", "_loop_model", "loop_failures", "_loop_watch", "loop_checkpoints",
    "_loop_files", "loop_precision", "_loop_precision", "_loop_step", "loop",
]  # fmt: skip
IMPORTED = re.compile(r"^from (nnspec\.training\.\w+) import", re.MULTILINE)


@functools.cache
def code_of(text: str) -> CodeType:
    """A module's text, compiled; most of them are the same in all changed loops."""
    return compile(text, "changed", "exec")


def changed(*edits, of: str | None = "fit", parts=MODULES) -> Any:
    """The loop with parts of its source changed, each of which is there once; the classes of its parts stay.

    Modules that import nothing changed stay as they are, and with them what they have compiled.
    """
    modules = [importlib.import_module(f"nnspec.training.{name}") for name in parts]
    texts = {module.__name__: inspect.getsource(module) for module in modules}
    for old, new in edits:
        if (there := sum(text.count(old) for text in texts.values())) != 1:
            raise LookupError(f"{old!r} is in the source {there} times")  # no AssertionError, which would catch a bug
        texts = {name: text.replace(old, new) for name, text in texts.items()}
    with mock.patch.dict(sys.modules):
        made: list[str] = []
        for own in modules:
            text = texts[own.__name__]
            if text == inspect.getsource(own) and not set(IMPORTED.findall(text)) & set(made):
                continue
            made.append(own.__name__)
            module = sys.modules[own.__name__] = ModuleType(own.__name__)
            exec(code_of(text), module.__dict__)
            if own is not modules[-1]:  # what others import of it
                vars(module).update({name: vars(own)[name] for name in own.__all__ if inspect.isclass(vars(own)[name])})
        names = vars(sys.modules[modules[-1].__name__])
    return names[of] if of else names
