"""The verdict's words, seen on wrong implementations: the right clause, what came, and the bug or reading that fits."""

import re

import pytest

from nnspec_conformance.verdict import plain, plain_tex

GELU = """
    def gelu(x):
        c = np.sqrt(2 / np.pi).astype(x.dtype)
        return x / 2 * (1 + np.tanh(c * (x + x.dtype.type(0.044715) * x**3)))
"""
SIGMOID = """
    def sigmoid(x):
        return np.exp(x) / (1 + np.exp(x))
"""
SOFTMAX = """
    def softmax(x, *, axis=-1):
        return np.exp(x) / np.exp(x).sum(axis, keepdims=True)
"""
RELU = """
    def relu(x):
        return np.where(x > 0, x, np.zeros_like(x))
"""
RAISES = """
    def broken(*arrays, **attributes):
        raise RuntimeError("the session is closed")

    relu = softmax = sigmoid = broken
"""


@pytest.fixture(scope="module")
def told_before():
    """What was said of an adapter: several tests read one verdict."""
    return {}


@pytest.fixture
def verdict(nnspec, adapter, told_before):
    """Status and text of a check, by paragraph."""

    def check(body, *clauses):
        if (body, clauses) not in told_before:
            ran = nnspec("check", adapter(body), *clauses)
            parts = {part.splitlines()[0].split("  ")[1]: part for part in ran.out.split("\n\n")[:-1]}
            told_before[body, clauses] = ran.status, parts, ran.out
        return told_before[body, clauses]

    return check


def test_tanh_gelu_called_exact_is_recognized(verdict):
    status, told, _ = verdict(GELU)
    assert status == 1
    assert "`gelu` MUST be x Φ(x) or the approximation that is declared" in told["gelu.form"]
    assert (
        "fits      form = tanh, not exact; if that is what you mean, declare VARIANTS['gelu.form']" in told["gelu.form"]
    )


def test_tanh_gelu_is_no_failure_of_the_nan_clause(verdict):
    assert "activation.nan[gelu]" not in verdict(GELU, "activation.nan")[1]


def test_tanh_gelu_that_says_so_passes(verdict):
    assert verdict(GELU + '\n    VARIANTS = {"gelu.form": "tanh"}', "gelu.form")[0] == 0


def test_sigmoid_that_overflows_is_recognized(verdict):
    status, told, _ = verdict(SIGMOID, "activation.accuracy[sigmoid]")
    text = told["activation.accuracy[sigmoid]"]
    assert status == 1
    assert "88.8000031 at index" in text
    assert "got       nan\n  expected  1\n" in text
    assert "fits      sigmoid that overflows: inf / inf for x above 88" in text


def test_failures_of_one_cause_stand_under_the_first(verdict):
    told = verdict(SIGMOID)[1]
    assert "fits      sigmoid that overflows" in told["sigmoid.range"]
    assert "more of this cause: activation.limits[sigmoid], activation.accuracy[sigmoid]," in told["sigmoid.range"]
    assert not {"activation.accuracy[sigmoid]", "activation.limits[sigmoid]", "duty.sizes[sigmoid]"} & told.keys()


def test_range_says_where_it_is_left(verdict):
    assert (
        "found     sigmoid leaves [0, 1] at 88.8 (float32): nan"
        in verdict(SIGMOID, "sigmoid.range")[1]["sigmoid.range"]
    )


def test_softmax_without_the_shift_is_recognized(verdict):
    status, told, _ = verdict(SOFTMAX)
    text = told["softmax.large-offset[softmax]"]
    assert status == 1
    assert "nothing overflows at 10^4, and nothing becomes 0/0 at -10^4" in text
    assert "fits      without the shift: exp overflows at 89" in text


def test_softmax_without_the_shift_fails_nothing_else(verdict):
    # the other asks at scores to 1e10, where an exponential without the shift overflows as well
    ((name, text),) = verdict(SOFTMAX)[1].items()
    assert name == "softmax.large-offset[softmax]"
    assert text.endswith("and       2 more of this cause: duty.sizes[softmax], duty.programs[softmax]")


