"""Declarations of operations: what a block says of every form and kind, and what follows from it."""

import pytest

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.declarations import FORM_OPTIONS
from nnspec_conformance.keywords import has_more_digits
from nnspec_conformance.operations import FORMS, Array, Place, Table
from nnspec_conformance.signatures import arguments, keywords, result, signature

# One operation at least of each form, and of every kind that later topics have.
TOPICS = """\
# Topics

/// operation | cross_entropy
    form: map
    arrays:
      logits: "*batch classes"
      labels: {axes: "*batch", dtype: integer, range: "[0, classes)"}
      mask: {axes: "*batch", dtype: boolean, optional: true}
    examples: [batch]
    result: "*batch"
    attributes:
      label_smoothing: {kind: number, range: "[0, 1)", values: [0.1, 0.0], default: 0.0}

The negative logarithm of the probability of the label.
///

/// operation | kl_divergence
    form: map
    arrays:
      target: {axes: "*batch classes", normalized: classes}
      log_prediction: {axes: "*batch classes", range: "(-inf, 0)"}
    examples: [batch]
    result: "*batch"

The divergence of a prediction from a target.
///

/// operation | embedding
    form: map
    arrays:
      ids: {axes: "*batch", dtype: integer, range: "[0, entries)"}
      table: "entries features"
    examples: [batch]
    result: "*batch features"

The row of the table for each id.
///

/// operation | convolution
    form: map
    arrays:
      x: "batch height width in"
      kernel: "window_height window_width in//groups out"
      bias: {axes: out, optional: true}
    examples: [batch]
    result: "batch ? ? out"
    attributes:
      padding: {kind: choice, values: [VALID, SAME], required: true, translated: true}
      strides: {kind: shape, range: "[1, inf)", values: [[1, 1], [2, 3]], default: [1, 1]}
      groups: {kind: integer, range: "[1, inf)", values: [1, 2], default: 1}

The cross-correlation of an image with a window.
///

/// operation | max_pooling
    form: map
    arrays: {x: "batch height width channels"}
    examples: [batch, channels]
    result: "batch (height-window[0])//strides[0]+1 (width-window[1])//strides[1]+1 channels"
    attributes:
      window: {kind: shape, range: "[1, inf)", values: [[2, 3], [3, 2]], required: true}
      strides: {kind: shape, range: "[1, inf)", values: [[2, 1]], required: true}

The largest number in each window.
///

/// operation | lstm
    form: state map
    arrays:
      x: "batch time in"
      weights:
        table: {"kernel_{gate}": "in hidden", "recurrent_kernel_{gate}": "hidden hidden", "bias_{gate}": hidden}
    state: {h: "batch hidden", c: "batch hidden"}
    indices: {gate: [i, f, g, o]}
    examples: [batch]
    result: "batch time hidden"

The hidden states of a long short-term memory, and its carry.
///

/// operation | attention
    form: map
    arrays:
      query: "*batch queries heads features"
      key: "*batch keys heads features"
      value: "*batch keys heads values"
      mask: {axes: "*batch heads queries keys", dtype: boolean, optional: true}
    examples: [batch, heads]
    result: "*batch queries heads values"
    attributes:
      scale: {kind: number, range: "(0, inf)", values: [0.25], default: "features**-0.5"}
      causal: {kind: flag, default: false}

A mean of the values, weighted by how well their keys fit each query.
///

/// operation | batch_norm
    form: state map
    arrays: {x: "*batch features", scale: features, bias: features}
    state:
      mean: {axes: features, gradient: false}
      variance: {axes: features, range: "(0, inf)", gradient: false}
    result: "*batch features"
    attributes:
      train: {kind: flag, required: true}
      decay: {kind: number, range: "[0, 1]", values: [0.75], required: true}
      epsilon: {kind: number, range: "[0, inf)", values: [1.0e-3], default: 1.0e-5}

Each feature, normalized over the batch, scaled and shifted.
///

/// operation | dropout
    form: random map
    arrays: {x: "*shape"}
    result: "*shape"
    attributes:
      rate: {kind: number, range: "[0, 1)", values: [0.25], required: true}

Some entries zero, the others scaled up.
///

/// operation | he_normal
    form: random
    result: "*window in out"

Normal draws of variance 2 over the fan-in.
///

/// operation | adam
    form: stepper
    params: any
    attributes:
      learning_rate: {kind: number, range: "[0, inf)", values: [0.5], required: true, each-step: true}
      b1: {kind: number, range: "[0, 1)", values: [0.8, 0.0], default: 0.9}

Moments of the gradients, corrected for their start at zero.
///

/// operation | perceptron
    form: stepper
    params: {weights: in, bias: ""}
    step: {x: in, label: {axes: "", values: [-1, 1]}}

A step takes an example with its label.
///

/// operation | clip_by_global_norm
    form: map
    arrays: {gradients: {table: any}}
    result: {table: any}
    attributes:
      limit: {kind: number, range: "[0, inf)", values: [0.5], required: true}

The gradients, shortened together.
///

/// operation | cosine_decay
    form: series
    arrays: {steps: {axes: time, dtype: integer, range: "[0, inf)"}}
    result: time
    attributes:
      decay_steps: {kind: integer, range: "[1, inf)", values: [10], required: true}

The rate at each step.
///

/// operation | early_stopping
    form: series
    arrays: {metrics: epochs}
    result:
      table:
        stopped_epoch: {axes: "", dtype: integer, optional: true}
        best_epoch: {axes: "", dtype: integer, optional: true}
    attributes:
      patience: {kind: integer, range: "[0, inf)", values: [2, 1], required: true}

The epoch at which training stops, and the best one.
///

/// operation | batches
    form: series
    result: {axes: "ceil(n/batch_size) batch_size", dtype: integer}
    attributes:
      n: {kind: integer, range: "[0, inf)", values: [10], required: true}
      batch_size: {kind: integer, range: "[1, inf)", values: [4], required: true}
      seed: {kind: integer, range: "[0, inf)", values: [0, 1], required: true}

The examples of an epoch in random order, by batch.
///

/// operation | values_and_state
    form: map
    arrays: {x: "*batch n{0}", weights: {table: {"kernel_{l}": "n{l} n{l+1}", "scale": "n{layers}"}}}
    indices: {l: layers}
    examples: [batch]
    result: {tuple: {last: "*batch n{layers}", norm: {axes: "*batch", gradient: false}}}
    attributes:
      form: {kind: choice, readings: values-and-state.form, translated: true}
      axis: {kind: axis, values: [-1, 0, 3]}

Layers, and the size of what comes out.
///

/// clause | values-and-state.form
    kind: value
    definition: one
    variants: {one: first, two: second}

It **MUST** be the declared one.
///

/// clause | values-and-state.axis
    kind: default
    default: -1
    candidates: [-1, 0]

Without `axis` it **SHOULD** be the last.
///
"""


