"""Two processes that train one network: each has half of the devices, and reads the examples of these alone.

NNSPEC_PROCESSES=1 starts them; CI does, in the section of what is killed.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from loops import changed
from several_devices import COUNT, agree, wanted

from nnspec.training.loop import fit

PROGRAM = """
import json, sys
import jax
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(sys.argv[1], num_processes=2, process_id=int(sys.argv[2]))
import numpy as np
from several_devices import COUNT, asked, trajectory
from nnspec.training._loop_devices import taken
from nnspec.training.scale import Devices

class Recorder:
    shape, dtype = (16,), np.dtype("int32")
    def __getitem__(self, rows):
        read.extend(rows.tolist())
        return np.asarray(rows, np.int32)

read = []
taken((Recorder(),), np.arange(16), Devices())
said = {"devices": jax.device_count(), "rows": read}
for parameters in ("whole", "sharded"):
    run = asked("test_scale_processes", "numbers", sys.argv[3], parameters=parameters)
    said[parameters] = {name: np.asarray(x).tolist() for name, x in run.items()}
print(json.dumps(said), flush=True)
jax.distributed.shutdown()
"""


def numbers(implementation, *, parameters):
    """The run of this process; weights that it has a part of come back gathered."""
    from jax.experimental import multihost_utils
    from several_devices import trajectory

    gather = lambda x: multihost_utils.process_allgather(x, tiled=True)  # noqa: E731
    return trajectory(implementation, devices={"parameters": parameters}, gather=gather)


def two_processes(implementation):
    """What each of two processes has come to, of four virtual devices each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={COUNT // 2}"
    place = os.environ | {"PYTHONPATH": path, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    place.pop("JAX_COMPILATION_CACHE_DIR", None)  # two processes compile one program, and each has its own part of it
    commands = [[sys.executable, "-c", PROGRAM, address, str(n), implementation.__name__] for n in range(2)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=place) for command in commands]
    said = [process.communicate(timeout=250)[0] for process in started]
    if any(process.returncode for process in started):
        raise RuntimeError("a process ended with an error, above")
    return [json.loads(text.splitlines()[-1]) for text in said]


def shows_all_the_same(*given, **how):
    """Every device gets the share of the first one."""
    return changed(("rows[at[0]]", "rows[: len(rows[at[0]])]"))(*given, **how)


@pytest.mark.skipif("NNSPEC_PROCESSES" not in os.environ, reason="starts processes: NNSPEC_PROCESSES=1")
@pytest.mark.statement("scale.processes", of=fit, mutants=[shows_all_the_same])
def test_two_processes_train_as_one(implementation):
    want = wanted()
    for number, said in enumerate(two_processes(implementation)):
        for parameters in ("whole", "sharded"):
            agree({name: np.asarray(x) for name, x in said[parameters].items()}, want)
        assert said["devices"] == COUNT
        assert sorted(said["rows"]) == list(range(8 * number, 8 * number + 8))
