"""The reference's neurons, and the perceptron's update as a stepper."""

from __future__ import annotations

from nnspec.components import neurons

neuron = neurons.neuron


def perceptron(params):
    kept = dict(params)

    def step(example):
        kept["weights"], kept["bias"] = neurons.perceptron_update(**kept, **example)
        return dict(kept)

    return step
