"""The oracle of decoding against exact fractions, many digits, and a list of all texts."""

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.engine import run_instance
from nnspec_conformance.holes.recorder import ASIDE
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.oracles.architectures.transformer import decoding as oracle
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite.architectures.transformer import test_decoding as questions
from nnspec_conformance.suite_loader import load_suite

CUTS = {
    "token_probabilities": {},
    "top_k_probabilities": {"k": 3},
    "nucleus_probabilities": {"p": 0.7},
    "min_p_probabilities": {"min_p": 0.2},
}


def exactly(row, name, temperature, cut):
    """Kept tokens and their probabilities by sorting and adding, in 40 digits."""
    with mpmath.workdps(40):
        powers = [mpmath.exp(mpmath.mpf(float(x)) / mpmath.mpf(temperature)) for x in row]
        total = mpmath.fsum(powers)
        order = sorted(range(len(row)), key=lambda i: (-powers[i], i))
        kept, mass = [], mpmath.mpf(0)
        for rank, i in enumerate(order):
            if name == "top_k_probabilities" and rank >= cut["k"]:
                break
            if name == "nucleus_probabilities" and mass >= cut["p"]:
                break
            if name == "min_p_probabilities" and powers[i] < cut["min_p"] * powers[order[0]]:
                break
            kept.append(i)
            mass += powers[i] / total
        rest = mpmath.fsum(powers[i] for i in kept)
        return np.array([float(powers[i] / rest) if i in kept else 0.0 for i in range(len(row))])


@pytest.mark.parametrize(("name", "cut"), CUTS.items())
def test_probabilities_in_40_digits(name, cut):
    x = np.random.default_rng(5).normal(0, 2, (60, 7))
    x[0] += 1e4
    x[1] -= 1e4
    x[2] *= 100
    for temperature in (0.25, 1.0, 3.0):
        got = getattr(oracle, name)(x, temperature=temperature, **cut)
        want = np.array([exactly(row, name, temperature, cut) for row in x])
        assert ((got == 0) == (want == 0)).all()
        np.testing.assert_allclose(got, want, rtol=1e-13, atol=0)


@pytest.mark.parametrize(("name", "cut"), CUTS.items())
def test_gradient_by_the_complex_step(name, cut):
    random = np.random.default_rng(6)
    x, g = random.normal(0, 2, (2, 4, 5))
    for temperature in (0.5, 1.0, 2.0):
        given = {"temperature": temperature, **cut}
        (got,) = getattr(oracle, f"{name}_vjp")(x, g, **given)
        (want,) = complex_step(lambda z, given=given: getattr(oracle, name)(z, **given), (x,), g)
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(("boundary", "counts"), [("reaches", (1, 2, 3, 4)), ("exceeds", (2, 3, 4, 4))])
def test_quarters_keep_what_the_reading_says(boundary, counts):
    for p, count in zip((0.25, 0.5, 0.75, 1.0), counts, strict=True):
        got = oracle.nucleus_probabilities(np.zeros(4), p=p, boundary=boundary)
        assert got.tolist() == [float(Fraction(1, count))] * count + [0.0] * (4 - count)


@pytest.mark.parametrize("penalty", ["length", "wu"])
def test_a_wide_beam_finds_the_best_of_all_texts(penalty):
    random = np.random.default_rng(7)
    for alpha in (0.0, 0.6, 1.0):
        for _ in range(30):
            first, following = (np.log(random.dirichlet([1.0] * 3, size)) for size in (None, 3))
            found = {}
            for text in itertools.product(range(3), repeat=4):
                cut = text[: text.index(2) + 1] if 2 in text else text
                terms = [first[cut[0]], *(following[a, b] for a, b in itertools.pairwise(cut))]
                found[cut] = sum(terms) / oracle.divisor(len(cut), alpha, penalty)
            best = max(found, key=found.__getitem__)
            tokens, score = oracle.beam_search(first, following, beams=81, end=2, limit=4, alpha=alpha, penalty=penalty)
            assert tuple(tokens[: len(best)]) == best
            assert set(tokens[len(best) :]) <= {2}
            assert score == pytest.approx(found[best], rel=1e-14)


def test_draws_divide_the_line_by_probability():
    q = np.array([0.5, 0.0, 0.25, 0.25])
    with np.errstate(divide="ignore"):
        x = np.broadcast_to(np.log(q), (4096, 4))
    uniform = np.random.default_rng(3).random(4096)
    want = np.where(uniform < 0.5, 0, np.where(uniform < 0.75, 2, 3))
    assert (oracle.sample_token(x, seed=3) == want).mean() > 0.999  # the logarithm is rounded


def test_rounding_decides_in_no_row_that_is_asked(monkeypatch):
    """Where a sum is closer to p than its rounding, any answer would pass; no question has such a row."""
    suite, judge = load_suite(), questions._undecided
    undecided = {"own": [], "duties": []}  # of each row
    where = []

    def counting(x, dtype, given):
        found = judge(x, dtype, given)
        if given.get("p", 1.0) < 1 or "min_p" in given:
            undecided[where[-1]] += found.ravel().tolist()
        return found

    monkeypatch.setattr(questions, "_undecided", counting)
    subject = Subject(ORACLE, role="oracle")
    for instance, (clause, operation) in suite.instances.items():
        own = any("trial" in test.wants for test in suite.tests[clause.id])
        if operation in ("nucleus_probabilities", "min_p_probabilities") and clause.kind not in ASIDE and not own:
            where.append("duties" if clause.forms else "own")
            run_instance(suite, subject, instance, record=lambda *question: None)

    assert [len(rows) > 500 for rows in undecided.values()] == [True, True]
    assert [sum(rows) for rows in undecided.values()] == [0, 0]


@pytest.mark.parametrize(
    ("logits", "given", "is_undecided"),
    [
        ([0.0, 0.0, 0.0, 0.0], {"p": 0.5}, True),
        ([0.0, 0.0, 0.0, 0.0], {"p": 0.5 + 1e-4}, False),
        ([0.0, np.log(0.25)], {"min_p": 0.25}, True),
        ([0.0, np.log(0.25)], {"min_p": 0.26}, False),
    ],
)
def test_a_row_in_which_rounding_decides_is_found(logits, given, is_undecided):
    assert questions._undecided(np.array([logits]), "float32", given).tolist() == [[is_undecided]]
