"""Relations that pages declare between operations: ``exp(log_softmax(x))`` below ``equals`` of softmax.

An expression calls one other operation with the arrays of the call, by their declared names, and makes of its answer
what has to be the answer. It is read here and never executed: names, numbers, words, tables, indices, one call of an
operation, ``exp`` and ``log``.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

FUNCTIONS = ("exp", "log")


def called(text: str) -> str:
    """The operation that an expression calls.

    Raises:
        ValueError: it is no expression, or calls none or several.
    """
    return _call(text)[0]


def call(text: str, values: Mapping[str, Any]) -> tuple[str, tuple, dict[str, Any]]:
    """The operation that an expression calls, with its arrays and keywords.

    Raises:
        ValueError: it holds something that is not known here; says what.
    """
    name, node = _call(text)
    keywords = {str(k.arg): _value(k.value, values, None) for k in node.keywords}
    return name, tuple(_value(a, values, None) for a in node.args), keywords


def evaluate(text: str, values: Mapping[str, Any], answer: Any) -> Any:
    """What an expression makes of the answer of the operation that it calls.

    Raises:
        ValueError: it holds something that is not known here; says what.
    """
    return _value(_tree(text), values, answer)


def _call(text: str) -> tuple[str, ast.Call]:
    calls = [node for node in ast.walk(_tree(text)) if isinstance(node, ast.Call)]
    named = [(node.func.id if isinstance(node.func, ast.Name) else "?", node) for node in calls]
    operations = [entry for entry in named if entry[0] not in (*FUNCTIONS, "dict")]
    if len(operations) != 1:
        raise ValueError(f"'{text}' calls {len(operations)} operations; write one call of another operation")
    return operations[0]


def _tree(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"'{text}' is no expression; write exp(log_softmax(x))") from error


def _value(node: ast.expr | None, values: Mapping[str, Any], answer: Any) -> Any:
    match node:
        case None | ast.Constant():
            return None if node is None else node.value
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.Name(id=name):
            raise ValueError(f"'{name}' is no array or keyword of the call; known: {', '.join(values)}")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values, answer)
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=entries):
            return {str(k.arg): _value(k.value, values, answer) for k in entries}
        case ast.Tuple(elts=parts):
            return tuple(_value(part, values, answer) for part in parts)
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice(*(_value(part, values, answer) for part in (lower, upper, step)))
        case ast.Subscript(value=of, slice=index):
            return _value(of, values, answer)[_value(index, values, answer)]
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            import numpy as np  # only here: pages are read without it

            return getattr(np, name)(_value(argument, values, answer))
        case ast.Call():
            return answer
    raise ValueError(f"'{ast.unparse(node)}' is nothing that a relation can hold")
