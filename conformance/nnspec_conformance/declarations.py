"""Reads ``/// operation | dense`` blocks: what each option may hold, and one line for whatever is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nnspec_conformance import axes, duties, relations
from nnspec_conformance.blocks import Block
from nnspec_conformance.operations import FORMS, KINDS, UNSTATED, Array, Attribute, Operation, Table

if TYPE_CHECKING:
    from nnspec_conformance.clauses import Spec

DTYPES = ("float", "integer", "boolean")
WORD = re.compile(r"[a-z][a-z0-9_]*")
ARRAY_OPTIONS = ("axes", "dtype", "range", "values", "normalized", "gradient", "optional")
TABLE_OPTIONS = ("table", "layouts", "by", "gradient", "optional")
ATTRIBUTE_OPTIONS = (
    "kind", "range", "values", "readings", "operations", "default", "required", "translated", "each-step", "when",
    "rare", "spares",
)  # fmt: skip
FORM_OPTIONS = {  # beside attributes
    "map": {"arrays", "examples", "multiples", "seed", "indices", "result"},
    "state map": {"arrays", "state", "examples", "multiples", "seed", "indices", "result"},
    "random map": {"arrays", "examples", "multiples", "seed", "indices", "result"},
    "random": {"result"},
    "stepper": {"params", "step", "indices"},
    "series": {"arrays", "indices", "result"},
}
NEEDED = {"stepper": "params", "random map": "arrays", "state map": "state"}
ANY = {"kernel": "in out", "bias": "out", "gain": "", "filters": "2 in out"}  # a tree whose leaves have unequal shapes


def read_operation(block: Block, page: str) -> Operation:
    """The operation that a block declares; choices that are a clause's are filled in by ``resolve``.

    Raises:
        SpecError: anything about the block is wrong; one line.
    """
    return _Reader(block).operation(page)


class _Reader:
    """One block; every problem that it finds names the block's place and the operation."""

    def __init__(self, block: Block):
        self.block, self.options = block, block.options

    def fail(self, problem: str) -> Exception:
        return self.block.fail(f"operation {self.block.argument}: {problem}")

    def operation(self, page: str) -> Operation:
        name, form, text = self.block.argument, self.options.get("form"), " ".join(self.block.text.split())
        if not WORD.fullmatch(name):
            raise self.block.fail(f"operation '{name}' is no name in lower case with underscores; adapters use it")
        if form not in FORMS:
            raise self.fail(f"unknown form '{form}'; use one of {', '.join(FORMS)}")
        self.check_names(
            self.options, {"form", "family", "attributes", "exempt", "equals"} | FORM_OPTIONS[form], f"of form '{form}'"
        )
        if not text.endswith("."):
            raise self.fail("has no description; write one sentence below the options")
        result = "result" if form != "stepper" else None
        for needed in filter(None, (NEEDED.get(form), result)):
            if needed not in self.options:
                raise self.fail(f"of form '{form}' lacks the option '{needed}'; add it")
        found = Operation(
            name=name,
            form=form,
            page=page,
            line=self.block.line,
            text=text,
            arrays=tuple(self.argument(n, v) for n, v in self.mapping("arrays").items())
            if form != "stepper"
            else (self.table("params", {"table": self.options["params"]}),),
            state=tuple(self.array(n, v) for n, v in self.mapping("state").items()),
            step=tuple(self.array(n, v) for n, v in self.mapping("step").items()),
            result=None if result is None else self.result(self.options["result"]),
            attributes=tuple(self.attribute(n, v) for n, v in self.mapping("attributes").items()),
            indices=self.indices(),
            examples=self.words("examples", self.options.get("examples", [])),
            multiples=self.multiples(),
            seed=self.seed(),
            family=self.family(),
            exempt=self.exempt(),
            equals=self.equals(),
        )
        self.check_axes(found)
        self.check_attributes(found)
        return found

    def family(self) -> str:
        name = self.options.get("family", "")
        if not isinstance(name, str) or (name and not WORD.fullmatch(name)):
            raise self.fail(f"family '{name}' is no name in lower case with underscores; write optimizers")
        return name

    def multiples(self) -> dict[str, int]:
        for axis, factor in self.mapping("multiples").items():
            if not isinstance(factor, int) or factor < 2:
                raise self.fail(f"the length of '{axis}' is no multiple of {factor!r}; write {{{axis}: 2}}")
        return self.mapping("multiples")

    def seed(self) -> int:
        seed = self.options.get("seed", 0)
        if type(seed) is not int or seed < 0:
            raise self.fail(f"seed is {seed!r}; write a whole number, 0 or more")
        return seed

    def exempt(self) -> dict[str, str]:
        """Duties that the operation does not owe, with reasons; ``duties.resolve`` sees whether they are any."""
        for duty, reason in self.mapping("exempt").items():
            if not isinstance(reason, str) or not reason.strip():
                raise self.fail(f"has no reason why it does not owe '{duty}'; write {{{duty}: why not}}")
        return self.mapping("exempt")

    def equals(self) -> dict[str, dict[str, Any]]:
        """What the answer is by another operation, with the keywords for which it is."""
        found = self.options.get("equals") or {}
        if not isinstance(found, dict) or not all(isinstance(k, str) for k in found):
            raise self.fail("option 'equals' is no mapping; write {exp(log_softmax(x)): {}}")
        for text, keywords in found.items():
            if not isinstance(keywords, dict):
                raise self.fail(f"equals '{text}' has no keywords; write {{activation: identity}}, or {{}}")
            try:
                relations.called(text)
            except ValueError as error:
                raise self.fail(f"equals {error}") from error
        return found

    # ---- the shapes of options
    def mapping(self, option: str) -> dict[str, Any]:
        value = self.options.get(option) or {}
        if not isinstance(value, dict):
            raise self.fail(f"option '{option}' is no mapping; write one 'name: ...' a line")
        for name in value:
            if not isinstance(name, str) or not WORD.fullmatch(name):
                raise self.fail(f"'{name}' of '{option}' is no name in lower case with underscores")
        return value

    def words(self, option: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self.fail(f"option '{option}' is no list of names; write [batch]")
        return tuple(value)

    def check_names(self, given: Iterable[str], known: Iterable[str], what: str) -> None:
        for name in given:
            if name not in known:
                raise self.fail(f"unknown option '{name}' {what}; known: {', '.join(sorted(known))}")

    def indices(self) -> dict[str, str | tuple[str, ...]]:
        found: dict[str, str | tuple[str, ...]] = {}
        for name, value in self.mapping("indices").items():
            if not isinstance(value, str | list):
                raise self.fail(f"index '{name}' is {value!r}; write the name of its count, or the list of its values")
            found[name] = value if isinstance(value, str) else tuple(map(str, value))
        return found

    # ---- arrays
    def argument(self, name: str, value: Any) -> Array | Table:
        is_table = isinstance(value, dict) and ("table" in value or "layouts" in value)
        return self.table(name, value) if is_table else self.array(name, value)

    def array(self, name: str, value: Any) -> Array:
        given = value if isinstance(value, dict) else {"axes": value}
        self.check_names(given, ARRAY_OPTIONS, f"of array '{name}'")
        words = given.get("axes")
        if isinstance(words, int) and not isinstance(words, bool):
            words = str(words)
        if not isinstance(words, str):
            raise self.fail(f'array \'{name}\' has no axes; write them as text, "*batch in", and "" for a scalar')
        dtype = given.get("dtype", "float")
        if dtype not in DTYPES:
            raise self.fail(f"array '{name}' has dtype '{dtype}'; use one of {', '.join(DTYPES)}")
        return Array(
            name=name,
            axes=tuple(words.split()),
            dtype=dtype,
            interval=self.interval(given["range"], f"array '{name}'") if "range" in given else None,
            values=tuple(given.get("values", ())),
            normalized=given.get("normalized", ""),
            gradient=bool(given.get("gradient", dtype == "float")),
            optional=bool(given.get("optional", False)),
        )

    def table(self, name: str, value: dict) -> Table:
        self.check_names(value, TABLE_OPTIONS, f"of table '{name}'")
        optional = bool(value.get("optional", False))
        if value.get("table") == "any":
            return Table(name, {"": tuple(self.array(n, v) for n, v in ANY.items())}, any=True, optional=optional)
        layouts = value.get("layouts", {"": value.get("table")})
        if not isinstance(layouts, dict) or not all(isinstance(rows, dict) and rows for rows in layouts.values()):
            raise self.fail(f"table '{name}' has no arrays; write {{kernel: \"in out\"}} or any")
        if ("layouts" in value) != ("by" in value) or ("layouts" in value) == ("table" in value):
            raise self.fail(f"table '{name}' needs either 'table', or 'layouts' and 'by', the keyword that chooses")
        through = bool(value.get("gradient", True))
        rows = {str(k): [self.array(n, v) for n, v in rows.items()] for k, rows in layouts.items()}
        found = {k: tuple(replace(a, gradient=a.gradient and through) for a in v) for k, v in rows.items()}
        return Table(name, found, by=value.get("by", ""), optional=optional)

    def result(self, value: Any) -> Array | tuple[Array, ...] | Table:
        if isinstance(value, dict) and "tuple" in value:
            self.check_names(value, ("tuple",), "of the result")
            return tuple(self.array(n, v) for n, v in value["tuple"].items())
        return self.argument("result", value)

    def interval(self, text: Any, what: str) -> axes.Interval:
        try:
            return axes.Interval.parse(text)
        except ValueError as error:
            raise self.fail(f"{what}: {error}") from error

    # ---- attributes
    def attribute(self, name: str, value: Any) -> Attribute:
        what = f"attribute '{name}'"
        if not isinstance(value, dict):
            raise self.fail(f"{what} is no mapping; write {{kind: number, range: '(0, inf)', values: [0.5]}}")
        self.check_names(value, ATTRIBUTE_OPTIONS, f"of {what}")
        kind = value.get("kind")
        if kind not in KINDS:
            raise self.fail(f"{what} has kind '{kind}'; use one of {', '.join(KINDS)}")
        values = [True, False] if kind == "flag" else value.get("values", [])
        if not isinstance(values, list):
            raise self.fail(f"{what}: 'values' is no list; write [0.5, 2.0]")
        default = value.get("default", UNSTATED)
        return Attribute(
            name=name,
            kind=kind,
            values=tuple(tuple(v) if isinstance(v, list) else v for v in values),
            interval=self.interval(value["range"], what) if "range" in value else None,
            required=bool(value.get("required", False)),
            default=tuple(default) if isinstance(default, list) else default,
            translated=bool(value.get("translated", False)),
            each_step=bool(value.get("each-step", False)),
            when={k: tuple(v) if isinstance(v, list) else (v,) for k, v in (value.get("when") or {}).items()},
            readings=value.get("readings", ""),
            operations=value.get("operations", ""),
            rare=bool(value.get("rare", False)),
            spares=self.spares(what, value.get("spares") or {}),
        )

    def spares(self, what: str, value: Any) -> dict[str, str]:
        """Readings, each with the array that may then have length one."""
        if not isinstance(value, dict) or not all(isinstance(name, str) for pair in value.items() for name in pair):
            raise self.fail(f"{what}: 'spares' is no mapping; write {{broadcast: bias}}")
        return value

    # ---- what has to fit together
    def check_axes(self, operation: Operation) -> None:
        """Every name in axes, ranges and examples is an axis of an argument, a count, or a keyword."""
        counts = {count for count in operation.indices.values() if isinstance(count, str)}
        keywords = {a.name for a in operation.attributes}
        arguments = [*operation.arguments, *operation.step, *([operation.result] if operation.form == "random" else [])]
        rows = [row for source in arguments for row in rows_of(source)]
        words = [word for row in rows for word in row.axes if axes.is_plain(word)]
        known = {axes.family(word.removeprefix("*")) for word in words} | counts
        for name in sorted(known & {axes.family(w[1:]) for w in words if axes.is_star(w)}):
            if name in words:
                raise self.fail(f"'{name}' is one axis in one place and any number in another; use two names")
        for row in [*rows, *rows_of(operation.result)]:
            used = {name for word in row.axes if word != "?" for name in axes.names(word.removeprefix("*"))}
            used |= {row.normalized} - {""} | (row.interval.names() if row.interval else set())
            for name in sorted(used - known - keywords):
                raise self.fail(f"array '{row.name}' has the unknown axis '{name}'; known: {_list(known)}")
            if "?" in row.axes and row in rows:
                raise self.fail(f"argument '{row.name}' has an axis '?'; only a result's may be unstated")
            self.check_braces([row.name, *row.axes], set(operation.indices) | counts)
        for name in operation.examples:
            if name not in known:
                raise self.fail(f"examples lie along the unknown axis '{name}'; known: {_list(known)}")
        for name in operation.multiples:
            if name not in words:
                raise self.fail(f"multiples are those of the unknown axis '{name}'; known: {_list(known)}")
        optional = [a.optional for a in operation.arguments]
        if optional != sorted(optional):
            raise self.fail("an optional array comes before one that is not; put optional ones last")

    def check_braces(self, texts: list[str], known: set[str]) -> None:
        for inner in (inner for text in texts for inner in axes.BRACES.findall(text)):
            for name in sorted(axes.names(inner) - known):
                raise self.fail(f"'{{{inner}}}' has the unknown index '{name}'; add it to 'indices'")

    def check_attributes(self, operation: Operation) -> None:
        before: set[str] = set()
        for attribute in operation.attributes:
            what = f"attribute '{attribute.name}'"
            sources = [bool(attribute.values), bool(attribute.readings), bool(attribute.operations)]
            if sources.count(True) != 1:
                raise self.fail(f"{what} needs one of 'values', 'readings' and 'operations'; give the tested values")
            if attribute.kind in ("number", "integer") and not attribute.interval:
                raise self.fail(f"{what} of kind {attribute.kind} has no range; write for instance '(0, inf)'")
            if attribute.kind != "choice" and (attribute.readings or attribute.operations or attribute.translated):
                raise self.fail(f"{what} is no choice; take 'readings', 'operations' and 'translated' out")
            if attribute.rare and not attribute.readings:
                raise self.fail(f"{what} has no readings of which most inputs show nothing; take 'rare' out")
            if attribute.spares and not attribute.readings:
                raise self.fail(f"{what} has no readings that could spare an array; take 'spares' out")
            for array in attribute.spares.values():
                if array not in (known := [a.name for a in operation.arguments if isinstance(a, Array)]):
                    raise self.fail(f"{what} spares '{array}', which is no array of the call; known: {_list(known)}")
            if attribute.each_step and operation.form != "stepper":
                raise self.fail(f"{what}: only a stepper has steps; take 'each-step' out")
            for value in attribute.values:
                if fault := attribute.fault(value):
                    raise self.fail(f"{what}: tested value {fault}")
            for other in attribute.when:
                if other not in before:
                    raise self.fail(f"{what} depends on '{other}', which is no attribute above it")
            if attribute.required and attribute.default is not UNSTATED:
                raise self.fail(f"{what} is required and has a default; take one of them out")
            before.add(attribute.name)


def _list(known: Iterable[str]) -> str:
    return ", ".join(sorted(known)) or "none"


def rows_of(source: Array | tuple[Array, ...] | Table | None) -> tuple[Array, ...]:
    """Every array of an argument or result, in every layout, indices in braces."""
    if isinstance(source, Table):
        return tuple(row for rows in source.layouts.values() for row in rows)
    return source if isinstance(source, tuple) else () if source is None else (source,)


def resolve(spec: Spec) -> None:
    """Fill in what clauses state: choices that are readings or operations of a clause, and defaults.

    A clause that applies to a family by its name gets the operations that say that they are of it, in order, and a duty
    all that owe it.

    Raises:
        SpecError: there is no such clause, family or duty, or a default is stated twice or nowhere.
    """
    for block in (b for b in spec.blocks if b.name == "clause" and isinstance(b.options.get("applies-to"), str)):
        family = block.options["applies-to"]
        members = tuple(operation.name for operation in spec.operations.values() if operation.family == family)
        if not members:
            raise block.fail(
                f"clause {block.argument}: no operation is of the family '{family}'; write a list, [relu, tanh], or "
                f"'family: {family}' in the blocks of its operations"
            )
        spec.clauses[block.argument] = replace(spec.clauses[block.argument], applies_to=members)
    for name, operation in spec.operations.items():
        block = next(b for b in spec.blocks if (b.name, b.argument) == ("operation", name))
        attributes = tuple(_resolved(spec, operation, attribute, _Reader(block)) for attribute in operation.attributes)
        spec.operations[name] = replace(operation, attributes=attributes)
        for table in (a for a in operation.arrays if isinstance(a, Table) and a.by):
            chooser = next((a for a in attributes if a.name == table.by), None)
            if not chooser or set(chooser.values) != set(table.layouts):
                raise _Reader(block).fail(
                    f"the layouts of table '{table.name}' are not the values of an attribute '{table.by}'"
                )
    duties.resolve(spec)


def _resolved(spec: Spec, operation: Operation, attribute: Attribute, reader: _Reader) -> Attribute:
    what = f"attribute '{attribute.name}'"
    for word, clause_id in (("readings", attribute.readings), ("operations", attribute.operations)):
        clause = spec.clauses.get(clause_id)
        if clause_id and not (clause and (clause.variants if word == "readings" else clause.applies_to)):
            raise reader.fail(f"{what}: '{clause_id}' is no clause with {word}")
        if clause:
            values = tuple(clause.variants) if word == "readings" else clause.applies_to
            attribute = replace(attribute, values=values)
    for reading in attribute.spares:
        if reading not in attribute.values:
            raise reader.fail(
                f"{what} spares an array where it is '{reading}', which is no reading of {attribute.readings}"
            )
    for other, values in attribute.when.items():
        for value in values:
            if fault := operation.attribute(other).fault(value):
                raise reader.fail(f"{what}: its condition {other} = {fault}")
    stated = [
        c.default
        for c in spec.clauses.values()
        if c.kind == "default" and operation.name in c.operations and c.keyword == attribute.name
    ]
    if not isinstance(attribute.default, str) and attribute.default not in (UNSTATED, None):
        if fault := attribute.fault(attribute.default):
            raise reader.fail(f"{what}: default {fault}")
    if not stated and attribute.readings:
        stated = [spec.clauses[attribute.readings].definition]
    if stated and (attribute.required or attribute.default is not UNSTATED):
        raise reader.fail(f"{what}: a clause states its default, {stated[0]!r}; take 'default' or 'required' out")
    if stated:
        return replace(attribute, default=stated[0])
    if not attribute.required and attribute.default is UNSTATED:
        raise reader.fail(f"{what} is neither required nor has a default; write one of them, or a default clause")
    return attribute
