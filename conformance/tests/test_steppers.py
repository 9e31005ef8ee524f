"""Steppers: what a failure shows, what a test may ask of one, and how oracle and adapters are made."""

import numpy as np
import pytest

from nnspec_conformance import steppers
from nnspec_conformance.cases import clause, refusal, steps
from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import HarnessError, NotImplementedBySubject, Refused
from nnspec_conformance.oracles.stepping import always, each_leaf
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.setting import Setting
from nnspec_conformance.steppers import Stepper, gradients, tree
from nnspec_conformance.tolerance import Want, exact
from nnspec_conformance.trial import Trial
from nnspec_conformance.verdict import explanation

PAGE = """\
# Toys

/// clause | descent.trajectory
    kind: trajectory

`descent` **MUST** subtract the learning rate times the gradient.
///

/// clause | descent.sign
    kind: trajectory
    definition: down
    variants:
      down: subtracts
      up: adds

`descent` **MUST** go in the direction declared.
///
"""


@each_leaf
def descent(p, g, *, learning_rate, sign="down"):
    if not always(learning_rate >= 0):
        raise ValueError("climbs")
    return p - learning_rate * g if sign == "down" else p + learning_rate * g


def stepping(params, *, learning_rate, sign="down"):
    """Another writing, without ``save``: its third step is twice as long if ``late`` is asked for."""
    now, rate, t = dict(params), learning_rate, 0

    def step(grads, learning_rate=None):
        nonlocal rate, t
        rate, t = rate if learning_rate is None else learning_rate, t + 1
        for name, g in grads.items():
            now[name] = np.asarray(now[name] + np.asarray((1 if sign == "up" else -1) * rate * g, g.dtype))
        return dict(now)

    return step


def late(params, **given):
    """Right for two steps, and then twice as long."""
    step, t = stepping(params, **given), 0

    def called(grads, learning_rate=None):
        nonlocal t
        t += 1
        return step({name: g * np.float32(2 if t > 2 else 1) for name, g in grads.items()}, learning_rate)

    return called


@pytest.fixture
def trial_of(subject_of):
    def make(function, **passed):
        function.__name__ = "descent"
        return Trial(subject_of(function), "descent", Setting({}, passed))

    return make


# ---- what a failure shows


@pytest.fixture
def toys(suite_of):
    @clause("descent.trajectory")
    def proves_trajectory(readings):
        params = {"w": np.array([1.0, -2.0], np.float32)}
        grads = [{"w": np.array([1.0, 0.5 * t], np.float32)} for t in range(4)]
        path, want = params["w"].astype(float), []
        for g in grads:
            path = path - 0.25 * g["w"] if readings["sign"] == "down" else path + 0.25 * g["w"]
            want.append({"w": exact(path)})
        yield steps("descent", params, grads=grads, rates=[0.25] * 4, learning_rate=9.0, want=want)

    @clause("descent.sign")
    def proves_sign(readings):
        yield from proves_trajectory(readings)

    return suite_of(PAGE, proves_trajectory, proves_sign)


def test_a_wrong_trajectory_shows_step_rate_and_gradients(toys, subject_of):
    late.__name__ = "descent"
    result = run_instance(toys, subject_of(late), "descent.trajectory")
    told = "\n".join(explanation(result)).replace("\n            ", " ")
    assert result.outcome == FAIL
    assert (
        "descent({w: [ 1., -2.]}, learning_rate=9.0), step 3['w'][0] of 4 steps: rate 0.25, gradients {w: [1., 1.]}"
        in told
    )
    assert "got       0" in told
    assert "expected  0.25" in told


def test_a_later_step_that_is_worse_says_since_when():
    want = [{"w": exact(np.array([x]))} for x in (0.5, 0.0, -0.5, -1.0)]
    want = [{"w": Want(w["w"].value, np.array([0.125]), np.zeros(1), "float32", "an eighth")} for w in want]
    case = steps("descent", {"w": np.ones(1)}, grads=[{"w": np.ones(1)}] * 4, learning_rate=0.5, want=want)
    finding = case.judge([{"w": np.array([x])} for x in (0.5, 0.25, 0.0, -1.0)], {})
    assert (finding.ratio, finding.call.partition("), ")[2]) == (
        4,
        "step 3['w'][0] of 4 steps: gradients {w: [1.]}; wrong from step 2 on",
    )


def test_a_closed_loop_has_no_vector_form(suite_of, subject_of):
    params, half = {"w": np.ones(1, np.float32)}, [{"w": exact(np.array([0.5]))}]

    @clause("descent.trajectory")
    def proves_both():
        yield steps("descent", params, grads=lambda now: now, rates=[0.5], learning_rate=0.5, want=half)
        yield steps("descent", params, grads=[params], learning_rate=0.5, want=half)

    recorded, page = [], PAGE.partition("/// clause | descent.sign")[0]
    stepping.__name__ = "descent"
    suite = suite_of(page, proves_both)
    result = run_instance(suite, subject_of(stepping), "descent.trajectory", record=lambda *told: recorded.append(told))
    assert (result.outcome, result.cases, len(recorded)) == (PASS, 2, 1)
    assert recorded[0][1].grads == [params]


