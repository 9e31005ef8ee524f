"""What is known after each epoch, written to files: callbacks of `fit` for a table and for TensorBoard.

A run that was broken off may have written epochs that it makes again when it goes on. So the first record that comes
takes the place of all with its number or a later one.
"""

import csv
import importlib.util
import io
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnspec.checking import checked

__all__ = ["csv_log", "event_log"]


@checked
def csv_log(path: str | os.PathLike) -> Callable[[dict[str, float], Any], None]:
    """Make a callback that keeps the records of a run in a table, a row for each epoch   [log.csv][].

    Args:
        path: of the file, CSV with the names of the first record in its first row; its folder is made if it is missing.

    Returns:
        A function of a record and a model, for ``fit(..., callbacks=[...])``. The file is replaced as a whole after
        each epoch, so that a process that is killed leaves no half a row.

    Raises:
        ValueError: by the callback, the file has other columns than the record.

    Source: RFC 4180; numbers have the digits by which they can be read back.
    """
    file = Path(path)
    rows: list[list[str]] = []

    def write_row(record: dict[str, float], model: Any) -> None:
        if not rows:
            rows.extend(_rows_before(file, record))
        elif list(record) != rows[0]:
            raise ValueError(f"csv_log: {file} has the columns {rows[0]}, the record has {list(record)}; use one name")
        rows.append([repr(value) for value in record.values()])
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_name(f"{file.name}.half")
        half.write_text(text.getvalue(), encoding="utf-8", newline="")
        half.replace(file)

    return write_row


def _rows_before(file: Path, record: dict[str, float]) -> list[list[str]]:
    """The first row, and those of earlier epochs that a file has."""
    names = list(record)
    if not file.exists():
        return [names]
    with file.open(encoding="utf-8", newline="") as text:
        found = list(csv.reader(text))
    if not found or found[0] != names:
        columns = found[0] if found else []
        raise ValueError(f"csv_log: {file} has the columns {columns}, the record has {names}; use another file")
    at = names.index("epoch")
    return [names, *(row for row in found[1:] if int(row[at]) < record["epoch"])]


@checked
def event_log(folder: str | os.PathLike) -> Callable[[dict[str, float], Any], None]:
    """Make a callback that writes the records of a run as events that TensorBoard shows   [log.events][].

    A number is a scalar by its name, with a slash for a blank, at the number of steps; ``validation/loss`` stands
    beside ``validation/accuracy``.

    Args:
        folder: of this run; it is made if it is missing.

    Returns:
        A function of a record and a model, for ``fit(..., callbacks=[...])``. After each call the file is on the disk.

    Raises:
        ModuleNotFoundError: tensorboardX is not installed.

    Source: tensorboardX, whose files have the form of TensorFlow's events.
    """
    if importlib.util.find_spec("tensorboardX") is None:
        advice = "events are written by tensorboardX: pip install 'nnspec[train]'"
        raise ModuleNotFoundError(advice, name="tensorboardX")
    writers: list[Any] = []

    def write_events(record: dict[str, float], model: Any) -> None:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2
        from tensorboardX.summary import scalar

        proto: Any = event_pb2  # its classes are made when it is imported
        step, now = int(record["step"]), time.time()
        if not writers:
            Path(folder).mkdir(parents=True, exist_ok=True)
            writers.append(EventsWriter(str(Path(folder) / "events"), f".{time.time_ns()}"))
            weakref.finalize(write_events, writers[0].close)
            start = proto.SessionLog(status=proto.SessionLog.START)  # a reader lets go of this step's and later events
            writers[0].write_event(proto.Event(wall_time=now, step=step, session_log=start))
        for name, value in record.items():
            if name not in ("epoch", "step"):
                summary = scalar(name.replace(" ", "/"), value)
                writers[0].write_event(proto.Event(wall_time=now, step=step, summary=summary))
        writers[0].flush()

    return write_events
