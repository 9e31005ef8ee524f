"""``backward`` of ``torch.nn.functional.mse_loss``, which adds the pieces up in ``.grad``."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from nnspec_conformance.adapters.torch import network

KNOWN_FAILURES = {
    "duty.broadcasting[batch_gradient]": (
        "one example is taken for all four labels, with a warning, right is to refuse; "
        "https://github.com/pytorch/pytorch/issues/16045"
    ),
    "batch-gradient.no-examples": (
        "no examples give NaN, right is to refuse them; the mean over nothing is NaN by decision: "
        "https://github.com/pytorch/pytorch/issues/50224"
    ),
}
NAMES = {"kernel": "weight"}


def batch_gradient(x, labels, weights, *, chunk):
    held = {name: w.detach().clone().requires_grad_() for name, w in weights.items()}
    with torch.enable_grad():
        for part, wanted in zip(x.split(chunk), labels.split(chunk), strict=True):
            named = {str(NAMES.get(name, name)): w.T if name == "kernel" else w for name, w in held.items()}
            y = torch.func.functional_call(network.linear(), named, part, strict=True)
            loss = F.mse_loss(y, wanted, reduction="sum") / 2
            (loss / len(x)).backward()
    return {name: w.grad for name, w in held.items()}
