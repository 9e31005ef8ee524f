"""The command ``nnspec``. Exit status: 0 all well, 1 a clause failed, 2 could not run."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nnspec_conformance import __version__
from nnspec_conformance.errors import HarnessError, fault, one_line
from nnspec_conformance.in_front import ALONE, Crash, in_front
from nnspec_conformance.results import today
from nnspec_conformance.signals import leave, orderly

DTYPES = ("float32", "float64", "bfloat16", "float16")  # without NumPy, so that the command starts at once
LONGEST = 4000  # of a line that names a path
CALLING = (
    "run:identify_readings",
    "run:replay_vectors",
    "reproduce:run",
)  # they call an adapter, too
LISTING = ("listing:clauses", "history:run")  # commands that judge nothing, so that all is well if nobody reads on
MOST_JOBS = 64
FORMS = ("map", "state map", "random map", "random", "stepper", "series")  # as operations are declared


def main(argv: list[str] | None = None) -> int:
    """Run one command and return the exit status; as the program itself, end it even if an adapter's thread runs on."""
    _streams()
    status = _run(list(sys.argv[1:] if argv is None else argv), alone=argv is None)
    if argv is None:
        os._exit = lambda _: leave(status)  # what an adapter leaves for the end of the program has no say in it
        if any(not t.daemon and t is not threading.main_thread() for t in threading.enumerate()):
            text = "nnspec: a thread that the adapter started is still running; it is given up"
            print(text, file=sys.stderr, flush=True)
            leave(status)
    return status


def _streams() -> None:
    """Streams that can be written: a closed one goes nowhere, and no word fails in a terminal without its letters."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _run(arguments: list[str], *, alone: bool) -> int:
    parser = _parser(arguments[:1])
    options, more = parser.parse_known_args(arguments)
    if any(word.startswith("-") for word in more) or (more and not hasattr(options, "clauses")):
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    if more:  # clauses that stand behind an option
        options.clauses += more
    if getattr(options, "jobs", 1) > 1:
        options.isolate = True
        share = max(1, (os.cpu_count() or 1) // options.jobs)  # threads that wait for one another take all cores
        for library in ("OPENBLAS", "OMP"):  # of NumPy and JAX, and of PyTorch
            os.environ.setdefault(f"{library}_NUM_THREADS", str(share))
    if alone and options.run == "run:check" and not options.isolate:
        again = _unrecorded if options.record else lambda given, crash: _done(_isolated(given, crash))
        return in_front(lambda: _done(options), options.report, partial(again, options), resumed=options.resume)
    if alone and options.run in CALLING:
        return in_front(lambda: _done(options), advice="nnspec check goes on after it")
    return _done(options)


def _isolated(options: argparse.Namespace, crash: Crash) -> argparse.Namespace:
    """The same command, asking in a process of its own, and only what is not in the report yet, if that has it."""
    resume = crash.kept and not options.if_stale
    return argparse.Namespace(**vars(options) | {"isolate": True, "resume": resume, "crash": crash})


def _unrecorded(options: argparse.Namespace, crash: Crash) -> int:
    """The verdict without the vectors, which are recorded where questions are asked, and went with that process."""
    _done(_isolated(argparse.Namespace(**vars(options) | {"record": None}), crash))
    _say(f"nnspec: {options.record}: no vectors are recorded after a crash; leave out what crashed, or --record")
    return 2


def _done(options: argparse.Namespace) -> int:
    """The status of a command that is understood; whatever keeps it from running is a line."""
    try:
        with orderly():
            today()  # a SOURCE_DATE_EPOCH that is none would fail in somebody else's import
            status = _named(options.run)(options)
            sys.stdout.flush()
            return status
    except HarnessError as error:
        _say(f"nnspec: {one_line(error, LONGEST)}")
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0 if options.run in LISTING and not getattr(options, "check", False) else 2
    except OSError as error:  # standard output on a full disk, above all
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the end of the program fails again
        where = f"{error.filename}: " if error.filename else ""
        _say(f"nnspec: {where}{one_line(error.strerror or error)}")
        return 2
    except KeyboardInterrupt:
        _say("nnspec: interrupted")
        return 2
    except Exception as error:  # a fault of ours, which says nothing about the subject
        if os.environ.get(ALONE):  # a debugger wants it as it is
            raise
        _say(f"nnspec: {fault(error)}")
        return 2


def _say(text: str) -> None:
    """A line on standard error; where that takes nothing, the status alone speaks."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # else the end of the program fails again


