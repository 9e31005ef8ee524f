"""A reader's own function in the browser: right ones pass, wrong ones are told by clause, input and bug; none hangs."""

from __future__ import annotations

import pytest

PAGE = "guides/try-yours.html"
RELU = "function relu(x) { return x.map((v) => (v > 0 || v !== v ? v : 0)); }"
SOFTMAX = """function softmax(x, { axis } = {}) {
  const deep = (x) => Array.isArray(x[0]);
  if (!deep(x)) { const e = x.map(Math.exp), s = e.reduce((a, b) => a + b); return e.map((v) => v / s); }
  return x.map((row) => softmax(row));
}"""
ADAM = """function adam(params, { learning_rate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }) {
  const map = (f, ...x) => Array.isArray(x[0]) ? x[0].map((_, i) => map(f, ...x.map((one) => one[i]))) : f(...x);
  const each = (f, ...x) => Object.fromEntries(Object.keys(x[0]).map((k) => [k, map(f, ...x.map((one) => one[k]))]));
  let m = each(() => 0, params), v = m, t = 0, last = learning_rate;
  return (grads, rate) => {
    t += 1; last = rate ?? last;
    m = each((m, g) => beta1 * m + (1 - beta1) * g, m, grads);
    v = each((v, g) => beta2 * v + (1 - beta2) * g * g, v, grads);
    const c1 = CORRECTED ? 1 - beta1 ** t : 1, c2 = CORRECTED ? 1 - beta2 ** t : 1;
    params = each((p, m, v) => p - last * (m / c1) / (Math.sqrt(v / c2) + epsilon), params, m, v);
    return params;
  };
}"""


@pytest.fixture(scope="module")
def tab(chromium, site):
    """The page, once for all of these tests."""
    page = chromium.new_context().new_page()
    page.goto((site / PAGE).as_uri())
    return page


@pytest.fixture
def attempt(tab):
    """What the page says of a function: the line of its state, and the verdict."""

    def run(operation: str, source: str) -> tuple[str, str]:
        tab.select_option(".nn-try select", operation)
        tab.wait_for_function(f"document.querySelector('.nn-try textarea').value.includes('function {operation}')")
        tab.fill(".nn-try textarea", source)
        tab.locator(".nn-try button").click()
        tab.wait_for_function("document.querySelector('.nn-try [role=status]').textContent !== 'Running.'")
        return tuple(tab.locator(f".nn-try {part}").inner_text() for part in ("[role=status]", ".nn-answer"))

    return run


def test_first_is_a_function_that_its_reader_knows(tab):
    tab.reload()
    assert tab.locator(".nn-try select").input_value() == "relu"


def test_right_function_passes_every_question(attempt):
    _, said = attempt("relu", RELU)
    assert "questions answered rightly, in float64" in said
    assert "fail" not in said


def test_right_optimizer_passes_and_without_its_correction_it_does_not(attempt):
    _, said = attempt("adam", ADAM.replace("CORRECTED", "true"))
    assert "answered rightly" in said
    _, said = attempt("adam", ADAM.replace("CORRECTED", "false"))
    assert "answered wrongly" in said
    assert "right is" in said


def test_wrong_function_is_told_with_clause_input_and_bug(attempt):
    _, said = attempt("relu", "function relu(x) { return x.map((v) => (v > 0 ? v : 0)); }")
    assert "activation.nan" in said
    assert "0 came, right is NaN" in said
    assert "x = NaN" in said
    assert "wrong implementation" in said


def test_softmax_without_the_maximum_overflows(attempt):
    _, said = attempt("softmax", SOFTMAX)
    assert "answered wrongly" in said
    assert "NaN came" in said


PIECES = """function piecewise_constant(steps, rates, { boundaries }) {
  return steps.map((t) => rates[boundaries.filter((b) => t COMPARED b).length]);
}"""


def test_right_schedule_passes_and_one_that_is_a_step_late_does_not(attempt):
    _, said = attempt("piecewise_constant", PIECES.replace("COMPARED", ">="))
    assert "answered rightly" in said
    _, said = attempt("piecewise_constant", PIECES.replace("COMPARED", ">"))
    assert "answered wrongly" in said
    assert "is a step late" in said


PLATEAU = """function reduce_on_plateau(metrics, { initial, factor, patience, min_delta, floor }) {
  let best = Infinity, waited = 0, rate = initial;
  return metrics.map((m) => {
    if (m < best - min_delta) [best, waited] = [m, 0];
    else waited += 1;
    if (waited >= PATIENCE) [rate, waited] = [Math.max(rate * factor, floor), 0];
    return rate;
  });
}"""


def test_rate_is_cut_after_its_patience_and_no_evaluation_later(attempt):
    _, said = attempt("reduce_on_plateau", PLATEAU.replace("PATIENCE", "patience"))
    assert "answered rightly" in said
    _, said = attempt("reduce_on_plateau", PLATEAU.replace("PATIENCE", "patience + 1"))
    assert "answered wrongly" in said
    assert "waits one evaluation longer" in said


def test_what_does_not_return_is_ended(attempt):
    status, said = attempt("relu", "function relu(x) { for (;;); }")
    assert "did not return within 3 s" in status
    assert said == ""


def test_what_is_no_function_is_told(attempt):
    status, _ = attempt("relu", "function rely(x) { return x; }")
    assert "no function relu" in status
    status, _ = attempt("relu", "function relu(x) { return")
    assert "no function relu" in status


def test_what_raises_or_has_another_shape_fails_in_words(attempt):
    _, said = attempt("relu", "function relu(x) { throw new Error('nothing here'); }")
    assert "raised Error: nothing here" in said
    _, said = attempt("relu", "function relu(x) { return [1]; }")
    assert "1 numbers came" in said


def test_every_operation_that_is_listed_has_its_questions(tab, site):
    names = tab.locator(".nn-try option").evaluate_all("all => all.map(one => one.value)")
    assert len(names) > 30
    files = {path.stem for path in (site / "data" / "points").glob("*.js")}
    assert set(names) <= files
    assert {"constant_rate", "piecewise_constant", "reduce_on_plateau"} <= set(names)


def test_phone_has_no_sideways_scroll(tab):
    tab.set_viewport_size({"width": 390, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth <= 390")
