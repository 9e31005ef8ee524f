"""Where a run is, written to files and read again; what `nnspec.training.loop_checkpoints` promises."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from nnspec.training._loop_model import copied
from nnspec.training.early_stopping import EarlyStoppingState
from nnspec.training.loop_checkpoints import Checkpoints

__all__: list[str] = []

FORMAT = 1
NAME = re.compile(r"epochs-(\d{6,})-steps-(\d{10,})")  # epochs that are over, and all steps
# What a run that goes on has in common with itself.
SAME = ("batch size", "pieces", "seed", "data", "validation", "precision", "devices", "training metrics")


@dataclass
class Place:
    """Where a run is: all that decides how it goes on.

    Attributes:
        carry: weights, the other arrays of the model, the optimizer's state, and what else a step hands to the next.
        epoch: the number of the epoch that goes on.
        seen: mean loss and weight of each of its steps so far; their number is the sampler's place.
        losses: of all steps; their number makes the next key.
        history: the records of the epochs that are over.
        watched: early stopping's state.
        best: weights and other arrays of the best epoch, once there is one.
        measured: of each metric of the training batches, its mean in each step so far, and its weight.
        kept_as: the name of the last checkpoint of this run.
    """

    carry: Any
    epoch: int
    seen: list
    losses: list
    history: list
    watched: EarlyStoppingState
    best: Any = None
    measured: dict[str, list] = field(default_factory=dict)
    kept_as: str = ""

    def save(self, to: Checkpoints, told: dict[str, Any]) -> None:
        """Write a checkpoint, then let go of those that are not kept. One that cannot be written costs a warning."""
        _save(to, self, told)

    def restored(self, source: Checkpoints, told: dict[str, Any]) -> "Place":
        """The last place of a run; this one where there is no checkpoint. A damaged checkpoint is passed over.

        Raises:
            ValueError: a checkpoint of another run or of another version, or none that can be read.
        """
        return _restored(source, self, told)


class _Damaged(Exception):
    """A checkpoint is not what was written; never leaves this module."""


# ------------------------------------------------------------------ writing
def _save(to: Checkpoints, place: Place, told: dict[str, Any]) -> None:
    folder = Path(to.folder).absolute()
    path = folder / f"epochs-{place.epoch:06}-steps-{len(place.losses):010}"
    if path.name == place.kept_as:
        return
    if path.exists():
        text = f"fit: {path} is there already, and not of this run: another one writes there; give each its own folder"
        warnings.warn(text, RuntimeWarning, stacklevel=4)
        return
    arrays = {name: _host(x) for name, x in _named(_tree(place)).items()}
    record = {
        "nnspec": "run", "format": FORMAT, "told": told, "history": place.history, "has best": place.best is not None,
        "arrays": {name: [str(x.dtype), list(x.shape)] for name, x in arrays.items()},
    }  # fmt: skip
    try:
        record["sha256"] = _digest(arrays, record)
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, {name: x for name, x in arrays.items() if x.size}, record)  # orbax takes no empty array
    except Exception as error:
        _sweep(folder)
        there = [name for _, name in _found(folder)]
        last = f"the last one is {there[-1]}" if there else "there is none yet"
        warnings.warn(f"fit: {path.name} could not be written ({_line(error)}); {last}", RuntimeWarning, stacklevel=4)
        return
    place.kept_as = path.name
    found = _found(folder)
    best = int(place.watched.best_at) + 1  # 0 if there is none; of checkpoints with as many epochs the first is the end
    ends = [name for (epochs, _), name in found if epochs == best > 0]
    kept = {name for _, name in found[-to.keep :]} | set(ends[:1])
    for _, name in found:
        if name not in kept:
            os.rename(folder / name, folder / f"{name}.deleted")
    _sweep(folder)


def _write(path: Path, arrays: dict[str, np.ndarray], record: dict[str, Any]) -> None:
    import orbax.checkpoint as ocp

    items = {"arrays": ocp.args.PyTreeSave(cast(Any, arrays)), "record": ocp.args.JsonSave(cast(Any, record))}
    with contextlib.closing(ocp.Checkpointer(ocp.CompositeCheckpointHandler())) as writer:
        writer.save(path, ocp.args.Composite(**items))


# ------------------------------------------------------------------ reading
def _restored(source: Checkpoints, place: Place, told: dict[str, Any]) -> Place:
    folder = Path(source.folder).absolute()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"fit: {folder} is a file; checkpoints need a folder")
    _sweep(folder)
    found, damaged = _found(folder), []
    for _, name in reversed(found):
        try:
            read = _read(folder / name, place, told)
        except _Damaged as error:
            damaged.append(f"{name} is damaged ({error})")
            continue
        if damaged:
            for later in (text.split()[0] for text in damaged):
                shutil.rmtree(folder / f"{later}.damaged", ignore_errors=True)  # of the same name, damaged before
                os.rename(folder / later, folder / f"{later}.damaged")
            warnings.warn(f"fit: {'; '.join(damaged)}; the run goes on from {name}", RuntimeWarning, stacklevel=4)
        return read
    if damaged:
        raise ValueError(f"fit: in {folder} {'; '.join(damaged)}; no other is there, begin again in another folder")
    return place


def _read(path: Path, place: Place, told: dict[str, Any]) -> Place:
    import orbax.checkpoint as ocp

    with contextlib.closing(ocp.Checkpointer(ocp.CompositeCheckpointHandler())) as reader:
        try:
            record = reader.restore(path, ocp.args.Composite(record=ocp.args.JsonRestore())).record
        except Exception as error:
            raise _Damaged(f"its record cannot be read: {_line(error)}") from error
        _refuse(path, record, place, told)
        given = {
            name: ocp.RestoreArgs(restore_type=np.ndarray) for name, (_, s) in record["arrays"].items() if 0 not in s
        }
        try:
            wanted = ocp.args.PyTreeRestore(restore_args=cast(Any, given))
            arrays = dict(reader.restore(path, ocp.args.Composite(arrays=wanted)).arrays)
        except Exception as error:
            raise _Damaged(f"its arrays cannot be read: {_line(error)}") from error
    for name, (dtype, shape) in record["arrays"].items():
        if 0 in shape:
            arrays[name] = np.zeros(shape, jnp.dtype(dtype))
    if _digest(arrays, {k: v for k, v in record.items() if k != "sha256"}) != record["sha256"]:
        raise _Damaged("its contents are not those that were written")
    best = place.carry[:2] if record["has best"] else None
    wanted = Place(place.carry, 0, [], [], [], place.watched, best, {name: [] for name in place.measured})
    tree = jax.tree.unflatten(
        jax.tree.structure(_tree(wanted)),
        [_device(arrays[name], x) for name, x in _named(_tree(wanted)).items()],
    )
    seen = list(zip(tree["seen"][0], tree["seen"][1], strict=True))
    epoch = int(cast(re.Match, NAME.fullmatch(path.name))[1])
    best = tree["best"] if record["has best"] else None
    measured = {name: list(steps) for name, steps in tree["measured"].items()}
    losses = list(tree["losses"])
    been = epoch, seen, losses, record["history"], tree["watched"], best, measured
    return Place(copied(tree["carry"]), *been, kept_as=path.name)


def _refuse(path: Path, record: Any, place: Place, told: dict[str, Any]) -> None:
    """Refuse what is whole, and no place of this run."""
    if not isinstance(record, dict) or record.get("nnspec") != "run" or not isinstance(record.get("format"), int):
        raise ValueError(f"fit: {path} is no checkpoint of a run; use another folder")
    if record["format"] != FORMAT:
        later = record["format"] > FORMAT
        advice = "update nnspec" if later else "finish the run with the nnspec that wrote it"
        raise ValueError(
            f"fit: {path} has the format {record['format']} of {'a later' if later else 'an older'} nnspec, "
            f"and this one reads {FORMAT}; {advice}, or use another folder"
        )
    for name in SAME:
        if record["told"].get(name) != told[name]:
            raise ValueError(
                f"fit: {path} is of another run: its {name} is {record['told'].get(name)}, here it is {told[name]}; "
                "use another folder"
            )
    over, steps = int(cast(re.Match, NAME.fullmatch(path.name))[1]), record["arrays"]["seen"][1][1]
    if (over, steps) > (told["epochs"], 0):
        raise ValueError(
            f"fit: {path} has {over} epochs and {steps} steps behind it, more than epochs={told['epochs']}; "
            "ask for more epochs, or use another folder"
        )
    mine = {name: [str(x.dtype), list(x.shape)] for name, x in map(_outlined, _named({"carry": place.carry}).items())}
    its = {name: what for name, what in record["arrays"].items() if name.startswith("carry")}
    for name in sorted(mine.keys() | its.keys()):
        if mine.get(name) != its.get(name):
            raise ValueError(
                f"fit: {path} is of another run: its {name} is {_said(its.get(name))}, here it is "
                f"{_said(mine.get(name))}; use another folder"
            )


# ------------------------------------------------------------------ folders and arrays
def _found(folder: Path) -> list[tuple[tuple[int, int], str]]:
    """The checkpoints of a folder, the oldest first."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    matches = [match for name in names if (match := NAME.fullmatch(name))]
    return sorted(((int(match[1]), int(match[2])), match[0]) for match in matches)


