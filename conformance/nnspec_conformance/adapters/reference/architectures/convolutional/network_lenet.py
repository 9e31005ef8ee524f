"""The reference's network like LeNet."""

from __future__ import annotations

from nnspec.architectures.convolutional.network_lenet import lenet as lenet
