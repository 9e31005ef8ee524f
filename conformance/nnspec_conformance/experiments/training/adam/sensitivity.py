"""C.4.3: do the hyper-parameters of Adam need tuning? Rates and decay rates over a small network on digits."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.errors import HarnessError
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import geometric_interval
from nnspec_conformance.experiments.training.adam.runs import trained

RATES = 10.0 ** np.arange(-5, 0.25, 0.5)
BETA1, BETA2 = (0.0, 0.5, 0.9, 0.99), (0.9, 0.99, 0.999, 0.9999)
WIDTHS, BATCH = (64, 32, 10), 64
DEFAULT = 4  # the place of 0.001 among the rates


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images of 64 pixels from 0 to 1, and their digits.

    Raises:
        HarnessError: scikit-learn, which has the data, is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise HarnessError("the digits come with scikit-learn; pip install scikit-learn") from error
    found: Any = load_digits()
    return np.asarray(found.data / 16, np.float32), np.asarray(found.target, np.int32)


@experiment("adam-sensitivity", short={"seeds": 2, "steps": 5})
def sensitivity(seeds: int, *, steps: int = 300) -> Outcome:
    """Final losses over the rates, and over the decay rates at the best of them."""
    by_rate = np.array([losses(seed, steps, RATES) for seed in watched(range(seeds), "adam-sensitivity, rates")])
    means = np.exp(np.log(by_rate).mean(0))
    best = int(np.argmin(means))
    pairs = [(b1, b2) for b1 in BETA1 for b2 in BETA2]
    given = [np.full(len(pairs), RATES[best]), *map(np.array, zip(*pairs, strict=True))]
    by_beta = np.array([losses(seed, steps, *given) for seed in watched(range(seeds), "adam-sensitivity, decay")])
    decay_means = np.exp(np.log(by_beta).mean(0))
    ratio, low, high = geometric_interval(by_rate[:, DEFAULT] / by_rate[:, best])
    came = {
        "loss at the default rate over the least": ratio,
        "rates within a factor of 2 of the best": int((means <= 2 * means[best]).sum()),
        "loss at the worst decay rates over the least": float(decay_means.max() / decay_means.min()),
    }
    rows: list[dict[str, Any]] = [
        {"rate": float(rate), "beta1": 0.9, "beta2": 0.999, "final loss": float(mean)}
        for rate, mean in zip(RATES, means, strict=True)
    ]
    ends = {int(np.argmin(decay_means)), int(np.argmax(decay_means))}
    rows += [
        {"rate": float(RATES[best]), "beta1": pairs[i][0], "beta2": pairs[i][1], "final loss": float(decay_means[i])}
        for i in sorted(ends)
    ]
    return Outcome(came, Effect("loss at the rate 0.001 over the least", ratio, (low, high)), rows)


def losses(seed: int, steps: int, rates: Any, beta1: Any = None, beta2: Any = None) -> np.ndarray:
    """The loss on all the digits after training with each set of hyper-parameters."""
    random = np.random.default_rng(seed)
    params = {}
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(WIDTHS)):
        kernel = random.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)
        params |= {f"kernel_{layer}": kernel.astype(np.float32), f"bias_{layer}": np.zeros(fan_out, np.float32)}
    batches = random.integers(0, len(digits()[1]), (steps, BATCH))
    given = [rates, np.full(len(rates), 0.9) if beta1 is None else beta1]
    given.append(np.full(len(rates), 0.999) if beta2 is None else beta2)
    found = [run(params, batches, *map(float, one)) for run in (compiled(),) for one in zip(*given, strict=True)]
    return np.maximum(np.nan_to_num(np.asarray(found, np.float64), nan=1e6, posinf=1e6), 1e-12)


@functools.cache
def compiled() -> Callable:
    """The compiled function of parameters, batches and hyper-parameters that gives the final loss."""
    import jax
    import jax.numpy as jnp

    from nnspec.training.adam import adam

    x, y = map(jnp.asarray, digits())

    def loss(p: Any, batch: Any) -> Any:
        hidden = jnp.maximum(x[batch] @ p["kernel_0"] + p["bias_0"], 0)
        logits = hidden @ p["kernel_1"] + p["bias_1"]
        right = (logits * (y[batch][:, None] == jnp.arange(WIDTHS[-1]))).sum(-1)
        return (jax.scipy.special.logsumexp(logits, axis=-1) - right).mean()

    def run(params: Any, batches: Any, rate: Any, first: Any, second: Any) -> Any:
        last = trained(adam(rate, beta1=first, beta2=second), loss, params, len(batches), batches)
        return loss(last, jnp.arange(len(y)))

    return jax.jit(run)
