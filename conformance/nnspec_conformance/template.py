"""What ``nnspec new-adapter`` writes."""

from __future__ import annotations

import argparse
import textwrap

from nnspec_conformance import signatures
from nnspec_conformance.clauses import Spec, load_spec
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.operations import Operation

TEMPLATE = '''\
"""My implementation, as nnspec's suite sees it.

    nnspec check THIS_FILE            verdict, clause by clause
    nnspec check THIS_FILE relu.value only this clause (or a section, such as activations)
    nnspec identify THIS_FILE         which reading of each clause with variants it has

An adapter is a plain module. Take out what you do not have: a missing function, or NotImplementedError in a call,
counts as "not implemented" and fails nothing.
"""

import numpy as np

NAME = "mine"
VERSION = "0.1"
DTYPES = ("float32",)  # of float16, bfloat16, float32, float64: those in which your functions compute

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

# def asarray(x):           # numpy -> yours
#     return mine.tensor(x)

# def to_numpy(y):          # yours -> numpy
#     return y.numpy()

# def context(dtype):       # entered round every call: precision, device, determinism
#     return contextlib.nullcontext()

# ---- gradients: one function for all operations if you have autodiff (it must nest, for second derivatives) ...

# def vjp(f, primals, cotangents):      # gradients of sum(cotangents * f(*primals)), one for each primal
#     return mine.grad(f, primals, cotangents)

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


# The other operations, and what they take and give. Axes are in order, [*batch] is any number of axes; what
# an answer has to be stands in the clauses: nnspec clauses lists them.
{operations}'''


def template(spec: Spec) -> str:
    """The text of an adapter to start from, with every operation of the specification."""
    pages: dict[str, list[Operation]] = {}
    for operation in spec.operations.values():
        pages.setdefault(operation.page, []).append(operation)
    blocks = [f"\n# ---- {page}\n" + "\n".join(map(_comment, found)) for page, found in pages.items()]
    return TEMPLATE.replace("{operations}", "".join(f"{block}\n" for block in blocks))


def _comment(operation: Operation) -> str:
    """Signature, arguments, keywords and result of one operation."""
    taken = signatures.arguments(operation) | signatures.keywords(operation)
    lines = [f"{signatures.signature(operation)} -> {signatures.result(operation)}"]
    lines += [f"    {name}: {words}" for name, words in taken.items()]
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
