"""``keras.optimizers.SGD``: its weight decay, its accumulated gradients and its moving average."""

from __future__ import annotations

import keras

from nnspec_conformance.adapters.keras.steppers import (
    BASE,
    BROADCASTS,
    PLACES,
    UNCHECKED,
    Step,
    of_any_optimizer,
    stepper,
)

VARIANTS = {"exponential-average.start": "copied"}
DEFAULTS = {"exponential-average.default": 0.99}

EVERY = (
    "gradient_accumulation_steps=0 counts as not given, right is to refuse it; "
    "searched 2026-11-27, not found; "
    "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
)
KNOWN_FAILURES = of_any_optimizer(["gradient_descent"]) | {
    "optimizer.gradients-of-others[gradient_descent]": (BROADCASTS, lambda: keras.backend.backend() != "tensorflow"),
    "duty.broadcasting[gradient_accumulation]": (BROADCASTS, lambda: keras.backend.backend() != "jax"),
    "duty.names[gradient_accumulation]": PLACES,
    "duty.refused-steps[gradient_accumulation]": (
        "a step that is refused has added the gradients before the one that does not fit, right is to add none: each "
        f"goes to its accumulator alone, on JAX after all sums are made; searched 2026-11-30, not found; {BASE}",
        lambda: keras.backend.backend() != "jax",
    ),
    "gradient-descent.negative-decay": UNCHECKED,
    "gradient-accumulation.every": EVERY,
}


class OfMatrices(keras.optimizers.SGD):
    """Arrays of one axis or none are excluded from the decay, which Keras asks for before it builds."""

    def build(self, variables):
        self.exclude_from_weight_decay(var_list=[v for v in variables if len(v.shape) < 2])
        super().build(variables)


@stepper
def gradient_descent(learning_rate, *, weight_decay=None, decayed="all"):
    return (keras.optimizers.SGD if decayed == "all" else OfMatrices)(learning_rate, weight_decay=weight_decay)


@stepper
def gradient_accumulation(learning_rate, *, every):
    return keras.optimizers.SGD(learning_rate, gradient_accumulation_steps=every)


class Average(Step):
    """The moving average of an optimizer that moves nothing: its rate and the gradients are 0."""

    def __call__(self, params: dict) -> dict:
        if params.keys() != self.held.keys():
            raise NotImplementedError(
                "parameters under other names: Keras averages its own variables, not what is told"
            )
        for name, variable in self.held.items():
            variable.assign(params[name])
        variables = list(self.held.values())
        self.optimizer.apply([keras.ops.zeros_like(v.value) for v in variables], variables)
        self.optimizer.finalize_variable_values(variables)
        return {name: keras.ops.copy(v.value) for name, v in self.held.items()}


def exponential_average(params, **hyper):
    given = {"ema_momentum" if name == "decay_rate" else name: value for name, value in hyper.items()}
    held = {name: keras.Variable(p, dtype=keras.backend.standardize_dtype(p.dtype)) for name, p in params.items()}
    return Average(keras.optimizers.SGD(0.0, use_ema=True, **given), held)
