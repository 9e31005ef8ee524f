"""What compilers keep of a long run, let go before the process holds too much of it.

XLA maps the machine code of each program into memory, in some nine pieces, and JAX keeps all programs. Linux ends the
process with a segmentation fault when it has more than 65,530 such pieces, which some 7,000 programs are.
"""

import gc
import sys
from pathlib import Path

RARELY = 100_000, 20, 50  # objects made between two collections; tracing and lowering make some 10,000 a program
MOST = 40_000
MAPPINGS = Path("/proc/self/maps")  # on Linux; elsewhere there is no such bound


def collect_rarely() -> None:
    """Look for garbage less often, and never again among what is there now: the suite and the frameworks.

    For the process that asks, once everything is loaded. Compilers make many small objects and hold on to them, so that
    Python's collector finds little: of a run of the suite on JAX it takes one twentieth.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*RARELY)


def let_go(most: int = MOST) -> bool:
    """Forget what JAX has compiled, where the process has more than ``most`` mappings; true if it did.

    JAX is looked for and never imported: whoever is asked may be built on it or not. A program that is needed again is
    compiled again, or read from the cache on disk.
    """
    jax = sys.modules.get("jax")
    if jax is None or mappings() <= most:
        return False
    jax.clear_caches()
    gc.collect()
    return True


def mappings() -> int:
    """How many pieces of memory this process has mapped; 0 where the system does not say."""
    try:
        return MAPPINGS.read_bytes().count(b"\n")
    except OSError:
        return 0
