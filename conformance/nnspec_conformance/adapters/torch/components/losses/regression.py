"""The losses of ``torch.nn.functional`` for regression."""

from __future__ import annotations

import torch.nn.functional as F

VARIANTS = {
    "gaussian-nll.small-variance": "clamped",
    "poisson-nll.log-factorial": "stirling",
    "poisson-nll-from-rate.epsilon": "eight-digits",
    "regression.empty-mean": "nan",
}
DEFAULTS = {"regression.default-reduction": "mean"}


def squared_error(prediction, target, **given):
    return F.mse_loss(prediction, target, **given)


def absolute_error(prediction, target, **given):
    return F.l1_loss(prediction, target, **given)


def huber(prediction, target, **given):
    return F.huber_loss(prediction, target, **given)


def smooth_l1(prediction, target, **given):
    return F.smooth_l1_loss(prediction, target, **given)


def gaussian_nll(prediction, target, variance, **given):
    return F.gaussian_nll_loss(prediction, target, variance, **given)


def poisson_nll(prediction, target, **given):
    return F.poisson_nll_loss(prediction, target, **given)


def poisson_nll_from_rate(prediction, target, **given):
    return F.poisson_nll_loss(prediction, target, log_input=False, **given)