@pytest.fixture
def topics(spec_of):
    return spec_of(TOPICS).operations


def test_a_block_of_every_form_is_read(topics):
    assert {operation.form for operation in topics.values()} == set(FORMS) == set(FORM_OPTIONS)


def test_an_operation_knows_its_place_and_its_sentence(topics):
    assert (topics["cross_entropy"].page, topics["cross_entropy"].line) == ("toys", 3)
    assert topics["cross_entropy"].text == "The negative logarithm of the probability of the label."


def test_lengths_are_all_different_where_none_is_given(topics):
    lengths = topics["attention"].lengths()
    flat = [n for value in lengths.values() for n in (value if isinstance(value, tuple) else (value,))]
    assert (list(lengths), len(set(flat))) == (["batch", "queries", "heads", "features", "keys", "values"], len(flat))


def test_given_lengths_are_kept_and_not_used_twice(topics):
    lengths = topics["embedding"].lengths(batch=(), entries=3)
    assert (lengths["batch"], lengths["entries"], lengths["features"]) == ((), 3, 2)


def test_an_index_counts_out_a_table(topics):
    operation = topics["values_and_state"]
    lengths = operation.lengths(layers=2)
    shapes = {place.name: array.shape(lengths) for place, array in operation.places(lengths).items() if place.name}
    n0, n1, n2 = lengths["n0"], lengths["n1"], lengths["n2"]
    assert shapes == {"kernel_0": (n0, n1), "kernel_1": (n1, n2), "scale": (n2,)}


def test_gates_count_out_a_table_by_name(topics):
    operation = topics["lstm"]
    names = [place.name for place in operation.places(operation.lengths()) if place.argument == 1]
    assert names[:4] == ["kernel_i", "recurrent_kernel_i", "bias_i", "kernel_f"]
    assert len(names) == 12


RESULTS = {
    "cross_entropy": ({"batch": (6, 2), "classes": 3}, {}, (6, 2)),
    "convolution": ({"batch": 2, "out": 5}, {}, (2, None, None, 5)),
    "max_pooling": (
        {"batch": 2, "height": 7, "width": 8, "channels": 3}, {"window": (3, 2), "strides": (2, 3)}, (2, 3, 3, 3),
    ),
    "lstm": ({"batch": 2, "time": 4, "hidden": 5}, {}, ((2, 4, 5), (2, 5), (2, 5))),
    "batch_norm": ({"batch": (6,), "features": 3}, {}, ((6, 3), (3,), (3,))),
    "he_normal": ({"window": (3, 2), "in": 4, "out": 5}, {}, (3, 2, 4, 5)),
    "adam": ({"in": 3, "out": 2}, {}, {"kernel": (3, 2), "bias": (2,), "gain": (), "filters": (2, 3, 2)}),
    "early_stopping": ({}, {}, {"stopped_epoch": (), "best_epoch": ()}),
    "batches": ({}, {"n": 10, "batch_size": 4}, (3, 4)),
    "values_and_state": ({"batch": (6,), "layers": 1, "n1": 4}, {}, ((6, 4), (6,))),
}  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_result_shapes_follow(topics, name):
    lengths, given, expected = RESULTS[name]
    assert topics[name].result_shapes(topics[name].lengths(**lengths), given) == expected


