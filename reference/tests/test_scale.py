"""More than one device: a run is that of one device, whatever the devices hold and however a batch is cut."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from loops import changed, same
from several_devices import (
    BATCH,
    COUNT,
    HOW,
    RULE,
    SHARES,
    WEIGHTS,
    N,
    X,
    Y,
    agree,
    losses,
    trajectory,
    wanted,
    weighted,
)

from nnspec.training.gradient_clipping import clip_by_global_norm
from nnspec.training.loop import evaluate, fit
from nnspec.training.loop_checkpoints import Checkpoints
from nnspec.training.scale import Devices


# ------------------------------------------------------------------ steps
def multiplies_by_the_devices(*given, **how):
    """The gradient is multiplied by the number of devices."""
    edit = "g = jax.tree.map(lambda x: x * rule.devices.count, unscaled(g, carry.scale))"
    return changed(("g = unscaled(g, carry.scale)", edit))(*given, **how)


def drops_what_is_left(*given, **how):
    """Examples that the devices do not divide are dropped."""
    edit = ("    where = _at(devices, AXIS) if", "    rows = rows[: len(rows) // devices.count * devices.count]\n")
    return changed((edit[0], edit[1] + edit[0]))(*given, **how)


def fills_up(*given, **how):
    """A batch that the devices do not divide is filled with its first examples."""
    edit = (
        "    where = _at(devices, AXIS) if",
        "    rows = np.resize(rows, -(-len(rows) // devices.count) * devices.count)\n",
    )
    return changed((edit[0], edit[1] + edit[0]))(*given, **how)


@pytest.mark.statement("scale.steps", of=fit, mutants=[multiplies_by_the_devices, drops_what_is_left, fills_up])
def test_a_run_on_devices_is_that_of_one(implementation, devices):
    for how in ({"devices": {"count": COUNT}}, {"devices": {"count": 2}, "pieces": 2}):
        for one_step in (True, False):
            agree(devices(trajectory, implementation, one_step=one_step, **how), wanted(one_step=one_step))


def takes_the_mean_of_means(*given, **how):
    """Each device's mean counts the same."""
    return changed(("part = weight / jnp.where(total == 0, 1, total)", "part = 1 / devices.count"))(*given, **how)


def adds_the_means(*given, **how):
    """The means of the devices are added."""
    return changed(("part = weight / jnp.where(total == 0, 1, total)", "part = jnp.float32(1)"))(*given, **how)


def keeps_its_own(*given, **how):
    """Each device goes along the gradient of its own share."""
    return changed(("jax.tree.map(add, g)\n", "g\n"))(*given, **how)


@pytest.mark.statement("scale.weights", of=fit, mutants=[takes_the_mean_of_means, adds_the_means, keeps_its_own])
def test_shares_count_by_their_weights(implementation, devices):
    for one_step in (True, False):
        how = {"by_weight": True, "one_step": one_step}
        agree(devices(trajectory, implementation, devices={"statistics": "share"}, **how), wanted(**how))


def measured_by_step(implementation, *, one_step, **how):
    """The loss by weight, as itself and as a metric, of each step and of the last epoch."""
    data = (X[:BATCH], Y[:BATCH], SHARES[:BATCH]) if one_step else (X, Y, SHARES)
    how = HOW | {"devices": Devices(**how), "epochs": 1, "training_metrics": {"again": weighted}}
    run = implementation(weighted, WEIGHTS, data, RULE, **how)
    record = run.history[-1]
    return [*run.losses, record["loss"]], [*run.metrics["again"], record["training again"]]


def takes_a_mean_of_means(*given, **how):
    """Each device's mean of a metric counts the same."""
    return changed(("psum(weight / jnp.where(total == 0, 1, total) * mean, AXIS)", "pmean(mean, AXIS)"))(*given, **how)


def tells_its_own(*given, **how):
    """A metric is that of the first device's share."""
    return changed(("jax.lax.psum(weight / jnp.where(total == 0, 1, total) * mean, AXIS)", "mean"))(*given, **how)