def test_readings_are_told_to_a_stepper_that_has_several(toys, subject_of):
    stepping.__name__ = "descent"
    subject = subject_of(stepping, VARIANTS={"descent.sign": ("down", "up")})
    result = run_instance(toys, subject, "descent.trajectory")
    assert (result.outcome, result.cases) == (PASS, 2)


def test_a_refusal_that_does_not_come_shows_call_got_and_expected(subject_of):
    stepping.__name__ = "descent"
    case = Stepper("descent", descent, {"learning_rate": 0.5}).refuses("a rate of -1", learning_rate=-1.0)
    finding = case.run(subject_of(stepping), {})
    assert finding.message == "accepted what it must refuse (a rate of -1)"
    assert finding.call.endswith("learning_rate=-1.0)")
    assert finding.got.startswith("({a: [")
    assert finding.expected == "an exception"


def test_a_stepper_that_refuses_is_a_pass(subject_of):
    case = Stepper("descent", descent, {"learning_rate": 0.5}).refuses("a rate of -1", learning_rate=-1.0)

    def strict(params, *, learning_rate):
        if learning_rate < 0:
            raise ValueError("climbs")
        return stepping(params, learning_rate=learning_rate)

    strict.__name__ = "descent"
    assert case.run(subject_of(strict), {}).ratio == 0


def test_a_refusal_may_be_of_gradients(subject_of):
    stepping.__name__ = "descent"
    (right,) = gradients(1)
    case = refusal(
        "descent", tree(1), grads=[{"nobody": right["a"]}], learning_rate=0.5, valid=[right], note="a stranger"
    )
    assert case.run(subject_of(stepping), {}).ratio == 0


# ---- what a trial asks


def test_trial_tells_a_trajectory_what_it_must_be_told(trial_of):
    trial = trial_of(stepping, sign="up")
    path = trial.trajectory({"w": np.zeros(1, np.float32)}, [{"w": np.ones(1, np.float32)}] * 2, learning_rate=0.5)
    assert [float(p["w"][0]) for p in path] == [0.5, 1.0]


def test_closed_loop_takes_its_gradients_from_the_parameters(trial_of):
    trial = trial_of(stepping)
    halved = lambda params: {"w": params["w"]}  # noqa: E731
    path = trial.trajectory({"w": np.ones(1, np.float32)}, halved, rates=[0.5, None, 0.25], learning_rate=9.0)
    assert [float(p["w"][0]) for p in path] == [0.5, 0.25, 0.1875]


def test_an_error_on_the_way_carries_the_call(trial_of):
    with pytest.raises(Refused) as raised:
        trial_of(stepping).trajectory({"w": np.ones(1, np.float32)}, [{"v": np.ones(1, np.float32)}], learning_rate=0.5)
    assert raised.value.call == "trajectory of descent({w: [1.]}, learning_rate=0.5) in float32"


def test_a_state_that_cannot_be_saved_is_not_implemented(trial_of):
    with pytest.raises(
        NotImplementedBySubject, match=r"descent: its state cannot be saved \(step.save, step.restore\)"
    ):
        Stepper("descent", descent, {"learning_rate": 0.5}).goes_on_where_it_was_saved(trial_of(stepping))


@pytest.mark.parametrize("duty", ["leaves_are_apart", "stays_at_rate_zero", "takes_each_rate", "instances_are_apart"])
def test_a_right_stepper_keeps_every_duty(trial_of, duty):
    trial = trial_of(stepping)
    getattr(Stepper("descent", descent, {"learning_rate": 0.5}), duty)(trial)
    assert trial.found
    assert max(finding.ratio for *_, finding in trial.found) == 0


def test_the_form_is_that_of_the_parameters_after_every_step(subject_of):
    def doubles(params, *, learning_rate):
        step, t = stepping(params, learning_rate=learning_rate), 0

        def called(grads, learning_rate=None):
            nonlocal t
            t += 1
            return {name: np.stack([p, p]) if t == 3 else p for name, p in step(grads).items()}

        return called

    stepping.__name__ = doubles.__name__ = "descent"
    ratios = {}
    for f in (stepping, doubles):
        subject = subject_of(f, DTYPES=("bfloat16", "float32"))
        cases = list(Stepper("descent", descent, {"learning_rate": 0.5}).keeps_the_form())
        asked = [c for c in cases if c.dtype in subject.dtypes]
        ratios[f] = [c.judge(c.ask(subject, {}), {}).ratio for c in asked]
    assert (len(cases), ratios[stepping]) == (4, [0, 0])
    assert min(ratios[doubles]) > 1


