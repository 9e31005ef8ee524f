"""Half precision, the scale of the loss, and the average of the weights."""

import functools

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from half_runs import CALM, HALF, ONCE, RULE, SCALES, STEPS, TAKEN, WEIGHTS, WILD, by_hand, losses, low, near, run_of
from loops import HOW, Network, X, Y, changed, of_a_module, same

from nnspec.training._loop_precision import start_of_scale
from nnspec.training.gradient_clipping import clip_by_global_norm
from nnspec.training.loop import evaluate, fit
from nnspec.training.loop_checkpoints import Checkpoints
from nnspec.training.loop_failures import NonFiniteError
from nnspec.training.loop_precision import MixedPrecision


def weighted(weights, x, y, *, key):
    """The same, where each example has a weight between 0 and 3."""
    return losses(weights, x, y, key=key), jnp.floor(4 * jnp.abs(jnp.sin(7 * x[:, 0])))


# ------------------------------------------------------------------ half precision
def leaves_the_batch(*given, **how):
    """The arrays of the batch stay in float32, and so does nearly all of the loss."""
    return changed((", lowered(batch, rule.precision)", ", batch"))(*given, **how)


def keeps_weights_in_half(*given, **how):
    """The weights are rounded after each step."""
    edit = "_replace(weights=jax.tree.map(lambda x: x.astype(jnp.bfloat16).astype(x.dtype), weights), rest"
    return changed(("_replace(weights=weights, rest", edit))(*given, **how)


def averages_in_half(*given, **how):
    """The mean over the batch is taken in half precision."""
    edit = ("numbers.astype(jnp.promote_types(numbers.dtype, jnp.float32))", "numbers.astype(numbers.dtype)")
    return changed(edit)(*given, **how)


def measures_in_half(*given, **how):
    """An evaluation is in half precision, too."""
    edit = ("metric(join(graph, weights, rest), *batch", 'metric(lowered(weights, MixedPrecision("bfloat16")), *batch')
    return changed(edit)(*given, **how)


@pytest.mark.statement(
    "fit.precision", of=fit, mutants=[leaves_the_batch, keeps_weights_in_half, averages_in_half, measures_in_half]
)
def test_half_precision_is_that_of_the_loss_alone(implementation):
    run = implementation(losses, WEIGHTS, (X, Y), RULE, precision=HALF, validation=(X, Y), **HOW)
    after, state, found = by_hand()
    assert same(run.model, after[-1])
    assert same(run.optimizer_state, state)
    assert np.array_equal(run.losses, found)
    want = evaluate(after[-1], (X, Y), {"loss": losses}, batch_size=HOW["batch_size"])["loss"]
    assert run.history[-1]["validation loss"] == want


def test_statistics_of_a_module_stay_in_float32():
    run = fit(of_a_module, Network(), (X, Y), RULE, precision=HALF, **HOW)
    whole = fit(of_a_module, Network(), (X, Y), RULE, **HOW)
    assert run.model.mean[...].dtype == run.model.kernel[...].dtype == jnp.float32
    np.testing.assert_allclose(run.model.mean[...], whole.model.mean[...], rtol=0.05, atol=0.01)


# ------------------------------------------------------------------ the scale of the loss
SCALED = MixedPrecision("bfloat16", loss_scale=2.0**12)
CLIP = functools.partial(clip_by_global_norm, limit=0.1)
SGD = optax.sgd(1.0)


def small(weight, x, y, *, key):
    return weight * x * y


def forgets_the_scale(*given, **how):
    """Gradients stay as large as the scale made them."""
    return changed(("g = unscaled(g, carry.scale)", "g = g"))(*given, **how)


def clips_before(*given, **how):
    """What becomes of gradients is done before they are divided by the scale."""
    edits = (
        ("g = unscaled(g, carry.scale)", "g = unscaled(g if rule.gradient is None else rule.gradient(g), carry.scale)"),
        ("g = g if rule.gradient is None else rule.gradient(g)\n", "\n"),
    )
    return changed(*edits)(*given, **how)


