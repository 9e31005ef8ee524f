"""The source of a reference function, laid out for a narrow column: what is shown beside an equation.

Only the layout changes: the docstring is on the API page, a long signature gets a line for each argument, and a comment
that would stick out stands above its line.
"""

from __future__ import annotations

import ast
import functools
import io
import textwrap
import tokenize
from pathlib import Path

from nnspec_site.assets import ROOT
from nnspec_site.errors import SiteError

SOURCES = ROOT / "reference"
COLUMN = 58  # characters that fit beside an equation; longer code goes below it
Definition = ast.FunctionDef | ast.ClassDef


@functools.cache
def tree(source: str) -> ast.Module:
    """The syntax tree of a file; a page shows a dozen functions of one."""
    return ast.parse(source)


def find(name: str, sources: Path = SOURCES) -> str:
    """The listing of ``nnspec.a.b.function`` or ``nnspec.a.b.Class.method``.

    Raises:
        SiteError: there is no such module or definition.
    """
    path, names = place(name, sources)
    text = path.read_text(encoding="utf-8")
    return narrow(without_docstring(text.splitlines(), _definition(path, text, names, name)))


def helpers(name: str, sources: Path = SOURCES) -> dict[str, str]:
    """What a function rests on, by name: private functions beside it, those of private modules, elementary ones."""
    path, names = place(name, sources)
    text = path.read_text(encoding="utf-8")
    definition = _definition(path, text, names, name)
    beside = _reached(_functions(text, private=True), _names(definition))
    shown = _listings(text, beside)
    imports = [n for n in tree(text).body if isinstance(n, ast.ImportFrom) and n.module]

    for statement in imports:
        module = statement.module or ""
        if module.rpartition(".")[2].startswith("_"):
            shared = sources.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
            wanted = {alias.name for alias in statement.names} & set().union(
                *map(_names, (definition, *beside.values()))
            )
            shown |= _listings(shared, _reached(_functions(shared, private=False), wanted))

    elementary = sources / name.split(".")[0] / "elementary.py"
    if elementary.is_file():
        imported = {a.name for n in imports if (n.module or "").endswith(".elementary") for a in n.names}
        wanted: set[str] = set()
        for node in (definition, *beside.values()):
            wanted |= _names(node) & imported
            wanted |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and _is(n.value, "elementary")}
        formulas = elementary.read_text(encoding="utf-8")
        shown |= _listings(formulas, _reached(_functions(formulas, private=False), wanted))
    return shown


def compiled(name: str, sources: Path = SOURCES) -> list[str]:
    """The private functions that a function calls as one compiled program each: the equation's line is there."""
    path, names = place(name, sources)
    text = path.read_text(encoding="utf-8")
    called = _names(_definition(path, text, names, name))
    return [
        name
        for name, node in _functions(text, private=True).items()
        if name in called and any(_jits(decorator) for decorator in node.decorator_list)
    ]


def _jits(decorator: ast.expr) -> bool:
    """Whether this is ``jax.jit``, or ``partial`` of it."""
    return any(isinstance(n, ast.Attribute) and n.attr == "jit" for n in ast.walk(decorator))


def _functions(text: str, *, private: bool) -> dict[str, Definition]:
    """The functions of a module, all or only those with an underscore."""
    functions = [n for n in tree(text).body if isinstance(n, ast.FunctionDef)]
    return {n.name: n for n in functions if n.name.startswith("_") or not private}


def _reached(functions: dict[str, Definition], names: set[str]) -> dict[str, Definition]:
    """The functions that are named, or named by one that is."""
    reached: set[str] = set()
    queue = names & functions.keys()
    while queue:
        function = queue.pop()
        reached.add(function)
        queue |= (_names(functions[function]) & functions.keys()) - reached
    return {name: function for name, function in functions.items() if name in reached}


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _listings(text: str, functions: dict[str, Definition]) -> dict[str, str]:
    return {name: narrow(without_docstring(text.splitlines(), node)) for name, node in functions.items()}


def place(name: str, sources: Path = SOURCES) -> tuple[Path, list[str]]:
    """The file of a dotted name, and the names in it.

    Raises:
        SiteError: there is no such module.
    """
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        path = sources.joinpath(*parts[:cut]).with_suffix(".py")
        if path.is_file():
            return path, parts[cut:]
    raise SiteError(f"reference | {name}: no module of that name below reference/; check the spelling")


def _definition(path: Path, text: str, names: list[str], full: str) -> Definition:
    body: list[ast.stmt] = tree(text).body
    node: Definition | None = None
    for name in names:
        node = next((n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == name), None)
        if node is None:
            raise SiteError(f"reference | {full}: {path.name} defines no '{name}'; check the spelling")
        body = node.body
    assert node is not None
    return node


def without_docstring(lines: list[str], node: Definition) -> str:
    """The definition's lines, from its first decorator to its end."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    kept = lines[first - 1 : node.end_lineno]
    opening = node.body[0]
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        end = opening.end_lineno or opening.lineno
        blank = not lines[end].strip()
        del kept[opening.lineno - first : end - first + 1 + blank]
    return "\n".join(line[node.col_offset :] for line in kept).strip("\n")


def narrow(source: str, width: int = COLUMN) -> str:
    """Break a signature and lift trailing comments where they exceed ``width``."""
    return lift_comments(break_signature(source, width), width)


def lift_comments(source: str, width: int) -> str:
    lines = source.splitlines()
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        if token.type != tokenize.COMMENT:
            continue
        row, column = token.start
        line = lines[row - 1]
        if len(line) > width and line[:column].strip():
            indent = line[: len(line) - len(line.lstrip())]
            text = textwrap.wrap(
                token.string.lstrip("# "), width, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
            )
            lines[row - 1 : row] = [*text, line[:column].rstrip()]
    return "\n".join(lines)


def break_signature(source: str, width: int) -> str:
    """``def f(a, *, b) -> c:`` with a line for each argument, where it is longer than ``width``."""
    function = ast.parse(source).body[0]
    if not isinstance(function, ast.FunctionDef):
        return source
    lines = source.splitlines()
    head, body = lines[: function.lineno - 1], lines[function.body[0].lineno - 1 :]
    signature = lines[function.lineno - 1 : function.body[0].lineno - 1]
    comments = [line for line in signature if line.lstrip().startswith("#")]
    text = " ".join(line.strip() for line in signature if line not in comments)
    if max(map(len, signature), default=0) <= width or "#" in text or not text.rstrip().endswith(":"):
        return source
    arguments, opening, closing = _arguments(text)
    broken = [text[: opening + 1], *(f"    {argument}," for argument in arguments), text[closing:]]
    return "\n".join([*head, *broken, *comments, *body])


def _arguments(signature: str) -> tuple[list[str], int, int]:
    """The arguments between the outer brackets, and where those brackets are."""
    opening = signature.index("(")
    depth, start, quote, found = 0, opening + 1, "", []
    for at in range(opening, len(signature)):
        letter = signature[at]
        if quote or letter in "'\"":
            quote = "" if quote == letter else quote or letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        if not quote and ((letter == "," and depth == 1) or depth == 0):
            found.append(signature[start:at].strip())
            start = at + 1
        if depth == 0 and not quote:
            return [argument for argument in found if argument], opening, at
    raise SiteError(f"reference: cannot read the signature {signature[:60]}")