@pytest.mark.statement("scale.metrics", of=fit, mutants=[takes_a_mean_of_means, tells_its_own])
def test_metrics_of_shares_count_by_weight(implementation, devices):
    for one_step in (True, False):
        for statistics in ("share", "batch"):
            found = devices(measured_by_step, implementation, one_step=one_step, statistics=statistics)
            np.testing.assert_allclose(found[1], found[0], rtol=1e-6)


def seven_and_six(implementation, *, statistics):
    """The loss of the page's example, and where its gradient leads."""
    numbers = np.array([1.0] * 7 + [2.0] * 6 + [0], np.float32)
    mask = np.array([1.0] * 13 + [0], np.float32)
    run = implementation(
        lambda w, numbers, mask, *, key: (w * numbers, mask), jnp.float32(1), lambda epoch: [(numbers, mask)],
        optax.sgd(1.0), epochs=1, progress=False, devices=Devices(2, statistics=statistics),
    )  # fmt: skip
    return float(run.losses[0]), float(run.model)


@pytest.mark.parametrize("statistics", ["batch", "share"])
def test_seven_and_six_examples_count_as_thirteen(statistics, devices):
    """The example of the page: 19/13, and not the mean 1.5 of two means."""
    assert devices(seven_and_six, fit, statistics=statistics) == pytest.approx((19 / 13, 1 - 19 / 13), rel=1e-6)


def clipped(implementation, *, statistics):
    """How long a step is whose gradient is clipped to one thousandth."""
    how = HOW | {"epochs": 1, "gradient": functools.partial(clip_by_global_norm, limit=1e-3)}
    given = losses, WEIGHTS, (X[:BATCH], Y[:BATCH]), optax.sgd(1.0)
    moved = jax.tree.map(
        np.subtract, implementation(*given, devices=Devices(statistics=statistics), **how).model, WEIGHTS
    )
    return float(optax.tree.norm(moved))


def test_the_gradient_of_all_shares_is_clipped(devices):
    """Those of the shares are not, or the mean of them would be shorter."""
    assert devices(clipped, fit, statistics="share") == pytest.approx(1e-3, rel=1e-3)


# ------------------------------------------------------------------ examples and keys
def marks(implementation, *, examples=N, noisy=False, count=COUNT, statistics="batch"):
    """What each example has moved its own weight by in one epoch; a key may draw how much."""

    def loss(weights, numbers, *, key):
        return weights[numbers] * (jax.random.uniform(key, numbers.shape) if noisy else 1)

    how = HOW | {"epochs": 1, "devices": count and Devices(count, statistics=statistics)}
    data = (np.arange(examples),)
    return np.asarray(implementation(loss, jnp.zeros(examples), data, optax.sgd(1.0), **how).model)


def shows_all_the_same(*given, **how):
    """Every device gets the share of the first one."""
    return changed(("rows[at[0]]", "rows[: len(rows[at[0]])]"))(*given, **how)


@pytest.mark.statement("scale.examples", of=fit, mutants=[shows_all_the_same, fills_up])
def test_each_example_is_seen_by_one_device(implementation, devices):
    moved = devices(marks, implementation)
    want = [1 / BATCH] * BATCH + [1 / (N - BATCH)] * (N - BATCH)
    np.testing.assert_allclose(np.sort(-moved), want, rtol=1e-6)


class Drawing(nnx.Module):
    """A weight for each example, and a stream of keys of its own."""

    def __init__(self):
        self.weights, self.rngs = nnx.Param(jnp.zeros(BATCH)), nnx.Rngs(3)

    def __call__(self, numbers):
        return self.weights[...][numbers] * jax.random.uniform(self.rngs(), numbers.shape)


def drawn(implementation):
    """The same by a module that draws, in each of two steps."""
    after = [np.zeros(BATCH)]
    how = {"epochs": 2, "devices": Devices(statistics="share"), "progress": False}
    how["callbacks"] = [lambda record, model: after.append(np.asarray(model.weights[...]))]
    of = lambda model, numbers, *, key: model(numbers)  # noqa: E731
    implementation(of, Drawing(), lambda epoch: [(np.arange(BATCH),)], optax.sgd(float(BATCH)), **how)
    return np.diff(after, axis=0).round(5)