def test_a_duty_that_fails_says_of_what(trial_of):
    def sticky(params, *, learning_rate):
        step = stepping(params, learning_rate=learning_rate)
        return lambda grads, learning_rate=None: step(grads, learning_rate or None)

    trial = trial_of(sticky)
    Stepper("descent", descent, {"learning_rate": 0.5}).stays_at_rate_zero(trial)
    worst = max((finding for *_, finding in trial.found), key=lambda finding: finding.ratio)
    assert worst.call.startswith("descent: parameters after step 1 at rate 0, result[")


def test_a_stepper_is_found_by_its_operation():
    declared = Stepper("descent", descent, {"learning_rate": 0.5})
    assert steppers.of("descent") == declared
    with pytest.raises(HarnessError, match="two Steppers of 'descent'"):
        Stepper("descent", descent, {"learning_rate": 0.25})
    with pytest.raises(LookupError, match=r"no test declares Stepper\('ascent'"):
        steppers.of("ascent")


# ---- cases of the builder


def test_what_is_dropped_is_left_out_of_the_call_and_declared_to_the_oracle():
    stepper = Stepper("signed", descent, {"learning_rate": 0.5, "sign": "down"})
    (case,) = stepper.steps(drop=("sign",), declared={"sign": "up"}, dtypes=("float32",), count=1)
    assert "sign" not in case.attributes
    want = case.arrays[0]["a"].astype(float) + 0.5 * case.grads[0]["a"]
    np.testing.assert_allclose(case.want[0]["a"].value, want, rtol=1e-12)


def test_leaves_are_of_unequal_rank_and_no_entry_is_zero_or_met_twice():
    params, grads = tree(400), gradients(6)
    assert {p.ndim for p in params.values()} == {0, 1, 2}
    entries = np.concatenate([x.ravel() for one in (params, *grads) for x in one.values()])
    assert (entries != 0).all()
    assert len(set(entries.tolist())) == entries.size


# ---- the oracle's rule for one array


@each_leaf
def counted(p, g, m, *, t, learning_rate):
    m = m + g
    return p - learning_rate * m / t, m


def test_each_leaf_counts_from_one_and_keeps_a_state_for_each_array():
    step = counted({"a": np.zeros(1), "b": np.zeros(1)}, learning_rate=1.0)
    grads = {"a": np.ones(1), "b": np.full(1, 10.0)}
    path = [step(grads) for _ in range(2)]
    assert [(float(p["a"][0]), float(p["b"][0])) for p in path] == [(-1, -10), (-2, -20)]


def test_each_leaf_keeps_the_dtype():
    step = counted({"a": np.zeros((), np.float32)}, learning_rate=0.5)
    now = step({"a": np.ones((), np.float32)})["a"]
    assert (now.dtype, now.shape) == (np.float32, ())


def test_each_leaf_saves_the_count_too():
    first = counted({"a": np.zeros(1)}, learning_rate=1.0)
    now = [first({"a": np.ones(1)}) for _ in range(3)][-1]
    second = counted(now, learning_rate=7.0)
    second.restore(first.save())
    assert second({"a": np.ones(1)})["a"] == first({"a": np.ones(1)})["a"] == -4


def test_each_leaf_names_a_hyper_parameter_that_it_does_not_have():
    with pytest.raises(TypeError, match="counted has no 'momentum'; it has learning_rate, t"):
        counted({"a": np.zeros(1)}, learning_rate=1.0, momentum=0.9)


def test_each_leaf_rounds_every_operand_of_every_step():
    met = []

    def rounded(x):
        met.append(np.shape(x))
        return x

    step = counted({"a": np.zeros(3)}, learning_rate=1.0, rounded=rounded)
    step({"a": np.ones(3)})
    step({"a": np.ones(3)})
    assert met == [(), (3,), (3,), (3,)] * 2  # the rate; parameter, gradient, state


# ---- adapters


def test_optax_compiles_once_for_a_set_of_hyper_parameters_whatever_the_rate():
    import jax.numpy as jnp
    import optax

    from nnspec_conformance.adapters.jax.steppers import stepper

    made = []

    def sgd(learning_rate, momentum=None):
        made.append(momentum)
        return optax.sgd(learning_rate, momentum)

    start = stepper(sgd)
    for rate in (0.5, 0.25):
        step = start({"w": jnp.zeros(2)}, learning_rate=rate, momentum=0.5)
        for told in (None, 0.125, 2.0):
            step({"w": jnp.ones(2)}, told)
    assert made == [0.5] * 4  # at each start, and once for the first state and in the compiled program


def framework(name):
    if name == "torch":
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        from nnspec_conformance.adapters.torch.steppers import stepper

        return stepper(torch.optim.SGD), torch.zeros
    import jax.numpy as jnp
    import optax

    from nnspec_conformance.adapters.jax.steppers import stepper

    return stepper(optax.sgd), jnp.zeros


@pytest.mark.parametrize("name", ["torch", "optax"])
def test_a_keyword_that_an_optimizer_does_not_have_is_not_implemented(name):
    start, zeros = framework(name)
    with pytest.raises(NotImplementedError, match="has no fractal"):
        start({"w": zeros(2)}, learning_rate=0.5, fractal=3)
