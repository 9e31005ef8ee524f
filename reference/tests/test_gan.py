"""What the conformance suite cannot see of two networks against each other: the alternating step."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from altered import changed

from nnspec.architectures.gan import gan_step, gradient_penalty, players

RATE = 0.1
OPTIMIZERS = (optax.adamw(RATE), optax.adamw(RATE))


def draws(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def generate(weights, noise):
    return jnp.tanh(noise @ weights["kernel"]) @ weights["read"]


def discriminate(weights, x):
    return jnp.tanh(x @ weights["kernel"]) @ weights["read"]


GENERATOR = {"kernel": draws(0, 3, 4), "read": draws(1, 4, 2)}
DISCRIMINATOR = {"kernel": draws(2, 2, 5), "read": draws(3, 5)}
REAL, NOISE = draws(4, 6, 2), (draws(5, 6, 3), draws(6, 6, 3))
HOW = {"generate": generate, "discriminate": discriminate}


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(leaves(one), leaves(other), strict=True))


def forgets_to_detach(*given, **how):
    """Steps the generator by the discriminator's loss, too."""
    game, losses = gan_step(*given, **how)
    return game._replace(generator=jax.tree.map(lambda w: w * (1 - 1e-3), game.generator)), losses


def decays_the_other(game, real, noise, **how):
    """Holds both networks in the optimizer of the first, which moves weights whose gradient is 0."""
    game, losses = gan_step(game, real, noise, **how)
    zero = jax.tree.map(jnp.zeros_like, game.discriminator)
    optimizer = how["optimizers"][0]
    change, _ = optimizer.update(zero, optimizer.init(game.discriminator), game.discriminator)
    return game._replace(discriminator=optax.apply_updates(game.discriminator, change)), losses


@pytest.mark.statement("gan-step.apart", of=gan_step, mutants=[forgets_to_detach, decays_the_other])
def test_a_player_that_stands_still_keeps_its_weights_bit_for_bit(implementation):
    still = optax.set_to_zero()
    for at, own in enumerate((GENERATOR, DISCRIMINATOR)):
        optimizers = tuple(still if i == at else OPTIMIZERS[i] for i in (0, 1))
        start = players(GENERATOR, DISCRIMINATOR, optimizers)
        game, _ = implementation(start, REAL, NOISE, optimizers=optimizers, **HOW)

        assert same((game.generator, game.discriminator)[at], own)
        assert not same((game.discriminator, game.generator)[at], (DISCRIMINATOR, GENERATOR)[at])


def against_the_old_one(*given, **how):
    """Steps the generator against the discriminator of before."""
    return changed(gan_step, "discriminate(discriminator, generate(", "discriminate(game.discriminator, generate(")(
        *given, **how
    )


def on_the_first_noise(*given, **how):
    """Makes the generator's samples of the noise of the discriminator's half."""
    return changed(gan_step, "generate(generator, noise[1])", "generate(generator, noise[0])")(*given, **how)


@pytest.mark.statement("gan-step.order", of=gan_step, mutants=[against_the_old_one, on_the_first_noise])
def test_generator_answers_to_the_new_discriminator(implementation):
    optimizers = (optax.sgd(RATE), optax.sgd(RATE))
    start = players(GENERATOR, DISCRIMINATOR, optimizers)
    game, losses = implementation(start, REAL, NOISE, optimizers=optimizers, **HOW)

    def told_apart(d):
        fake = generate(GENERATOR, NOISE[0])
        return (jax.nn.softplus(-discriminate(d, REAL)) + jax.nn.softplus(discriminate(d, fake))).mean()

    def passed_off(g):
        return jax.nn.softplus(-discriminate(game.discriminator, generate(g, NOISE[1]))).mean()

    def stepped(w, loss):
        return jax.tree.map(lambda a, g: a - RATE * g, w, jax.grad(loss)(w))

    wanted = stepped(DISCRIMINATOR, told_apart), stepped(GENERATOR, passed_off)
    for got, want in zip(leaves((game.discriminator, game.generator)), leaves(wanted), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-6)
    np.testing.assert_allclose(losses, (told_apart(DISCRIMINATOR), passed_off(GENERATOR)), rtol=1e-6)


def test_made_samples_of_another_shape_are_refused():
    start = players(GENERATOR, DISCRIMINATOR, OPTIMIZERS)
    with pytest.raises(ValueError, match=r"made samples have shape \(5, 2\), real ones \(6, 2\)"):
        gan_step(start, REAL, (NOISE[0][:5], NOISE[1]), optimizers=OPTIMIZERS, **HOW)


def test_penalty_of_a_deep_critic_trains_it():
    def critic(weights):
        return lambda x: jnp.tanh(jnp.tanh(x @ weights["a"]) @ weights["b"]) @ weights["c"]

    weights = {"a": draws(7, 2, 5), "b": draws(8, 5, 4), "c": draws(9, 4)}

    def loss(w):
        return gradient_penalty(points, critic=critic(w), target=1.0).mean()

    with jax.enable_x64(True):
        points = REAL.astype(jnp.float64)
        weights = jax.tree.map(lambda w: w.astype(jnp.float64), weights)
        g = jax.grad(loss)(weights)
        for name, w in weights.items():
            along = jnp.asarray(np.random.default_rng(10).standard_normal(w.shape))
            ends = [loss(weights | {name: w + h * along}) for h in (1e-6, -1e-6)]
            assert float((g[name] * along).sum()) == pytest.approx(float(ends[0] - ends[1]) / 2e-6, rel=1e-5)


def with_rule(backward):
    """The sum of squares, with a gradient of its own."""
    squares = jax.custom_vjp(lambda x: jnp.sum(x * x))
    squares.defvjp(lambda x: (jnp.sum(x * x), x), lambda x, g: (g * backward(x),))
    return squares


def by_a_callback(x):
    return jax.pure_callback(lambda a: 2 * a, jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="sequential")


def by_a_loop(x):
    return jax.lax.while_loop(lambda c: c[0] < 2, lambda c: (c[0] + 1, c[1] + x), (0, jnp.zeros_like(x)))[1]


@pytest.mark.parametrize(("rule", "why"), [(by_a_callback, "callbacks"), (by_a_loop, "while_loop")])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_critic_without_a_second_derivative_is_refused(rule, why, compiled):
    twice = with_rule(lambda x: 2 * x)

    def once(x):
        return with_rule(rule)(x)

    def ask(critic):
        penalty = functools.partial(gradient_penalty, critic=critic, target=1.0)
        return (jax.jit(penalty) if compiled else penalty)(REAL)

    np.testing.assert_allclose(ask(twice), (2 * np.linalg.norm(REAL, axis=-1) - 1) ** 2, rtol=1e-5)
    with pytest.raises(TypeError, match=f"gradient of critic .*once has no gradient .*{why}") as found:
        ask(once)
    assert "\n" not in str(found.value)


def test_a_critic_of_several_numbers_is_refused_as_that():
    with pytest.raises(TypeError, match="scalar-output"):
        gradient_penalty(REAL, critic=lambda x: x, target=1.0)
