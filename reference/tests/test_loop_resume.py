"""Checkpoints of a run: it goes on bit for bit from any of them, and damaged or foreign ones are told apart."""

import contextlib
import functools
import json
import re
import shutil
import signal
import warnings
from pathlib import Path
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from loops import FAST, HOW, RULE, WEIGHTS, Network, X, Y, changed, equal, losses, names, of_a_module

from nnspec.training.adam import adam
from nnspec.training.early_stopping import early_stopping_update
from nnspec.training.loop import fit
from nnspec.training.loop_checkpoints import Checkpoints

VALID = (X[:5], Y[:5][::-1])
LONG = HOW | {"epochs": 8, "validation": VALID, "returned": "best", "seed": 3}
LONG |= {"stop": functools.partial(early_stopping_update, patience=2)}
ALARM = {"at": 0, "calls": 0, "signal": signal.SIGTERM}


def alarmed(model, x, y, *, key):
    """The loss of a module; the process is asked to end at a call that is set."""
    if key is not None:
        jax.debug.callback(count, ordered=True)
        x = x + 0.1 * jax.random.normal(key, x.shape)
    return of_a_module(model, x, y, key=key)


def count():
    ALARM["calls"] += 1
    if ALARM["calls"] == ALARM["at"]:
        signal.raise_signal(ALARM["signal"])


def run_until(at, implementation, *given, **how):
    """A run that is asked to end in its step of this number; 0 is never."""
    ALARM.update(at=at, calls=0)
    run = implementation(alarmed, Network(), *given, **LONG | how)
    jax.effects_barrier()
    return run


@functools.cache
def unbroken():
    return run_until(0, fit, (X, Y), FAST)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """The folder of a run that was asked to end in its step of this number; each of them is made once."""

    @functools.cache
    def folder(at):
        kept = Checkpoints(tmp_path_factory.mktemp("broken") / str(at), every=5)
        run = run_until(at, fit, (X, Y), FAST, checkpoints=kept)
        assert run.ended == "signal"
        assert at <= len(run.losses) < len(unbroken().losses)
        return kept.folder

    return folder


# ------------------------------------------------------------------ going on
def begins_the_epoch_again(*given, **how):
    """The sampler begins the epoch again that was broken off."""
    return changed(('seen = list(zip(tree["seen"][0], tree["seen"][1], strict=True))', "seen = []"))(*given, **how)


def forgets_the_optimizer(*given, **how):
    """The optimizer starts with fresh moments."""
    edit = ('copied(tree["carry"])', 'copied(tree["carry"]._replace(state=place.carry.state))')
    return changed(edit)(*given, **how)


def forgets_the_model(*given, **how):
    """Statistics and the counts of keys start again."""
    edit = ('copied(tree["carry"])', 'copied(tree["carry"]._replace(rest=place.carry.rest))')
    return changed(edit)(*given, **how)


def forgets_the_key(*given, **how):
    """The key of the first step is drawn again."""
    return changed(("np.uint32(number)", "np.uint32(len(pending))"))(*given, **how)


def forgets_what_it_waited_for(*given, **how):
    """Early stopping counts from the start."""
    edit = ('record["history"], tree["watched"]', 'record["history"], place.watched')
    return changed(edit)(*given, **how)


def forgets_the_best(*given, **how):
    """The best model so far is forgotten."""
    return changed(('best = tree["best"] if record["has best"] else None', "best = None"))(*given, **how)


def forgets_that_it_was_over(*given, **how):
    """A run that early stopping has ended makes one more epoch."""
    edit = ('"history"], tree["watched"]', '"history"], tree["watched"]._replace(stopped=jnp.array(False))')
    return changed(edit)(*given, **how)


