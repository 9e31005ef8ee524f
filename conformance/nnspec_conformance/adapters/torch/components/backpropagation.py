"""``torch.autograd`` of a stock network under a loss of ``torch.nn.functional``."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from nnspec_conformance.adapters.torch import network
from nnspec_conformance.adapters.torch.components import forward_propagation

KNOWN_FAILURES = {"duty.broadcasting[backpropagation]": network.BIAS, "duty.choices[backpropagation]": network.NAMES}


def backpropagation(x, labels, weights, *, activation, loss):
    with torch.enable_grad():
        parameters = {n: w if w.requires_grad else w.detach().requires_grad_() for n, w in weights.items()}
        values = forward_propagation.forward(x, parameters, activation=activation)
        z = values[f"z_{len(values) // 2 - 1}"]
        if loss == "softmax_cross_entropy":  # classes stand on axis 1
            total = F.cross_entropy(*(a.movedim(-1, 1) if a.ndim > 2 else a for a in (z, labels)), reduction="sum")
        elif loss == "half_squared_error":
            total = F.mse_loss(z, labels, reduction="sum") / 2
        else:
            raise ValueError(loss)
        found = torch.autograd.grad(total, list(parameters.values()), create_graph=True)
    return dict(zip(parameters, found, strict=True))
