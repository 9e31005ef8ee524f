"""Stock layers and ``torch.distributions``, as programs have them: PyTorch has no autoencoder and no evidence bound."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import distributions

from nnspec_conformance.adapters.tables import depth
from nnspec_conformance.adapters.torch import network
from nnspec_conformance.adapters.torch.components.activations import HARD_SIGMOID

BROADCAST = (
    "a mean of one example is taken beside the log-variances of several, right is to refuse: distributions "
    "broadcast their parameters by design; https://github.com/pytorch/pytorch/pull/4140"
)
VALIDATED = (
    "NaN raises ValueError, right is to hand it on, and to leave the other examples as they are: distributions "
    "validate their parameters and values unless validate_args is False, by design; "
    "https://github.com/pytorch/pytorch/issues/18133"
)
BETA = (
    "a beta of -0.5 is taken, right is to refuse it: it is multiplied by hand; searched 2026-11-29, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/distributions/kl.py"
)
UNITS = (
    "a layer without a unit is taken, and every input has the reconstruction of the biases, right is to refuse it: a "
    "linear layer may have no outputs; https://github.com/pytorch/pytorch/issues/127733"
)
KNOWN_FAILURES = {
    "autoencoder.units[autoencoder]": UNITS,
    "autoencoder.units[tied_autoencoder]": UNITS,
    "sparsity-divergence.activations": (
        "an activation of 1.25 is taken and gives 0.930, right is to refuse it: the distribution is made of the mean, "
        "which lies between 0 and 1; searched 2026-11-29, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/distributions/bernoulli.py"
    ),
    "evidence-bound.beta[gaussian_bound]": BETA,
    "evidence-bound.beta[bernoulli_bound]": BETA,
    "bernoulli-bound.range": (
        "a pixel of 1.5 is taken, right is to refuse it: the loss with logits checks no target; "
        "https://github.com/pytorch/pytorch/issues/110865"
    ),
    "duty.broadcasting[autoencoder]": network.BIAS,
    "duty.choices[autoencoder]": network.NAMES,
    "duty.broadcasting[tied_autoencoder]": network.BIAS,
    "duty.choices[tied_autoencoder]": network.NAMES,
    "duty.second[autoencoder]; activation=hard_sigmoid": HARD_SIGMOID,
    "duty.second[tied_autoencoder]; activation=hard_sigmoid": HARD_SIGMOID,
    **{
        f"duty.broadcasting[{operation}]": BROADCAST
        for operation in ("gaussian_divergence", "reparametrize", "gaussian_bound", "bernoulli_bound")
    },
    **{
        f"duty.{duty}[{operation}]": VALIDATED
        for operation in ("gaussian_divergence", "gaussian_bound", "bernoulli_bound")
        for duty in ("nan", "diverged", "neighbours")
    },
    "duty.nan[bernoulli_bound]": (
        "NaN in the mean raises ValueError, and the logit minus infinity gives NaN, right is NaN and minus infinity: "
        "the loss adds 0 times infinity; searched 2026-11-28, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/Loss.cpp"
    ),
}


# ---- encoder and decoder


def autoencoder(x, weights, *, activation):
    count = depth(weights)
    named = {}
    for name, value in weights.items():
        half, _, rest = name.partition("_")
        part, _, i = rest.partition("_")
        at = 2 * (int(i) if half == "encoder" else count - 1 - int(i)) if i.isdigit() else i
        named[f"{half}.{at}." + {"kernel": "weight"}.get(part, part)] = value.T if part == "kernel" else value
    return torch.func.functional_call(_halves(count, activation), named, (x,), strict=True)


@functools.cache
def _halves(depth, activation):
    return Halves(depth, activation)


class Halves(torch.nn.Module):
    """An encoder and a decoder of stock layers."""

    def __init__(self, depth, activation):
        super().__init__()
        parts = [[p for _ in range(depth) for p in (network.linear(), network.Activation(activation))] for _ in "ed"]
        self.encoder, self.decoder = (torch.nn.Sequential(*half[:-1]) for half in parts)

    def forward(self, x):
        code = self.encoder(x)
        return code, self.decoder(code)


def tied_autoencoder(x, weights, *, activation):
    return torch.func.functional_call(_tied(depth(weights), activation), weights, (x,), strict=True)


@functools.cache
def _tied(depth, activation):
    return Tied(depth, activation)


class Tied(torch.nn.Module):
    """``F.linear`` with a weight, and with its transpose."""

    def __init__(self, depth, activation):
        super().__init__()
        self.depth, self.activation = depth, network.Activation(activation)
        for i in range(depth):
            for part in ("kernel", "encoder_bias", "decoder_bias"):
                self.register_parameter(f"{part}_{i}", torch.nn.Parameter(torch.empty(1, device="meta")))

    def forward(self, x):
        h = x
        for i in range(self.depth):
            h = F.linear(h, getattr(self, f"kernel_{i}").T, getattr(self, f"encoder_bias_{i}"))
            h = self.activation(h) if i < self.depth - 1 else h
        code = h
        for i in reversed(range(self.depth)):
            h = F.linear(h, getattr(self, f"kernel_{i}"), getattr(self, f"decoder_bias_{i}"))
            h = self.activation(h) if i > 0 else h
        return code, h


# ---- distributions


def sparsity_divergence(code, *, target):
    return distributions.kl_divergence(
        distributions.Bernoulli(code.new_tensor(target)), distributions.Bernoulli(code.mean(0))
    ).sum()


def _normal(mean, log_variance):
    return distributions.Normal(mean, (log_variance / 2).exp())


def gaussian_divergence(mean, log_variance, prior_mean=None, prior_log_variance=None):
    zero = torch.zeros_like(mean)
    prior = (zero if part is None else part for part in (prior_mean, prior_log_variance))
    return distributions.kl_divergence(_normal(mean, log_variance), _normal(*prior)).sum(-1)


def reparametrize(mean, log_variance, *, seed):
    torch.manual_seed(seed)
    return _normal(mean, log_variance).rsample()


def gaussian_bound(x, reconstruction, mean, log_variance, *, variance, beta):
    logs = distributions.Normal(reconstruction, x.new_tensor(variance).sqrt()).log_prob(x)
    return logs.sum(-1) - beta * gaussian_divergence(mean, log_variance)


def bernoulli_bound(x, logits, mean, log_variance, *, beta):
    logs = -F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return logs.sum(-1) - beta * gaussian_divergence(mean, log_variance)
