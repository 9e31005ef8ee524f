"""Wrong layouts, and tables that do not fit; each caught by the clause that it names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutation import ORACLE as right
from nnspec_conformance.mutation import Mutant
from nnspec_conformance.oracles.components import weight_layouts as oracle

MUTANTS: list[Mutant] = []


def mutant(story: str, *catches: str, operation: str) -> Callable[[Callable], Callable]:
    """Add one; its name is the function's, with underscores read as spaces."""

    def add(wrong: Callable) -> Callable:
        MUTANTS.append(Mutant(wrong.__name__.replace("_", " "), story, catches, {operation: wrong}))
        return wrong

    return add


# ---- layouts


@mutant(
    "transposed on loading where it fits, as a shape test lets through",
    "dense-native.kernel",
    operation="dense_native",
)
def transposes_a_square_kernel(x, weights, *, kernel="in-out"):
    w = weights["kernel"]
    return right.dense_native(x, weights | {"kernel": w.T if w.shape[0] == w.shape[1] else w}, kernel=kernel)


@mutant("bias=False in the port", "dense-native.kernel", operation="dense_native")
def drops_the_bias(x, weights, *, kernel="in-out"):
    return right.dense_native(x, weights | {"bias": 0 * weights["bias"]}, kernel=kernel)


@mutant(
    "a convolution of mathematics, as scipy.signal.convolve",
    "convolution-native.kernel",
    operation="convolution_native",
)
def flips_the_kernel(x, weights, *, kernel="hwio"):
    window = tuple(oracle.KERNEL_AXES["convolution_native"][kernel].index(axis) for axis in (0, 1))
    return right.convolution_native(x, weights | {"kernel": np.flip(weights["kernel"], window)}, kernel=kernel)


@mutant(
    "height and width confused, right for symmetric windows",
    "convolution-native.kernel",
    operation="convolution_native",
)
def swaps_height_and_width_of_a_square_window(x, weights, *, kernel="hwio"):
    axes = oracle.KERNEL_AXES["convolution_native"][kernel]
    w = weights["kernel"]
    height, width = axes.index(0), axes.index(1)
    swapped = w.swapaxes(height, width) if w.shape[height] == w.shape[width] else w
    return right.convolution_native(x, weights | {"kernel": swapped}, kernel=kernel)


def recurrent(operation: str, story: str) -> Callable[[Callable], Callable]:
    """The decorated function changes the exchange table, or runs another cell on it."""

    def add(wrong: Callable) -> Callable:
        def native(x, weights, *, packing="by-gate"):
            return wrong(x, oracle.unpack(operation, weights, packing)).astype(x.dtype)

        name = wrong.__name__.replace("_", " ")
        MUTANTS.append(Mutant(name, story, (f"{operation.replace('_', '-')}.packing",), {operation: native}))
        return wrong

    return add


@recurrent("lstm_native", "a constant in the code, as in Haiku and old TensorFlow; belongs into the bias")
def adds_one_to_the_forget_gate(x, w):
    return oracle.lstm(x, w | {"bias_f": w["bias_f"] + 1})


@recurrent("lstm_native", "one of two biases dropped, or both filled with the sum")
def counts_the_bias_twice(x, w):
    return oracle.lstm(x, {name: 2 * v if name.startswith("bias") else v for name, v in w.items()})


@recurrent("lstm_native", "a square array looks right either way")
def transposes_the_recurrent_kernels(x, w):
    return oracle.lstm(x, {name: v.T if name.startswith("recurrent") else v for name, v in w.items()})


@recurrent("lstm_native", "the f, i, g, o of older checkpoints")
def swaps_input_and_forget_gate(x, w):
    swap = {"i": "f", "f": "i"}
    return oracle.lstm(x, {name[:-1] + swap.get(name[-1], name[-1]): v for name, v in w.items()})


@recurrent("gru_native", "the two biases of the candidate added, as those of the gates may be")
def adds_the_recurrent_bias_of_the_candidate_outside_the_reset(x, w):
    zero = np.zeros_like(w["bias_n"])
    return oracle.gru(x, w | {"bias_n": w["bias_n"] + w.get("recurrent_bias_n", zero), "recurrent_bias_n": zero})


@recurrent("gru_native", "h' = (1 - z) h + z n, as in Chung et al. 2014")
def takes_the_update_gate_the_other_way_round(x, w):
    return oracle.gru(x, {name: -v if name.endswith("_z") else v for name, v in w.items()})


@recurrent("gru_native", "z, r, n taken for r, z, n: Keras for PyTorch")
def swaps_reset_and_update_gate(x, w):
    swap = {"r": "z", "z": "r"}
    return oracle.gru(x, {name[:-1] + swap.get(name[-1], name[-1]): v for name, v in w.items()})


# ---- tables that do not fit


def lenient(clause: str, story: str) -> Callable[[Callable], Callable]:
    """One mutant for each layer; the decorated function mends the table before the right layer gets it."""

    def add(mend: Callable) -> Callable:
        for operation in oracle.FORWARD:

            def native(x, weights, *, operation=operation, **reading):
                how = next(iter(reading.values()), "in-out")
                return getattr(right, operation)(x, mend(operation, weights, how), **reading)

            name = mend.__name__.replace("_", " ")
            MUTANTS.append(Mutant(name, story, (f"{clause}[{operation}]",), {operation: native}))
        return mend

    return add


@lenient("native.shape-error", "NumPy's rules make one bias serve every unit")
def broadcasts_a_bias_of_one_entry(operation, weights, reading):
    if operation in oracle.KERNEL_AXES:
        units = weights["kernel"].shape[np.argmax(oracle.KERNEL_AXES[operation][reading])]
    else:  # gates below or beside one another, or each by name: then the kernel of the state is square
        units = max(next(w for name, w in weights.items() if name.startswith("recurrent_kernel")).shape)
    return {name: np.resize(w, units) if name.startswith("bias") else w for name, w in weights.items()}


@lenient("native.name-error", "unknown names are skipped, as with strict=False")
def skips_names_it_does_not_know(operation, weights, reading):
    known = oracle.names(operation, reading)
    return {name: w for name, w in weights.items() if name in known}
