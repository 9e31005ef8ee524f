"""What ``nnspec new-adapter`` writes."""

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
    "activation.subnormals[sigmoid]": "flushed",  # exp(-x) overflows before the result underflows
    # "gelu.form": ("exact", "tanh"),
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


# The other operations, and what they take; the specification defines them, nnspec clauses lists their rules.
#   activations         identity leaky_relu(x, *, negative_slope) elu(x, *, alpha) selu gelu(x, *, form) tanh softplus
#                       silu hard_sigmoid(x, *, form) log_softmax(x, *, axis)
#   layers, neurons     dense(x, kernel, bias) mlp(x, weights, *, activation) neuron(x, weights, bias, *, activation)
#   forward             forward(x, weights, *, activation) -> {"z_0": ..., "a_0": ..., "z_1": ...}
#   weights and biases  parameter_count(*, layer, ...); in your own layout: dense_native convolution_native lstm_native
#                       gru_native
'''