def _named(name: str) -> Callable:
    """The function ``module:name`` of this package; its module is imported now, so that others' needs are not met."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(f"nnspec_conformance.{module}"), function)


def _parser(chosen: list[str]) -> argparse.ArgumentParser:
    """The parser of all commands; those of the modules that bring their own options have them only if chosen."""
    parser = argparse.ArgumentParser(prog="nnspec", description="The executable specification of neural networks.")
    parser.add_argument("--version", action="version", version=f"nnspec {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    check = command("check", "run:check", "put every clause to an implementation and say what came of it")
    check.add_argument("adapter", help="a built-in name (reference, torch, ...), a module, or a path to a .py file")
    check.add_argument("clauses", nargs="*", metavar="CLAUSE", help="clause ids, instances or sections; default: all")
    check.add_argument("--report", type=Path, metavar="PATH", help="write the results: a .json, or a folder by topic")
    check.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit XML")
    check.add_argument("--json", action="store_true", help="print the results as JSON instead of words")
    check.add_argument("--record", type=Path, metavar="DIR", help="write the cases as vectors")
    check.add_argument("--if-stale", action="store_true", help="only the topics whose results are no longer current")
    check.add_argument("--slow", action="store_true", help="ask every size and dtype of the duties: minutes a topic")
    check.add_argument("--all", action="store_true", help="list every instance, not only those that do not hold")
    check.add_argument("--call-limit", type=_seconds, default=30.0, metavar="SECONDS", help="for one call (default 30)")
    text = "for the first call of each form, where an adapter compiles (default: four times as many)"
    check.add_argument("--first-call-limit", type=_seconds, metavar="SECONDS", help=text)
    text = "ask in a process of its own: a crash or a hang in native code then ends one clause and not the run"
    check.add_argument("--isolate", action="store_true", help=text)
    text = "how many processes to ask side by side, one operation each (default: 1, and 0 for one for each processor)"
    check.add_argument("--jobs", type=_jobs, default=1, metavar="N", help=text)
    text = "go on with the report of a run that ended early; what ended it is asked in a process of its own"
    check.add_argument("--resume", action="store_true", help=text)

    clauses = command("clauses", "listing:clauses", "list the clauses with their tests, mutants and power")
    clauses.add_argument("clauses", nargs="*", metavar="CLAUSE", help="clause ids or sections; default: all")
    clauses.add_argument("--check", action="store_true", help="only check that spec, tests and tables are in step")
    clauses.add_argument("--json", action="store_true", help="print as JSON")

    mutants = command("mutants", "run:mutants", "put every wrong implementation to its clause and print the kill table")
    mutants.add_argument("clauses", nargs="*", metavar="CLAUSE", help="clause ids, instances or sections; default: all")
    mutants.add_argument("--record", type=Path, metavar="DIR", help="write the kill table, a file a topic")
    mutants.add_argument("--if-stale", action="store_true", help="only the topics whose recorded table is not current")
    mutants.add_argument("--all", action="store_true", help="a line for every mutant, not for every instance")

    holes = command("holes", "holes.command:holes", "the conditions under which no question has an expected number")
    holes.add_argument("topics", nargs="*", metavar="TOPIC", help="pages or sections; default: all")
    holes.add_argument("--if-stale", action="store_true", help="only the topics whose record is not current")
    holes.add_argument(
        "--record", action="store_true", help="write the record, and take out of the lists what is closed"
    )
    holes.add_argument("--add", action="store_true", help="write the record, and add what is new to the lists, too")

    identify = command(
        "identify", "run:identify_readings", "print which reading an implementation has of each clause with variants"
    )
    identify.add_argument("adapter")
    identify.add_argument("--json", action="store_true", help="print as JSON")

    text = "write a failing case as a script that needs the framework and NumPy alone"
    reproduce = command("reproduce", "reproduce:run", text)
    reproduce.add_argument("adapter", help="a built-in name")
    reproduce.add_argument("instance", metavar="INSTANCE", help="for instance 'activation.nan[relu]'")
    reproduce.add_argument("--dtype", choices=DTYPES, help="the case furthest off in this dtype (default: in any)")
    reproduce.add_argument("--test", metavar="NAME", help="and of this test, test_nan.py::test_nan (default: of any)")
    text = "and of this keyword or reading, form=tanh; may be given several times"
    reproduce.add_argument("--given", action="append", default=[], metavar="KEYWORD=VALUE", help=text)
    reproduce.add_argument("--out", type=Path, metavar="FILE", help="where to write it (default: standard output)")

    past = command("history", "history:run", "print what each version of a subject came to")
    past.add_argument(
        "--record", action="store_true", help="write the line of what was measured last, for each subject"
    )

    new = command("new-adapter", "template:new_adapter", "write a commented adapter to start from")
    new.add_argument("path", type=Path)

    topic = command("new-topic", "new_topic:run", "write a topic's files into this checkout, with a clause that fails")
    topic.add_argument("topic", help="a section and a name: training/momentum")
    topic.add_argument("--form", choices=FORMS, default="map", help="of its first operation (default: map)")
    topic.add_argument("--operation", default="", metavar="NAME", help="its name (default: the topic's)")

    replay = command("replay", "run:replay_vectors", "put recorded vectors to an implementation")
    replay.add_argument("folder", type=Path, metavar="DIR")
    replay.add_argument("adapter")

    for name, module, text in (
        ("experiments", "experiments.command", "run the measured claims on the reference"),
        ("bench", "benchmarks.command", "time the reference against its peers"),
    ):
        made = command(name, f"{module}:run", text)
        if name in chosen:
            _named(f"{module}:add_arguments")(made)
    return parser


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text} is no number of processes; give one from 0 to {MOST_JOBS}")
    return int(text) or min(os.cpu_count() or 1, MOST_JOBS)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 86400:
        raise argparse.ArgumentTypeError(f"{text} is no time limit; give seconds above 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