def scales_too_late(*given, **how):
    """The scale goes in and out behind the backward pass."""
    edits = (
        ("return mean if scale == () else mean * scale.factor", "return mean"),
        ("lambda x: x / scale", "lambda x: x + 0 * scale"),
    )
    return changed(*edits)(*given, **how)


@pytest.mark.statement("fit.loss-scale", of=fit, mutants=[forgets_the_scale, clips_before, scales_too_late])
def test_a_scale_of_the_loss_changes_nothing_and_keeps_small_gradients(implementation):
    x = np.float32([1e-4, 1e-4])
    for scale, want in ((1.0, 0.0), (None, -1e-8)):
        precision = MixedPrecision("float16", loss_scale=scale)
        run = implementation(small, jnp.float32(0), (x, x), SGD, precision=precision, **ONCE)
        assert float(run.model) == pytest.approx(want, rel=2e-3, abs=1e-12)
    how = ONCE | {"batch_size": 4, "epochs": 2}
    for more in ({}, {"gradient": CLIP, "pieces": 2}):
        plain = fit(weighted, WEIGHTS, (X[:8], Y[:8]), RULE, precision=HALF, **how | more)
        scaled = implementation(weighted, WEIGHTS, (X[:8], Y[:8]), RULE, precision=SCALED, **how | more)
        assert near(scaled.model, plain.model)
        np.testing.assert_allclose(scaled.losses, plain.losses, rtol=1e-5)


# ------------------------------------------------------------------ overflow
def moves_the_weights(*given, **how):
    """A step that overflows is made all the same."""
    return changed(("taken = fine & ~excused", "taken = fine"))(*given, **how)


def never_halves(*given, **how):
    """The scale stays where it is after an overflow."""
    return changed(("jnp.maximum(factor / 2, 1)", "factor"))(*given, **how)


def never_doubles(*given, **how):
    """The scale only falls."""
    return changed(("jnp.minimum(factor * 2, LARGEST)", "factor"))(*given, **how)


def counts_from_the_start(*given, **how):
    """The steps are counted whether one overflows or not."""
    return changed(("since = jnp.where(overflow, 0, since + 1)", "since = since + 1"))(*given, **how)


def ends_at_an_overflow(*given, **how):
    """An overflow is a bad step."""
    return changed(("finite = finite | excused", "excused = jnp.array(False)"))(*given, **how)


def halves_for_ever(*given, **how):
    """Whatever gradient is not finite is an overflow."""
    return changed((" & (factor > 1)", ""))(*given, **how)


def blames_the_scale_for_the_loss(*given, **how):
    """A loss that is infinite halves the scale."""
    return changed(("overflow = finite[0] & ~finite[1:].all()", "overflow = ~finite.all()"))(*given, **how)


def counts_an_overflow(*given, **how):
    """A step that was left out counts in the mean of the epoch."""
    return changed(("told, jnp.where(taken, weight, 0), finite", "told, jnp.where(fine, weight, 0), finite"))(
        *given, **how
    )


@pytest.mark.statement(
    "fit.overflow",
    of=fit,
    mutants=[
        moves_the_weights,
        never_halves,
        never_doubles,
        counts_from_the_start,
        ends_at_an_overflow,
        halves_for_ever,
        blames_the_scale_for_the_loss,
        counts_an_overflow,
    ],
)
def test_an_overflow_halves_the_scale_and_is_left_out(implementation):
    run, scales = run_of(implementation, [(x,) for x in STEPS])
    assert not isinstance(run, NonFiniteError)
    assert scales == SCALES
    slopes = np.array([x[0] for x in STEPS])
    assert float(run.model) == 1 - (slopes * TAKEN).sum() * 2.0**-20
    assert run.history[0]["loss"] == pytest.approx(run.losses[TAKEN].mean(), rel=1e-6)
    large = np.full(2, 2.0**14, np.float32), np.full(2, 8.0, np.float32)  # overflows with any scale
    error, scales = run_of(implementation, [large] * 6, weight=2.0**-6)
    assert isinstance(error, NonFiniteError)
    assert (error.step, scales[:5]) == (4, [8 * 16, 8 * 8, 8 * 4, 8 * 2, 8 * 1])
    error, scales = run_of(implementation, [(CALM * np.inf,)] * 2)
    assert isinstance(error, NonFiniteError)
    assert (error.step, scales[0]) == (0, 16)


