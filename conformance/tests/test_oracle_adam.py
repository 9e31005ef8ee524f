"""The oracle of Adam and its relatives against weighted sums in many digits, and against the theorems of the page."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.training import adam as oracle

DRAWS = np.random.default_rng(11)
COUNT, WIDE = 9, 200
GRADIENTS = DRAWS.standard_normal((COUNT, WIDE)) * 10.0 ** DRAWS.integers(-6, 7, (COUNT, WIDE))
GRADIENTS[:4, :10] = 0.0  # the first gradient comes late
GRADIENTS[3, 10:20] = 0.0
GRADIENTS[:, 20] = 1e-150
GRADIENTS[:, 21] = 1e150
START = DRAWS.standard_normal(WIDE)
BETA1, BETA2, EPSILON, RATE = 0.9, 0.999, 1e-8, 0.25


def last(rule, **hyper):
    step = rule({"p": START}, learning_rate=RATE, beta1=BETA1, beta2=BETA2, epsilon=EPSILON, **hyper)
    path = [START] + [step({"p": g})["p"] for g in GRADIENTS]
    return path[-2], path[-1]


def in_many_digits(direction):
    """The direction of the last step, for each entry, from all the gradients so far."""
    with mpmath.workdps(50):
        return [direction([mpmath.mpf(g) for g in column]) for column in GRADIENTS.T.tolist()]


def weighted(values, decay, *, corrected=True):
    d = mpmath.mpf(decay)
    total = (1 - d) * mpmath.fsum(d ** (len(values) - 1 - i) * x for i, x in enumerate(values))
    return total / (1 - d ** len(values)) if corrected else total


def adam_direction(position="outside", maximum=None):
    position = "hat" if maximum == "before-hat" else position

    def direction(gs):
        squares = [g * g for g in gs]
        bare = maximum == "paper"
        m, c2 = weighted(gs, BETA1, corrected=not bare), 1 if bare else 1 - mpmath.mpf(BETA2) ** len(gs)
        if maximum == "after":
            v = max(weighted(squares[:k], BETA2) for k in range(1, len(gs) + 1))
        elif maximum:
            v = max(weighted(squares[:k], BETA2, corrected=False) for k in range(1, len(gs) + 1)) / c2
        else:
            v = weighted(squares, BETA2)
        if position == "inside":
            return m / mpmath.sqrt(v + EPSILON)
        return m / (mpmath.sqrt(v) + (EPSILON / mpmath.sqrt(c2) if position == "hat" else EPSILON))

    return direction


def nadam_direction(schedule):
    def mu(t):
        return BETA1 * (1 - {"constant": 0, "slow": 0.5 * 0.96 ** (t / 250), "fast": 0.5 * 0.96**t}[schedule])

    def direction(gs):
        t = len(gs)
        product = mpmath.fprod(mu(k) for k in range(1, t + 1))
        m = mu(t + 1) * weighted(gs, BETA1, corrected=False) / (1 - product * mu(t + 1))
        m += (1 - mu(t)) * gs[-1] / (1 - product)
        return m / (mpmath.sqrt(weighted([g * g for g in gs], BETA2)) + EPSILON)

    return direction


def adamax_direction(position):
    def direction(gs):
        inner, outer = (EPSILON, 0) if position == "maximum" else (0, EPSILON)
        sizes = [mpmath.mpf(BETA2) ** (len(gs) - 1 - i) * (abs(g) + inner) for i, g in enumerate(gs)]
        return weighted(gs, BETA1) / (max(sizes) + outer)

    return direction


CASES = [
    *[(oracle.adam, {"epsilon_position": p}, adam_direction(p)) for p in ("outside", "inside", "hat")],
    *[(oracle.amsgrad, {"maximum": m}, adam_direction(maximum=m)) for m in ("after", "before", "before-hat", "paper")],
    *[(oracle.nadam, {"momentum_schedule": s}, nadam_direction(s)) for s in ("constant", "slow", "fast")],
    *[(oracle.adamax, {"epsilon_position": p}, adamax_direction(p)) for p in ("maximum", "outside")],
]


@pytest.mark.parametrize(("rule", "hyper", "direction"), CASES, ids=lambda x: str(getattr(x, "__name__", x)))
def test_a_step_is_the_ratio_of_weighted_sums(rule, hyper, direction):
    before, after = last(rule, **hyper)
    want = before - RATE * np.array([float(d) for d in in_many_digits(direction)])
    np.testing.assert_allclose(after, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("coupling", ["rate", "independent"])
def test_adamw_is_adam_less_the_decay_of_the_parameters_before_the_step(coupling):
    decayed = oracle.adamw({"p": START}, learning_rate=RATE, weight_decay=0.125, coupling=coupling)
    moments = oracle.adam({"p": START}, learning_rate=RATE)
    now = plain = START
    for g in GRADIENTS:
        step, plain = plain, moments({"p": g})["p"]
        want = now + (plain - step) - 0.125 * (RATE if coupling == "rate" else 1) * now
        now = decayed({"p": g})["p"]
        np.testing.assert_allclose(now, want, rtol=1e-12, atol=1e-13)


def test_l2_is_a_gradient():
    regular, plain = (oracle.adam({"p": START}, learning_rate=RATE, l2=l2) for l2 in (0.125, 0.0))
    now = START
    for g in GRADIENTS:
        want = plain({"p": g + 0.125 * now})["p"]
        now = regular({"p": g})["p"]
        np.testing.assert_array_equal(now, want)


def test_example_is_that_of_the_page():
    step = oracle.adam({"p": np.array(oracle.EXAMPLE_PATH[0])}, **oracle.EXAMPLE)
    path = [float(step({"p": np.array(g)})["p"]) for g in oracle.EXAMPLE_GRADIENTS]
    np.testing.assert_allclose(path, oracle.EXAMPLE_PATH[1:], rtol=1e-14)


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("beta2", [0.985, 0.999])
def test_no_step_exceeds_the_bound_and_growing_gradients_come_near_it(beta1, beta2):
    bound = float(oracle.step_bound(beta1, beta2))
    given = {"learning_rate": 1.0, "beta1": beta1, "beta2": beta2, "epsilon": 0.0}
    step, now = oracle.adam({"p": np.zeros(WIDE)}, **given), np.zeros(WIDE)
    for g in GRADIENTS[:, ::-1] + 1e-3:  # none is zero: there is no epsilon
        before, now = now, step({"p": g})["p"]
        assert (np.abs(now - before) <= bound * (1 + 1e-12)).all()
    if 0 < beta1 < beta2:
        steps = int(20 / np.log(beta2 / beta1))
        growth = oracle.growing(beta1, beta2, int(8 / (1 - beta2)), steps)
        step = oracle.adam({"p": np.zeros(1)}, **given | {"epsilon": 1e-300})
        path = np.array([step({"p": np.array([g])})["p"][0] for g in growth])
        largest = np.abs(np.diff(path)).max()
        assert 0.99 * bound < largest <= bound * (1 + 1e-12)


def test_reddis_example_is_climbed_by_adam_and_descended_by_amsgrad():
    ends = {}
    for rule in (oracle.adam, oracle.amsgrad):
        step, now = rule({"x": np.zeros(1)}, learning_rate=0.0, **oracle.REDDI), {}
        for g, rate in zip(oracle.reddi_gradients(300), oracle.reddi_rates(300), strict=True):
            now = step({"x": np.array([g])}, rate)
        ends[rule.__name__] = round(float(now["x"][0]), 2)
    assert ends == {"adam": 3.40, "amsgrad": -2.11}
