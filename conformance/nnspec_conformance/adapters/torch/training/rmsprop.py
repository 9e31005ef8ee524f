"""``torch.optim.RMSprop``, with ``centered=True``, and ``Adagrad``."""

from __future__ import annotations

import torch

from nnspec_conformance.adapters.torch.steppers import of_any_optimizer, stepper

VARIANTS = {
    "rmsprop.epsilon-position": "outside",
    "rmsprop.start": "zero",
    "rmsprop.rate-position": "outside",
    "adagrad.epsilon-position": "outside",
}
DEFAULTS = {"rmsprop.decay-default": 0.99}

RMSPROP = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/rmsprop.py"
ZERO = (
    "a gradient of 0 in float16 gives NaN, right is the parameter as it was: epsilon 1e-8 is added in float16, where "
    "it is 0, and 0/0 follows; searched 2026-11-27, not found for PyTorch, the same in Optax is "
    "https://github.com/google-deepmind/optax/issues/1754"
)
RANGE = (
    "alpha=1, alpha=1.5, momentum=1 and momentum=1.5 step, right is to refuse them: the checks are 0.0 <= alpha and "
    f"0.0 <= momentum; searched 2026-11-27, not found; {RMSPROP}"
)
ROUNDING = (
    "after 60 equal gradients 32 of 200 parameters are NaN, that of the gradient 0.144812 among them, right is a "
    "finite number: the root is taken of square_avg - grad_avg * grad_avg, which rounding makes negative; searched "
    f"2026-11-27, not found; {RMSPROP}"
)
AT_ZERO = (
    "with alpha=0 the first step has NaN, right is a finite number: the variance is 0, and rounding makes "
    f"square_avg - grad_avg * grad_avg negative; searched 2026-11-28, not found; {RMSPROP}"
)
KNOWN_FAILURES = (
    of_any_optimizer("rmsprop", "centred_rmsprop", "adagrad")
    | {f"rmsprop.zero-gradients[{operation}]": ZERO for operation in ("rmsprop", "centred_rmsprop", "adagrad")}
    | {
        "rmsprop.decay-range[rmsprop]; decay_rate=1, decay_rate=1.5": RANGE,
        "rmsprop.decay-range[centred_rmsprop]; decay_rate=1, decay_rate=1.5": RANGE,
        "rmsprop.momentum-range[rmsprop]; momentum=1, momentum=1.5": RANGE,
        "rmsprop.momentum-range[centred_rmsprop]; momentum=1, momentum=1.5": RANGE,
        "centred-rmsprop.rounding": ROUNDING,
        "duty.attributes[centred_rmsprop]; decay_rate=0": AT_ZERO,
    }
)


def _named(decay_rate=None, epsilon=None, momentum=None, l2=None):
    """PyTorch's names of what was told."""
    given = {"alpha": decay_rate, "eps": epsilon, "momentum": momentum, "weight_decay": l2}
    return {name: value for name, value in given.items() if value is not None}


@stepper
def rmsprop(params, lr, *, decay_rate=None, epsilon=None, momentum=None, l2=None):
    return torch.optim.RMSprop(params, lr, **_named(decay_rate, epsilon, momentum, l2))


@stepper
def centred_rmsprop(params, lr, *, decay_rate=None, epsilon=None, momentum=None):
    return torch.optim.RMSprop(params, lr, **_named(decay_rate, epsilon, momentum), centered=True)


@stepper
def adagrad(params, lr, *, epsilon=None, initial_accumulator=None):
    given = {} if initial_accumulator is None else {"initial_accumulator_value": initial_accumulator}
    return torch.optim.Adagrad(params, lr, **_named(epsilon=epsilon), **given)