def test_a_scale_that_stays_ends_the_run_at_an_overflow():
    error, scales = run_of(fit, [(WILD,)] * 3, precision=MixedPrecision("float16", loss_scale=16.0, period=None))
    assert isinstance(error, NonFiniteError)
    assert (error.step, set(scales)) == (0, {16.0})


def test_the_scale_begins_at_32768_and_ends_at_two_to_the_24():
    begin = start_of_scale(MixedPrecision("float16"), WEIGHTS)
    assert float(begin.factor) == 2.0**15
    widest = MixedPrecision("bfloat16", loss_scale=2.0**24, period=1)
    assert run_of(fit, [(CALM,)] * 2, precision=widest)[1] == [2.0**24] * 2


def test_a_bad_step_that_is_left_out_does_not_count_for_the_scale():
    given = [(CALM,), (CALM * np.inf,), (CALM,), (CALM,), (CALM,)]
    assert run_of(fit, given, nonfinite="skip")[1] == [16, 16, 16, 16, 32]


def test_where_numbers_pass_an_overflow_is_left_out_all_the_same():
    run, scales = run_of(fit, [(x,) for x in STEPS], nonfinite="pass")
    assert (scales, np.isfinite(run.model)) == (SCALES, True)


def test_a_run_that_goes_on_has_the_scale_that_it_had(tmp_path):
    def until(end):
        for number, x in enumerate(STEPS):
            if number == end:
                raise OSError
            yield (x,)

    with pytest.raises(OSError):
        run_of(fit, until(3), checkpoints=Checkpoints(tmp_path))
    run, scales = run_of(fit, [(x,) for x in STEPS], checkpoints=Checkpoints(tmp_path))
    assert scales == SCALES[3:]
    assert run.losses.tolist() == run_of(fit, [(x,) for x in STEPS])[0].losses.tolist()
    with pytest.raises(ValueError, match=r"^fit: .* is of another run: its precision is Mixed.*, here it is None; use"):
        run_of(fit, [(CALM,)], checkpoints=Checkpoints(tmp_path), precision=None)


def test_pieces_of_half_precision_weights_are_added_in_float32():
    """The sums, 16 times 4,096 and more, are no numbers of float16; nor has bfloat16 the digits of 257."""
    for dtype, x in ((jnp.float16, np.full(32, 2.0**12)), (jnp.bfloat16, np.array([256.0, 1.0]))):
        run = fit(product, np.zeros([], dtype), (x.astype(dtype),), optax.sgd(2.0**-12), pieces=2, **ONCE)
        assert float(run.model) == -float(np.mean(x).astype(dtype)) * 2.0**-12


def product(weight, x, *, key):
    return weight * x


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dtype": "float32"}, r"dtype .*'float32'"),
        ({"dtype": "float16", "loss_scale": 3.0}, r"loss_scale must be a power of two from 1 to 2\^24, got 3.0"),
        ({"dtype": "float16", "loss_scale": 0.5}, r"loss_scale must be a power of two from 1 to 2\^24, got 0.5"),
        ({"dtype": "float16", "period": 0}, r"period must be 1 or more, got 0"),
    ],
)
def test_wrong_precisions_are_refused_in_one_line(given, message):
    with pytest.raises(ValueError, match=f"^MixedPrecision: {message}") as caught:
        MixedPrecision(**given)
    assert "\n" not in str(caught.value)


def test_weights_of_half_precision_are_refused():
    with pytest.raises(ValueError, match=r"^fit: mixed precision keeps weights in float32, got bfloat16; hand over fl"):
        fit(losses, low(WEIGHTS), (X, Y), RULE, precision=HALF, **HOW)