@pytest.mark.statement(
    "fit.resume",
    of=fit,
    mutants=[
        begins_the_epoch_again,
        forgets_the_optimizer,
        forgets_the_model,
        forgets_the_key,
        forgets_what_it_waited_for,
        forgets_the_best,
        forgets_that_it_was_over,
    ],
)
def test_a_run_that_goes_on_is_the_unbroken_one(implementation, broken, tmp_path):
    whole = unbroken()
    assert whole.watched.best_at < len(whole.history) - 1  # so that the best, and the wait, are to be remembered
    for at in (len(whole.losses) - 2, 2, 7):  # early stopping has waited, in the first
        kept = Checkpoints(tmp_path / str(at), every=5)
        shutil.copytree(broken(at), kept.folder)
        with contextlib.nullcontext() if at == 7 else mock.patch("orbax.checkpoint.Checkpointer.save"):
            assert equal(run_until(0, implementation, (X, Y), FAST, checkpoints=kept), whole)
    assert equal(run_until(0, implementation, (X, Y), FAST, checkpoints=kept), whole)  # it is over


class Killed(BaseException):
    """What nothing catches."""


def given_until(step):
    """Batches by the number of the epoch; the process dies at a step."""

    def data(epoch):
        for batch in range(3):
            if 3 * epoch + batch == step:
                raise Killed
            at = (epoch + 4 * batch) % 8
            yield X[at : at + 3], Y[at : at + 3]

    return data


def test_steps_after_the_last_checkpoint_are_made_again(tmp_path):
    how = {"epochs": 3, "progress": False}
    whole = fit(losses, WEIGHTS, given_until(-1), RULE, **how)
    kept = Checkpoints(tmp_path, every=2, keep=1)
    for step, last in ((3, "1-steps-0000000003"), (5, "1-steps-0000000004"), (8, "2-steps-0000000008")):
        with pytest.raises(Killed):
            fit(losses, WEIGHTS, given_until(step), RULE, checkpoints=kept, **how)
        assert names(tmp_path) == [f"epochs-00000{last}"]
    assert equal(fit(losses, WEIGHTS, given_until(-1), RULE, checkpoints=kept, **how), whole)


def test_a_run_that_is_over_comes_back_and_can_be_made_longer(tmp_path):
    kept = Checkpoints(tmp_path)
    short = fit(losses, WEIGHTS, (X, Y), RULE, checkpoints=kept, **HOW)
    assert equal(fit(losses, WEIGHTS, (X, Y), RULE, checkpoints=kept, **HOW), short)
    longer = HOW | {"epochs": 5}
    whole = fit(losses, WEIGHTS, (X, Y), RULE, **longer)
    assert equal(fit(losses, WEIGHTS, (X, Y), RULE, checkpoints=kept, **longer), whole)


def test_half_precision_keys_and_empty_arrays_come_back(tmp_path):
    model = {"half": jnp.ones((3, 2), jnp.bfloat16), "none": jnp.zeros((0, 2)), "one": jnp.float32(2)}
    loss = lambda w, x, y, *, key: ((x.astype(w["half"].dtype) @ w["half"]).sum(-1) * w["one"]) ** 2  # noqa: E731
    how = HOW | {"checkpoints": Checkpoints(tmp_path)}
    first = fit(loss, model, (X, Y), RULE, **how)
    again = fit(loss, model, (X, Y), RULE, **how)
    assert equal(first, again)
    assert [x.dtype for x in jax.tree.leaves(first.model)] == [x.dtype for x in jax.tree.leaves(again.model)]


# ------------------------------------------------------------------ what is kept
SLOW = adam(0.025)


def keeps_all(*given, **how):
    """Nothing is ever removed."""
    return changed(("if name not in kept:", "if name in ():"))(*given, **how)


def keeps_the_last_alone(*given, **how):
    """The best goes when its time is over."""
    return changed(("| set(ends[:1])", ""))(*given, **how)


def keeps_the_first(*given, **how):
    """The oldest are kept."""
    return changed(("found[-to.keep :]", "found[: to.keep]"))(*given, **how)