def draws_the_same_by_key(*given, **how):
    """All devices have the key of the step."""
    return changed(("batch, jax.random.fold_in(key, number))\n        total", "batch, key)\n        total"))(
        *given, **how
    )


def draws_the_same_in_a_module(*given, **how):
    """The keys that a module holds are the same on all devices."""
    edit = ("lambda x: jax.random.fold_in(x, number) if _is_key(x) else x", "lambda x: x")
    return changed(edit)(*given, **how)


def draws_the_same_in_each_step(*given, **how):
    """The count of the keys that a module has drawn stays where it is."""
    return changed(("jnp.floating):\n        return after", "jnp.floating):\n        return before"))(*given, **how)


@pytest.mark.statement(
    "scale.keys",
    of=fit,
    mutants=[draws_the_same_by_key, draws_the_same_in_a_module, draws_the_same_in_each_step],
)
def test_each_device_draws_numbers_of_its_own(implementation, devices):
    by_key = devices(marks, implementation, examples=BATCH, noisy=True, statistics="share")
    assert len(set(by_key.tolist())) == BATCH
    assert len(set(devices(drawn, implementation).ravel().tolist())) == 2 * BATCH


def test_with_statistics_of_the_batch_keys_draw_what_they_draw_on_one_device(devices):
    one, many = (devices(marks, fit, examples=BATCH, noisy=True, count=count) for count in (None, COUNT))
    np.testing.assert_allclose(many, one, rtol=1e-6)


# ------------------------------------------------------------------ statistics
class Centred(nnx.Module):
    """A layer behind the batch's mean, which it keeps as a statistic."""

    def __init__(self):
        self.kernel, self.mean = nnx.Param(jnp.asarray(WEIGHTS["kernel"])), nnx.BatchStat(jnp.zeros(3))

    def __call__(self, x):
        self.mean[...] = 0.75 * self.mean[...] + 0.25 * jnp.square(x).mean(0)  # no mean of means would tell
        return jnp.tanh((x / jnp.square(x).mean(0)) @ self.kernel[...])


def centred(implementation, *, statistics):
    """The losses of an epoch of two whole batches, and the statistic at its end."""
    of = lambda model, x, y, *, key: jnp.square(model(x) - y).sum(-1)  # noqa: E731
    data = lambda epoch: [(X[:8], Y[:8]), (X[8:16], Y[8:16])]  # noqa: E731
    devices = Devices(2, statistics=statistics) if statistics else None
    run = implementation(of, Centred(), data, RULE, devices=devices, epochs=1, progress=False)
    return run.losses, np.asarray(run.model.mean[...]), np.asarray(run.model.kernel[...])


def is_always_the_batch(*given, **how):
    """A loss sees the whole batch, whatever is asked."""
    return changed(('devices is None or devices.statistics == "batch"', "devices != 0"))(*given, **how)


def is_always_the_share(*given, **how):
    """A loss sees the share of its device, whatever is asked."""
    return changed(('devices is None or devices.statistics == "batch"', "devices is None"))(*given, **how)


def keeps_those_of_one_device(*given, **how):
    """The statistics that stay are those of the first device."""
    edit = ("return jax.lax.pmean(after.astype(jnp.promote_types(after.dtype, jnp.float32)), AXIS)", "return after")
    return changed(edit)(*given, **how)


@pytest.mark.statement(
    "scale.statistics", of=fit, mutants=[is_always_the_batch, is_always_the_share, keeps_those_of_one_device]
)
def test_statistics_are_of_the_batch_or_of_a_share(implementation, devices):
    alone, shares = by_shares(), devices(centred, implementation, statistics="share")
    np.testing.assert_allclose(shares[0][0], alone[0], rtol=1e-5)
    np.testing.assert_allclose(shares[1], alone[1], rtol=1e-5)
    one, whole = devices(centred, fit, statistics=None), devices(centred, implementation, statistics="batch")
    for found, want in zip(whole, one, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)


