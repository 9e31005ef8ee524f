"""How a workload is timed: all its variants in turn, in one process, medians over rounds.

Two traps this avoids, both of which favour whoever runs alone: another library's worker threads keep spinning for some
milliseconds after it has returned, so every timed slot begins with a pause and an untimed call; and machines drift, so
variants alternate instead of following one another, in an order drawn anew for each round.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

GAP = 0.012  # seconds before each slot: longer than the spinning of OpenMP workers
LEAST = 0.002  # seconds a timed slot lasts at least, by repeating the call
HLO = ("exponential", "log", "log-plus-one", "tanh", "erf", "divide", "select", "fusion", "call")


@dataclass(frozen=True)
class Program:
    """One variant of a workload, ready to be called.

    Attributes:
        call: runs it once and returns when the result is there.
        compile_seconds: tracing and compiling, None where nothing is compiled.
        peak_bytes: memory of the compiled program with its arguments and results, None where it is not known.
        instructions: how often telling instructions occur in the optimized program.
    """

    call: Callable[[], Any]
    compile_seconds: float | None = None
    peak_bytes: int | None = None
    instructions: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Workload:
    """What is timed, and what it costs at least.

    Attributes:
        set: the page's name for the group.
        name: the operation.
        direction: ``forward``, ``forward+backward`` or ``training step``.
        size: elements of the input.
        operations: arithmetic operations of the definition; an elementary function counts one.
        least_bytes: what must be read and written at least, everything once.
        build: makes the programs, by variant; ``nnspec`` is ours, the others are its peers.
        ceiling: what bounds it: ``copy``, the bytes that must move, ``copy_in_place``, the same where results take the
            place of arguments, or ``matmul``, the operations.
        profile: given the device and the entry of the results, one line that says where a slower one loses its time.
    """

    set: str
    name: str
    direction: str
    size: int
    operations: int
    least_bytes: int
    build: Callable[[Any], dict[str, Program]]
    dtype: str = "float32"
    ceiling: str = "copy"
    profile: Callable[[Any, dict[str, Any]], str | None] | None = None


def compiled(function: Callable, *arguments: Any, donated: int = 0) -> Program:
    """``function`` compiled by XLA for these arguments.

    Args:
        function: what to compile.
        arguments: what it is called with.
        donated: how many of the first arguments it may overwrite; its first results, in the same order, take their
            place in the next call, as parameters and state do in training.
    """
    import jax

    start = time.perf_counter()
    program = jax.jit(function, donate_argnums=range(donated)).lower(*arguments).compile()
    seconds = time.perf_counter() - start
    memory = program.memory_analysis()
    peak = memory and sum(
        getattr(memory, f"{part}_size_in_bytes") for part in ("argument", "output", "temp", "generated_code")
    )
    held = [*jax.tree.map(lambda leaf: leaf.copy(), arguments[:donated]), *arguments[donated:]]

    def call() -> Any:
        result = jax.block_until_ready(program(*held))
        if donated:
            held[:donated] = result[:donated]
        return result

    return Program(
        call=call,
        compile_seconds=seconds,
        peak_bytes=peak or None,
        instructions=instructions(program.as_text() or ""),
    )


def instructions(hlo: str) -> dict[str, int]:
    """How often each instruction of ``HLO`` occurs in a program's text."""
    found = Counter(re.findall(r" = .*?\s([a-z][a-z0-9-]*)\(", hlo))
    return {name: found[name] for name in HLO if found[name]}


def interleave(
    calls: Mapping[str, Callable[[], Any]],
    *,
    rounds: int,
    of: Callable[[list[float]], float] = statistics.median,
    order: random.Random | None = None,
) -> dict[str, float]:
    """Median seconds of one call, by variant.

    Args:
        calls: the variants; each call must return when its result is there.
        rounds: how often each variant gets its slot.
        of: which of the rounds' times counts.
        order: draws the order of a round.
    """
    order = order or random.Random(0)
    names = list(calls)
    times: dict[str, list[float]] = {name: [] for name in names}
    repeat = {name: max(1, round(LEAST / once(calls[name]))) for name in names}
    for _ in range(rounds):
        for name in order.sample(names, len(names)):
            time.sleep(GAP)
            calls[name]()
            start = time.perf_counter()
            for _ in range(repeat[name]):
                calls[name]()
            times[name].append((time.perf_counter() - start) / repeat[name])
    return {name: of(values) for name, values in times.items()}


def once(call: Callable[[], Any]) -> float:
    """Seconds of the faster of two calls after a first one."""
    call()
    found = []
    for _ in range(2):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return max(min(found), 1e-9)


def measure(workload: Workload, device: Any, *, rounds: int, order: random.Random | None = None) -> dict[str, Any]:
    """One workload's entry of the results, still without its share of the ceiling.

    Args:
        workload: what to time.
        device: the JAX device.
        rounds: see ``interleave``.
        order: likewise.

    A workload of no operations has no ratios: there is no work to compare.
    """
    programs = workload.build(device)
    seconds = interleave({name: program.call for name, program in programs.items()}, rounds=rounds, order=order)
    ours, peers = programs["nnspec"], [name for name in programs if name != "nnspec"]
    return {
        "set": workload.set,
        "name": workload.name,
        "pass": workload.direction,
        "size": workload.size,
        "dtype": workload.dtype,
        "ceiling": workload.ceiling,
        "operations": workload.operations,
        "least_bytes": workload.least_bytes,
        "nnspec": {
            "seconds": seconds["nnspec"],
            "compile_seconds": ours.compile_seconds,
            "peak_bytes": ours.peak_bytes,
            "instructions": ours.instructions,
        },
        "peers": {
            name: {
                "seconds": seconds[name],
                "compile_seconds": programs[name].compile_seconds,
                "peak_bytes": programs[name].peak_bytes,
                "instructions": programs[name].instructions,
            }
            for name in peers
        },
        "ratio": {name: seconds["nnspec"] / seconds[name] for name in peers if workload.operations},
        "notes": None,
    }


def shares(entry: dict[str, Any], ceilings: dict[str, float]) -> dict[str, float]:
    """What ours achieves of the ceilings that bound it: bytes that must move, and, for products, operations."""
    seconds = entry["nnspec"]["seconds"]
    found = {"share_of_copy": entry["least_bytes"] / seconds / ceilings["copy_bytes_per_s"]}
    if entry.get("ceiling") == "copy_in_place" and "copy_in_place_bytes_per_s" in ceilings:
        found["share_of_copy_in_place"] = entry["least_bytes"] / seconds / ceilings["copy_in_place_bytes_per_s"]
    if entry.get("ceiling") == "matmul":
        found["share_of_matmul"] = entry["operations"] / seconds / ceilings["matmul_flop_per_s"]
    return found


def under_pytest(benchmark: Any, workload: Workload, device: Any) -> None:
    """Time a workload by pytest-benchmark, a slot of each peer before each round of ours."""
    programs = workload.build(device)
    ours = programs.pop("nnspec")
    peers: dict[str, list[float]] = {name: [] for name in programs}

    def time_peers() -> None:
        for name, program in programs.items():
            time.sleep(GAP)
            program.call()
            start = time.perf_counter()
            program.call()
            peers[name].append(time.perf_counter() - start)
        time.sleep(GAP)
        ours.call()

    benchmark.pedantic(ours.call, setup=time_peers, rounds=7)
    benchmark.extra_info |= {
        "operations": workload.operations,
        "least_bytes": workload.least_bytes,
        "compile_seconds": ours.compile_seconds,
        "peak_bytes": ours.peak_bytes,
        "peers": {name: statistics.median(values) for name, values in peers.items()},
    }
