"""Functions with one thing wrong, made of their own source."""

import inspect
import sys


def changed(function, old, new):
    """The function with a part of its source changed."""
    text = inspect.getsource(function)
    if text.count(old) != 1:
        raise LookupError(f"the source has this {text.count(old)} times: {old}")
    scope = dict(vars(sys.modules[function.__module__]))
    exec(text.replace(old, new), scope)
    return scope[function.__name__]
