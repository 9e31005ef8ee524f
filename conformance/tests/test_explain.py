"""Why an instance failed: the reading or the known bug that answers as the subject did."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.explaining import explain, of_topics
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.mutation import module_mutants, mutants_of
from nnspec_conformance.subject import Subject


def fits(suite, subject, instance):
    return explain(suite, subject, run_instance(suite, subject, instance))


def test_mutant_that_fits_is_named(suite):
    mutant = next(m for m in mutants_of(suite, "activation.nan[relu]"))
    assert fits(suite, mutant.subject(), "activation.nan[relu]") == [f"{mutant.name}: {mutant.story}"]


def test_known_bug_of_another_clause_is_named_too(suite):
    mutant = next(m for m in mutants_of(suite, "sigmoid.range") if "overflows" in m.name)
    assert "sigmoid that overflows: inf / inf for x above 88" in fits(
        suite, mutant.subject(), "activation.limits[sigmoid]"
    )


def generic(suite):
    """The mutants that any operation can have."""
    of_a_topic = {*map(id, module_mutants(of_topics(suite)))}
    return [mutant for mutant in module_mutants(suite) if id(mutant) not in of_a_topic]


def test_what_any_operation_can_have_is_written_for_duties_alone(suite):
    assert len(generic(suite)) > 10_000
    assert [m.name for m in generic(suite) if not all(name.startswith("duty.") for name in m.catches)] == []


def test_what_any_operation_can_have_is_named_where_no_mistake_of_a_topic_fits(suite):
    mutant = next(m for m in generic(suite) if m.name == "knows 16 elements" and "relu" in m.changes)
    assert mutant.text in fits(suite, mutant.subject(), "relu.value")


KNOWN_MISTAKE = """
import sys
from types import SimpleNamespace
import numpy as np
from nnspec_conformance.asking import ask
from nnspec_conformance.causes import share_causes
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import load_suite

def tanh(x):
    with np.errstate(over="ignore"):
        return 2 / (1 + np.exp(-2 * x)) - 1

suite, subject = load_suite(), Subject(SimpleNamespace(NAME="mine", tanh=tanh, DTYPES=("float32", "float64")))
results = [ask(suite, subject, f"activation.{clause}[tanh]") for clause in ("accuracy", "tail")]
share_causes(suite, results)
print(*(result.fits[0].partition(":")[0] for result in results), sep="; ")
print([name for name in sys.modules if ".mutants.duties." in name])
"""


def test_where_a_mistake_of_the_topic_fits_no_others_are_loaded():
    ran = subprocess.run([sys.executable, "-c", KNOWN_MISTAKE], capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout == "tanh from sigmoid; tanh from sigmoid\n[]\n"


@pytest.mark.parametrize("instance", ["gelu.form", "activation.accuracy[gelu]", "activation.gradient[gelu]"])
def test_other_reading_is_named_with_what_to_declare(suite, instance):
    subject = next(m for m in mutants_of(suite, "gelu.form") if m.name == "says form = exact, has tanh").subject()
    advice = "form = tanh, not exact; if that is what you mean, declare VARIANTS['gelu.form'] = 'tanh'"
    assert advice in fits(suite, subject, instance)


def test_what_is_the_clauses_own_is_named_before_readings_of_others(suite):
    def gelu_vjp(x, cotangents, *, form="exact"):
        return ORACLE.gelu_vjp(x, cotangents, form="tanh")

    subject = Subject(SimpleNamespace(**vars(ORACLE) | {"gelu_vjp": gelu_vjp, "VARIANTS": {}}))
    told = fits(suite, subject, "activation.gradient[gelu]")
    assert told[0].startswith("has the gradient of the tanh form")
    assert told[-1].startswith("form = tanh, not exact")


def noisy(x):
    """Softplus as log(1 + e^x), with other noise than NumPy's where the digits have cancelled."""
    with np.errstate(over="ignore"):
        e = np.exp(x.astype(np.longdouble)).astype(x.dtype)
    return np.log((e.astype(np.longdouble) + 1).astype(x.dtype).astype(np.float64)).astype(x.dtype)


def test_noise_of_a_cancellation_does_not_hide_its_cause(suite, subject_of):
    def softplus(x):
        return noisy(x) if x.dtype.itemsize > 2 else noisy(x.astype(np.float32)).astype(x.dtype)

    (told,) = fits(suite, subject_of(softplus, DTYPES=("float32",)), "activation.tail[softplus]")
    assert told.startswith("softplus as log of 1 plus exp")


def test_one_wrong_place_is_no_known_bug(suite, subject_of):
    def softplus(x):
        y = np.array(ORACLE.softplus(x))
        y[x == y.dtype.type(-20)] = 0
        return y

    assert fits(suite, subject_of(softplus, DTYPES=("float32",)), "activation.tail[softplus]") == []


def test_other_default_is_named_with_what_to_declare(suite, subject_of):
    def leaky_relu(x, *, negative_slope=0.2):
        return ORACLE.leaky_relu(x, negative_slope=negative_slope)

    assert fits(suite, subject_of(leaky_relu), "leaky-relu.negative-slope") == [
        "negative_slope = 0.2 where it is left out, not 0.01; if that is what you mean, "
        "declare DEFAULTS['leaky-relu.negative-slope'] = 0.2"
    ]


def test_unknown_bug_has_no_fit(suite, subject_of):
    def relu(x):
        return np.where(x > 0, x * 7, 0 * x)

    assert fits(suite, subject_of(relu), "relu.value") == []


def test_pass_needs_no_explanation(suite, oracle):
    assert fits(suite, oracle, "relu.value") == []


def test_reading_under_which_the_clause_holds_is_named_however_it_was_computed(suite, subject_of):
    def sigmoid(x):
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-x))

    def sigmoid_vjp(x, cotangents):
        y = sigmoid(x)
        return (cotangents * (y * (1 - y)),)

    subject = subject_of(sigmoid, sigmoid_vjp=sigmoid_vjp, DTYPES=("float32", "float64"))
    (told,) = fits(suite, subject, "activation.small-slopes[sigmoid]")
    assert told.startswith("slopes = result, not kept; if that is what you mean, declare")


def test_half_precision_does_not_hide_what_fits_elsewhere(suite, subject_of):
    def elu(x, *, alpha=1.0):
        if x.dtype.itemsize == 2:  # every step rounded
            return np.where(
                x > 0, x, x.dtype.type(alpha) * (np.exp(np.minimum(x, 0)) - x.dtype.type(1)).astype(x.dtype)
            )
        return np.where(x > 0, x, x.dtype.type(alpha) * (np.exp(np.minimum(x, 0)) - 1))

    subject = subject_of(elu, DTYPES=("float32", "float64", "float16"))
    assert fits(suite, subject, "activation.tail[elu]")[0].startswith("elu as exp minus 1")


def test_declared_layout_does_not_hide_another_reading(suite, subject_of):
    def lstm_native(x, weights):
        return ORACLE.lstm_native(x, weights, packing="rows-ifgo-two-biases", forget_gate="one-added")

    declared = {"lstm-native.packing": "rows-ifgo-two-biases"}
    told = fits(suite, subject_of(lstm_native, VARIANTS=declared), "lstm-native.packing")
    assert told[0].startswith("forget_gate = one-added, not bias-alone")