def test_relu_that_swallows_nan_is_recognized(verdict):
    status, told, _ = verdict(RELU)
    text = told["activation.nan[relu]"]
    assert status == 1
    assert "Where the input is NaN the result MUST be NaN" in text
    assert "input     nan at index (1,)\n  got       0\n  expected  nan\n" in text
    assert "fits      swallows nan: fmax and comparisons drop NaN: a diverged network looks healthy" in text


def test_relu_that_swallows_nan_fails_nothing_else(verdict):
    ((name, text),) = verdict(RELU)[1].items()
    assert name == "activation.nan[relu]"
    assert text.endswith("and       1 more of this cause: duty.nan[relu]")  # which asks infinities, too


def test_raising_in_every_call_is_told_once_for_each_operation(verdict):
    status, told, text = verdict(RAISES)
    assert status == 1
    assert [re.sub(r"\d+", "N", head) for head in sorted(told)] == [
        "duty.refusals[relu]",
        "duty.refusals[sigmoid]",
        "relu: N clauses fail in the same way",
        "sigmoid: N clauses fail in the same way",
        "softmax: N clauses fail in the same way",  # of answers
        "softmax: N clauses fail in the same way",  # and of refusals
    ]
    assert text.count("found     relu raised RuntimeError: the session is closed") == 1


def test_raising_in_every_call_names_the_shortest_call_and_what_to_do(verdict):
    text = verdict(RAISES)[2]
    assert "call      relu(0.34558418) in float32" in text
    assert "no call of this adapter returned an array; call one of its functions by hand first" in text


def test_raising_in_every_call_refuses_nothing(verdict):
    text = verdict(RAISES)[1]["duty.refusals[relu]"]
    assert "refuses valid input too: relu raised RuntimeError: the session is closed" in text.replace(
        "\n" + 12 * " ", " "
    )


def test_adapter_without_operations_says_so(verdict):
    assert "this adapter has none of the operations asked for" in verdict("")[2]


def test_adapter_whose_every_call_crashes_lacks_no_operation(nnspec, adapter):
    path = adapter("""
        import os

        def relu(x):
            os.abort()
    """)
    ran = nnspec("check", path, "relu.value", "activation.nan[relu]", "--isolate")
    assert ran.status == 1
    assert "relu ended the process by SIGABRT" in ran.out
    assert "none of the operations" not in ran.out


def test_no_tex_reaches_the_terminal(suite):
    texts = [plain(clause.text) for clause in suite.spec.clauses.values()]
    assert [text for text in texts if "$" in text or "\\" in text or "**" in text or "{" in text] == []


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\max(|f(x)|, 1)", "max(|f(x)|, 1)"),
        (r"\pm\infty", "±inf"),
        (r"-\infty \cdot 0", "-inf · 0"),
        (r"x\,\Phi(x)", "x Φ(x)"),
        (r"2^{-4}", "2^-4"),
        (r"e^{x+1}", "e^(x+1)"),
        (r"\frac{a}{b}", "a/b"),
        (r"\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}", "(x - μ)/sqrt(σ^2 + ε)"),
        (r"\operatorname{erf}(x_{i})", "erf(x_i)"),
        (r"1-\beta_1^t", "1-β_1^t"),
        (r"\{0, 1\}", "{0, 1}"),
        (r"\left(x\right)", "(x)"),
        (r"0 \le x \leq 1", "0 ≤ x ≤ 1"),
        (r"\sum_j e^{x_j}", "sum_j e^x_j"),
        (r"y \odot (g - \langle g, y\rangle)", "y · (g - ⟨g, y⟩)"),
        (r"\mathbb{E}[x]", "E[x]"),
        (r"p \leftarrow p - \eta v", "p ← p - η v"),
    ],
)
def test_tex_reads_as_text(tex, text):
    assert plain_tex(tex) == text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("It **MUST NOT** do $a$\nor `b`.", "It MUST NOT do a or `b`."),
        ("See [relu.value][] and [here](https://example.org).", "See relu.value and here."),
    ],
)
def test_markdown_reads_as_text(markdown, text):
    assert plain(markdown) == text


def test_ids_are_not_broken_over_two_lines(verdict):
    text = verdict(RAISES)[2]
    assert [line for line in text.splitlines() if line.endswith("-")] == []
