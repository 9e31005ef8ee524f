"""Tests of layer_norm, a map: what is expected is a function of the arrays, so that it answers for any shape."""

from oracles import layer_norm

from nnspec_conformance.cases import call, clause, gradient
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.wanted import gradients_of, value_of


def arrays(dtype="float32", leading=(2, 3), features=5):
    """No axis as long as another; no entry zero, no two alike."""
    return tuple(normal_draws(i, s, dtype) for i, s in enumerate([(*leading, features), (features,), (features,)], 11))


@clause("layer-norm.value")
def layer_norm_value():
    for dtype in ("float32", "float64"):
        yield call(
            "layer_norm", *arrays(dtype), epsilon=0.05, want=value_of(layer_norm), note="epsilon outside the root"
        )


@clause("layer-norm.gradient")
def layer_norm_gradient():
    cotangents = normal_draws(14, (2, 3, 5))
    yield gradient("layer_norm", *arrays(), epsilon=0.05, cotangents=cotangents, want=gradients_of(layer_norm))
