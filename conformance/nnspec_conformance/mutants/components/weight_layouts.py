"""Wrong layouts, and tables that do not fit; each caught by the clause that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.components import weight_layouts as oracle

MUTANTS = Mutants()
NATIVE = ("dense_native", "convolution_native", "lstm_native", "gru_native")

# ---- layouts


@MUTANTS.add("transposed on loading where it fits, as a shape test lets through", "dense-native.kernel")
def transposes_a_square_kernel(x, weights, *, kernel="in-out"):
    w = weights["kernel"]
    return right.dense_native(x, weights | {"kernel": w.T if w.shape[0] == w.shape[1] else w}, kernel=kernel)


@MUTANTS.add("bias=False in the port", "dense-native.kernel")
def drops_the_bias(x, weights, *, kernel="in-out"):
    return right.dense_native(x, weights | {"bias": 0 * weights["bias"]}, kernel=kernel)


@MUTANTS.add("a convolution of mathematics, as scipy.signal.convolve", "convolution-native.kernel")
def flips_the_kernel(x, weights, *, kernel="hwio"):
    window = tuple(oracle.KERNEL_AXES["convolution_native"][kernel].index(axis) for axis in (0, 1))
    return right.convolution_native(x, weights | {"kernel": np.flip(weights["kernel"], window)}, kernel=kernel)


@MUTANTS.add("height and width confused, right for symmetric windows", "convolution-native.kernel")
def swaps_height_and_width_of_a_square_window(x, weights, *, kernel="hwio"):
    axes = oracle.KERNEL_AXES["convolution_native"][kernel]
    w = weights["kernel"]
    height, width = axes.index(0), axes.index(1)
    swapped = w.swapaxes(height, width) if w.shape[height] == w.shape[width] else w
    return right.convolution_native(x, weights | {"kernel": swapped}, kernel=kernel)


def unpacked(cell: Callable) -> Callable:
    """A recurrent layer that reads its table rightly and runs the decorated function on it."""

    @functools.wraps(cell)
    def native(f, x, weights, *, packing="by-gate", **form):
        return cell(x, oracle.unpack(f.__name__, weights, packing), **form).astype(x.dtype)

    return native


@MUTANTS.each("one of two biases dropped, or both filled with the sum", "lstm-native.packing")
@unpacked
def counts_the_bias_twice(x, w, **form):
    return oracle.lstm(x, {name: 2 * v if name.startswith("bias") else v for name, v in w.items()}, **form)


@MUTANTS.each("a square array looks right either way", "lstm-native.packing")
@unpacked
def transposes_the_recurrent_kernels(x, w, **form):
    return oracle.lstm(x, {name: v.T if name.startswith("recurrent") else v for name, v in w.items()}, **form)


@MUTANTS.each("the f, i, g, o of older checkpoints", "lstm-native.packing")
@unpacked
def swaps_input_and_forget_gate(x, w, **form):
    swap = {"i": "f", "f": "i"}
    return oracle.lstm(x, {name[:-1] + swap.get(name[-1], name[-1]): v for name, v in w.items()}, **form)


@MUTANTS.each("the two biases of the candidate added, as those of the gates may be", "gru-native.packing")
@unpacked
def adds_the_recurrent_bias_of_the_candidate_outside_the_reset(x, w, **form):
    zero = np.zeros_like(w["bias_n"])
    return oracle.gru(
        x, w | {"bias_n": w["bias_n"] + w.get("recurrent_bias_n", zero), "recurrent_bias_n": zero}, **form
    )


@MUTANTS.each("z, r, n taken for r, z, n: Keras for PyTorch", "gru-native.packing")
@unpacked
def swaps_reset_and_update_gate(x, w, **form):
    swap = {"r": "z", "z": "r"}
    return oracle.gru(x, {name[:-1] + swap.get(name[-1], name[-1]): v for name, v in w.items()}, **form)


@MUTANTS.each("the i, g, f, o of Haiku and Sonnet taken for i, f, g, o", "lstm-native.packing")
@unpacked
def swaps_forget_gate_and_candidate(x, w, **form):
    swap = {"f": "g", "g": "f"}
    return oracle.lstm(x, {name[:-1] + swap.get(name[-1], name[-1]): v for name, v in w.items()}, **form)


# ---- another cell than the declared one


@MUTANTS.each("a constant in the code, as in Haiku and old TensorFlow", "lstm-native.forget-gate")
def adds_one_to_the_forget_gate(f, x, weights, **given):
    return f(x, weights, **given | {"forget_gate": "one-added"})


@MUTANTS.each("the paper's order, Keras' reset_after=False and ONNX' linear_before_reset=0", "gru-native.reset")
def resets_before_the_product(f, x, weights, **given):
    return f(x, weights, **given | {"reset": "before"})


@MUTANTS.each("h' = (1 - z) h + z n, as in Chung et al. 2014", "gru-native.update")
def takes_the_update_gate_the_other_way_round(f, x, weights, **given):
    return f(x, weights, **given | {"update": "replaces"})


# ---- tables that do not fit


@MUTANTS.each("NumPy's rules make one bias serve every unit", "duty.broadcasting", operations=NATIVE)
def broadcasts_a_bias_of_one_entry(f, x, weights, **reading):
    if f.__name__ in oracle.KERNEL_AXES:
        units = weights["kernel"].shape[np.argmax(oracle.KERNEL_AXES[f.__name__][reading["kernel"]])]
    elif weights.keys() == {"kernel", "bias"}:  # one kernel for input and state, the gates beside one another
        units = weights["kernel"].shape[1]
    else:  # gates below or beside one another, or each by name: then the kernel of the state is square
        units = max(next(w for name, w in weights.items() if name.startswith("recurrent_kernel")).shape)
    mended = {name: np.resize(w, units) if name.startswith("bias") else w for name, w in weights.items()}
    return f(x, mended, **reading)
