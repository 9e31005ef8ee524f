"""The layouts in which frameworks keep weights, and the layers that read them, in NumPy.

A layer's weights are handed over as one table of arrays, laid out as the reading says; ``unpack`` brings them into the
exchange layout, ``pack`` makes them. The forward functions take the exchange layout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnspec_conformance.special import expit


@dataclass(frozen=True)
class Packing:
    """How the gates of a recurrent layer are joined.

    Attributes:
        order: of the gates, one letter each.
        rows: gates below one another and kernels [out, in], or side by side and kernels [in, out].
        recurrent_bias: gates that have a second bias.
        joint: the kernel of the state lies below that of the input, in one array.
    """

    order: str
    rows: bool
    recurrent_bias: str = ""
    joint: bool = False


GATES = {"lstm_native": "ifgo", "gru_native": "rzn"}
PACKINGS = {
    "lstm_native": {
        "by-gate": None,
        "columns-ifgo": Packing("ifgo", False),
        "joint-columns-igfo": Packing("igfo", False, joint=True),
        "rows-ifgo": Packing("ifgo", True),
        "rows-ifgo-two-biases": Packing("ifgo", True, "ifgo"),
        "rows-iofg-two-biases": Packing("iofg", True, "iofg"),
    },
    "gru_native": {
        "by-gate": None,
        "columns-rzn": Packing("rzn", False),
        "columns-zrn": Packing("zrn", False),
        "columns-zrn-two-biases": Packing("zrn", False, "zrn"),
        "rows-rzn-candidate-bias": Packing("rzn", True, "n"),
        "rows-rzn-two-biases": Packing("rzn", True, "rzn"),
        "rows-zrn-two-biases": Packing("zrn", True, "zrn"),
    },
}
KERNEL_AXES = {  # from the exchange layout
    "dense_native": {"in-out": (0, 1), "out-in": (1, 0)},
    "convolution_native": {"hwio": (0, 1, 2, 3), "oihw": (3, 2, 0, 1), "ohwi": (3, 0, 1, 2)},
}


def pack(operation, table, reading):
    """The exchange table, and for gates recurrent biases beside it, in the layout of a reading."""
    if operation in KERNEL_AXES:
        kernel = np.ascontiguousarray(table["kernel"].transpose(KERNEL_AXES[operation][reading]))
        return {"kernel": kernel, "bias": table["bias"]}
    packing = PACKINGS[operation][reading]
    if packing is None:
        second = {"recurrent_bias_n"} if operation == "gru_native" else set()
        return {name: w for name, w in table.items() if not name.startswith("recurrent_bias") or name in second}
    axis = 0 if packing.rows else 1

    def joined(name):
        kernels = [table[f"{name}_{gate}"] for gate in packing.order]
        return np.ascontiguousarray(np.concatenate([w.T if packing.rows else w for w in kernels], axis))

    kernels = {"kernel": joined("kernel"), "recurrent_kernel": joined("recurrent_kernel")}
    if packing.joint:
        kernels = {"kernel": np.concatenate([kernels["kernel"], kernels["recurrent_kernel"]])}
    packed = kernels | {"bias": np.concatenate([table[f"bias_{gate}"] for gate in packing.order])}
    if packing.recurrent_bias:
        packed["recurrent_bias"] = np.concatenate([table[f"recurrent_bias_{gate}"] for gate in packing.recurrent_bias])
    return packed


def unpack(operation, weights, reading):
    """The exchange table; biases that the layer adds are added."""
    if set(weights) != names(operation, reading):
        raise ValueError(f"{operation} takes {sorted(names(operation, reading))}, got {sorted(weights)}")
    if operation in KERNEL_AXES:
        axes = np.argsort(KERNEL_AXES[operation][reading])
        return {"kernel": weights["kernel"].transpose(axes), "bias": weights["bias"]}
    packing = PACKINGS[operation][reading]
    if packing is None:
        return dict(weights)
    gates, axis = len(packing.order), 0 if packing.rows else 1
    if packing.joint:
        above = len(weights["kernel"]) - weights["bias"].size // gates  # the input comes first, then the state
        both = np.split(weights["kernel"], [above]) if above >= 0 else (weights["kernel"],) * 2
        weights = weights | dict(zip(("kernel", "recurrent_kernel"), both, strict=True))
    table = {}
    for name in ("kernel", "recurrent_kernel"):
        for gate, w in zip(packing.order, np.split(weights[name], gates, axis), strict=True):
            table[f"{name}_{gate}"] = w.T if packing.rows else w
    for gate, b in zip(packing.order, np.split(weights["bias"], gates), strict=True):
        table[f"bias_{gate}"] = b
    if packing.recurrent_bias:
        parts = np.split(weights["recurrent_bias"], len(packing.recurrent_bias))
        for gate, b in zip(packing.recurrent_bias, parts, strict=True):
            if operation == "gru_native" and gate == "n":
                table["recurrent_bias_n"] = b
            else:
                table[f"bias_{gate}"] = table[f"bias_{gate}"] + b
    return table


def names(operation, reading):
    """The names of the arrays in a table that lies as the reading says."""
    if operation in KERNEL_AXES:
        return {"kernel", "bias"}
    packing = PACKINGS[operation][reading]
    if packing is None:
        kinds = ("kernel", "recurrent_kernel", "bias")
        by_gate = {f"{kind}_{gate}" for kind in kinds for gate in GATES[operation]}
        return by_gate | ({"recurrent_bias_n"} if operation == "gru_native" else set())
    second = {"recurrent_bias"} if packing.recurrent_bias else set()
    return {"kernel", "bias"} | second | (set() if packing.joint else {"recurrent_kernel"})


# ---- layers on the exchange layout; ``rounded`` is applied to every operand, for the spread of rounding


def dense(x, table, rounded=lambda v: v):
    if table["bias"].shape != table["kernel"].shape[1:]:
        raise ValueError(f"bias {table['bias'].shape} does not fit kernel {table['kernel'].shape}")
    return rounded(x) @ rounded(table["kernel"]) + rounded(table["bias"])


def convolution(x, table, rounded=lambda v: v):
    """Cross-correlation of [batch, height, width, in] with stride 1 and no padding."""
    kernel, bias = rounded(table["kernel"]), rounded(table["bias"])
    if bias.shape != kernel.shape[3:]:
        raise ValueError(f"bias {bias.shape} does not fit kernel {kernel.shape}")
    patches = np.lib.stride_tricks.sliding_window_view(rounded(x), kernel.shape[:2], axis=(1, 2))
    return np.einsum("nhwiab,abio->nhwo", patches, kernel) + bias


def lstm(x, table, rounded=lambda v: v, *, forget_gate="bias-alone"):
    """Hidden states of [batch, time, in] from a zero start."""
    added = {"i": 0, "f": 1 if forget_gate == "one-added" else 0, "g": 0, "o": 0}
    w = {name: rounded(v) for name, v in _fitting(table, "ifgo").items()}
    h = c = np.zeros((len(x), w["bias_i"].size), x.dtype)
    states = []
    for t in range(x.shape[1]):
        z = {k: rounded(rounded(x[:, t]) @ w[f"kernel_{k}"] + h @ w[f"recurrent_kernel_{k}"] + w[f"bias_{k}"] + one)
             for k, one in added.items()}  # fmt: skip
        f, i, g, o = (rounded((np.tanh if k == "g" else expit)(z[k])) for k in "figo")
        c = rounded(f * c + i * g)
        h = rounded(o * rounded(np.tanh(c)))
        states.append(h)
    return np.stack(states, 1)


def gru(x, table, rounded=lambda v: v, *, reset="after", update="keeps"):
    """Hidden states from a zero start; the reset gate scales the state, or its product with the kernel and its bias."""
    w = {name: rounded(v) for name, v in _fitting(table, "rzn").items()}
    h = np.zeros((len(x), w["bias_r"].size), x.dtype)
    states = []
    for t in range(x.shape[1]):
        u = {k: rounded(rounded(x[:, t]) @ w[f"kernel_{k}"] + w[f"bias_{k}"]) for k in "rzn"}
        v = {k: rounded(h @ w[f"recurrent_kernel_{k}"]) for k in "rz"}
        r, z = (rounded(expit(rounded(u[k] + v[k]))) for k in "rz")
        if reset == "before":
            of_state = rounded(rounded(r * h) @ w["recurrent_kernel_n"]) + w.get("recurrent_bias_n", 0)
        else:
            of_state = r * (rounded(h @ w["recurrent_kernel_n"]) + w.get("recurrent_bias_n", 0))
        n = rounded(np.tanh(rounded(u["n"] + of_state)))
        h = rounded((1 - z) * n + z * h if update == "keeps" else (1 - z) * h + z * n)
        states.append(h)
    return np.stack(states, 1)


def _fitting(table, gates):
    """The table, if every bias has one entry a unit."""
    units = table[f"kernel_{gates[0]}"].shape[1]
    wrong = [name for name, w in table.items() if w.shape[-1] != units]
    if wrong:
        raise ValueError(f"{wrong[0]} has shape {table[wrong[0]].shape}, expected {units} units")
    return table


FORWARD = {"dense_native": dense, "convolution_native": convolution, "lstm_native": lstm, "gru_native": gru}


def dense_native(x, weights, *, kernel="in-out"):
    return dense(x, unpack("dense_native", weights, kernel))


def convolution_native(x, weights, *, kernel="hwio"):
    return convolution(x, unpack("convolution_native", weights, kernel))


def lstm_native(x, weights, *, packing="by-gate", forget_gate="bias-alone"):
    return lstm(x, unpack("lstm_native", weights, packing), forget_gate=forget_gate)


def gru_native(x, weights, *, packing="by-gate", reset="after", update="keeps"):
    return gru(x, unpack("gru_native", weights, packing), reset=reset, update=update)
