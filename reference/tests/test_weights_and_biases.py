"""Counts of parameters: what is refused, in one line."""

import pytest

from nnspec.components.weights_and_biases import parameter_count

COUNTS = [
    ({"layer": "dens", "in_features": 1}, r"layer must be one of .*got 'dens'; did you mean 'dense'\?"),
    (
        {"layer": "dense", "in_features": 3},
        "dense: missing a required argument: 'out_features'; it takes in_features, out_features, use_bias",
    ),
    ({"layer": "dense", "in_features": 3, "outputs": 4}, "it takes in_features, out_features, use_bias"),
    ({"layer": "embedding", "num_embeddings": 0, "features": 4}, "num_embeddings must be positive integers, got 0"),
    ({"layer": "layer_norm", "features": 3, "use_bias": 1}, "use_bias is 1, expected True or False"),
    ({"layer": "mlp", "sizes": (3, 2.5, 1)}, r"sizes must be positive integers, got \(3, 2.5, 1\)"),
    (
        {"layer": "lstm", "in_features": 3, "hidden_features": 4, "biases": "candidate"},
        "lstm: biases must be one of 'one', 'two', got 'candidate'",
    ),
    ({"layer": "attention", "features": 7, "num_heads": 2}, "num_heads=2 does not divide features=7"),
    (
        {"layer": "convolution", "kernel_size": (3,), "in_features": 4, "out_features": 6, "groups": 3},
        "groups=3 does not divide in_features=4 and out_features=6",
    ),
]


@pytest.mark.parametrize(("sizes", "message"), COUNTS)
def test_a_wrong_count_is_refused_in_one_line(sizes, message):
    with pytest.raises((TypeError, ValueError), match=f"^parameter_count: .*{message}") as caught:
        parameter_count(**sizes)
    assert "\n" not in str(caught.value)
