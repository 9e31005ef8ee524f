"""The experiments on convolutional networks: their images, the sizes of their networks, and their measures by hand."""

import numpy as np
import pytest

from nnspec_conformance.experiments.architectures.convolutional import canvas, digits, learning, rivals
from nnspec_conformance.experiments.architectures.convolutional.convolution import hierarchy


@pytest.fixture
def draws():
    return np.random.default_rng(0)


@pytest.fixture
def images():
    return digits.digits()[0][::50]


# Images


def test_all_ink_of_a_digit_stands_on_its_canvas(images, draws):
    placed = canvas.placed(images, draws)
    assert placed.shape == (len(images), 28, 28, 1)
    np.testing.assert_allclose(placed.sum((1, 2, 3)), images.sum((1, 2, 3)) / 4, rtol=1e-5)
    rows = {int(np.flatnonzero(image.any((1, 2)))[0]) for image in placed}
    assert len(rows) > 10


def test_exchange_is_one_order_for_all_images(images, draws):
    found = canvas.exchanged(images, draws)
    assert not np.array_equal(found, images)
    before, after = (a.reshape(len(a), -1).T.tolist() for a in (images, found))
    assert sorted(before) == sorted(after)  # every pixel of all images together has moved to one place


def test_a_clip_moves_by_the_pixels_of_its_direction(images, draws):
    clips, labels = canvas.clips(images, draws)
    assert set(labels.tolist()) == set(range(8))
    for clip, label in zip(clips, labels, strict=True):
        for time in (0, 1):
            np.testing.assert_array_equal(
                np.roll(clip[..., time], canvas.DIRECTIONS[label], (0, 1)), clip[..., time + 1]
            )


def test_of_a_pair_one_digit_moves_and_one_rests(draws):
    x, labels = np.ones((40, 28, 28, 1), np.float32), np.arange(40) % 2
    x[labels == 1] = 0.5  # the bright square of the two is seen in every frame
    clips, classes = canvas.pairs(x, labels, draws)
    np.testing.assert_array_equal(classes, labels)
    for clip, label in zip(clips, labels, strict=True):
        corners = np.array([np.argwhere(frame == 1).min(0) for frame in np.moveaxis(clip, -1, 0)])
        steps = np.abs(np.diff(corners, axis=0))
        assert (steps.max(), len(np.unique(steps, axis=0))) == (0 if label else 2, 1)


# Sizes


@pytest.mark.parametrize(("channels", "classes"), [(1, 10), (3, 8)])
def test_rivals_have_equal_parameters_and_equal_products(channels, classes):
    shapes = rivals.kernels(channels, classes)
    parameters = {name: rivals.parameters(s) for name, s in shapes.items()}
    products = {name: rivals.products(s) for name, s in shapes.items()}
    assert parameters[rivals.PARAMETERS] == pytest.approx(parameters[rivals.CONVOLUTIONAL], rel=0.02)
    assert products[rivals.PRODUCTS] == pytest.approx(products[rivals.CONVOLUTIONAL], rel=0.002)


def test_sizes_are_those_of_the_page():
    images, clips = rivals.kernels(1, 10), rivals.kernels(3, 8)
    assert [rivals.parameters(s[rivals.CONVOLUTIONAL]) for s in (images, clips)] == [21_146, 21_380]
    assert [s[name][0][1] for s in (images, clips) for name in rivals.NAMES[1:]] == [27, 617, 9, 307]
    assert rivals.products(images[rivals.CONVOLUTIONAL]) == 784 * 25 * 6 + 196 * 25 * 6 * 12 + 588 * 32 + 32 * 10


def test_weights_have_the_variance_of_their_layer():
    table = learning.start(0, (5, 5, 8, 100), (400, 100))
    assert table["kernel_0"].std() == pytest.approx(np.sqrt(2 / 200), rel=0.02)
    assert table["kernel_1"].std() == pytest.approx(np.sqrt(1 / 400), rel=0.02)


