"""A disk that is full: no earlier checkpoint is lost, and the run goes on."""

import re
import resource
import signal
import warnings

import pytest
from loops import HOW, RULE, WEIGHTS, X, Y, changed, losses, names

from nnspec.training.loop import fit
from nnspec.training.loop_checkpoints import Checkpoints


def makes_room_first(*given, **how):
    """The earlier checkpoints go before the new one is written."""
    edit = (
        "        _write(path, {",
        "        [shutil.rmtree(folder / name) for _, name in _found(folder)]\n        _write(path, {",
    )
    return changed(edit)(*given, **how)


@pytest.mark.statement("checkpoints.full-disk", of=fit, mutants=[makes_room_first])
def test_a_full_disk_loses_no_earlier_checkpoint(implementation, tmp_path):
    """From the second epoch's end to the third one's no file may be longer than 64 bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before, told = [], []

    def fill(record, model):
        if record["epoch"] == 1:
            before.extend(names(tmp_path))
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            told.extend(names(tmp_path))

    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            run = implementation(
                losses, WEIGHTS, (X, Y), RULE, callbacks=[fill], checkpoints=Checkpoints(tmp_path, keep=1), **HOW
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert before == ["epochs-000001-steps-0000000003"]
    assert told == before, "the earlier one is there, and nothing half written"
    text = [str(w.message) for w in said if "checkpoint" in str(w.message) or "epochs-" in str(w.message)]
    assert len(text) == 1
    assert re.fullmatch(
        r"fit: epochs-000002-\S+ could not be written \(.*\); the last one is epochs-000001-\S+", text[0]
    )
    assert names(tmp_path) == ["epochs-000003-steps-0000000009"]
    assert len(run.history) == 3
