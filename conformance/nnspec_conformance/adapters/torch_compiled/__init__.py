"""PyTorch behind its compiler: programs of the operations of ``torch``, and a few of them by themselves.

A program is compiled in some seconds. So what ``torch`` answers for is not asked again: a call by itself, but of the
operations whose fused forms are another computation.
"""

from __future__ import annotations

import torch

from nnspec_conformance.adapters import torch as eager
from nnspec_conformance.adapters.torch.transport import STEPS, asarray, to_numpy
from nnspec_conformance.adapters.torch_compiled.compiler import alone, compile, vjp, within
from nnspec_conformance.loading import joined

NAME = "torch_compiled"
VERSION = torch.__version__
DTYPES = ("float32",)
PACKAGES = ("torch",)
COMPILES = True
LAYOUTS = ()  # each is compiled anew
TOPICS = ("torch",)
ALONE = ("gelu", "softmax", "log_softmax", "dense")

RIGHT = "not here: the kernel that does so is not what the compiler makes of it", lambda: False
KNOWN_FAILURES = {  # where the compiled form differs from what ``torch`` says of its own
    "activation.accuracy[gelu]; form=exact, float32": RIGHT,
    "duty.broadcasting[dense]": RIGHT,
    "activation.second-derivative[gelu]": (
        "RuntimeError: torch.compile with aot_autograd does not currently support double backward, right is f'' as "
        "without the compiler; https://github.com/pytorch/pytorch/issues/91469"
    ),
    "gelu.small-second-derivatives": (
        "RuntimeError: torch.compile with aot_autograd does not currently support double backward, right is f'' as "
        "without the compiler; https://github.com/pytorch/pytorch/issues/91469"
    ),
}

_EAGER = {name: f for name, f in vars(joined(eager)).items() if name not in vars(eager) and callable(f)}
globals().update({name: alone(f) if name in ALONE else within(f) for name, f in _EAGER.items()})
