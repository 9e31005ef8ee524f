"""The reference's losses of regression."""

from __future__ import annotations

from nnspec.components.losses import regression as losses

squared_error = losses.squared_error
absolute_error = losses.absolute_error
huber = losses.huber
smooth_l1 = losses.smooth_l1
gaussian_nll = losses.gaussian_nll
poisson_nll = losses.poisson_nll
poisson_nll_from_rate = losses.poisson_nll_from_rate
