"""What is known after each epoch: in a table, as events, and on standard error."""

import contextlib
import csv
import io
import struct
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import optax
import pytest
from loops import HOW, WEIGHTS, X, Y, changed, losses
from rich.console import Console

from nnspec.training._shown import shown
from nnspec.training.loop import fit
from nnspec.training.loop_checkpoints import Checkpoints
from nnspec.training.loop_logs import csv_log, event_log

with pytest.MonkeyPatch.context() as patch:  # PyTorch, which it imports where it is there, takes more than a second
    patch.setitem(sys.modules, "torch", None)
    import tensorboardX.event_file_writer  # noqa: F401 - which does without

RULE = optax.inject_hyperparams(optax.sgd)(learning_rate=0.25)
RECORDS = [
    {
        "epoch": n,
        "step": 3 * n + 3,
        "loss": 1 / (n + 3),
        "validation loss": float(np.float32(1) / (n + 7)),
        "rate": 1e-5,
    }
    for n in range(4)
]


def table(path):
    with Path(path).open(encoding="utf-8", newline="") as text:
        return [{name: float(x) for name, x in row.items()} for row in csv.DictReader(text)]


# ------------------------------------------------------------------ a table
def changed_log(*edits, of):
    """A log of `nnspec.training.loop_logs` with parts of its source changed."""
    return changed(*edits, of=of, parts=["loop_logs"])


def adds_rows(path):
    """A run that goes on writes its rows below those that are there."""
    return changed_log((' if int(row[at]) < record["epoch"]', ""), of="csv_log")(path)


def begins_anew(path):
    """A run that goes on begins a new table."""
    return changed_log(("rows.extend(_rows_before(file, record))", "rows.append(list(record))"), of="csv_log")(path)


def rounds(path):
    """Numbers have six digits."""
    return changed_log(("repr(value) for value", 'f"{value:.6g}" for value'), of="csv_log")(path)


def overwrites_another(path):
    """A file with other columns is replaced."""
    edit = (
        "if not found or found[0] != names:",
        "if not found or found[0] != names:\n        return [names]\n    if not found:",
    )
    return changed_log(edit, of="csv_log")(path)


@pytest.mark.statement("log.csv", of=csv_log, mutants=[adds_rows, begins_anew, rounds, overwrites_another])
def test_a_table_has_a_row_for_each_epoch(implementation, tmp_path):
    path = tmp_path / "new" / "run.csv"
    log = implementation(path)
    for record in RECORDS[:3]:
        log(record, None)
        assert table(path)[-1] == record
    log = implementation(path)  # of a run that goes on from the end of epoch 0
    for record in RECORDS[1:]:
        log(record, None)
    assert table(path) == RECORDS
    other = tmp_path / "other.csv"
    other.write_text("name,price\nnut,1\n", encoding="utf-8")
    told = ""
    try:
        implementation(other)(RECORDS[0], None)
    except ValueError as error:
        told = str(error)
    assert told.startswith(
        f"csv_log: {other} has the columns ['name', 'price'], the record has ['epoch', 'step', 'loss'"
    )
    assert "\n" not in told
    assert other.read_text(encoding="utf-8") == "name,price\nnut,1\n"


def fails(record, model):
    raise OSError("no space")


def test_a_run_that_goes_on_behind_the_last_step_of_an_epoch_says_no_speed(tmp_path, capsys):
    """The error comes after the checkpoint of the third step, and before that of the epoch."""
    given, how = (losses, WEIGHTS, (X, Y), RULE), HOW | {"epochs": 1, "progress": True}
    kept = Checkpoints(tmp_path, every=3)
    with pytest.raises(OSError, match="no space"):
        fit(*given, **how, checkpoints=kept, callbacks=[fails])
    capsys.readouterr()
    fit(*given, **how, checkpoints=kept)
    assert "steps/s" not in (line := capsys.readouterr().err)
    assert line.startswith("epoch 1 of 1: loss ")


def test_a_record_with_other_names_is_refused(tmp_path):
    log = csv_log(tmp_path / "run.csv")
    log(RECORDS[0], None)
    with pytest.raises(ValueError, match=r"^csv_log: .* has the columns .* the record has \['epoch'\]"):
        log({"epoch": 1}, None)


