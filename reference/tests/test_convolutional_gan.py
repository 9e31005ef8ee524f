"""A convolutional pair: its values by XLA's own convolutions, its shapes, its refusals, and images by their seeds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from altered import changed
from flax import nnx

from nnspec.architectures.convolutional_gan import (
    ConvolutionalDiscriminator,
    ConvolutionalGenerator,
    convolutional_discriminator,
    convolutional_generator,
)

SIZES = [((28, 28), 1, [6, 4]), ((64, 64), 3, [5, 4, 3, 2]), ((8, 20), 2, [3, 2]), ((2, 6), 1, [3])]
AXES = ("NHWC", "HWIO", "NHWC")


def pair(size, channels, maps, seed=0):
    generator = ConvolutionalGenerator(7, size=size, channels=channels, maps=maps, rngs=nnx.Rngs(seed))
    return generator, ConvolutionalDiscriminator(channels, size=size, maps=maps[::-1], rngs=nnx.Rngs(seed + 1))


def biased(net, seed=3):
    """The table of a network, with biases that are not 0."""
    rng = np.random.default_rng(seed)
    return {
        name: jnp.asarray(rng.standard_normal(w.shape) / 4, w.dtype) if name.startswith("bias") else w
        for name, w in net.get_weights().items()
    }


def noise(seed=5, batch=3):
    return jax.random.normal(jax.random.key(seed), (batch, 7))


# ---- the generator


def forgets_the_tanh(noise, weights, *, size):
    """Ends without a function: images have no bounds."""
    return changed(convolutional_generator, "else tanh(z)", "else z")(noise, weights, size=size)


def ends_with_relu(noise, weights, *, size):
    """Ends with the function of the other layers: images have no dark side."""
    return changed(convolutional_generator, "relu(z) if i < depth else tanh(z)", "relu(z)")(noise, weights, size=size)


def forgets_the_first_relu(noise, weights, *, size):
    """Has two layers that are one."""
    old = 'relu(dense(noise, weights["kernel_0"], weights["bias_0"]))'
    return changed(convolutional_generator, old, old[4:])(noise, weights, size=size)


def slides_the_kernels(noise, weights, *, size):
    """Flips each kernel, as a layer does that slides it."""
    old = 'weights[f"kernel_{i}"],'
    return changed(convolutional_generator, old, 'weights[f"kernel_{i}"][::-1, ::-1],')(noise, weights, size=size)


def puts_maps_first(noise, weights, *, size):
    """Reads the numbers of the dense layer map by map, as a program with channels first."""
    old = "reshape(len(noise), rows, columns, maps)"
    new = "reshape(len(noise), maps, rows, columns).transpose(0, 2, 3, 1)"
    return changed(convolutional_generator, old, new)(noise, weights, size=size)


@pytest.mark.statement(
    "convolutional-generator.value", of=convolutional_generator,
    mutants=[forgets_the_tanh, ends_with_relu, forgets_the_first_relu, slides_the_kernels, puts_maps_first],
)  # fmt: skip
def test_images_are_those_of_dilated_convolutions(implementation):
    """A transposed convolution slides the flipped kernel over the input with zeros between its entries."""
    w = biased(pair((8, 12), 2, [4, 3])[0])
    images = implementation(noise(), w, size=(8, 12))

    def doubled(x, kernel, bias):
        flipped = kernel[::-1, ::-1]
        y = jax.lax.conv_general_dilated(
            x, flipped, (1, 1), [(2, 2), (2, 2)], lhs_dilation=(2, 2), dimension_numbers=AXES, precision="highest"
        )
        return y + bias

    a = jnp.maximum(noise() @ w["kernel_0"] + w["bias_0"], 0).reshape(3, 2, 3, 4)
    a = jnp.maximum(doubled(a, w["kernel_1"], w["bias_1"]), 0)
    want = jnp.tanh(doubled(a, w["kernel_2"], w["bias_2"]))
    np.testing.assert_allclose(images, want, rtol=0, atol=1e-5)


def starts_one_larger(noise, weights, *, size):
    """Crops what a padding of another framework leaves over."""
    return convolutional_generator(noise, weights, size=size)[:, :-1]


def gives_channels_first(noise, weights, *, size):
    """Hands images out with their channels before rows and columns."""
    return convolutional_generator(noise, weights, size=size).transpose(0, 3, 1, 2)


@pytest.mark.statement(
    "convolutional-generator.shape", of=convolutional_generator, mutants=[starts_one_larger, gives_channels_first]
)
def test_images_have_the_size_that_is_asked(implementation):
    for size, channels, maps in SIZES:
        generator, discriminator = pair(size, channels, maps)
        images = implementation(noise(), generator.get_weights(), size=size)

        assert images.shape == (3, *size, channels)
        assert discriminator(images).shape == (3,)


# ---- the discriminator


def forgets_the_leak(x, weights):
    """Has a ReLU without a slope below 0."""
    return changed(convolutional_discriminator, "negative_slope=LEAK", "negative_slope=0.0")(x, weights)


def leaks_at_one_hundredth(x, weights):
    """Takes the slope that libraries have for a default."""
    return changed(convolutional_discriminator, "negative_slope=LEAK", "negative_slope=0.01")(x, weights)


def squashes_the_logit(x, weights):
    """Gives a probability where losses take logits."""
    return 1 / (1 + jnp.exp(-convolutional_discriminator(x, weights)))


@pytest.mark.statement(
    "convolutional-discriminator.value", of=convolutional_discriminator,
    mutants=[forgets_the_leak, leaks_at_one_hundredth, squashes_the_logit],
)  # fmt: skip
def test_logits_are_those_of_strided_convolutions(implementation):
    w = biased(pair((8, 12), 2, [4, 3])[1])
    x = jax.random.normal(jax.random.key(9), (3, 8, 12, 2))
    logits = implementation(x, w)

    a = x
    for i in (0, 1):
        given = {"dimension_numbers": AXES, "precision": "highest"}
        z = jax.lax.conv_general_dilated(a, w[f"kernel_{i}"], (2, 2), [(1, 1), (1, 1)], **given) + w[f"bias_{i}"]
        a = jnp.where(z > 0, z, 0.2 * z)
    want = (a.reshape(3, -1) @ w["kernel_2"] + w["bias_2"])[:, 0]
    np.testing.assert_allclose(logits, want, rtol=0, atol=1e-5)


def crops_the_image(x, weights):
    """Leaves out the rows and columns that no window reaches."""
    height, width = (n - n % 4 for n in x.shape[1:3])
    return convolutional_discriminator(x[:, :height, :width], weights)


@pytest.mark.statement("convolutional-discriminator.sides", of=convolutional_discriminator, mutants=[crops_the_image])
def test_sides_that_strides_do_not_divide_are_refused(implementation):
    table = pair((8, 12), 2, [4, 3])[1].get_weights()
    implementation(jnp.ones((3, 8, 12, 2)), table)
    for sides in ((10, 12), (8, 13), (9, 14)):
        assert "expected multiples of 4, 2 to the 2 strides" in told(implementation, jnp.ones((3, *sides, 2)), table)


def told(f, *given):
    """What an error says, or nothing."""
    try:
        f(*given)
    except ValueError as error:
        return str(error)
    return ""


def test_errors_of_the_pair():
    generator, discriminator = pair((8, 12), 2, [4, 3])
    table = generator.get_weights()
    for message, call in (
        ("multiples of 4", lambda: convolutional_generator(noise(), table, size=(8, 10))),
        ("3 x 2 places of 4 maps", lambda: convolutional_generator(noise(), table | cut(table), size=(12, 8))),
        ("expected two integers", lambda: convolutional_generator(noise(), table, size=(8, 12, 1))),
        ("weights lacks bias_1", lambda: convolutional_generator(noise(), without(table, "bias_1"), size=(8, 12))),
        ("in_features", lambda: convolutional_generator(noise()[:, :5], table, size=(8, 12))),
        ("give 48", lambda: convolutional_discriminator(jnp.ones((1, 16, 12, 2)), discriminator.get_weights())),
        ("multiples of 8", lambda: pair((28, 28), 1, [4, 3, 2])),
        ("at least 1, got 0", lambda: pair((8, 12), 2, [4, 0])),
    ):
        with pytest.raises(ValueError, match=message) as found:
            call()
        assert "\n" not in str(found.value)


def cut(table):
    """A dense layer to one number fewer."""
    return {"kernel_0": table["kernel_0"][:, :-1], "bias_0": table["bias_0"][:-1]}


def without(table, name):
    return {key: w for key, w in table.items() if key != name}


# ---- seeds


def draws_anew(latent, **given):
    """Adds noise of its own to what it is given, so that an image cannot be made again."""
    net = ConvolutionalGenerator(latent, **given)
    return lambda noise: net(noise + np.random.default_rng().standard_normal(noise.shape).astype(np.float32))


def sees_the_batch(latent, **given):
    """Takes the mean of the batch off its noise: an image depends on those beside it."""
    net = ConvolutionalGenerator(latent, **given)
    return lambda noise: net(noise - noise.mean(0))


def starts_always_alike(latent, *, rngs, **given):
    """Draws its first weights from a seed of its own."""
    return ConvolutionalGenerator(latent, rngs=nnx.Rngs(0), **given)


@pytest.mark.statement(
    "convolutional-gan.seeds", of=ConvolutionalGenerator, mutants=[draws_anew, sees_the_batch, starts_always_alike]
)
def test_seeds_reproduce_images(implementation):
    def made(first, key, batch=4):
        net = implementation(7, size=(12, 8), channels=2, maps=[4, 3], rngs=nnx.Rngs(first))
        return np.asarray(net(noise(key, 4)[:batch]))

    again = made(0, 1)
    assert (made(0, 1) == again).all()
    assert (made(1, 1) != again).mean() > 0.99
    assert (made(0, 2) != again).mean() > 0.99
    np.testing.assert_allclose(made(0, 1, batch=2), again[:2], rtol=0, atol=1e-6)


def test_first_weights_keep_the_size_of_what_they_read():
    generator, discriminator = pair((64, 64), 3, [64, 32, 16, 8])
    images = np.asarray(generator(noise(batch=64)))
    logits = np.asarray(discriminator(jnp.asarray(np.sign(np.random.default_rng(0).standard_normal((64, 64, 64, 3))))))

    assert 0.3 < images[:, 4:-4, 4:-4].std() < 0.9
    assert 0.2 < logits.std() < 2
