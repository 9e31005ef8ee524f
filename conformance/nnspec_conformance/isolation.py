"""Asks in a process of its own, so that a crash or a hang in native code costs one instance and nothing else.

One process answers one instance after the other. When it ends, or hangs, another takes its place: what ended the first
is asked once more there, alone, and then the rest.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import RawValue
from typing import Any

from nnspec_conformance import limits
from nnspec_conformance.asking import ask
from nnspec_conformance.compare import Finding
from nnspec_conformance.compiled import collect_rarely
from nnspec_conformance.described import Described
from nnspec_conformance.engine import validate
from nnspec_conformance.errors import HarnessError, fault
from nnspec_conformance.in_front import NEVER, PAUSE
from nnspec_conformance.known_failures import DECLARED, apply, known_failures
from nnspec_conformance.limits import CHANCES, Call, watchdog
from nnspec_conformance.loading import load_subject
from nnspec_conformance.outcome import Missing, Result
from nnspec_conformance.results import jsonable
from nnspec_conformance.signals import ENDING, leave, orderly
from nnspec_conformance.suite_loader import Suite, load_suite

SPAWN = multiprocessing.get_context("spawn")  # a process forked from a framework's is not a fresh one
LOOK = 0.5  # seconds between two looks at whether a call hangs


class Ended(Exception):
    """The process ended, or had to be ended: what it was asked has no answer."""


class Workers:
    """The process that is asked, and those that take its place.

    Args:
        suite: tests and specification.
        adapter: as the command names it.
        given: keywords of ``load_subject``.

    Raises:
        HarnessError: the adapter cannot be loaded, even if its import crashes.
    """

    def __init__(self, suite: Suite, adapter: str, **given: Any):
        self.suite, self.adapter, self.given = suite, adapter, given
        self.call = RawValue(Call)
        self.crashes: Counter[str] = Counter()
        self.ended, self.over = "", False  # the operation that was called when a process ended; whether none starts
        self.subject: Described = self._start()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def ask(self, instance: str, earlier: str = "") -> Result:
        """The result of one instance; a crash is one that fails.

        Args:
            instance: for instance ``relu.value``.
            earlier: how it ended a process that other questions were put to before, in words.
        """
        clause, operation = self.suite.instances[instance]
        blank = Result(instance=instance, clause=clause, operation=operation)
        if self.crashes[operation] >= CHANCES:
            words = f"{operation}, which ended the process in {CHANCES} other clauses, is not asked again"
            blank.entry("").missing.append(Missing((), words, put=False))
            return blank
        fresh, result = not self.asked, blank
        told, hung = earlier, False
        if not earlier:
            try:
                return self._put(instance)
            except Ended as error:
                hung, told = self.call.hangs, f"{error}, alone in a process of its own" if fresh else str(error)
                self.crashes[self.ended] += 1
        if earlier or (not fresh and not hung):  # a hang is not waited for twice
            try:
                result = self._put(instance)
                result.entries = [entry for entry in result.entries if entry.test != DECLARED]  # judged again below
                again = "does" if NEVER in told else "does not"
                told += f"; alone in a process of its own it {again}: that depends on earlier calls, or on chance"
            except Ended as error:
                before = "" if told == str(error) else f"{told}; "
                told = f"{before}{error}, alone in a process of its own"
        result.entry("").note(Finding(float("inf"), told))
        apply(self._request("known", instance), result)
        return result

    def end(self) -> None:
        """End the process from another thread, and let no other take its place."""
        self.over = True
        with contextlib.suppress(AttributeError, ValueError):  # there is none yet, or it is closed
            self.process.kill()

    # ---- the process
    def _start(self) -> Described:
        if self.over:
            raise HarnessError(f"{self.adapter}: nothing more is asked")
        self.call.deadline, self.call.name, self.asked = 0.0, b"", False
        self.pipe, theirs = SPAWN.Pipe()
        arguments = (theirs, self.call, self.adapter, self.given, limits.GRACE)
        self.process = SPAWN.Process(target=_answer, args=arguments, name=f"nnspec {self.adapter}")
        self.process.start()
        theirs.close()
        try:
            return self._receive()
        except Ended as error:
            raise HarnessError(f"{self.adapter}: {error}; the adapter must import without an error") from None
        except BaseException:
            self._stop()
            raise

    def _stop(self) -> None:
        self.pipe.close()
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.asked = False

    def _put(self, instance: str) -> Result:
        result, described = self._request("ask", instance)
        self.asked = True
        self.subject.learn(described)
        return replace(result, clause=self.suite.instances[instance][0])

    def _request(self, what: str, instance: str) -> Any:
        """What the process says; one that has ended is replaced first, unless it ended by itself after a question."""
        if not self.process.is_alive():
            if self.asked and what == "ask":
                raise self._end(how_it_ended(self.process.exitcode))
            self._stop()
            self._start()
        try:
            self.pipe.send((what, instance))
        except OSError:  # it ends just now
            raise self._ended() from None
        return self._receive()

    def _receive(self) -> Any:
        while True:
            ready = wait([self.pipe, self.process.sentinel], LOOK)
            if self.pipe in ready:
                with contextlib.suppress(EOFError, OSError):
                    came = self.pipe.recv()
                    if isinstance(came, HarnessError):
                        raise came
                    return came
            if ready:
                raise self._ended()
            if self.call.hangs:
                raise self._end(NEVER)

    def _ended(self) -> Ended:
        self.process.join(limits.GRACE)
        return self._end(how_it_ended(self.process.exitcode))

    def _end(self, how: str) -> Ended:
        self.ended, calls = self.call.operation, self.call.deadline > 0
        self._stop()
        return Ended(f"{'' if calls or not self.ended else 'what came after '}{self.ended or 'it'} {how}")


def how_it_ended(code: int | None) -> str:
    """The exit code of a process in words that follow the name of an operation."""
    if code is None:
        return "closed all that the process could answer through"
    if code >= 0:
        return f"ended the process with status {code}"
    with contextlib.suppress(ValueError):
        return f"ended the process by {signal.Signals(-code).name}"
    return f"ended the process by signal {-code}"


def _answer(pipe: Connection, call: Any, adapter: str, given: dict, grace: float) -> None:
    """What the other process does: load the adapter, then answer until nothing more is asked."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # they end the process that asks, which ends this one
    if PAUSE:
        signal.signal(PAUSE, signal.SIG_IGN)  # the process that asks is stopped: a stopped call would run out of time
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(sys.stderr.fileno(), 1)  # what an adapter prints, also from native code
        faulthandler.enable()
    sys.stdout = sys.stderr
    limits.GRACE = grace
    watchdog.share(call)
    threading.Thread(target=_follow, daemon=True, name="nnspec-parent").start()
    with contextlib.suppress(EOFError, BrokenPipeError), orderly():
        suite = load_suite()
        with _faults_sent(pipe):
            subject = load_subject(adapter, **given)
            validate(suite, subject)
            collect_rarely()
            pipe.send(Described.of(subject))
            while True:
                what, instance = pipe.recv()
                with _faults_sent(pipe):
                    if what == "known":
                        pipe.send(known_failures(suite.spec, subject, instance))
                        continue
                    result = ask(suite, subject, instance)
                    result = replace(result, clause=None, readings=jsonable(result.readings))
                    pipe.send((result, Described.of(subject)))


@contextlib.contextmanager
def _faults_sent(pipe: Connection) -> Iterator[None]:
    """Send what keeps the suite from answering, also a fault of its own: the process ends by the adapter alone."""
    try:
        yield
    except (EOFError, BrokenPipeError):
        raise
    except HarnessError as error:
        pipe.send(HarnessError(str(error)))
    except Exception as error:
        pipe.send(HarnessError(fault(error)))


def _follow() -> None:
    """End with the process that asks, whatever ends it."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        leave(2)