def test_every_image_stands_in_each_epoch_once():
    orders = learning.orders(0, 200, 2)
    assert orders.shape == (8, learning.BATCH)
    assert [sorted(half.ravel().tolist()) for half in np.split(orders, 2)] == [list(range(200))] * 2


# Hierarchy


@pytest.fixture
def template(draws):
    return draws.standard_normal((5, 5, 1))


def test_a_template_explains_itself_at_any_place_with_any_factor(template):
    patch = np.zeros((1, 14, 14))
    patch[0, 6:11, 2:7] = -3 * template[..., 0]
    np.testing.assert_allclose(hierarchy.explained(patch, template), 1)
    np.testing.assert_allclose(hierarchy.in_one_window(patch), 1)


def test_a_template_explains_half_of_two_of_them(template):
    patch = np.zeros((1, 14, 14))
    patch[0, :5, :5] = patch[0, 9:, 9:] = template[..., 0]
    np.testing.assert_allclose(hierarchy.explained(patch, template), 0.5)
    np.testing.assert_allclose(hierarchy.in_one_window(patch), 0.5)


def test_patches_that_excite_are_read_where_the_unit_looks(draws):
    pictures = draws.random((20, 28, 28))
    for layer, places in ((0, 24), (1, 8)):
        side, stride = hierarchy.SIDES[layer], hierarchy.STRIDES[layer]
        fields = np.lib.stride_tricks.sliding_window_view(pictures, (side, side), (1, 2))[:, ::stride, ::stride]
        fields = fields[:, :places, :places]
        found = hierarchy.exciting(fields.sum((-2, -1))[..., None], pictures, layer)
        largest = np.sort(fields.sum((-2, -1)).max((1, 2)))[::-1][: hierarchy.PATCHES]
        np.testing.assert_allclose(found[0].sum((1, 2)), largest)


def test_units_of_the_second_layer_see_fourteen_pixels():
    import jax

    weights = learning.start(0, (5, 5, 1, 8), (5, 5, 8, 16), (256, 10))
    image = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    slopes = jax.grad(lambda x: hierarchy._programs()[1](weights, x)[2][0, 3, 4].sum())(image)[0, :, :, 0]
    rows, columns = (np.flatnonzero(np.asarray(slopes).any(axis)) for axis in (1, 0))
    side = hierarchy.SIDES[1]
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (6, 5 + side, 8, 7 + side)


def test_units_without_a_pattern_are_left_out(draws):
    pictures = np.zeros((20, 28, 28))
    pictures[:, 10:20, 10:20] = 1
    responses = np.stack([-pictures[:, :24, :24], pictures[:, :24, :24]], -1)
    assert len(hierarchy.exciting(responses, pictures, 0)) == 1


def test_agreement_beyond_the_window_is_that_of_the_rest(template, draws):
    rest = draws.random((2, 14, 14))
    patches = np.repeat(rest[:, None], 9, 1)
    patches[:, :, 4:9, 4:9] = 50 * template[..., 0]
    one, two = hierarchy.agreement(patches, template)
    beyond = np.ones((14, 14), bool)
    beyond[4:9, 4:9] = False
    assert (one, two) == (pytest.approx(1), pytest.approx(np.corrcoef(rest[:, beyond])[0, 1]))


def test_one_response_predicts_a_copy_and_a_quarter_of_the_sum_of_four(draws):
    pooled = draws.standard_normal((2000, 6, 6, 3))  # 8,000 places: a correlation is within 0.03
    alone = pooled[:, 1:3, 2:4, 1]
    four = pooled[:, :2, :2, 0] + pooled[:, 4:, 4:, 0] + pooled[:, 2:4, 1:3, 1] - pooled[:, 4:, :2, 2]
    found = hierarchy.one_response(pooled, np.stack([alone, four], -1))
    np.testing.assert_allclose(found, [1, 0.25], atol=0.04)
