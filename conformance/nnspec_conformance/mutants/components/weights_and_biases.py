"""Wrong counts, and weights that do not do what a weight does; each caught by the clause that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.components import weights_and_biases as oracle

MUTANTS = Mutants()

# ---- one weight, one bias


@MUTANTS.add("an equalized learning rate scales at run time", "weights.connection")
def scales_the_kernel_by_the_root_of_the_inputs(x, kernel, bias, **_):
    return (right.dense(x, kernel, 0 * bias) / x.dtype.type(np.sqrt(x.shape[-1])) + bias).astype(x.dtype)


@MUTANTS.add("one weight serves two connections", "weights.connection")
def ties_the_last_output_to_the_first(x, kernel, bias, **_):
    kernel = kernel.copy()
    kernel[:, -1] = kernel[:, 0]
    return right.dense(x, kernel, bias)


@MUTANTS.add("weights are clipped on the way, as in spectral or Wasserstein nets", "weights.connection")
def clips_the_weights_to_6(x, kernel, bias, **_):
    return right.dense(x, np.clip(kernel, -6, 6), bias)


@MUTANTS.add("the flag use_bias was lost", "biases.shift")
def leaves_the_bias_out(x, kernel, bias, **_):
    return right.dense(x, kernel, 0 * bias)


@MUTANTS.add("one bias for all units, by broadcasting", "biases.shift")
def gives_every_unit_the_first_bias(x, kernel, bias, **_):
    return right.dense(x, kernel, np.full_like(bias, bias[0]))


@MUTANTS.add("added once for each example of the batch", "biases.shift")
def adds_the_bias_twice(x, kernel, bias, **_):
    return right.dense(x, kernel, 2 * bias)


# ---- counts


def of(*layers: str) -> Callable[[Callable], Callable]:
    """Count these layers by the decorated function of the right count and the sizes, and all others rightly."""

    def bind(wrong: Callable) -> Callable:
        @functools.wraps(wrong)
        def parameter_count(*, layer, **sizes):
            count = oracle.parameter_count(layer=layer, **sizes)
            return np.asarray(wrong(count, **sizes) if layer in layers else count)

        return parameter_count

    return bind


@MUTANTS.add("one bias for each input", "parameter-count.dense")
@of("dense")
def counts_a_bias_for_each_input(count, *, in_features, out_features, use_bias=True, **_):
    return in_features * out_features + (in_features if use_bias else 0)


@MUTANTS.add("the flag is ignored", "parameter-count.dense")
@of("dense")
def counts_the_bias_that_is_turned_off(count, *, in_features, out_features, **_):
    return (in_features + 1) * out_features


@MUTANTS.add("the last layer is forgotten", "parameter-count.mlp")
@of("mlp")
def counts_the_hidden_layers_only(count, *, sizes, use_bias=True, **_):
    return oracle.parameter_count(layer="mlp", sizes=sizes[:-1], use_bias=use_bias)


@MUTANTS.add("units are counted too", "parameter-count.mlp")
@of("mlp")
def counts_a_bias_for_each_input_unit(count, *, sizes, use_bias=True, **_):
    return count + (sizes[0] if use_bias else 0)


@MUTANTS.add("a row for padding is added in silence", "parameter-count.embedding")
@of("embedding")
def counts_a_row_more(count, *, num_embeddings, features, **_):
    return (num_embeddings + 1) * features


@MUTANTS.add("as if every filter saw every channel", "parameter-count.convolution")
@of("convolution")
def ignores_the_groups(count, *, groups=1, **sizes):
    return oracle.parameter_count(layer="convolution", **sizes)


@MUTANTS.add("a square window is assumed", "parameter-count.convolution")
@of("convolution")
def squares_the_first_side_of_the_window(count, *, kernel_size, **sizes):
    square = (kernel_size[0],) * len(kernel_size)
    return oracle.parameter_count(layer="convolution", kernel_size=square, **sizes)


@MUTANTS.add("taken for a full convolution", "parameter-count.depthwise-convolution")
@of("depthwise_convolution")
def lets_a_filter_see_every_channel(count, *, kernel_size, in_features, multiplier=1, use_bias=True, **_):
    return oracle.parameter_count(
        layer="convolution", kernel_size=kernel_size, in_features=in_features,
        out_features=in_features * multiplier, use_bias=use_bias,
    )  # fmt: skip


@MUTANTS.add("the multiplier is forgotten", "parameter-count.depthwise-convolution")
@of("depthwise_convolution")
def has_one_filter_a_channel(count, *, multiplier=1, **_):
    return count // multiplier


@MUTANTS.add(
    "all weights of the layer, as count_params does", "parameter-count.batch-norm", "parameter-count.running-statistics"
)
@of("batch_norm")
def counts_the_running_statistics(count, *, features, **_):
    return count + 2 * features


@MUTANTS.add("the flag is ignored", "parameter-count.layer-norm")
@of("layer_norm")
def has_a_bias_always(count, *, features, use_scale=True, **_):
    return (int(use_scale) + 1) * features


@MUTANTS.add("the kernel of the state is forgotten", "parameter-count.rnn")
@of("rnn")
def forgets_the_recurrent_kernel_of_an_rnn(count, *, hidden_features, **_):
    return count - hidden_features**2


@MUTANTS.add("the cell's candidate is not taken for a gate", "parameter-count.lstm")
@of("lstm")
def counts_three_gates(count, **_):
    return count * 3 // 4


@MUTANTS.add("peepholes from the cell to three gates", "parameter-count.lstm")
@of("lstm")
def counts_peepholes(count, *, hidden_features, **_):
    return count + 3 * hidden_features


@MUTANTS.add("taken for an LSTM", "parameter-count.gru")
@of("gru")
def counts_four_gates(count, **_):
    return count * 4 // 3


@MUTANTS.add("the flag is ignored", "parameter-count.recurrent-without-bias")
@of("rnn", "lstm", "gru")
def counts_recurrent_biases_always(count, *, hidden_features, **_):
    return count + hidden_features


@MUTANTS.add("the output map is forgotten", "parameter-count.attention")
@of("attention")
def counts_query_key_and_value_only(count, **_):
    return count * 3 // 4


@MUTANTS.add("every head as wide as the model", "parameter-count.attention")
@of("attention")
def gives_every_head_the_full_width(count, *, num_heads, **_):
    return count * num_heads