def _sweep(folder: Path) -> None:
    """Remove what was let go of, and what was half written."""
    for path in folder.iterdir() if folder.is_dir() else ():
        name, _, ending = path.name.partition(".")
        if NAME.fullmatch(name) and (ending == "deleted" or ending.startswith("orbax-checkpoint-tmp")):
            shutil.rmtree(path, ignore_errors=True)


def _tree(place: Place) -> dict[str, Any]:
    """The arrays of a place."""
    numbers = lambda steps: np.asarray(jax.device_get(steps), None if steps else np.float32)  # noqa: E731
    seen = numbers(place.seen).reshape(-1, 2).T
    kept = {"carry": place.carry, "watched": place.watched, "losses": numbers(place.losses), "seen": seen}
    kept["measured"] = {name: numbers(steps).reshape(-1, 2) for name, steps in place.measured.items()}
    return kept if place.best is None else {**kept, "best": place.best}


def _named(tree: Any) -> dict[str, Any]:
    """The arrays of a tree by their paths."""
    named = {
        jax.tree_util.keystr(p, simple=True, separator="/"): x for p, x in jax.tree_util.tree_leaves_with_path(tree)
    }
    if len(named) < len(jax.tree.leaves(tree)):
        raise ValueError("fit: two arrays of the model have the same path, joined by '/'; name them apart")
    return named


def _outlined(item: tuple[str, Any]) -> tuple[str, Any]:
    name, x = item
    return name, jax.eval_shape(jax.random.key_data, x) if _is_key(x) else x


def _is_key(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def _host(x: Any) -> np.ndarray:
    """An array, or the numbers of a key, on the host."""
    return np.asarray(jax.device_get(jax.random.key_data(x) if _is_key(x) else x))


def _device(array: np.ndarray, like: Any) -> Any:
    """The array where and as the other is; what was on the host stays there."""
    if not isinstance(like, jax.Array):
        return array
    if _is_key(like):
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(like))
    return jax.device_put(array, like.sharding)


def _digest(arrays: dict[str, np.ndarray], record: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _line(error: Exception) -> str:
    """The first line of an error, cut."""
    text = (str(error) or type(error).__name__).splitlines()[0]
    return text if len(text) < 120 else f"{text[:117]}..."


def _said(what: Any) -> str:
    return "missing" if what is None else f"{what[0]}{what[1]}"
