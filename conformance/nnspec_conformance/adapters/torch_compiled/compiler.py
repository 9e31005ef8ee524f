"""What ``torch.compile`` is handed: a program as it is, or an operation for any lengths of its axes."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch._dynamo.config
import torch._inductor.config
import torch.utils._pytree as pytree

from nnspec_conformance.adapters.torch import transport

MANY = 2**20
torch._dynamo.config.recompile_limit = MANY  # beyond it a call is computed without the compiler, and says nothing
torch._dynamo.config.accumulated_recompile_limit = MANY
torch._inductor.config.compile_threads = 1  # a second process takes longer to start than a kernel to be compiled
logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)  # a refused call is no news

_state = {"in a program": False}


@contextlib.contextmanager
def _program() -> Iterator[None]:
    before = _state["in a program"]
    _state["in a program"] = True
    try:
        yield
    finally:
        _state["in a program"] = before


def compile(program: Callable) -> Callable:
    """The program as one compiled function, for the shapes that it is handed."""
    compiled = torch.compile(lambda *arrays: program(*arrays), dynamic=False)

    def run(*arrays):
        with _program():
            return compiled(*arrays)

    return run


def vjp(f: Callable, primals: tuple, cotangents: Any) -> tuple:
    """The gradients; a graph of them is made for a second derivative alone.

    With one the compiled backward pass is recorded, and what it writes in place is then refused.
    """
    parts = (*primals, *pytree.tree_leaves(cotangents))
    nested = any(isinstance(part, torch.Tensor) and part.requires_grad for part in parts)
    return transport.pulled_back(f, primals, cotangents, create_graph=nested)


def within(operation: Callable) -> Callable:
    """The operation in a program; by itself it is not asked."""

    @functools.wraps(operation)
    def call(*arrays, **given):
        if not _state["in a program"]:
            raise NotImplementedError("a call by itself, which 'torch' answers: compiled are programs")
        return operation(*arrays, **given)

    return call


def alone(operation: Callable) -> Callable:
    """The operation compiled, for any lengths; the compiler is imported with the first call."""
    compiled = functools.cache(lambda: torch.compile(operation, dynamic=True))

    @functools.wraps(operation)
    def call(*arrays, **given):
        return (operation if _state["in a program"] else compiled())(*arrays, **given)

    return call
