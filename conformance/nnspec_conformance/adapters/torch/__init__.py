"""PyTorch: ``torch.nn`` and ``torch.nn.functional``."""

from __future__ import annotations

import torch

from nnspec_conformance.adapters.torch.transport import LAYOUTS, STEPS, asarray, to_numpy, vjp

NAME = "torch"
VERSION = torch.__version__
DTYPES = ("float32", "float64", "bfloat16", "float16")
PACKAGES = ("torch",)
