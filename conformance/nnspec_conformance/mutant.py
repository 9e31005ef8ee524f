"""One wrong implementation, and how a topic writes it.

The module of a topic has one list of them, to which decorators add functions under their names:

    MUTANTS = Mutants()

    @MUTANTS.add("the bias is registered, and never added", "neuron.value", "neuron.half-plane")
    def forgets_the_bias(x, weights, bias, *, activation):
        return right.neuron(x, weights, 0 * bias, activation=activation)

    @MUTANTS.each("a single example comes back as a batch of one", "layers.shape")
    def always_has_a_batch_axis(f, x, *weights, **given):
        return f(np.atleast_2d(x), *weights, **given)

Which operation is changed follows from the clauses. What many functions of a topic share, say a recursion, is a
decorator of the topic's own below ``add``; for the rule of an optimizer it is ``oracles.stepping.each_leaf``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from nnspec_conformance.adapters import numpy_oracle
from nnspec_conformance.clauses import Clause, Spec, own_spec
from nnspec_conformance.errors import HarnessError, did_you_mean
from nnspec_conformance.loading import joined
from nnspec_conformance.subject import Subject

ORACLE = joined(numpy_oracle)  # the adapter that mutants change


@dataclass(frozen=True)
class Mutant:
    """One wrong implementation.

    Attributes:
        name: what it does, in a few words; no other mutant of the operation has it.
        story: where one meets this bug and what it does to a user.
        catches: the instances that must fail on it.
        changes: adapter functions that replace the oracle's.
        variants: declarations that replace the oracle's.
        defaults: likewise.
        base: the adapter it changes.
        done: of a pair of readings, the one that it has.
        advice: for a pair of readings, what to declare if this is what the user means.
    """

    name: str
    story: str
    catches: tuple[str, ...]
    changes: dict[str, Callable]
    variants: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    base: Any = ORACLE
    done: Any = None
    advice: str = ""

    @property
    def text(self) -> str:
        """What a verdict says where it fits."""
        return self.advice or f"{self.name}: {self.story}"

    def subject(self) -> Subject:
        """The changed adapter as a subject."""
        namespace = {k: v for k, v in vars(self.base).items() if not k.startswith("__")}
        declared = {
            "NAME": f"mutant: {self.name}",
            "VARIANTS": getattr(self.base, "VARIANTS", {}) | self.variants,
            "DEFAULTS": getattr(self.base, "DEFAULTS", {}) | self.defaults,
            "KNOWN_FAILURES": {},
        }
        return Subject(SimpleNamespace(**(namespace | self.changes | declared)), role="mutant")


class Mutants(list[Mutant]):
    """The wrong implementations that one module writes; the module calls them ``MUTANTS``.

    Args:
        base: the adapter that they change.
        spec: where their clauses stand; the project's own specification by default.
        straight: operations of the topic that are made of straight pieces, or of one: their gradient follows its
            cotangents alone, and what was saved for it has no second order to lose.
        apart: operations whose arrays enter terms that are added: the gradient for one follows no other.

    Raises:
        HarnessError: ``straight`` or ``apart`` names what is no operation.
    """

    def __init__(
        self,
        base: Any = ORACLE,
        spec: Spec | None = None,
        *,
        straight: Iterable[str] = (),
        apart: Iterable[str] = (),
    ):
        super().__init__()
        self.straight, self.apart = frozenset(straight), frozenset(apart)
        self.base = base
        self.spec = spec or own_spec()
        self._operations = {instance: operation for instance, (_, operation) in self.spec.instances().items()}
        if unknown := sorted((self.straight | self.apart) - self.spec.operations.keys()):
            known = did_you_mean(unknown[0], self.spec.operations)
            raise HarnessError(f"mutants of straight pieces name {unknown[0]}, which is no operation{known}")

    def add(
        self,
        story: str,
        *catches: str,
        part: str = "",
        name: str = "",
        variants: Mapping[str, Any] | None = None,
        also: Mapping[str, Callable] | None = None,
    ) -> Callable[[Callable], Callable]:
        """Add the decorated function, in the place of the operation that the instances are put to.

        Args:
            story: where one meets this bug and what it does to a user.
            catches: the instances that must fail on it, ``neuron.value`` or ``activation.nan[relu]``; of one operation.
            part: ``_vjp``, ``_vjp_vjp`` or ``_second_derivative`` for a wrong derivative.
            name: what it does, where that is not the function's name with underscores read as spaces.
            variants: declarations that replace the oracle's.
            also: further parts of the same mistake, as automatic differentiation has them: ``{"_vjp": its gradient}``.

        Raises:
            HarnessError: there is no such instance, or they are put to different operations.
        """
        if not catches:
            raise HarnessError(f"mutant '{story}' names no clause that catches it")
        operations = {self._operation(instance) for instance in catches}
        if len(operations) > 1:
            raise HarnessError(f"{', '.join(catches)}: put to {', '.join(sorted(operations))}; add a mutant to each")
        operation = operations.pop()
        others = {operation + other: function for other, function in (also or {}).items()}

        def bind(wrong: Callable) -> Callable:
            given = {"variants": dict(variants or {}), "base": self.base}
            changes = {operation + part: wrong} | others
            self.append(Mutant(name or _in_words(wrong), story, catches, changes, **given))
            return wrong

        return bind

    def each(
        self, story: str, *clauses: str, operations: Iterable[str] = (), part: str = "", name: str = ""
    ) -> Callable[[Callable], Callable]:
        """Add one mutant for each operation of a family; the decorated function is handed the right one first.

        Args:
            story: where one meets this bug and what it does to a user.
            clauses: those that must fail on it.
            operations: those that are changed; by default all that the first clause applies to.
            part: ``_vjp``, ``_vjp_vjp`` or ``_second_derivative`` for a wrong derivative.
            name: what it does, where that is not the function's name with underscores read as spaces.

        Raises:
            HarnessError: there is no such clause, or it does not apply to one of the operations.
        """
        if not clauses:
            raise HarnessError(f"mutant '{story}' names no clause that catches it")
        families = [self._clause(clause) for clause in clauses]

        def bind(wrong: Callable) -> Callable:
            for operation in operations or families[0].operations:
                catches = tuple(family.instance(operation) for family in families)
                changed = functools.partial(wrong, _named(getattr(self.base, operation + part), operation + part))
                self.add(story, *catches, part=part, name=name or _in_words(wrong))(changed)
            return wrong

        return bind

    def _operation(self, instance: str) -> str:
        if instance not in self._operations:
            raise HarnessError(f"no clause or instance '{instance}'{did_you_mean(instance, self._operations)}")
        return self._operations[instance]

    def _clause(self, clause: str) -> Clause:
        if clause not in self.spec.clauses:
            raise HarnessError(f"no clause '{clause}'{did_you_mean(clause, self.spec.clauses)}")
        return self.spec.clauses[clause]


def _named(function: Callable, name: str) -> Callable:
    """The function under its name in the adapter, by which a mutant finds its declaration; some are made by others."""
    if function.__name__ == name:
        return function

    @functools.wraps(function)
    def right(*arrays: Any, **given: Any) -> Any:
        return function(*arrays, **given)

    right.__name__ = name
    return right


def _in_words(function: Callable) -> str:
    return function.__name__.replace("_", " ")
