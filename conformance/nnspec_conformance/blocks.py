"""Blocks and text of a Markdown page, still untyped.

A block starts with ``/// clause | id``, holds options as YAML indented by four spaces, a blank line, its text, and ends
with ``///``. Needs PyYAML only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nnspec_conformance.errors import SpecError

# libyaml's parser where PyYAML was built with it: a tenth of the time, which every command spends on the specification.
_SAFE: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TwiceError(yaml.MarkedYAMLError):
    """A key stands twice; YAML itself would let the last one win."""


class Loader(_SAFE):
    """YAML whose mappings have each key once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping as a dictionary.

        Raises:
            TwiceError: two of its keys are the same.
        """
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in seen:
                raise TwiceError(problem=f"'{key.value}' stands twice; keep one", problem_mark=key.start_mark)
            seen.add((key.tag, key.value) if isinstance(key, yaml.ScalarNode) else key)
        return super().construct_mapping(node, deep)


OPTIONS = {
    "clause": {
        "kind",
        "source",
        "applies-to",
        "forms",
        "apart",
        "about",
        "variants",
        "definition",
        "default",
        "candidates",
        "operation",
        "keyword",
        "proves",
        "fine",
        "why",
    },
    "experiment": {"kind", "measure", "predicted", "expect", "holds", "unless", "short", "seeds", "proves"},
    "operation": {
        "form",
        "family",
        "arrays",
        "state",
        "params",
        "step",
        "indices",
        "examples",
        "multiples",
        "seed",
        "result",
        "attributes",
        "exempt",
        "equals",
    },
    "statement": {"source", "proves"},
    "exercise": {"mutant"},
    "write": set(),
    "reference": set(),
    "figure": {"alt"},
    "benchmark": set(),
    "matrix": set(),
    "topics": set(),
}


@dataclass(frozen=True)
class Block:
    """One ``///`` block of a page, still untyped."""

    name: str
    argument: str
    options: dict[str, Any]
    text: str
    path: Path
    line: int

    def fail(self, problem: str) -> SpecError:
        return SpecError(self.path, self.line, problem)


def parse_blocks(path: Path) -> list[Block]:
    """Every ``///`` block of a Markdown file; fenced code is skipped.

    Raises:
        SpecError: an unknown block, bad YAML, an unknown option or a block that does not end.
    """
    blocks, lines = [], read_text(path).splitlines()
    fence, opened, i = None, 0, 0
    while i < len(lines):
        stripped = lines[i].strip()
        if not stripped.startswith(("/", "`", "~")):  # most lines, which are text
            i += 1
            continue
        mark = re.match(r"(`{3,}|~{3,})", stripped)
        if mark and (fence is None or stripped.startswith(fence)):
            fence, opened = None if fence else mark.group(1), i + 1
        start = None if fence else re.match(r"///+\s*(\S[^|]*?)\s*(?:\|\s*(.*?)\s*)?$", lines[i])
        if not start:
            if fence is None and re.match(r"///+\s*$", lines[i]):
                raise SpecError(path, i + 1, "a block ends here that never started; remove the line or add its start")
            if fence is None and re.match(r"\s+///+\s*\w+\s*\|", lines[i]):
                raise SpecError(path, i + 1, "an indented block is printed as text; start it at the line's beginning")
            i += 1
            continue
        name, argument = start.group(1), start.group(2) or ""
        if name not in OPTIONS:
            raise SpecError(path, i + 1, f"unknown block '{name}'; use one of {', '.join(OPTIONS)}")
        end = next((j for j in range(i + 1, len(lines)) if re.match(r"///", lines[j])), None)
        if end is None or not re.match(r"///+\s*$", lines[end]):
            raise SpecError(path, i + 1, f"block '{name} | {argument}' does not end; add a line with ///")
        blocks.append(_block(path, i, name, argument, lines[i + 1 : end]))
        i = end + 1
    if fence:
        raise SpecError(path, opened, f"code that starts here does not end; add a line with {fence}")
    return blocks


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        SpecError: it is not UTF-8; names the line.
    """
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SpecError(path, line, f"byte {data[error.start]:#x} is not UTF-8; save the file as UTF-8") from error


def _block(path: Path, start: int, name: str, argument: str, body: list[str]) -> Block:
    count = next((k for k, line in enumerate(body) if not line.startswith("    ")), len(body))
    if OPTIONS[name] and body and body[0].strip() and not count:
        raise SpecError(path, start + 2, f"block '{name} | {argument}' has no options; indent them by four spaces")
    if count and count < len(body) and body[count].strip():
        raise SpecError(path, start + 2 + count, "text follows the options at once; put a blank line between them")
    try:
        options = yaml.load("\n".join(line[4:] for line in body[:count]), Loader=Loader) or {}
    except yaml.YAMLError as error:
        at = getattr(error, "problem_mark", None)
        line = start + 2 + (at.line if at else 0)
        problem = f"options of '{argument}' are not YAML; quote a value that holds ': '"
        if isinstance(error, TwiceError):
            problem = f"options of '{argument}': {error.problem}"
        raise SpecError(path, line, problem) from error
    if not isinstance(options, dict):
        raise SpecError(path, start + 2, f"options of '{argument}' must be 'name: value' lines, indented by four")
    for option in options:
        if option not in OPTIONS[name]:
            line = start + 2 + next((k for k, text in enumerate(body) if text.strip().startswith(f"{option}:")), 0)
            known = ", ".join(sorted(OPTIONS[name])) or "none"
            raise SpecError(path, line, f"unknown option '{option}' of block '{name}'; known: {known}")
    return Block(name, argument, options, "\n".join(body[count:]).strip(), path, start + 1)