def by_shares():
    """The loss of the first step if two devices look at four examples each, and the statistic after two."""
    statistic, first = np.zeros(3), None
    for rows in np.arange(16).reshape(2, 8):
        halves = X[rows[:4]], X[rows[4:]]
        if first is None:
            h = np.concatenate([np.tanh((x / np.square(x).mean(0)) @ WEIGHTS["kernel"]) for x in halves])
            first = np.square(h - Y[rows]).sum(-1).mean()
        statistic = 0.75 * statistic + 0.25 * np.mean([np.square(x).mean(0) for x in halves], 0)
    return first, statistic


# ------------------------------------------------------------------ sharded parameters
def shards_nothing(*given, **how):
    """All devices hold all arrays."""
    return changed(('if devices.parameters == "sharded":', 'if devices.parameters == "none":'))(*given, **how)


def shards_the_first_step_alone(*given, **how):
    """After a step all devices hold all arrays."""
    return changed(("_constrained(x, _place(x, devices))", "_constrained(x, _at(devices))"))(*given, **how)


def adds_no_shards(*given, **how):
    """Each device goes along the gradient of its own share, and keeps its part."""
    edits = (
        ('devices is None or devices.statistics == "batch"', "devices is None"),
        ("jax.tree.map(add, g)\n", "g\n"),
    )
    return changed(*edits)(*given, **how)


@pytest.mark.statement("scale.sharded", of=fit, mutants=[shards_nothing, shards_the_first_step_alone, adds_no_shards])
def test_sharded_parameters_give_the_same_numbers(implementation, devices):
    for one_step in (True, False):
        found = devices(trajectory, implementation, one_step=one_step, devices={"parameters": "sharded"})
        assert found["held"] == [1 / COUNT] * 4  # two arrays, and their velocities
        agree(found, wanted(one_step=one_step))


# ------------------------------------------------------------------ what else
def measured(implementation):
    """A metric of 27 examples in batches of 16, on one device and on eight."""
    return [
        implementation(WEIGHTS, (X, Y), {"loss": losses}, batch_size=BATCH, devices=on)["loss"]
        for on in (None, Devices())
    ]


def test_an_evaluation_on_devices_is_that_of_one(devices):
    one, many = devices(measured, evaluate)
    assert many == pytest.approx(one, rel=1e-6)


def resumed(implementation, *, folder):
    """A run that is kept after one epoch and goes on, beside the unbroken one; and what other devices are told."""
    how = {"batch_size": BATCH, "progress": False, "devices": Devices(parameters="sharded")}
    given = losses, WEIGHTS, (X, Y), RULE
    keep = Checkpoints(folder)
    implementation(*given, epochs=1, checkpoints=keep, **how)
    runs = [implementation(*given, epochs=2, checkpoints=to, **how) for to in (keep, None)]
    with pytest.raises(ValueError) as caught:
        implementation(*given, epochs=3, checkpoints=keep, **how | {"devices": Devices(4)})
    return [jax.tree.map(np.asarray, (run.model, run.optimizer_state)) for run in runs], str(caught.value)


def test_a_run_on_devices_goes_on_bit_for_bit(devices, tmp_path):
    (found, want), message = devices(resumed, fit, folder=str(tmp_path))
    assert same(found, want)
    assert "its devices is Devices(count=8, parameters='sharded'" in message


def refused(implementation, *, count=COUNT, given=None, **how):
    """The message of a wrong call."""
    with pytest.raises(ValueError) as caught:
        implementation(losses, WEIGHTS, (X, Y), RULE, devices=Devices(count, **(given or {})), **HOW | how)
    return str(caught.value)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"batch_size": 12}, "fit: 8 devices do not divide batch_size=12; use a multiple of 8"),
        ({"batch_size": None}, "fit: 8 devices do not divide batch_size=27; use a multiple of 8"),
        ({"count": 9}, "Devices: count must be 1 to 8, the devices that there are, got 9"),
        ({"count": 0}, "Devices: count must be 1 to 8, the devices that there are, got 0"),
        ({"given": {"parameters": "halved"}}, "Devices: parameters must be 'whole' or 'sharded', got 'halved'"),
        ({"given": {"statistics": "none"}}, "Devices: statistics must be 'batch' or 'share', got 'none'"),
    ],
)
def test_wrong_devices_are_refused_in_one_line(how, message, devices):
    assert devices(refused, fit, **how) == message
