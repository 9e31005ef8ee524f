"""What reports and verdicts show of a subject, without its adapter: for one that lives in another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from nnspec_conformance.subject import Subject

SHOWN = (
    "name", "version", "role", "device", "dtypes", "subnormals",
    "call_limit", "packages", "printed", "calls", "returned",
)  # fmt: skip


@dataclass
class Described:
    """A subject as it is shown; the attributes are those of ``Subject``, the adapter has its files only."""

    name: str
    version: str
    role: str
    device: str
    dtypes: tuple[str, ...]
    subnormals: Mapping[str, Any]
    call_limit: float
    packages: dict[str, str]
    printed: list[str]
    calls: int
    returned: int
    adapter: SimpleNamespace

    @classmethod
    def of(cls, subject: Subject) -> Described:
        """What is shown of a subject now."""
        files = {name: getattr(subject.adapter, name, None) for name in ("__file__", "TOPIC_FILES", "TOPICS")}
        adapter = SimpleNamespace(**{name: value for name, value in files.items() if value})
        return cls(**{name: getattr(subject, name) for name in SHOWN}, adapter=adapter)

    def learn(self, other: Described) -> None:
        """Add what another process of the same subject has seen."""
        self.packages |= other.packages
        self.printed = self.printed or other.printed
        self.calls, self.returned = max(self.calls, other.calls), max(self.returned, other.returned)
