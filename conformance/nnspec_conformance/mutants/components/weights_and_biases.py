"""Wrong counts, and weights that do not do what a weight does; each caught by the clause that it names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutation import ORACLE as right
from nnspec_conformance.mutation import Mutant
from nnspec_conformance.oracles.components import weights_and_biases as oracle

MUTANTS: list[Mutant] = []


def mutant(story: str, *catches: str, operation: str) -> Callable[[Callable], Callable]:
    """Add one; its name is the function's, with underscores read as spaces."""

    def add(wrong: Callable) -> Callable:
        MUTANTS.append(Mutant(wrong.__name__.replace("_", " "), story, catches, {operation: wrong}))
        return wrong

    return add


# ---- one weight, one bias


@mutant("an equalized learning rate scales at run time", "weights.connection", operation="dense")
def scales_the_kernel_by_the_root_of_the_inputs(x, kernel, bias):
    return (right.dense(x, kernel, 0 * bias) / x.dtype.type(np.sqrt(x.shape[-1])) + bias).astype(x.dtype)


@mutant("one weight serves two connections", "weights.connection", operation="dense")
def ties_the_last_output_to_the_first(x, kernel, bias):
    kernel = kernel.copy()
    kernel[:, -1] = kernel[:, 0]
    return right.dense(x, kernel, bias)


@mutant("weights are clipped on the way, as in spectral or Wasserstein nets", "weights.connection", operation="dense")
def clips_the_weights_to_6(x, kernel, bias):
    return right.dense(x, np.clip(kernel, -6, 6), bias)


@mutant("the flag use_bias was lost", "biases.shift", operation="dense")
def leaves_the_bias_out(x, kernel, bias):
    return right.dense(x, kernel, 0 * bias)


@mutant("one bias for all units, by broadcasting", "biases.shift", operation="dense")
def gives_every_unit_the_first_bias(x, kernel, bias):
    return right.dense(x, kernel, np.full_like(bias, bias[0]))


@mutant("added once for each example of the batch", "biases.shift", operation="dense")
def adds_the_bias_twice(x, kernel, bias):
    return right.dense(x, kernel, 2 * bias)


# ---- counts


def miscounts(layers: str | tuple[str, ...], story: str, *catches: str) -> Callable[[Callable], Callable]:
    """The decorated function changes the right count of some layers; it gets the count and the sizes."""
    layers = (layers,) if isinstance(layers, str) else layers

    def add(wrong: Callable) -> Callable:
        def parameter_count(*, layer, **sizes):
            count = oracle.parameter_count(layer=layer, **sizes)
            return np.asarray(wrong(count, **sizes) if layer in layers else count)

        MUTANTS.append(
            Mutant(wrong.__name__.replace("_", " "), story, catches, {"parameter_count": parameter_count})
        )  # fmt: skip
        return wrong

    return add


@miscounts("dense", "one bias for each input", "parameter-count.dense")
def counts_a_bias_for_each_input(count, *, in_features, out_features, use_bias=True, **_):
    return in_features * out_features + (in_features if use_bias else 0)


@miscounts("dense", "the flag is ignored", "parameter-count.dense")
def counts_the_bias_that_is_turned_off(count, *, in_features, out_features, **_):
    return (in_features + 1) * out_features


@miscounts("mlp", "the last layer is forgotten", "parameter-count.mlp")
def counts_the_hidden_layers_only(count, *, sizes, use_bias=True, **_):
    return oracle.parameter_count(layer="mlp", sizes=sizes[:-1], use_bias=use_bias)


@miscounts("mlp", "units are counted too", "parameter-count.mlp")
def counts_a_bias_for_each_input_unit(count, *, sizes, use_bias=True, **_):
    return count + (sizes[0] if use_bias else 0)


@miscounts("embedding", "a row for padding is added in silence", "parameter-count.embedding")
def counts_a_row_more(count, *, num_embeddings, features, **_):
    return (num_embeddings + 1) * features


@miscounts("convolution", "as if every filter saw every channel", "parameter-count.convolution")
def ignores_the_groups(count, *, groups=1, **sizes):
    return oracle.parameter_count(layer="convolution", **sizes)


@miscounts("convolution", "a square window is assumed", "parameter-count.convolution")
def squares_the_first_side_of_the_window(count, *, kernel_size, **sizes):
    square = (kernel_size[0],) * len(kernel_size)
    return oracle.parameter_count(layer="convolution", kernel_size=square, **sizes)


@miscounts("depthwise_convolution", "taken for a full convolution", "parameter-count.depthwise-convolution")
def lets_a_filter_see_every_channel(count, *, kernel_size, in_features, multiplier=1, use_bias=True, **_):
    return oracle.parameter_count(
        layer="convolution", kernel_size=kernel_size, in_features=in_features,
        out_features=in_features * multiplier, use_bias=use_bias,
    )  # fmt: skip


@miscounts("depthwise_convolution", "the multiplier is forgotten", "parameter-count.depthwise-convolution")
def has_one_filter_a_channel(count, *, multiplier=1, **_):
    return count // multiplier


@miscounts(
    "batch_norm",
    "all weights of the layer, as count_params does",
    "parameter-count.batch-norm",
    "parameter-count.running-statistics",
)
def counts_the_running_statistics(count, *, features, **_):
    return count + 2 * features


@miscounts("layer_norm", "the flag is ignored", "parameter-count.layer-norm")
def has_a_bias_always(count, *, features, use_scale=True, **_):
    return (int(use_scale) + 1) * features


@miscounts("rnn", "the kernel of the state is forgotten", "parameter-count.rnn")
def forgets_the_recurrent_kernel_of_an_rnn(count, *, hidden_features, **_):
    return count - hidden_features**2


@miscounts("lstm", "the cell's candidate is not taken for a gate", "parameter-count.lstm")
def counts_three_gates(count, **_):
    return count * 3 // 4


@miscounts("lstm", "peepholes from the cell to three gates", "parameter-count.lstm")
def counts_peepholes(count, *, hidden_features, **_):
    return count + 3 * hidden_features


@miscounts("gru", "taken for an LSTM", "parameter-count.gru")
def counts_four_gates(count, **_):
    return count * 4 // 3


@miscounts(("rnn", "lstm", "gru"), "the flag is ignored", "parameter-count.recurrent-without-bias")
def counts_recurrent_biases_always(count, *, hidden_features, **_):
    return count + hidden_features


@miscounts("attention", "the output map is forgotten", "parameter-count.attention")
def counts_query_key_and_value_only(count, **_):
    return count * 3 // 4


@miscounts("attention", "every head as wide as the model", "parameter-count.attention")
def gives_every_head_the_full_width(count, *, num_heads, **_):
    return count * num_heads
