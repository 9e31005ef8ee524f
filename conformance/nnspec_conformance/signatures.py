"""A declared operation in words, for the site and the template: signature, arguments, keywords, result."""

from __future__ import annotations

from nnspec_conformance.operations import UNSTATED, Array, Attribute, Operation, Table

ENTRIES = {"float": "", "integer": "integers", "boolean": "booleans, true takes part"}
KINDS = {"number": "a number", "integer": "an integer", "axis": "an axis", "flag": "true or false", "shape": "lengths"}


def signature(operation: Operation) -> str:
    """The operation as a line of Python, with the definition's defaults: ``leaky_relu(x, *, negative_slope=0.01)``."""
    positional = ["shape"] if operation.form == "random" else []
    positional += [f"{a.name}=None" if a.optional else a.name for a in operation.arguments]
    keywords = ["seed"] if operation.form in ("random map", "random") else []
    keywords += [a.name if a.default is UNSTATED else f"{a.name}={a.default!r}" for a in operation.attributes]
    return f"{operation.name}({', '.join([*positional, *(['*', *keywords] if keywords else [])])})"


def arguments(operation: Operation) -> dict[str, str]:
    """What each argument, and what is handed to a step, is: ``{"kernel": "[in, out]"}``."""
    found: dict[str, str] = {}
    for argument in operation.arguments:
        if isinstance(argument, Table) and argument.by:
            for reading, rows in argument.layouts.items():
                found[f"{argument.name}, {argument.by} {reading}"] = f"a table of {_rows(rows, operation)}"
        else:
            found[argument.name] = in_words(argument, operation)
    if operation.form == "stepper":
        rates = ", ".join(a.name for a in operation.attributes if a.each_step)
        taken = _rows(operation.step, operation) if operation.step else "gradients, one for each parameter"
        found["each step"] = f"a table of {taken}; {rates} anew, if given" if rates else f"a table of {taken}"
    return found


def keywords(operation: Operation) -> dict[str, str]:
    """What each keyword may be: ``{"axis": "an axis; -1 if left out"}``."""
    return {attribute.name: _keyword(attribute) for attribute in operation.attributes}


def result(operation: Operation) -> str:
    """What comes back."""
    if operation.form == "stepper":
        return "a step, which gives the new parameters"
    state = [f"{a.name} {in_words(a, operation)}" for a in operation.state]
    return ", ".join([in_words(operation.result, operation), *state])


def in_words(source: Array | tuple[Array, ...] | Table | None, operation: Operation) -> str:
    """An array's axes and entries; the names of a table or a tuple with theirs."""
    if isinstance(source, Array):
        return _array(source)
    if isinstance(source, Table) and source.any:
        return "a table of any arrays"
    rows = source.layouts[""] if isinstance(source, Table) else source or ()
    return f"a {'table' if isinstance(source, Table) else 'tuple'} of {_rows(rows, operation)}"


def _rows(rows: tuple[Array, ...], operation: Operation) -> str:
    """Names and axes, and what each index runs over."""
    found = ", ".join(f"{row.name} {_array(row)}" for row in rows)
    used = [index for index in operation.indices if any(f"{{{index}}}" in row.name for row in rows)]
    return ", ".join([found, *(f"{index} = {_values(operation, index)}" for index in used)])


def _values(operation: Operation, index: str) -> str:
    values = operation.indices[index]
    return f"0 to {values} - 1" if isinstance(values, str) else ", ".join(values)


def _array(array: Array) -> str:
    words = [f"[{', '.join(array.axes)}]"]
    if array.values:
        words.append(f"each {_either(array.values)}")
    elif array.normalized:
        words.append(f"positive, with sum 1 along {array.normalized}")
    else:
        inside = f" in {array.interval}" if array.interval else ""
        words.append(
            (ENTRIES[array.dtype] + inside) if array.dtype != "float" else "entries" + inside if inside else ""
        )
    words.append("may be left out" if array.optional else "")
    return ", ".join(filter(None, words))


def _keyword(attribute: Attribute) -> str:
    words = f"one of {', '.join(map(str, attribute.values))}" if attribute.kind == "choice" else KINDS[attribute.kind]
    words += f" in {attribute.interval}" if attribute.interval and str(attribute.interval) != "(-inf, inf)" else ""
    for other, values in attribute.when.items():
        words += f", with {other} {_either(values)}"
    return words if attribute.default is UNSTATED else f"{words}; {attribute.default} if left out"


def _either(values: tuple) -> str:
    """``a, b or c``."""
    *first, last = map(str, values)
    return f"{', '.join(first)} or {last}" if first else last