def test_integers_and_masks_carry_no_gradient_and_state_only_if_it_says_so(topics):
    def places(name):
        operation = topics[name]
        lengths = operation.lengths()
        return operation.float_places(lengths), operation.gradient_places(lengths)

    assert places("cross_entropy") == ([Place(0, None)], [Place(0, None)])
    floats, gradients = places("batch_norm")
    assert ([place.argument for place in floats], [place.argument for place in gradients]) == ([*range(5)], [0, 1, 2])


def test_shared_axes_are_those_of_more_than_one_array(topics):
    operation = topics["attention"]
    shared = operation.shared_axes(operation.lengths(batch=(2,)))
    assert shared["keys"] == [(Place(1, None), 1), (Place(2, None), 1), (Place(3, None), 3)]
    assert shared["batch[0]"][0] == (Place(0, None), 0)
    assert "values" not in shared


def test_examples_lie_along_the_declared_axes(topics):
    operation = topics["attention"]
    lengths = operation.lengths(batch=(2, 3))
    assert operation.example_axes(operation.arrays[0], lengths) == (0, 1, 3)


def test_no_examples_lie_along_the_axis_that_a_keyword_names(topics):
    operation = topics["values_and_state"]
    lengths = operation.lengths(batch=(2, 3))
    assert operation.example_axes(operation.arrays[0], lengths, {"axis": 1}) == (0,)


def test_settings_are_the_required_keywords_and_each_tested_value_in_turn(topics):
    home = {"train": True, "decay": 0.75}
    assert list(topics["batch_norm"].settings()) == [home, {**home, "train": False}, {**home, "epsilon": 1e-3}]


def test_settings_leave_out_an_axis_that_the_array_does_not_have(topics):
    axes = [setting.get("axis") for setting in topics["values_and_state"].settings(rank=2)]
    assert axes == [None, None, None, -1, 0]


def test_choices_and_default_are_those_of_the_clauses(topics):
    form, axis = (topics["values_and_state"].attribute(name) for name in ("form", "axis"))
    assert (form.values, form.default, axis.default) == (("one", "two"), "one", -1)


@pytest.mark.parametrize("operation", own_spec().operations.values(), ids=lambda operation: operation.name)
def test_one_tested_value_of_every_number_is_none_of_float32(operation):
    numbers = [attribute for attribute in operation.attributes if attribute.kind == "number"]
    held = [a.name for a in numbers if not any(map(has_more_digits, a.values))]
    assert not held, f"{operation.page}: float32 has all tested values of {held}; declare 0.3 and not 0.25"


# ---- words
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cross_entropy", "cross_entropy(logits, labels, mask=None, *, label_smoothing=0.0)"),
        ("dropout", "dropout(x, *, seed, rate)"),
        ("he_normal", "he_normal(shape, *, seed)"),
        ("adam", "adam(params, *, learning_rate, b1=0.9)"),
        ("lstm", "lstm(x, weights, h, c)"),
        ("batches", "batches(*, n, batch_size, seed)"),
    ],
)
def test_signature(topics, name, words):
    assert signature(topics[name]) == words


def test_arguments_in_words(topics):
    assert arguments(topics["cross_entropy"]) == {
        "logits": "[*batch, classes]",
        "labels": "[*batch], integers in [0, classes)",
        "mask": "[*batch], booleans, true takes part, may be left out",
    }
    assert arguments(topics["adam"])["each step"] == (
        "a table of gradients, one for each parameter; learning_rate anew, if given"
    )
    assert arguments(topics["perceptron"])["each step"] == "a table of x [in], label [], each -1 or 1"
    assert arguments(topics["kl_divergence"])["target"] == "[*batch, classes], positive, with sum 1 along classes"


def test_keywords_and_results_in_words(topics):
    assert keywords(topics["cross_entropy"]) == {"label_smoothing": "a number in [0, 1); 0.0 if left out"}
    assert result(topics["values_and_state"]) == "a tuple of last [*batch, n{layers}], norm [*batch]"
    assert (
        result(topics["batch_norm"]) == "[*batch, features], mean [features], variance [features], entries in (0, inf)"
    )


# ---- tables and arrays
def test_a_table_has_one_layout_for_each_reading(suite):
    table = suite.spec.operations["lstm_native"].arrays[1]
    assert isinstance(table, Table)
    assert list(table.layouts) == list(suite.spec.clauses["lstm-native.packing"].variants)


def test_values_of_an_array_are_read(topics):
    label = topics["perceptron"].step[1]
    assert label == Array("label", (), values=(-1, 1))
