"""The oracle's activation functions."""

from __future__ import annotations

from nnspec_conformance.adapters.numpy_oracle import rounding
from nnspec_conformance.oracles.components import activations

VARIANTS = {"gelu.form": ("exact", "tanh", "sigmoid"), "hard-sigmoid.form": ("sixth", "fifth", "half")}
DEFAULTS = {"gelu.default-form": "exact", "hard-sigmoid.default-form": "sixth"}

identity = rounding.in_dtype(activations.identity)
relu = rounding.in_dtype(activations.relu)
leaky_relu = rounding.in_dtype(activations.leaky_relu)
elu = rounding.in_dtype(activations.elu)
selu = rounding.in_dtype(activations.selu)
gelu = rounding.in_dtype(activations.gelu)
sigmoid = rounding.in_dtype(activations.sigmoid)
tanh = rounding.in_dtype(activations.tanh)
softplus = rounding.in_dtype(activations.softplus)
silu = rounding.in_dtype(activations.silu)
hard_sigmoid = rounding.in_dtype(activations.hard_sigmoid)
softmax = rounding.in_dtype(activations.softmax)
log_softmax = rounding.in_dtype(activations.log_softmax)

identity_vjp = rounding.pulled_back(activations.identity_derivative)
relu_vjp = rounding.pulled_back(activations.relu_derivative)
leaky_relu_vjp = rounding.pulled_back(activations.leaky_relu_derivative)
elu_vjp = rounding.pulled_back(activations.elu_derivative)
selu_vjp = rounding.pulled_back(activations.selu_derivative)
gelu_vjp = rounding.pulled_back(activations.gelu_derivative)
sigmoid_vjp = rounding.pulled_back(activations.sigmoid_derivative)
tanh_vjp = rounding.pulled_back(activations.tanh_derivative)
softplus_vjp = rounding.pulled_back(activations.softplus_derivative)
silu_vjp = rounding.pulled_back(activations.silu_derivative)
hard_sigmoid_vjp = rounding.pulled_back(activations.hard_sigmoid_derivative)
softmax_vjp = rounding.along_axis(activations.softmax_vjp)
log_softmax_vjp = rounding.along_axis(activations.log_softmax_vjp)

gelu_second_derivative = rounding.in_dtype(activations.gelu_second_derivative)
sigmoid_second_derivative = rounding.in_dtype(activations.sigmoid_second_derivative)
tanh_second_derivative = rounding.in_dtype(activations.tanh_second_derivative)
softplus_second_derivative = rounding.in_dtype(activations.softplus_second_derivative)
silu_second_derivative = rounding.in_dtype(activations.silu_second_derivative)