@pytest.mark.statement("checkpoints.kept", of=fit, mutants=[keeps_all, keeps_the_last_alone, keeps_the_first])
def test_the_last_and_the_best_are_kept(implementation, tmp_path):
    how = HOW | {"epochs": 5, "validation": VALID, "checkpoints": Checkpoints(tmp_path, keep=2)}
    run = implementation(losses, WEIGHTS, (X, Y), SLOW, **how)
    best = int(np.argmin([record["validation loss"] for record in run.history]))
    assert best < 3  # not among the last two
    assert names(tmp_path) == [f"epochs-{n:06}-steps-{3 * n:010}" for n in (best + 1, 4, 5)]


# ------------------------------------------------------------------ damage
def trusts_the_contents(*given, **how):
    """What can be read is taken for what was written."""
    return changed(('!= record["sha256"]', '!= record["sha256"] and not record'))(*given, **how)


def begins_anew(*given, **how):
    """After a damaged checkpoint the run begins from the start."""
    edit = ("            continue\n        if damaged:", "            return place\n        if damaged:")
    return changed(edit)(*given, **how)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with the checkpoints of three epochs, and the run; it is made once."""
    folder = tmp_path_factory.mktemp("kept")
    return folder, fit(losses, WEIGHTS, (X, Y), RULE, checkpoints=Checkpoints(folder), **HOW)


@pytest.fixture
def three(kept, tmp_path):
    """A copy of the folder, and the run."""
    return Path(shutil.copytree(kept[0], tmp_path / "three")), kept[1]


def halved(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def another_number(path):
    path.write_text(path.read_text(encoding="utf-8").replace('"loss": ', '"loss": 1', 1), encoding="utf-8")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of other reads, when one has failed
@pytest.mark.statement("checkpoints.damaged", of=fit, mutants=[trusts_the_contents, begins_anew])
def test_a_damaged_checkpoint_is_passed_over(implementation, three, tmp_path):
    folder, whole = three
    last = Path(names(folder)[-1])
    files = sorted(p.relative_to(folder / last) for p in (folder / last).rglob("*") if p.stat().st_size and p.is_file())
    harms = [(another_number, Path("record/metadata")), *[(halved, file) for file in files]]
    noticed = []
    for number, (harm, file) in enumerate(harms):
        trial = tmp_path / str(number)
        shutil.copytree(folder, trial)
        harm(trial / last / file)
        visited = []
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            run = implementation(
                losses, WEIGHTS, (X, Y), RULE, checkpoints=Checkpoints(trial),
                callbacks=[lambda record, model, visited=visited: visited.append(record["epoch"])], **HOW,
            )  # fmt: skip
        assert equal(run, whole)
        if visited:
            noticed.append(file)
            text = "".join(str(w.message) for w in said)
            assert visited == [2]
            assert text.startswith(f"fit: {last} is damaged")
            assert text.endswith("the run goes on from epochs-000002-steps-0000000006")
            assert f"{last}.damaged" in names(trial)
    assert noticed.count(Path("record/metadata")) == 2
    assert {"_METADATA", "manifest.ocdbt"} <= {file.name for file in noticed}
    assert any(file.parent.name == "d" for file in noticed)  # of the arrays themselves


def test_no_checkpoint_that_can_be_read_is_an_error(three):
    folder, _ = three
    for name in names(folder):
        (folder / name / "record" / "metadata").unlink()
    with pytest.raises(ValueError, match=r"^fit: in .* is damaged .*no other is there, begin again in another folder$"):
        fit(losses, WEIGHTS, (X, Y), RULE, checkpoints=Checkpoints(folder), **HOW)


def test_what_was_half_written_is_removed(three):
    folder, whole = three
    last = names(folder)[-1]
    shutil.copytree(folder / last, folder / f"{last}.orbax-checkpoint-tmp-7")
    (folder / f"{last}.orbax-checkpoint-tmp-7").rename(folder / "epochs-000009-steps-0000000027.orbax-checkpoint-tmp-7")
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    assert equal(fit(losses, WEIGHTS, (X, Y), RULE, checkpoints=Checkpoints(folder), **HOW), whole)
    assert [name for name in names(folder) if "tmp" in name] == []
    assert "notes.txt" in names(folder)


# ------------------------------------------------------------------ other runs, other versions
def takes_any_version(*given, **how):
    """The version of a checkpoint is not looked at."""
    return changed(('if record["format"] != FORMAT:', 'if record["format"] == -1:'))(*given, **how)


def takes_any_run(*given, **how):
    """A checkpoint of a run with other settings is taken."""
    return changed(("for name in SAME:", "for name in ():"))(*given, **how)


def rewritten(folder, **entries):
    """The last checkpoint says other things of itself."""
    path = folder / names(folder)[-1] / "record" / "metadata"
    record = json.loads(path.read_text(encoding="utf-8")) | entries
    path.write_text(json.dumps({k: v for k, v in record.items() if v is not None}), encoding="utf-8")


REFUSED = {
    "later": ({"format": 2}, {}, r"has the format 2 of a later nnspec, and this one reads 1; update nnspec, or use"),
    "older": ({"format": 0}, {}, r"has the format 0 of an older nnspec, and this one reads 1; finish the run with"),
    "stranger": ({"nnspec": None}, {}, r"is no checkpoint of a run; use another folder"),
    "batch": ({}, {"batch_size": 5}, r"is of another run: its batch size is 4, here it is 5; use another folder"),
    "pieces": ({}, {"pieces": 2}, r"its pieces is 1, here it is 2; use another folder"),
    "validation": ({}, {"validation": (X,)}, r"its validation is None, here it is float32\[12, 3\]; use another fol"),
    "seed": ({}, {"seed": 1}, r"is of another run: its seed is 0, here it is 1; use another folder"),
    "data": ({}, {"data": (X[:9], Y[:9])}, r"its data is float32\[12, 3\], float32\[12, 2\], here it is float32\[9"),
    "metrics": ({}, {"training_metrics": {"again": losses}}, r"its training metrics is None, here it is again; use an"),
}


@pytest.mark.statement("checkpoints.refused", of=fit, mutants=[takes_any_version, takes_any_run])
def test_checkpoints_of_other_runs_and_versions_are_refused_in_one_line(implementation, three, tmp_path):
    for name, (entries, how, message) in REFUSED.items():
        trial = tmp_path / name
        shutil.copytree(three[0], trial)
        rewritten(trial, **entries) if entries else None
        given = {"data": (X, Y), "checkpoints": Checkpoints(trial)} | HOW | how
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                implementation(losses, WEIGHTS, optimizer=RULE, **given)
            said = "nothing"
        except ValueError as error:
            said = str(error)
        assert re.search(f"^fit: .*{message}", said), said
        assert "\n" not in said


HALF = {**WEIGHTS, "kernel_1": jnp.ones((5, 2), jnp.bfloat16)}
OTHER = {k: v for k, v in WEIGHTS.items() if k != "bias_1"} | {"bias_2": jnp.zeros(2)}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (HALF, r"kernel_1 is float32\[5, 2\], here it is bfloat16\[5, 2\]"),
        (OTHER, r"bias_1 is float32\[2\], here it is missing"),
    ],
)
def test_checkpoints_of_another_model_are_refused(model, message, three):
    loss = lambda w, x, y, *, key: sum(jnp.sum(v) for v in jax.tree.leaves(w)) * x[:, 0]  # noqa: E731
    with pytest.raises(ValueError, match=f"is of another run: its .*{message}; use another folder"):
        fit(loss, model, (X, Y), RULE, checkpoints=Checkpoints(three[0]), **HOW)


@pytest.mark.parametrize(("how", "message"), [({"every": 0}, "every must be 1"), ({"keep": 0}, "keep must be 1")])
def test_wrong_numbers_are_refused(how, message):
    with pytest.raises(ValueError, match=f"^Checkpoints: {message} or more, got 0$"):
        Checkpoints("here", **how)


def test_nothing_is_pickled(three):
    begin = (b"\x80\x03", b"\x80\x04", b"\x80\x05")
    files = [path for path in three[0].rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if path.read_bytes()[:2] in begin] == []
