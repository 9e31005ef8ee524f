r"""Long short-term memory: a recurrent layer with a cell that it adds to, and gates that say when.

`lstm_step` is one step, `lstm` a whole sequence, and `lstm_start` the weights of a new layer.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from nnspec import tables
from nnspec.architectures._sequences import active, check_lengths, in_order, scan
from nnspec.checking import checked
from nnspec.components.activations import sigmoid, tanh

__all__ = ["lstm", "lstm_start", "lstm_step"]

GATES = "ifgo"  # input, forget, candidate, output
KINDS = {"kernel": "in_features hidden", "recurrent_kernel": "hidden hidden", "bias": "hidden"}
AXES = {f"{name}_{gate}": axes for name, axes in KINDS.items() for gate in GATES}


@checked
@jax.jit
def lstm_step(
    x: Float[Array, "batch in_features"],
    weights: dict,
    h: Float[Array, "batch hidden"],
    c: Float[Array, "batch hidden"],
) -> tuple[Float[Array, "batch hidden"], Float[Array, "batch hidden"]]:
    r"""Make a new state and a new cell of an input and those before.

    With $W_k$ = ``kernel_k``, $U_k$ = ``recurrent_kernel_k``, $b_k$ = ``bias_k`` for each of $i$, $f$, $g$, $o$:
    $c_t = f \odot c_{t-1} + i \odot g$, $h_t = o \odot \tanh c_t$   [lstm-step.value][]

    Args:
        x: one input for each example, any float dtype.
        weights: ``kernel_k`` [in, hidden], ``recurrent_kernel_k`` [hidden, hidden] and ``bias_k`` [hidden] for each
            gate k of i, f, g and o.
        h: the state before, $h_{t-1}$.
        c: the cell before, $c_{t-1}$.

    Returns:
        The new state $h_t$ and the new cell $c_t$.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others.

    Source: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000, section 3, without peepholes.
    """
    tables.check("lstm_step", weights, AXES, x=x)
    _check_carry("lstm_step", weights, h, c)
    z = {k: x @ weights[f"kernel_{k}"] + h @ weights[f"recurrent_kernel_{k}"] + weights[f"bias_{k}"] for k in GATES}
    i, f, g, o = sigmoid(z["i"]), sigmoid(z["f"]), tanh(z["g"]), sigmoid(z["o"])
    c = f * c + i * g
    h = o * tanh(c)
    return h, c


@checked
def lstm(
    x: Float[Array, "batch time in_features"],
    weights: dict,
    h: Float[Array, "batch hidden"] | None = None,
    c: Float[Array, "batch hidden"] | None = None,
    lengths: Int[Array, "batch"] | None = None,
    *,
    reverse: bool = False,
) -> tuple[Float[Array, "batch time hidden"], Float[Array, "batch hidden"], Float[Array, "batch hidden"]]:
    r"""Read sequences step by step, and keep a state and a cell.

    With $W_k$ = ``kernel_k``, $U_k$ = ``recurrent_kernel_k``, $b_k$ = ``bias_k``, $h_0$ = ``h``, $c_0$ = ``c``:
    $c_t = f_t \odot c_{t-1} + i_t \odot g_t$, $h_t = o_t \odot \tanh c_t$   [lstm.value][]

    Args:
        x: the sequences, padded to one length, any float dtype.
        weights: as for `lstm_step`.
        h: the first state; zeros by default.
        c: the first cell; zeros by default.
        lengths: how many steps each sequence has, 0 to ``time``; by default all. What lies behind is not read.
        reverse: read each sequence from its end to its front; state t still belongs to input t.

    Returns:
        The states of all steps, zeros behind the end of a sequence; then the state and the cell at the end of each
        sequence, which are the carry for what comes next.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; a length is negative or
            larger than the number of steps.
        TypeError: the lengths are no integers.

    Source: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000, section 3, without peepholes.
    """
    tables.check("lstm", weights, AXES, x=x)
    _check_carry("lstm", weights, h, c)
    check_lengths("lstm", lengths, x.shape[1])
    return _lstm(x, weights, h, c, lengths, reverse=reverse)


@partial(jax.jit, static_argnames="reverse")
def _lstm(
    x: Array, weights: dict, h: Array | None, c: Array | None, lengths: Array | None, *, reverse: bool
) -> tuple[Array, Array, Array]:
    m = active(x, lengths)
    x = x if m is None else jnp.where(m, x, 0)  # a NaN in the padding would reach the gradient of W
    zero = jnp.zeros((x.shape[0], weights["bias_i"].shape[0]), x.dtype)
    start = (zero if h is None else h, zero if c is None else c)
    # All gates side by side, so that a step has two products and not eight.
    W, U, b = (jnp.concatenate([weights[f"{name}_{k}"] for k in GATES], -1) for name in KINDS)

    def step(carry: tuple[Array, Array], x_t: Array) -> tuple[Array, Array]:
        h, c = carry
        i, f, g, o = jnp.split(x_t @ W + h @ U + b, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    last, (states, _) = scan(step, start, in_order(x, lengths, reverse), m)
    states = in_order(states, lengths, reverse)
    return states if m is None else jnp.where(m, states, 0), *last


@checked
def lstm_start(
    key: PRNGKeyArray,
    in_features: int,
    hidden_features: int,
    *,
    forget_bias: float = 1.0,
    dtype: np.dtype | type = np.float32,
) -> dict:
    r"""Draw the weights of a new layer: kernels of variance 1 over their inputs, biases 0, that of the forget gate 1.

    With $n$ the number of inputs of a kernel: $W \sim \mathcal N(0, 1/n)$, $b_f$ = ``forget_bias``
    [lstm-forget-bias.start][]

    Args:
        key: of the random numbers.
        in_features: how many numbers an input has.
        hidden_features: how many units the layer has.
        forget_bias: the bias of the forget gates, with which a new layer keeps or forgets its cell.
        dtype: of the weights.

    Returns:
        The table that `lstm_step` and `lstm` take.

    Raises:
        ValueError: a number of features is below 1.

    Source: Gers, Schmidhuber and Cummins 2000, section 4; Jozefowicz, Zaremba and Sutskever 2015, section 2.4.
    """
    for name, size in (("in_features", in_features), ("hidden_features", hidden_features)):
        if size < 1:
            raise ValueError(f"lstm_start: {name}={size} leaves no layer; expected an integer of at least 1")
    weights = {}
    for name, axes in AXES.items():
        shape = tuple({"in_features": in_features, "hidden": hidden_features}[axis] for axis in axes.split())
        key, own = jax.random.split(key)
        weights[name] = (
            jnp.full(shape, forget_bias if name == "bias_f" else 0.0, dtype)
            if len(shape) == 1
            else jax.random.normal(own, shape, dtype) * jnp.asarray(shape[0] ** -0.5, dtype)
        )
    return weights


def _check_carry(operation: str, weights: dict, h: Array | None, c: Array | None) -> None:
    if (h is None) != (c is None):
        given, missing = ("c", "h") if h is None else ("h", "c")
        raise ValueError(f"{operation}: {given} is given without {missing}; hand over both, or none for zeros")
    units = weights["bias_i"].shape[0]
    for name, part in (("h", h), ("c", c)):
        if part is not None and part.shape[-1] != units:
            raise ValueError(f"{operation}: {name} has hidden={part.shape[-1]} but weights have hidden={units}")
