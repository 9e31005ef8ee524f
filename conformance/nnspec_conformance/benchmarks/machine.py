"""The machine benchmarked: its device, its name by processor, and its ceilings."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import compiled, interleave
from nnspec_conformance.errors import HarnessError

DEVICES = ("cpu", "gpu", "tpu")


def find_device(name: str) -> Any:
    """The first JAX device of this kind.

    Raises:
        HarnessError: JAX is not installed, or finds no such device.
    """
    if name not in DEVICES:
        raise HarnessError(f"unknown device '{name}'; use one of {', '.join(DEVICES)}")
    try:
        import jax
    except ModuleNotFoundError as error:
        raise HarnessError(f"benchmarks need {error.name}; install it with: pip install 'nnspec[bench]'") from error
    try:
        return jax.devices(name)[0]
    except RuntimeError as error:
        raise HarnessError(
            f"JAX finds no {name} here; run on a machine that has one, with a jaxlib built for it"
        ) from error


def processor(device: Any) -> str:
    """The processor's own name; a GPU's or TPU's as JAX gives it."""
    if device.platform != "cpu":
        return str(device.device_kind)
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def vector_instructions() -> str | None:
    """The widest that an x86 processor has, which its name often does not tell; None elsewhere."""
    try:
        flags = re.search(r"^flags\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        return None
    has = set(flags.group(1).split()) if flags else set()
    return next(
        (shown for flag, shown in (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX")) if flag in has), None
    )


def describe(device: Any) -> dict[str, Any]:
    """The field ``machine`` of the results. No host name: results are published."""
    kind = "gpu" if device.platform in ("gpu", "cuda", "rocm") else device.platform
    name, cores = processor(device), os.cpu_count() or 1
    vector = vector_instructions() if kind == "cpu" else None
    words = f"{name} {vector or ''} {cores} cores" if kind == "cpu" else name
    slug = re.sub(r"[^a-z0-9]+", "-", words, flags=re.I).strip("-").lower()
    return {
        "name": f"{slug}-{kind}",
        "device": kind,
        "processor": name,
        **({"vector": vector} if vector else {}),
        "cores": cores,
        "platform": f"{platform.system()}-{platform.machine()}",
    }


def _copy_in_place(count: int) -> Callable[[], None]:
    """A copy by a thread for each core; NumPy lets them run side by side."""
    source, target = np.ones(count, np.float32), np.zeros(count, np.float32)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pieces = list(zip(np.array_split(target, cores), np.array_split(source, cores), strict=True))
    pool = ThreadPoolExecutor(cores)
    return lambda: [*pool.map(lambda piece: np.copyto(*piece), pieces)].clear()


def ceilings(device: Any, *, quick: bool) -> dict[str, float]:
    """What a large copy and a large matrix product reach here, in their best round.

    Args:
        device: the JAX device.
        quick: smaller ones, fewer rounds.

    Returns:
        ``copy_bytes_per_s``: read plus written, of a compiled copy into a fresh result, as every operation has one, for
            the better of two lengths: the memory of a long result may be new to the process, which has to get it first.
        ``copy_in_place_bytes_per_s``: the same into memory that is already there, by all cores (CPU only).
        ``matmul_flop_per_s``: of a float32 matrix product at JAX's default precision.
    """
    import jax
    import jax.numpy as jnp

    count, side, rounds = (2**22, 1024, 3) if quick else (2**24, 2048, 15)
    x, short = (jax.device_put(np.ones(n, np.float32), device) for n in (count, count // 4))
    a = jax.device_put(np.ones((side, side), np.float32), device)
    calls = {
        "copy": compiled(jnp.copy, x).call,
        "short copy": compiled(jnp.copy, short).call,
        "matmul": compiled(jnp.matmul, a, a).call,
    }
    if device.platform == "cpu":
        calls["copy_in_place"] = _copy_in_place(count)
    seconds = interleave(calls, rounds=rounds, of=min)
    copied = max(8 * count / seconds["copy"], 8 * (count // 4) / seconds["short copy"])
    found = {"copy_bytes_per_s": copied, "matmul_flop_per_s": 2 * side**3 / seconds["matmul"]}
    if "copy_in_place" in seconds:
        found["copy_in_place_bytes_per_s"] = 8 * count / seconds["copy_in_place"]
    return found