# ------------------------------------------------------------------ events
def events(folder):
    """The events of all files of a folder, in the order of the files; each record has its length and two checksums."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

    found = []
    for path in sorted(Path(folder).iterdir(), key=lambda path: path.name.rpartition(".")[2]):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (size,) = struct.unpack_from("<Q", data, at)
            body = data[at + 12 : at + 12 + size]
            sums = struct.unpack_from("<I", data, at + 8) + struct.unpack_from("<I", data, at + 12 + size)
            assert sums == (masked_crc32c(data[at : at + 8]), masked_crc32c(body))
            found.append(Event.FromString(body))
            at += size + 16
    return found


def curves(folder):
    """Each scalar by its name: steps and numbers, as a reader of these files takes them."""
    found: dict = {}
    for event in events(folder):
        if event.HasField("session_log"):
            found = {name: [point for point in points if point[0] < event.step] for name, points in found.items()}
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def counts_epochs(folder):
    """The place of a number is its epoch."""
    return changed_log(('int(record["step"])', 'int(record["epoch"])'), of="event_log")(folder)


def takes_nothing_back(folder):
    """Earlier events of later steps go on counting."""
    return changed_log((", session_log=start", ""), of="event_log")(folder)


def leaves_the_validation_out(folder):
    """Only what training measures is written."""
    return changed_log(('name not in ("epoch", "step")', 'name in ("loss", "rate")'), of="event_log")(folder)


def writes_late(folder):
    """The file is written when it is full."""
    return changed_log(("        writers[0].flush()\n", ""), of="event_log")(folder)


@pytest.mark.statement(
    "log.events", of=event_log, mutants=[counts_epochs, takes_nothing_back, leaves_the_validation_out, writes_late]
)
def test_events_hold_each_number_at_its_step(implementation, tmp_path):
    folder = tmp_path / "new" / "run"
    first = implementation(folder)
    for record in RECORDS[:3]:
        first(record | {"loss": 9.0}, None)
    want = [(record["step"], float(np.float32(record["validation loss"]))) for record in RECORDS[:3]]
    assert curves(folder).get("validation/loss") == want
    again = implementation(folder)
    for record in RECORDS[1:]:
        again(record, None)
    later = [(record["step"], float(np.float32(record["loss"]))) for record in RECORDS[1:]]
    assert curves(folder)["loss"] == [(3, 9.0), *later]
    assert sorted(curves(folder)) == ["loss", "rate", "validation/loss"]


def test_logs_are_callbacks_of_a_run_that_goes_on(tmp_path):
    how = HOW | {"validation": (X, Y), "checkpoints": Checkpoints(tmp_path / "kept")}
    for epochs in (1, 3):
        logs = [csv_log(tmp_path / "run.csv"), event_log(tmp_path / "events")]
        run = fit(losses, WEIGHTS, (X, Y), RULE, **how | {"epochs": epochs}, callbacks=logs)
    assert table(tmp_path / "run.csv") == run.history
    assert [step for step, _ in curves(tmp_path / "events")["validation/loss"]] == [3, 6, 9]


# ------------------------------------------------------------------ standard error
def told(implementation, terminal, steps):
    """What stands on standard error after two epochs out of five, of a run that goes on after its second step.

    The clock goes on by two seconds a step. An epoch has four steps; its record comes behind the last one.
    """
    now, text = [100.0], io.StringIO()
    made = lambda **how: Console(file=text, force_terminal=terminal, width=150, color_system=None)  # noqa: E731
    with contextlib.ExitStack() as stack:
        for place in ("rich.console", "nnspec.training._shown"):
            stack.enter_context(mock.patch(f"{place}.Console", made))
        stack.enter_context(mock.patch("sys.stderr", text))
        show = stack.enter_context(implementation(5, steps, True, 2, lambda: now[0]))
        found = [8.0, 4.0]
        for epoch in range(2):
            while len(found) < 4 * epoch + 4:
                now[0] += 2
                found.append(16.0 / 2 ** len(found))
                show(found)
            show(found, {"epoch": epoch, "step": len(found), "loss": 0.5, "rate": 0.25})
    return text.getvalue()


def counts_what_was_made_before(*given):
    """The steps of the run before count in the speed, and so in the time left."""
    return changed(("(len(losses) - begun)", "len(losses)"), of="shown", parts=["_shown"])(*given)


def knows_no_end(*given):
    """Where the number of steps is not known there is no time left."""
    edit = ('else round(record["step"] / (record["epoch"] + 1) * epochs)', 'else record["step"]')
    return changed(edit, of="shown", parts=["_shown"])(*given)


def shows_an_old_loss(*given):
    """The loss is that of the first step."""
    return changed(("float(losses[-2])", "float(losses[0])"), of="shown", parts=["_shown"])(*given)


def shows_no_rate(*given):
    """The learning rate is left out."""
    return changed(('("epoch", "step")', '("epoch", "step", "rate")'), of="shown", parts=["_shown"])(*given)


@pytest.mark.statement(
    "fit.progress", of=shown, mutants=[counts_what_was_made_before, knows_no_end, shows_an_old_loss, shows_no_rate]
)
def test_standard_error_shows_loss_rate_speed_and_time_left(implementation):
    for steps in (20, None):
        assert told(implementation, False, steps).splitlines() == [
            "epoch 1 of 5: loss 0.5, rate 0.25, 0.5 steps/s, 0:00:32 left",
            "epoch 2 of 5: loss 0.5, rate 0.25, 0.5 steps/s, 0:00:24 left",
        ]
        bar = told(implementation, True, steps)
        for part in ("epoch 2 of 5: loss 0.5, rate 0.25 ", "loss 0.25, 0.5 steps/s", "0:00:24"):
            assert part in bar
