"""The command ``nnspec``. Exit status: 0 all well, 1 a clause failed, 2 could not run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from nnspec_conformance import __version__
from nnspec_conformance.errors import HarnessError


def main(argv: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in ("experiments", "bench"):  # these bring their own options, and import JAX
        return _guarded(lambda: _delegate(arguments[0], arguments[1:]))
    options = _parser().parse_args(arguments)
    return _guarded(lambda: options.run(options))


def _guarded(body: Callable[[], int]) -> int:
    try:
        return body()
    except HarnessError as error:
        print(f"nnspec: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("nnspec: interrupted", file=sys.stderr)
        return 2


def _delegate(command: str, arguments: list[str]) -> int:
    if command == "experiments":
        from nnspec_conformance.experiments import main as run
    else:
        from nnspec_conformance.benchmarks import main as run
    return run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nnspec", description="The executable specification of neural networks.")
    parser.add_argument("--version", action="version", version=f"nnspec {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    check = command("check", _check, "put every clause to an implementation and say what came of it")
    check.add_argument("adapter", help="a built-in name (reference, torch, ...), a module, or a path to a .py file")
    check.add_argument("clauses", nargs="*", metavar="CLAUSE", help="clause ids, instances or sections; default: all")
    check.add_argument("--report", type=Path, metavar="PATH", help="write the results: a .json, or a folder by topic")
    check.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit XML")
    check.add_argument("--json", action="store_true", help="print the results as JSON instead of words")
    check.add_argument("--record", type=Path, metavar="DIR", help="write the cases as vectors")
    check.add_argument("--if-stale", action="store_true", help="only the topics whose results are no longer current")
    check.add_argument("--all", action="store_true", help="list every instance, not only those that do not hold")
    check.add_argument("--call-limit", type=_seconds, default=30.0, metavar="SECONDS", help="for one call (default 30)")

    clauses = command("clauses", _clauses, "list the clauses with their tests, mutants and power")
    clauses.add_argument("clauses", nargs="*", metavar="CLAUSE", help="clause ids or sections; default: all")
    clauses.add_argument("--check", action="store_true", help="only check that spec, tests and tables are in step")
    clauses.add_argument("--json", action="store_true", help="print as JSON")

    mutants = command("mutants", _mutants, "put every wrong implementation to its clause and print the kill table")
    mutants.add_argument("clauses", nargs="*", metavar="CLAUSE", help="clause ids, instances or sections; default: all")
    mutants.add_argument("--record", type=Path, metavar="DIR", help="write the kill table, a file a topic")
    mutants.add_argument("--if-stale", action="store_true", help="only the topics whose kills are no longer current")
    mutants.add_argument("--all", action="store_true", help="a line for every mutant, not for every instance")

    identify = command("identify", _identify, "print which reading an implementation has of each clause with variants")
    identify.add_argument("adapter")
    identify.add_argument("--json", action="store_true", help="print as JSON")

    new = command("new-adapter", _new_adapter, "write a commented adapter to start from")
    new.add_argument("path", type=Path)

    replay = command("replay", _replay, "put recorded vectors to an implementation")
    replay.add_argument("folder", type=Path, metavar="DIR")
    replay.add_argument("adapter")

    command("experiments", _check, "run the measured claims on the reference; nnspec experiments --help")
    command("bench", _check, "time the reference against its peers; nnspec bench --help")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 86400:
        raise argparse.ArgumentTypeError(f"{text} is no time limit; give seconds above 0")
    return value


def _check(options: argparse.Namespace) -> int:
    from nnspec_conformance.run import check

    return check(options)


def _clauses(options: argparse.Namespace) -> int:
    from nnspec_conformance import gate, listing
    from nnspec_conformance.suite_loader import load_suite

    suite = load_suite()
    problems = gate.check(suite)
    if options.check:
        for problem in problems:
            print(f"nnspec: {problem}", file=sys.stderr)
        if not problems:
            spec = suite.spec
            print(
                f"{len(spec.clauses)} clauses, {len(suite.instances)} instances, {len(spec.experiments)} experiments, "
                f"{len(spec.statements)} reference statements on {len(spec.pages)} pages, in step; "
                f"{len(gate.planned(spec))} statements of the source are planned"
            )
        return 2 if problems else 0
    chosen = {name.split("[")[0] for name in suite.select(options.clauses)}
    rows = [row for row in listing.rows(suite) if row["id"] in chosen]
    print(json.dumps(rows, indent=1) if options.json else listing.text(rows))
    return 0


def _mutants(options: argparse.Namespace) -> int:
    from nnspec_conformance.run import mutants

    return mutants(options)


def _identify(options: argparse.Namespace) -> int:
    from nnspec_conformance.run import identify_readings

    return identify_readings(options)


def _new_adapter(options: argparse.Namespace) -> int:
    from nnspec_conformance.clauses import load_spec
    from nnspec_conformance.template import template

    if options.path.exists():
        raise HarnessError(f"{options.path}: exists already; choose another name or remove it first")
    if options.path.suffix != ".py":
        raise HarnessError(f"{options.path}: an adapter is a Python module; give it a name that ends in .py")
    try:
        options.path.write_text(template(load_spec()), encoding="utf-8")
    except OSError as error:
        raise HarnessError(
            f"{options.path}: {error.strerror}; choose a folder that exists and can be written"
        ) from error
    print(f"wrote {options.path}; fill in what you have, then: nnspec check {options.path}")
    return 0


def _replay(options: argparse.Namespace) -> int:
    from nnspec_conformance.run import replay_vectors

    return replay_vectors(options)


if __name__ == "__main__":
    sys.exit(main())
