"""``torch.optim.Adam``, with ``amsgrad=True``, ``AdamW``, ``NAdam`` and ``Adamax``."""

from __future__ import annotations

import inspect

import torch

from nnspec_conformance.adapters.torch.steppers import of_any_optimizer, stepper

VARIANTS = {
    "adam.epsilon-position": "outside",
    "amsgrad.maximum": "before",
    "nadam.momentum-schedule": "slow",
    "adamax.epsilon-position": "maximum",
}

OPERATIONS = ("adam", "amsgrad", "adamw", "nadam", "adamax")
ZERO = (
    "a gradient of 0 in float16 gives NaN, right is the parameter as it was: epsilon 1e-8 is added in float16, where "
    "it is 0, and 0/0 follows; searched 2026-11-27, not found for PyTorch, the same in Optax is "
    "https://github.com/google-deepmind/optax/issues/1754"
)
PRODUCT = (
    "the product of the momenta is a float32 tensor whatever the parameters are (inferred from the size of the error); "
    "searched 2026-11-27, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/nadam.py"
)
KNOWN_FAILURES = (
    of_any_optimizer(*OPERATIONS)
    | {f"adam.zero-gradients[{operation}]": ZERO for operation in OPERATIONS}
    | {
        "nadam.momentum-schedule; float64": f"got -0.456989974599, right is -0.456989968767: {PRODUCT}",
        "duty.attributes[nadam]; float64": f"got -0.126997740511, right is -0.126997745991: {PRODUCT}",
        "duty.layouts[nadam]; float64": f"got -1.428039306718, right is -1.428039312163: {PRODUCT}",
        "duty.sizes[nadam]; float64": f"got 1.63348903322, right is 1.6334890399: {PRODUCT}",
    }
)


def betas(optimizer, beta1, beta2):
    """The pair that PyTorch takes; what was left out is the optimizer's own."""
    own = inspect.signature(optimizer).parameters["betas"].default
    return (own[0] if beta1 is None else beta1, own[1] if beta2 is None else beta2)


def named(epsilon=None, weight_decay=None):
    """PyTorch's names of what was told."""
    given = {"eps": epsilon, "weight_decay": weight_decay}
    return {name: value for name, value in given.items() if value is not None}


@stepper
def adam(params, lr, *, beta1=None, beta2=None, epsilon=None, l2=None):
    return torch.optim.Adam(params, lr, betas(torch.optim.Adam, beta1, beta2), **named(epsilon, l2))


@stepper
def amsgrad(params, lr, *, beta1=None, beta2=None, epsilon=None):
    return torch.optim.Adam(params, lr, betas(torch.optim.Adam, beta1, beta2), **named(epsilon), amsgrad=True)


@stepper
def adamw(params, lr, *, beta1=None, beta2=None, epsilon=None, weight_decay=None):
    return torch.optim.AdamW(params, lr, betas(torch.optim.AdamW, beta1, beta2), **named(epsilon, weight_decay))


@stepper
def nadam(params, lr, *, beta1=None, beta2=None, epsilon=None):
    return torch.optim.NAdam(params, lr, betas(torch.optim.NAdam, beta1, beta2), **named(epsilon))


@stepper
def adamax(params, lr, *, beta1=None, beta2=None, epsilon=None):
    return torch.optim.Adamax(params, lr, betas(torch.optim.Adamax, beta1, beta2), **named(epsilon))
