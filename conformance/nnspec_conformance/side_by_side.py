"""Several processes that are asked side by side, each about one operation after the other."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from queue import SimpleQueue

from nnspec_conformance.isolation import Workers
from nnspec_conformance.outcome import Result
from nnspec_conformance.suite_loader import Suite

LOOK = 0.1  # seconds between two looks at whether a process has ended


@dataclass(frozen=True)
class Arrived:
    """The result of one instance, shown by its name."""

    result: Result

    def __str__(self) -> str:
        return self.result.instance


class Arriving(Collection):
    """The results of a number of instances, in the order in which they come.

    Args:
        suite: tests and specification.
        first: the process that is there already.
        start: starts another.
        jobs: how many there may be.
        instances: that are asked for; those of one operation are asked in one process, which keeps what it compiled.
    """

    def __init__(self, suite: Suite, first: Workers, start: Callable[[], Workers], jobs: int, instances: list[str]):
        self.instances, self.start = instances, start
        groups: dict[tuple[str, str | None], list[str]] = {}
        for instance in instances:
            groups.setdefault((suite.page_of(instance), suite.instances[instance][1]), []).append(instance)
        self.todo, self.came = deque(groups.values()), SimpleQueue[Result | BaseException]()
        self.there, self.over = [first], False
        count = min(jobs, len(groups))
        self.threads = [threading.Thread(target=self._work, args=(i,), daemon=True) for i in range(count)]

    def __len__(self) -> int:
        return len(self.instances)

    def __contains__(self, instance: object) -> bool:
        return instance in self.instances

    def __iter__(self) -> Iterator[Arrived]:
        for thread in self.threads:
            thread.start()
        try:
            for _ in self.instances:
                came = self.came.get()
                if isinstance(came, BaseException):
                    raise came
                yield Arrived(came)
        finally:
            self._end()

    def _work(self, number: int) -> None:
        """Ask for what nobody has taken yet; whatever ends this is told to who waits."""
        try:
            workers = self.there[0] if not number else self.start()
            self.there += [workers] if number else []
            while not self.over and (group := self._next()):
                for instance in group:
                    result = workers.ask(instance)
                    self.there[0].subject.learn(workers.subject)
                    self.came.put(result)
        except BaseException as error:
            self.came.put(error)

    def _next(self) -> list[str]:
        """The instances of an operation that nobody has taken yet; none if there is no more."""
        with contextlib.suppress(IndexError):  # another may take the last one between a look and a grip
            return self.todo.popleft()
        return []

    def _end(self) -> None:
        """End every process that is asked something, for which nobody waits, and all that were started here."""
        self.over = True
        for thread in self.threads:
            while thread.is_alive():
                for workers in list(self.there):
                    workers.end()
                thread.join(LOOK)
        for workers in self.there[1:]:  # the first is another's to end
            workers.__exit__()
