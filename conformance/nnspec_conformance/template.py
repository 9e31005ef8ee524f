"""What ``nnspec new-adapter`` writes."""

from __future__ import annotations

import argparse
import textwrap

from nnspec_conformance import signatures
from nnspec_conformance.clauses import Spec, load_spec
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.operations import Operation
from nnspec_conformance.verdict import plain

TEMPLATE = '''\
"""My implementation, as nnspec's suite sees it.

    nnspec check THIS_FILE            verdict, clause by clause
    nnspec check THIS_FILE relu.value only this clause (or a section, such as activations)
    nnspec check THIS_FILE --isolate  if it crashes or hangs: in a process of its own, and the rest goes on
    nnspec identify THIS_FILE         which reading of each clause with variants it has

An adapter is a plain module. Take out what you do not have: a missing function, or NotImplementedError in a call,
counts as "not implemented" and fails nothing.
"""

import numpy as np

NAME = "mine"
VERSION = "0.1"
DTYPES = ("float32",)  # of float16, bfloat16, float32, float64: those in which your functions compute
DEVICE = "cpu"  # where they compute, as reports show it: a text, or a function that gives one
COMPILES = False  # True if each new shape and dtype is compiled: fewer are asked, and a first call may take longer

# Which reading you have, where the specification knows several: a name, or a tuple of all that the caller can choose
# from; then each call gets the keyword. What is absent is taken to be the definition's.
VARIANTS = {
    # "gelu.form": ("exact", "tanh"),
}

# Numbers below the smallest normal one, by dtype, for all operations or for one: "flushed" (such results are zero) or
# "intermediate" (only a value on the way underflows). What is absent is kept.
SUBNORMALS = {
    "sigmoid": {"float32": "flushed"},  # exp(-x) overflows before the result underflows
}

# What an omitted keyword stands for in your functions, where it is not the definition's number.
DEFAULTS = {
    # "leaky-relu.negative-slope": 0.2,
}

# Failures that you know of: instance -> reason and link. They are shown, never hidden, and one that holds again fails.
KNOWN_FAILURES = {
    # "activation.tail[gelu]": "1 + erf cancels below -5; https://example.org/tracker/1; version<2.0",
}


# ---- transport: leave these three out if your functions take and return NumPy arrays

# def asarray(x):           # NumPy to yours. x may have no axes (a single number), and an axis may have length 0
#     return mine.tensor(x)

# def to_numpy(y):          # yours to NumPy, in the same dtype. An engine that computes only when asked does so here
#     return y.numpy()

# @contextlib.contextmanager  # import contextlib
# def context(dtype):       # entered round every call, with asarray and to_numpy: precision, device, determinism
#     with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):  # what JAX needs
#         yield

# ---- gradients: one function for all operations if you have autodiff ...

# def vjp(f, primals, cotangents):      # gradients of sum(cotangents * f(*primals)), one for each primal
#     nested = any(p.requires_grad for p in primals)  # a second derivative is the vjp of a vjp: only that needs a graph
#     leaves = [p if p.requires_grad else p.detach().requires_grad_() for p in primals]
#     y = f(*leaves)
#     if not y.requires_grad:  # a constant slope
#         return tuple(map(torch.zeros_like, leaves))
#     return torch.autograd.grad(y, leaves, cotangents, create_graph=nested, materialize_grads=True)

# ---- ... or one for each operation, <name>_vjp(*arrays, cotangents, **attributes) -> tuple


# ---- the operations. Everything but arrays is passed by keyword. What the suite leaves out, leave out too.


def relu(x):
    return np.maximum(x, 0)


def relu_vjp(x, cotangents):
    return (cotangents * (x > 0),)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, *, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis, keepdims=True)


# A stepper keeps its state to itself, and gives the parameters after each step:
#
# def adam(params, *, learning_rate, **hyper):
#     optimizer = mine.Adam(params, learning_rate, **hyper)
#
#     def step(grads, learning_rate=None):  # grads by the names of the parameters; without a rate the last one stays
#         if learning_rate is not None:
#             optimizer.learning_rate = learning_rate
#         optimizer.apply(grads)
#         return dict(optimizer.params)
#
#     return step


# All operations, and what they take and give. Axes are in order, [*batch] is any number of axes, also none; [] is a
# single number. A keyword that is a reading is handed over only if VARIANTS says that you can be told several.
# What an answer has to be stands in the clauses: nnspec clauses lists them.
{operations}'''


def template(spec: Spec) -> str:
    """The text of an adapter to start from, with every operation of the specification."""
    pages: dict[str, list[Operation]] = {}
    for operation in spec.operations.values():
        pages.setdefault(operation.page, []).append(operation)
    blocks = [f"\n# ---- {page}\n" + "\n".join(map(_comment, found)) for page, found in pages.items()]
    return TEMPLATE.replace("{operations}", "".join(f"{block}\n" for block in blocks))


def _comment(operation: Operation) -> str:
    """Signature and result of one operation, what it does, its arguments and keywords."""
    taken = signatures.arguments(operation) | signatures.keywords(operation)
    readings = {attribute.name: attribute.readings for attribute in operation.attributes if attribute.readings}
    lines = [f"{signatures.signature(operation)} -> {signatures.result(operation)}", f"    {plain(operation.text)}"]
    lines += [f"    {n}: {w}" + (f"; a reading, {readings[n]}" if n in readings else "") for n, w in taken.items()]
    wrapped = (textwrap.wrap(line, 118, subsequent_indent="        ", break_on_hyphens=False) for line in lines)
    return "\n".join(f"# {line}" for lines in wrapped for line in lines)


def new_adapter(options: argparse.Namespace) -> int:
    """``nnspec new-adapter``: a commented adapter to start from.

    Raises:
        HarnessError: there is a file already, its name is no Python file's, or it cannot be written.
    """
    if options.path.exists():
        raise HarnessError(f"{options.path}: exists already; choose another name or remove it first")
    if options.path.suffix != ".py":
        raise HarnessError(f"{options.path}: an adapter is a Python module; give it a name that ends in .py")
    try:
        options.path.write_text(template(load_spec()), encoding="utf-8")
    except OSError as error:
        raise HarnessError(
            f"{options.path}: {error.strerror}; choose a folder that exists and can be written"
        ) from error
    print(f"wrote {options.path}; fill in what you have, then: nnspec check {options.path}")
    return 0
