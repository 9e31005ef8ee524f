"""Features of the reference: what a place sees, orders of features, errors of one line."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.architectures.convolutional.convolution import convolution_2d
from nnspec.architectures.convolutional.network import flatten_features, receptive_field, reorder_head
from nnspec.architectures.convolutional.pooling import average_pool, max_pool
from nnspec.components.activations import relu, tanh

RNG = np.random.default_rng(3)
PLACE = (2, 3)


def draws(*shape):
    return jnp.asarray(RNG.standard_normal(shape), jnp.float32)


# ---- what a place sees


def box(windows, strides):
    """The extent of the inputs of one place of the last layer, from the set of them."""
    seen = {0}
    for k, s in zip(reversed(windows), reversed(strides), strict=True):
        seen = {p * s + a for p in seen for a in range(k)}
    return max(seen) - min(seen) + 1


def adds_the_windows(windows, strides):
    """Counts every stride as one."""
    return 1 + sum(k - 1 for k in windows), int(np.prod(strides))


def takes_a_layers_own_stride(windows, strides):
    """Multiplies each window by its own stride, too."""
    jumps = np.cumprod(strides)
    return 1 + sum((k - 1) * int(j) for k, j in zip(windows, jumps, strict=True)), int(np.prod(strides))


@pytest.mark.statement(
    "network.receptive-field-formula", of=receptive_field, mutants=[adds_the_windows, takes_a_layers_own_stride]
)
def test_the_formula_is_the_box_of_what_a_place_depends_on(implementation):
    for layers in (1, 2, 3):
        for numbers in itertools.product(range(1, 5), repeat=2 * layers):
            windows, strides = numbers[:layers], numbers[layers:]

            assert implementation(windows, strides) == (box(windows, strides), np.prod(strides))


def support(activation, pool):
    """Which pixels of an image one place of the maps depends on, behind two convolutions with a pooling each."""
    image, kernels = draws(1, 20, 24, 1), draws(2, 5, 5, 1, 1) / 5

    def one(maps):
        for kernel in kernels:
            maps = pool(activation(convolution_2d(maps, kernel, padding="same")), window=(2, 2))
        return maps[0, *PLACE, 0]

    return np.asarray(jax.grad(one)(image))[0, :, :, 0] != 0


def square():
    """The pixels that can count: the receptive field of that place."""
    size, jump = receptive_field((5, 2, 5, 2), (1, 2, 1, 2))
    padded = 2 + 2 * 2  # zeros that both convolutions have before the first place, in pixels
    there = np.zeros((20, 24), bool)
    row, column = (place * jump - padded for place in PLACE)
    there[max(row, 0) : row + size, max(column, 0) : column + size] = True
    return there


def test_a_smooth_network_depends_on_its_whole_receptive_field():
    np.testing.assert_array_equal(support(tanh, average_pool), square())


def test_a_maximum_and_relu_leave_holes_in_the_receptive_field():
    there, can = support(relu, max_pool), square()

    assert not (there & ~can).any()
    assert there.any()
    assert (can & ~there).sum() > can.sum() / 4  # holes, and not a pixel or two


# ---- the order of features


def leaves_the_rows(kernel, *, maps, before):
    """Hands the kernel back as it came."""
    return kernel


def goes_the_other_way(kernel, *, maps, before):
    """Takes the order that is wanted for the one that is there."""
    return reorder_head(kernel, maps=maps, before="hwc" if before == "chw" else "chw")


@pytest.mark.statement("network.reorder", of=reorder_head, mutants=[leaves_the_rows, goes_the_other_way])
def test_a_reordered_head_gives_equal_logits_and_comes_back(implementation):
    maps, kernel = draws(3, 4, 5, 2), draws(40, 6)
    by_channel = maps.transpose(0, 3, 1, 2).reshape(3, -1)
    here = implementation(kernel, maps=(4, 5, 2), before="chw")

    np.testing.assert_allclose(flatten_features(maps) @ here, by_channel @ kernel, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(implementation(here, maps=(4, 5, 2), before="hwc"), kernel)


def test_compiled_mapped_and_eager_agree():
    x = draws(3, 4, 5, 2)
    with jax.disable_jit():
        eager = flatten_features(x)

    np.testing.assert_array_equal(flatten_features(x), eager)
    np.testing.assert_array_equal(jax.vmap(lambda image: flatten_features(image[None])[0])(x), eager)


# ---- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flatten_features(draws(4, 5, 2)), "flatten_features: x"),
        (lambda: reorder_head(draws(24, 5), maps=(2, 3, 5), before="chw"),
         r"reorder_head: kernel has 24 rows but maps=\(2, 3, 5\) give 30 features"),
        (lambda: receptive_field((3, 3), (1,)), "receptive_field: 2 windows but 1 strides"),
        (lambda: receptive_field((3, 0), (1, 1)), "receptive_field: .* at least 1, got 0"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_refused_in_one_line(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()

    assert "\n" not in str(caught.value)
