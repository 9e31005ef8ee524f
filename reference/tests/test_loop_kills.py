"""Processes that are killed while they train: each run that goes on ends bit for bit as the unbroken one.

NNSPEC_KILLS says how many; CI kills five, in a section of its own. The moments are drawn from a stated seed.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

KILLS = int(os.environ.get("NNSPEC_KILLS", "0"))
SEED = 7
PROGRAM = """
import hashlib, sys
from functools import partial
import jax, jax.numpy as jnp, numpy as np
from flax import nnx
from loops import FAST, Network, X, Y, arrays, of_a_module
from nnspec import Checkpoints, early_stopping_update, fit

def begun(record, model):
    print("epoch", flush=True)

run = fit(
    of_a_module, Network(), (X, Y), FAST, epochs=12, batch_size=4, progress=False, validation=(X[:5], Y[:5][::-1]),
    returned="best", stop=partial(early_stopping_update, patience=9), callbacks=[begun],
    checkpoints=Checkpoints(sys.argv[1], every=2),
)
digest = hashlib.sha256(run.losses.tobytes())
for x in [*arrays(run.model), *jax.tree.leaves(run.optimizer_state), *run.watched]:
    digest.update(np.asarray(x).tobytes())
history = [{k: v for k, v in record.items() if k != "seconds"} for record in run.history]
digest.update(repr(history).encode())
print(digest.hexdigest())
"""


def started(folder):
    """The program in a process of its own."""
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    command, place = [sys.executable, "-c", PROGRAM, str(folder)], os.environ | {"PYTHONPATH": path}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=place)


def ended(process):
    """What the run has come to, and the seconds since it was asked."""
    start = time.monotonic()
    said, _ = process.communicate()
    assert process.returncode == 0
    return said.split()[-1], time.monotonic() - start


@pytest.mark.skipif(KILLS == 0, reason="kills processes: NNSPEC_KILLS=5")
@pytest.mark.timeout(60 + 30 * KILLS)
def test_a_killed_run_ends_as_the_unbroken_one(tmp_path):
    process = started(tmp_path / "whole")
    assert process.stdout.readline() == "epoch\n"
    whole, seconds = ended(process)
    moments = random.Random(SEED)
    killed = 0
    for number in range(KILLS):
        process = started(tmp_path / str(number))
        assert process.stdout.readline() == "epoch\n"
        time.sleep(moments.uniform(0, 0.9 * seconds))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert ended(started(tmp_path / str(number)))[0] == whole, number
    assert killed >= 0.6 * KILLS, "most have to be killed before they end"
