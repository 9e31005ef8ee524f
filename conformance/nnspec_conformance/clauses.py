"""Reads the specification: pages, clauses, experiments and the source's traceability table."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from nnspec_conformance.blocks import Block, parse_blocks, read_text
from nnspec_conformance.claims import Experiment, proves, read_experiment
from nnspec_conformance.declarations import read_operation, resolve
from nnspec_conformance.errors import SpecError
from nnspec_conformance.operations import Operation
from nnspec_conformance.pages import Page, in_order, read_page

KINDS = (
    "exact", "value", "gradient", "shape", "default", "error", "statistical", "trajectory", "convergence", "cost"
)  # fmt: skip
LEVELS = ("MUST NOT", "MUST", "SHOULD NOT", "SHOULD", "MAY")
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")
LEVEL = re.compile(r"\*\*(MUST NOT|MUST|SHOULD NOT|SHOULD|MAY|REQUIRED|SHALL NOT|SHALL|RECOMMENDED|OPTIONAL)\*\*")
BARE_LEVEL = re.compile(r"(?<!\*)\b(MUST NOT|MUST|SHOULD NOT|SHOULD|MAY|SHALL|REQUIRED)\b(?!\*)")


@dataclass(frozen=True)
class Clause:
    """One normative statement.

    Attributes:
        id: slug ``<topic>.<aspect>``.
        kind: one of ``KINDS``.
        level: the RFC 2119 word of the text.
        page: for instance ``components/activations``.
        line: where its block starts.
        text: the statement, Markdown.
        source: where the definition comes from.
        proves: statements of the source, by id, that it proves.
        applies_to: operations of a family; empty for a single clause.
        forms: of a duty, the forms of the operations that owe it; see ``nnspec_conformance.duties``.
        about: of a duty, what an operation has to have to owe it; one of ``duties.ABOUT``.
        apart: of a duty, the families of operations that owe it by clauses of their own.
        topics: of a duty, operation -> the page that declares it, where its results are told.
        variants: reading to its one-line description; empty where there is one reading only.
        definition: the reading that the definition has.
        default: for kind ``default``, the value that the definition gives an omitted keyword.
        candidates: for kind ``default``, values that known frameworks have.
        operation: what a single clause is about, as adapters name it.
        keyword: by which a subject with several readings is told which to use, or which a default clause omits.
        fine: whether it is fine print, which a page folds at its end.
        why: its reason in two sentences, Markdown; shown on the clause's own page.
    """

    id: str
    kind: str
    level: str
    page: str
    line: int
    text: str
    source: str | None = None
    applies_to: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    about: str = ""
    apart: tuple[str, ...] = ()
    topics: dict[str, str] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    definition: str | None = None
    default: Any = None
    candidates: tuple[Any, ...] = ()
    operation: str = ""
    keyword: str = ""
    proves: tuple[str, ...] = ()
    fine: bool = False
    why: str | None = None

    @property
    def operations(self) -> tuple[str, ...]:
        return self.applies_to or (self.operation,)

    @property
    def instances(self) -> tuple[str, ...]:
        return tuple(f"{self.id}[{name}]" for name in self.applies_to) or (self.id,)

    @property
    def measured(self) -> bool:
        """Whether an error is measured: a clause that admits none holds or does not."""
        return self.kind not in ("exact", "shape", "error")

    @property
    def is_duty(self) -> bool:
        """Whether every declared operation owes it."""
        return self.id.startswith("duty.")

    def instance(self, operation: str) -> str:
        return f"{self.id}[{operation}]" if self.applies_to else self.id

    def page_of(self, operation: str) -> str:
        """The page to which an instance belongs: its clause's, or that of the operation that owes a duty."""
        return self.topics.get(operation, self.page)

    @cached_property
    def text_hash(self) -> str:
        """The hash of everything that a result depends on; a result with another one is stale."""
        parts = [self.kind, self.level, " ".join(self.text.split()), self.definition, self.default]
        parts += [sorted(self.variants.items())]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Statement:
    """One promise of the reference alone; no other implementation is asked. A test of the reference proves it."""

    id: str
    page: str
    line: int
    text: str
    level: str
    source: str | None = None
    proves: tuple[str, ...] = ()


