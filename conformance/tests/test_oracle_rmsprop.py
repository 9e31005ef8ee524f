"""The oracle of RMSprop and Adagrad against weighted sums in many digits, and against the proofs of the page."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.training import rmsprop as oracle

DRAWS = np.random.default_rng(17)
COUNT, WIDE = 9, 200
GRADIENTS = DRAWS.standard_normal((COUNT, WIDE)) * 10.0 ** DRAWS.integers(-6, 7, (COUNT, WIDE))
GRADIENTS[:4, :10] = 0.0  # the first gradient comes late
GRADIENTS[3, 10:20] = 0.0
GRADIENTS[:, 20] = 1e-150
GRADIENTS[:, 21] = 1e150
START = DRAWS.standard_normal(WIDE)
RATES = (0.25, 0.25, 0.125, 0.5, 0.25, 0.25, 1.0, 0.25, 0.25)
RHO, BETA, EPSILON = 0.875, 0.75, 1e-8  # the first two are numbers of every precision


def path_of(rule, **hyper):
    step, path = rule({"p": START}, learning_rate=0.0, epsilon=EPSILON, **hyper), [START]
    for g, rate in zip(GRADIENTS, RATES, strict=True):
        path.append(step({"p": g}, rate)["p"])
    return path


def divided(g, square, position):
    if position == "inside":
        return g / mpmath.sqrt(square + EPSILON)
    return g / (mpmath.sqrt(square) + EPSILON)


def quotients(gs, *, centred, start, position):
    """Each gradient over its root, written from the sums, not from the recursion."""
    found = []
    for t in range(1, len(gs) + 1):
        weights = [(1 - mpmath.mpf(RHO)) * mpmath.mpf(RHO) ** (t - 1 - i) for i in range(t)]
        square = start * mpmath.mpf(RHO) ** t + mpmath.fsum(w * g * g for w, g in zip(weights, gs, strict=False))
        mean = mpmath.fsum(w * g for w, g in zip(weights, gs, strict=False)) if centred else 0
        found.append(divided(gs[t - 1], square - mean * mean, position))
    return found


def last_step(ds, position):
    """What the last step subtracts: the quotients with the weights of the velocity."""
    powers = [mpmath.mpf(BETA) ** (len(ds) - 1 - i) for i in range(len(ds))]
    if position == "inside":
        return mpmath.fsum(w * rate * d for w, rate, d in zip(powers, RATES, ds, strict=True))
    return RATES[-1] * mpmath.fsum(w * d for w, d in zip(powers, ds, strict=True))


@pytest.mark.parametrize("rate", ["outside", "inside"])
@pytest.mark.parametrize("start", ["zero", "one"])
@pytest.mark.parametrize("position", ["outside", "inside"])
@pytest.mark.parametrize("name", ["rmsprop", "centred_rmsprop"])
def test_a_step_is_the_sum_of_weighted_quotients(name, position, start, rate):
    path = path_of(
        getattr(oracle, name), decay_rate=RHO, momentum=BETA, epsilon_position=position, start_rule=start,
        rate_position=rate,
    )  # fmt: skip
    with mpmath.workdps(60):
        given = {"centred": name == "centred_rmsprop", "start": int(start == "one"), "position": position}
        columns = [[mpmath.mpf(g) for g in column] for column in GRADIENTS.T.tolist()]
        moved = np.array([float(last_step(quotients(gs, **given), rate)) for gs in columns])
    np.testing.assert_allclose(path[-1], path[-2] - moved, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("accumulator", [0.0, 0.1])
@pytest.mark.parametrize("position", ["outside", "inside"])
def test_a_step_of_adagrad_is_the_quotient_by_the_root_of_the_sum(position, accumulator):
    path = path_of(oracle.adagrad, initial_accumulator=accumulator, epsilon_position=position)
    with mpmath.workdps(60):
        columns = [[mpmath.mpf(g) for g in column] for column in GRADIENTS.T.tolist()]
        ds = [divided(gs[-1], accumulator + mpmath.fsum(g * g for g in gs), position) for gs in columns]
    np.testing.assert_allclose(
        path[-1], path[-2] - RATES[-1] * np.array([float(d) for d in ds]), rtol=1e-13, atol=1e-14
    )


def test_l2_is_a_gradient_and_a_decay_is_not():
    given = {"learning_rate": 0.25, "decay_rate": RHO, "momentum": BETA}
    regular, plain = oracle.rmsprop({"p": START}, l2=0.125, **given), oracle.rmsprop({"p": START}, **given)
    decayed, beside = oracle.rmsprop({"p": START}, weight_decay=0.125, **given), oracle.rmsprop({"p": START}, **given)
    now, before, kept = START, START, START
    for g in GRADIENTS[:, 22:].repeat(2, 1)[:, :WIDE]:
        want = plain({"p": g + 0.125 * now})["p"]
        now = regular({"p": g})["p"]
        np.testing.assert_array_equal(now, want)
        after = beside({"p": g})["p"]
        want, before = kept + (after - before) - 0.25 * 0.125 * kept, after
        kept = decayed({"p": g})["p"]
        np.testing.assert_allclose(kept, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("rule", "given", "gradients", "path"),
    [
        (oracle.rmsprop, oracle.EXAMPLE, oracle.EXAMPLE_GRADIENTS, oracle.EXAMPLE_PATH),
        (oracle.adagrad, oracle.ADAGRAD, oracle.ADAGRAD_GRADIENTS, oracle.ADAGRAD_PATH),
        (oracle.centred_rmsprop, oracle.CENTRED, oracle.CENTRED_GRADIENTS, oracle.CENTRED_PATH),
    ],
)
def test_examples_are_those_of_the_page(rule, given, gradients, path):
    step = rule({"p": np.array(path[0])}, **given)
    np.testing.assert_allclose([float(step({"p": np.array(g)})["p"]) for g in gradients], path[1:], atol=1e-15)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, 0.99])
def test_no_step_is_longer_than_the_bound_and_the_first_one_attains_it(rho):
    step, now, steps = oracle.rmsprop({"p": START}, learning_rate=1.0, decay_rate=rho, epsilon=0.0), START, []
    for g in GRADIENTS[:, 22:].repeat(2, 1)[:, :WIDE]:
        before, now = now, step({"p": g})["p"]
        steps.append(np.abs(now - before))
    assert (np.array(steps) <= (1 + 1e-12) / np.sqrt(1 - rho)).all()
    np.testing.assert_allclose(steps[0], 1 / np.sqrt(1 - rho), rtol=1e-12)


@pytest.mark.parametrize("rho", [0.05, 0.3, 0.5, 0.9, 0.99])
def test_the_cycle_attracts_as_fast_as_its_matrix_says(rho):
    matrix = np.array([[2 * rho - 1, -2 * rho], [1 - rho, rho]])
    assert np.trace(matrix) == pytest.approx(3 * rho - 1)
    assert np.linalg.det(matrix) == pytest.approx(rho)
    assert np.abs(np.linalg.eigvals(matrix)).max() < 1
    assert rho < 1 / 9 or np.abs(np.linalg.eigvals(matrix)) == pytest.approx([np.sqrt(rho)] * 2)
    near = {"x": np.array([0.5 + 1e-5])}  # half a rate of 1, and the mean square that belongs to it
    step = oracle.rmsprop(near, learning_rate=1.0, decay_rate=rho, epsilon=0.0)
    step.states, step.t, now = {"x": (np.array([0.25]), np.zeros(1))}, 1, near
    state = np.array([2e-5, 0.0])
    for _ in range(8):
        now, state = step({"x": now["x"]}), matrix @ state
        assert abs(now["x"][0]) / 0.5 - 1 == pytest.approx(state[0], abs=1e-8)


@pytest.mark.parametrize("given", [{"decay_rate": 1.0}, {"momentum": -0.1}, {"epsilon": -1.0}, {"l2": -1.0}])
def test_out_of_range_is_refused(given):
    step = oracle.rmsprop({"p": START}, **{"learning_rate": 0.5} | given)
    with pytest.raises(ValueError, match="expected"):
        step({"p": START})
