"""``torch.nn.utils.parametrizations.spectral_norm``, which takes outputs first and keeps both vectors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import func, nn
from torch.nn.utils import parametrizations

VARIANTS = {"spectral-norm.estimate": "refreshed"}
REPORT = "https://github.com/pytorch/pytorch/issues/20192"
KNOWN_FAILURES = {
    "spectral-norm.zero": f"a kernel of zeros becomes NaN, right is zeros: 0 is divided by the estimate, 0; {REPORT}",
    "spectral-vector.zero": (
        "after a kernel of zeros the vector is 0, right is to keep it: from then on the estimate is 0 and every "
        f"kernel NaN; {REPORT}"
    ),
}


class Held(nn.Module):
    """A module of one weight, which it hands out."""

    def __init__(self, shape, dtype):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape, dtype=dtype))

    def forward(self):
        return self.weight


def spectral_norm(kernel, u, **given):
    return _stepped(kernel, u, **given)[0].movedim(0, -1)


def spectral_vector(kernel, u, **given):
    return _stepped(kernel, u, **given)[1]


def _stepped(kernel, u, *, iterations, training):
    weight = kernel.movedim(-1, 0)
    layer = parametrizations.spectral_norm(Held(weight.shape, weight.dtype), n_power_iterations=iterations)
    layer.train(training)
    with torch.no_grad():
        kept = u.clone()
        v = F.normalize(weight.flatten(1).mT @ u, dim=0, eps=1e-12)  # as the step that left u left it
    place = "parametrizations.weight"
    table = {f"{place}.original": weight, f"{place}.0._u": kept, f"{place}.0._v": v}
    return func.functional_call(layer, table, ()), kept