@dataclass
class Spec:
    """The whole specification as data."""

    root: Path
    source: dict[str, dict]
    untestable: dict[str, dict]
    retired: dict[str, dict]
    pages: dict[str, Page] = field(default_factory=dict)
    clauses: dict[str, Clause] = field(default_factory=dict)
    experiments: dict[str, Experiment] = field(default_factory=dict)
    statements: dict[str, Statement] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def instances(self) -> dict[str, tuple[Clause, str]]:
        """Every instance with its clause and operation, in the order of the pages; of a topic its duties come last."""
        place = {page: number for number, page in enumerate(self.pages)}
        pairs = [(clause, operation) for clause in self.clauses.values() for operation in clause.operations]
        pairs.sort(key=lambda pair: (place[pair[0].page_of(pair[1])], bool(pair[0].forms)))
        return {clause.instance(operation): (clause, operation) for clause, operation in pairs}

    def entries(self) -> list[Clause | Experiment | Statement]:
        """Everything on the pages that has an id."""
        return [*self.clauses.values(), *self.experiments.values(), *self.statements.values()]

    def proofs(self) -> dict[str, list[Clause | Experiment | Statement]]:
        """What proves each statement of the source, by the statement's id."""
        found: dict[str, list[Clause | Experiment | Statement]] = {}
        for proof in self.entries():
            for statement in proof.proves:
                found.setdefault(statement, []).append(proof)
        return found

    def governing(self, operation: str) -> list[Clause]:
        """The clauses with variants on which the meaning of an operation depends."""
        return [c for c in self.clauses.values() if c.variants and operation in c.operations]

    def told(self, page: str | None = None) -> dict[str, tuple[str, ...]]:
        """Clause id -> all its readings, where a declared keyword chooses among them: the VARIANTS of who has all."""
        attributes = [a for o in self.operations.values() if page in (None, o.page) for a in o.attributes]
        return {a.readings: a.values for a in attributes if a.readings}


def find_spec() -> Path:
    """The folder of the specification: a checkout's first, else the copy inside the installed wheel.

    Raises:
        SpecError: neither is there.
    """
    here = Path(__file__).resolve().parent
    for folder in (here.parent.parent / "spec", here / "spec"):
        if (folder / "index.md").is_file() or (folder / "source.toml").is_file():
            return folder
    raise SpecError(here, 1, "no specification beside this package; reinstall nnspec")


def _level(block: Block) -> str:
    """The one level word of a block whose id has a good form."""
    if not ID.fullmatch(block.argument):
        form = "topic.aspect in lower case with hyphens"
        raise block.fail(f"{block.name} id '{block.argument}' is not of the form {form}")
    words = LEVEL.findall(block.text)
    if len(words) != 1 or words[0] not in LEVELS:
        raise block.fail(
            f"{block.name} {block.argument} has {len(words)} bold level words {words}; "
            f"write exactly one of {', '.join(LEVELS)}, in bold"
        )
    if BARE_LEVEL.search(block.text):
        raise block.fail(f"{block.name} {block.argument} has a level word that is not bold; it has one, in bold")
    return words[0]


def _statement(block: Block, page: str) -> Statement:
    level, source = _level(block), block.options.get("source")
    return Statement(block.argument, page, block.line, block.text, level, source, proves(block))


