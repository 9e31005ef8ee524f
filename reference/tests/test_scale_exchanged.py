"""What devices tell each other in a step, in which precision they add, and what memory each of them needs."""

import functools
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from loops import changed
from several_devices import COUNT, program

from nnspec.training.loop import fit
from nnspec.training.loop_precision import MixedPrecision
from nnspec.training.scale import Devices

PAGE = (Path(__file__).resolve().parents[2] / "spec" / "training" / "scale.md").read_text(encoding="utf-8")


# ------------------------------------------------------------------ sums
def sizes(implementation, *, statistics):
    """The bits of a gradient, and its value: one large number on the first device, small ones on the others."""
    x = np.array([1.0] + [2.0**-8] * 7, np.float32)
    run = implementation(
        lambda w, x, *, key: w * x, jnp.float32(0), lambda epoch: [(x,)], optax.sgd(1.0), epochs=1, progress=False,
        precision=MixedPrecision("bfloat16"), devices=Devices(COUNT, statistics=statistics),
    )  # fmt: skip
    return float(run.model)


def adds_in_half_precision(*given, **how):
    """Gradients are rounded before devices exchange them."""
    edit = ("part * x.astype(jnp.promote_types(x.dtype, jnp.float32)), AXIS)", "(part * x).astype(jnp.bfloat16), AXIS)")
    return changed(edit)(*given, **how)


def rounded(implementation):
    """Gradients of products by two batches: a share's sum is no number of bfloat16, then that of the whole batch."""
    found = []
    for x in ([1.0, 2.0**-8] + [2.0**-9] * 14, [1.0, 0.0] + [2.0**-9, 0.0] * 7):
        batch = np.array(x, np.float32)[:, None]
        run = implementation(
            lambda w, x, *, key: (x @ w)[:, 0], jnp.zeros((1, 1)), lambda epoch, batch=batch: [(batch,)],
            optax.sgd(1.0), epochs=1, progress=False, precision=MixedPrecision("bfloat16"), devices=Devices(COUNT),
        )  # fmt: skip
        found.append(-16 * float(run.model[0, 0]))
    return found


def adds_shares_in_float32(*given, **how):
    """With statistics of the batch, too, each device has a gradient of its own share."""
    return changed(('devices is None or devices.statistics == "batch"', "devices is None"))(*given, **how)


@pytest.mark.statement("scale.sums", of=fit, mutants=[adds_in_half_precision, adds_shares_in_float32])
def test_devices_add_in_float32_and_round_a_batch_as_a_whole(implementation, devices):
    assert devices(sizes, implementation, statistics="share") == -(1 + 7 * 2.0**-8) / 8
    # 1 + 2^-8 would be rounded to 1; 1 + 7/2^9 is rounded to 1 + 8/2^9.
    assert devices(rounded, implementation) == [1 + 2.0**-5, 1 + 2.0**-6]


def product(weight, x, *, key):
    return weight * x


def in_float32(weight, x, *, key):
    """The same, where the loss takes its weight to float32, in which its gradient is then added up."""
    return weight.astype(jnp.float32) * x


def slopes_added(implementation):
    """The gradients, times eight, of a factor of eight examples in bfloat16: on one device, and on eight."""
    x = np.array([1.0] + [2.0**-9] * 7, np.float32)
    shared = [Devices(COUNT, statistics=statistics) for statistics in ("batch", "share")]
    asked = [(product, None), (in_float32, None), *[(product, devices) for devices in shared]]
    runs = [
        implementation(
            loss, jnp.float32(0), lambda epoch: [(x,)], optax.sgd(1.0), epochs=1, progress=False,
            precision=MixedPrecision("bfloat16"), devices=devices,
        )
        for loss, devices in asked
    ]  # fmt: skip
    return [-8 * float(run.model) for run in runs]


def test_one_device_adds_the_gradient_of_a_factor_in_bfloat16(devices):
    """The table of the page; in bfloat16 1 + 2^-9 is 1."""
    names = ("one device", "one device, the weight", 'eight devices, `"batch"`', 'eight devices, `"share"`')
    rows = [re.search(rf"^\| {re.escape(name)}.* \| 1(?: \+ (\d)/512)?", PAGE, re.MULTILINE) for name in names]
    found = devices(slopes_added, fit)
    assert found == [1, 1 + 2.0**-6, 1 + 2.0**-6, 1 + 7 * 2.0**-9]
    assert found == [1 + int(row[1] or 0) / 512 for row in rows if row]


# ------------------------------------------------------------------ what is exchanged, and memory
@functools.cache
def step_program(**how):
    """A step of the reference, compiled."""
    return program((), **how)


def gathers_what_it_moved(**how):
    """After a step all devices hold all arrays."""
    return program((("_constrained(x, _place(x, devices))", "_constrained(x, _at(devices))"),), **how)


def exchanges_examples(**how):
    """Each device gets all examples of a batch."""
    edit = "given = gathered(weights, rule.devices), gathered(rest, rule.devices)"
    return program(((edit, f"{edit}\n    batch = gathered(batch, rule.devices)"),), **how)


def exchanged(implementation, *, parameters):
    """The bytes that collectives hand over in one step, in units of the parameters' bytes."""
    of = implementation(parameters=parameters)
    return {kind: size / (4 * of["parameters"]) for kind, size in of["collectives"].items()}


@pytest.mark.statement("scale.exchanged", of=step_program, mutants=[gathers_what_it_moved, exchanges_examples])
def test_a_step_exchanges_each_gradient_once(implementation, devices):
    once = pytest.approx(1, abs=1e-3)
    assert devices(exchanged, implementation, parameters="sharded") == {"all-gather": once, "all-reduce": once}
    assert devices(exchanged, implementation, parameters="whole") == {"all-reduce": once}


def table():
    """The page's table of bytes on each device, by what is counted: with whole weights, and with sharded ones."""
    rows = re.findall(r"^\| ([a-z-]+), bytes.*? \| ([\d,]+) \| ([\d,]+) \|$", PAGE, re.MULTILINE)
    return {what: [int(number.replace(",", "")) for number in numbers] for what, *numbers in rows}


def counted(implementation):
    """The same in compiled programs."""
    found = [implementation(parameters=parameters) for parameters in ("whole", "sharded")]
    told = [of["collectives"] | {what: of[what] for what in ("arguments", "temporaries")} for of in found]
    kinds = ("all-reduce", "all-gather", "arguments", "temporaries")
    return {what: [of.get(what, 0) for of in told] for what in kinds}, 4 * found[0]["parameters"]


def test_the_bytes_of_the_page_are_those_of_the_program(devices):
    found, size = devices(counted, step_program)
    compiled_with = re.findall(r"8 virtual devices on one processor \(JAX ([\d.]+)\)", PAGE)
    alike = [jax.__version__] == compiled_with  # other versions may lay out memory in another way
    asked = table() if alike else {name: row for name, row in table().items() if name.startswith("all-")}
    assert len(table()) == 4
    assert {name: found[name] for name in asked} == asked
    assert f"$P$ = {size:,} bytes" in PAGE
    whole, parts = found["arguments"]
    assert parts / whole == pytest.approx(1 / COUNT, abs=0.02)
    assert not alike or f"The arguments fall to {parts / whole:.3f} of their size" in PAGE