def _clause(block: Block, page: str) -> Clause:
    kind = block.options.get("kind")
    if kind not in KINDS:
        raise block.fail(f"clause {block.argument} has kind '{kind}'; use one of {', '.join(KINDS)}")
    _check_shapes(block)
    level = _level(block)
    if block.argument.startswith("duty.") != bool(block.options.get("forms")):
        raise block.fail(
            f"clause {block.argument}: a duty, and only a duty, has an id duty.<name> and the option 'forms'"
        )
    variants = block.options.get("variants") or {}
    definition, applies_to = block.options.get("definition"), block.options.get("applies-to") or ()
    if definition is not None and not variants:
        raise block.fail(f"clause {block.argument} has a definition but no variants; list its readings")
    if variants and definition not in variants:
        raise block.fail(f"clause {block.argument}: definition '{definition}' is none of its variants {list(variants)}")
    if kind == "default" and "default" not in block.options:
        raise block.fail(f"clause {block.argument} of kind default lacks the option 'default'; add it")
    if kind == "default" and block.options["default"] not in block.options.get("candidates", []):
        raise block.fail(f"clause {block.argument}: its default is none of its candidates; list it there too")
    return Clause(
        id=block.argument,
        kind=kind,
        level=level,
        page=page,
        line=block.line,
        text=block.text,
        source=block.options.get("source"),
        applies_to=() if isinstance(applies_to, str) else tuple(applies_to),
        forms=tuple(block.options.get("forms") or ()),
        about=str(block.options.get("about") or ""),
        apart=tuple(block.options.get("apart") or ()),
        variants={str(k): str(v) for k, v in variants.items()},
        definition=None if definition is None else str(definition),
        default=block.options.get("default"),
        candidates=tuple(block.options.get("candidates") or ()),
        keyword=block.options.get("keyword") or block.argument.rsplit(".", 1)[1].replace("-", "_"),
        operation=block.options.get("operation") or block.argument.split(".")[0].replace("-", "_"),
        proves=proves(block),
        fine=block.options.get("fine", False),
        why=block.options.get("why"),
    )


def _check_shapes(block: Block) -> None:
    """Lists are lists and mappings are mappings; ``applies-to`` may be the name of a family, too."""
    for option, kind, example in (
        ("applies-to", (list, str), "[relu, tanh]"), ("candidates", list, "[0.1, 0.2]"), ("variants", dict, "{a: ...}"),
        ("fine", bool, "true"), ("forms", list, "[map]"), ("apart", list, "[optimizers]"),
    ):  # fmt: skip
        if option in block.options and not isinstance(block.options[option], kind):
            name = "list" if isinstance(kind, tuple) else kind.__name__
            raise block.fail(f"clause {block.argument}: option '{option}' is no {name}; write {example}")


def _table(path: Path) -> dict[str, dict]:
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise SpecError(path, int(line.group(1)) if line else 1, f"not TOML: {error}") from error
    for name, entry in table.items():
        if not isinstance(entry, dict):
            line_of = next(n for n, text in enumerate(read_text(path).splitlines(), 1) if name in text)
            raise SpecError(path, line_of, f"'{name}' is no table; write it under a heading [\"{name}\"]")
    return table


READERS: dict[str, Callable] = {
    "clause": _clause,
    "experiment": read_experiment,
    "statement": _statement,
    "operation": read_operation,
}


def load_spec(root: Path | None = None) -> Spec:
    """Parse every page below ``root`` (default: ``find_spec()``).

    Raises:
        SpecError: a malformed block, a duplicate id, a declaration that names no clause, or a table that is not TOML.
    """
    root = Path(root) if root else find_spec()
    spec = Spec(
        root,
        source=_table(root / "source.toml"),
        untestable=_table(root / "untestable.toml"),
        retired=_table(root / "retired.toml"),
    )
    known: dict[str, Clause | Experiment | Statement] = {}
    for page in in_order(read_page(path, root) for path in sorted(root.rglob("*.md"))):
        spec.pages[page.name] = page
        for block in parse_blocks(page.path):
            spec.blocks.append(block)
            if block.name not in READERS:
                continue
            entry, name, made = READERS[block.name](block, page.name), block.argument, getattr(spec, f"{block.name}s")
            names = spec.operations if block.name == "operation" else known  # an operation's name is no id
            if first := names.get(name):
                raise block.fail(f"duplicate id {name}, first at {first.page}.md:{first.line}; ids are unique")
            names[name] = made[name] = entry
    resolve(spec)
    return spec


@cache
def own_spec() -> Spec:
    """The project's own specification, read once in a process."""
    return load_spec()


def as_dict(clause: Clause) -> dict:
    """A clause as JSON-ready data."""
    data = dataclasses.asdict(clause)
    return data | {"instances": list(clause.instances), "text_hash": clause.text_hash}
