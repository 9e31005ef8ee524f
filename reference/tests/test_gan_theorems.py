"""What is proven of two networks against each other: batches apart, points between samples, paths of small games."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from altered import changed

from nnspec.architectures import gan
from nnspec.architectures.gan import gan_step, gradient_penalty, players, points_between, simultaneous_gan_step

DRAWS = 20_000
FALSE_ALARM = 1e-6
# Dvoretzky, Kiefer and Wolfowitz: a distribution function is off by more than this once in a million.
FAR = (np.log(2 / FALSE_ALARM) / (2 * DRAWS)) ** 0.5


# ---- batches


def draws(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


REAL, NOISE = 3 + draws(0, 8, 2), (draws(1, 8, 3), draws(2, 8, 3))
GENERATOR, DISCRIMINATOR = draws(3, 3, 2), draws(4, 2)


def generate(kernel, noise):
    return jnp.tanh(noise @ kernel)


def discriminate(read, x):
    """Normalizes over the batch that it is given."""
    off = x - x.mean(0)
    return jnp.tanh(off / jnp.sqrt((off**2).mean(0) + 0.1) + 0.3 * x.mean(0)) @ read


def normalizes_both_kinds_together(*given, **how):
    """Hands real and made samples to the discriminator as one batch."""
    old = "logits = discriminate(discriminator, real), discriminate(discriminator, fake)"
    new = "logits = jnp.split(discriminate(discriminator, jnp.concatenate([real, fake])), 2)"
    return changed(gan_step, old, new)(*given, **how)


def judges_made_samples_among_real_ones(*given, **how):
    """Takes the statistics of the generator's half from real samples, too."""
    old = "logits = discriminate(discriminator, generate(generator, noise[1]))"
    new = "logits = discriminate(discriminator, jnp.concatenate([real, generate(generator, noise[1])]))[len(real) :]"
    return changed(gan_step, old, new)(*given, **how)


@pytest.mark.statement(
    "gan-step.batches", of=gan_step, mutants=[normalizes_both_kinds_together, judges_made_samples_among_real_ones]
)
def test_a_batch_norm_sees_one_kind_at_a_time(implementation):
    optimizers = (optax.sgd(0.1), optax.sgd(0.1))
    how = {"generate": generate, "discriminate": discriminate, "optimizers": optimizers}
    game, losses = implementation(players(GENERATOR, DISCRIMINATOR, optimizers), REAL, NOISE, **how)

    def told_apart(d):
        fake = discriminate(d, generate(GENERATOR, NOISE[0]))
        return (jax.nn.softplus(-discriminate(d, REAL)) + jax.nn.softplus(fake)).mean()

    def passed_off(g):
        return jax.nn.softplus(-discriminate(game.discriminator, generate(g, NOISE[1]))).mean()

    first, g = jax.value_and_grad(told_apart)(DISCRIMINATOR)
    np.testing.assert_allclose(game.discriminator, DISCRIMINATOR - 0.1 * g, rtol=0, atol=1e-6)
    second, g = jax.value_and_grad(passed_off)(GENERATOR)
    np.testing.assert_allclose(game.generator, GENERATOR - 0.1 * g, rtol=0, atol=1e-6)
    np.testing.assert_allclose(losses, (first, second), rtol=1e-6)


# ---- the best discriminator

POINTS, P, Q = 4, np.array([4, 2, 1, 1]) / 8, np.array([1, 1, 2, 4]) / 8


def exchanges_the_labels(*given, **how):
    """Takes made samples for real ones, and the reverse."""
    old = "logits = discriminate(discriminator, real), discriminate(discriminator, fake)"
    new = "logits = discriminate(discriminator, fake), discriminate(discriminator, real)"
    return changed(gan_step, old, new)(*given, **how)


def smooths_the_labels(*given, **how):
    """Asks for the probability 0.9 of real samples, which makes 0.9 p/(p + q) the best answer."""
    old = "discriminator_loss(*logits, kind=losses[0]).mean()"
    return changed(gan_step, old, old.replace(".mean()", ".mean() + 0.1 * logits[0].mean()"))(*given, **how)


def asks_for_a_margin(*given, **how):
    """Trains by the hinge loss whatever is declared, whose logits are no odds."""
    return changed(gan_step, "kind=losses[0]", 'kind="hinge"')(*given, **how)


@pytest.mark.statement(
    "gan-step.optimum", of=gan_step, mutants=[exchanges_the_labels, smooths_the_labels, asks_for_a_margin]
)
def test_a_discriminator_that_is_trained_to_the_end_knows_both_distributions(implementation):
    """Batches hold each point as often as its distribution says; the generator makes the points of its noise."""
    real, made = (jnp.repeat(jnp.eye(POINTS), (8 * part).astype(int), axis=0) for part in (P, Q))
    optimizers = (optax.set_to_zero(), optax.sgd(4.0))
    how = {"generate": lambda w, noise: noise + w, "discriminate": lambda logits, x: x @ logits}

    def turn(game, _):
        return implementation(game, real, (made, made), optimizers=optimizers, **how)

    start = players(jnp.zeros(POINTS), jnp.array([3.0, -2.0, 1.0, 0.5]), optimizers)
    game, (losses, _) = jax.lax.scan(turn, start, None, 300)
    d = jax.nn.sigmoid(game.discriminator)
    best = 2 * gan.jensen_shannon(jnp.asarray(P), jnp.asarray(Q)) - np.log(4)

    np.testing.assert_allclose(d, P / (P + Q), rtol=0, atol=1e-5)
    np.testing.assert_allclose(gan.gan_value(d, jnp.asarray(P), jnp.asarray(Q)), best, rtol=0, atol=1e-6)
    np.testing.assert_allclose(losses[-1], -best, rtol=0, atol=1e-6)


# ---- the game xy


def steps_both_at_once(*given, **how):
    """Steps the generator against the discriminator of before, which is a spiral."""
    old = "discriminate(discriminator, generate(generator, noise[1]))"
    return changed(gan_step, old, old.replace("discriminator,", "game.discriminator,", 1))(*given, **how)


def steps_the_discriminator_twice(game, real, noise, **how):
    """Lets the discriminator have two steps for each one of the generator."""
    game = gan_step(game, real, noise, **how)[0]._replace(generator=game.generator)
    return gan_step(game, real, noise, **how)


def steps_the_generator_by_the_other_rate(*given, optimizers, **how):
    """Gives each player the optimizer of the other one."""
    return gan_step(*given, optimizers=optimizers[::-1], **how)


@pytest.mark.statement(
    "gan-step.ellipse", of=gan_step,
    mutants=[steps_both_at_once, steps_the_discriminator_twice, steps_the_generator_by_the_other_rate],
)  # fmt: skip
def test_players_in_turn_stay_on_an_ellipse(implementation):
    """The critic x gives the sample y the value xy, and a real sample, which is 0, the value 0."""
    for rates in ((0.3, 0.3), (1.0, 1.0), (1.9, 1.9), (3.0, 0.5), (0.25, 6.0), (2.0, 2.0), (4.0, 1.0)):
        path = np.asarray(played(implementation, rates, (jnp.zeros(1), jnp.zeros(1))), np.float64)
        for_x, for_y = rates
        kept = for_y * path[0] ** 2 + for_x * path[1] ** 2 - for_x * for_y * path[0] * path[1]
        if for_x * for_y < 4:
            np.testing.assert_allclose(kept, kept[0], rtol=1e-4)
        else:
            away = np.abs(path).sum(0)[20:]
            np.testing.assert_allclose(np.diff(away), np.diff(away).mean(), rtol=1e-3)
            assert np.diff(away).mean() > 0.5


def played(step, rates, noise, steps=60):
    """The weights of discriminator and generator after each step from (1, 0.25) on, with the rates in this order."""
    optimizers = (optax.sgd(rates[1]), optax.sgd(rates[0]))
    how = {
        "generate": lambda y, noise: y + 0 * noise,
        "discriminate": lambda x, sample: x * sample,
        "optimizers": optimizers,
        "losses": ("wasserstein", "wasserstein"),
    }

    def turn(game, _):
        game, _ = step(game, jnp.zeros(1), noise, **how)
        return game, (game.discriminator, game.generator)

    return jax.lax.scan(turn, players(jnp.array(0.25), jnp.array(1.0), optimizers), None, steps)[1]


# ---- both at once


def alternates(game, real, noise, **how):
    """Steps the generator against the discriminator of after its step."""
    return gan_step(game, real, (noise, noise), **how)


def alternates_the_other_way(*given, **how):
    """Steps the generator first, and the discriminator on what it then makes."""
    game, losses = simultaneous_gan_step(*given, **how)
    return simultaneous_gan_step(given[0]._replace(generator=game.generator), *given[1:], **how)[0]._replace(
        generator=game.generator, generator_state=game.generator_state
    ), losses


def helps_the_discriminator(*given, **how):
    """Has the sign of the generator's loss exchanged: both players want the same."""
    old = "discriminate(game.discriminator, generate(generator, noise))"
    return changed(simultaneous_gan_step, old, f"-{old}")(*given, **how)


@pytest.mark.statement(
    "simultaneous-gan-step.value", of=simultaneous_gan_step,
    mutants=[alternates, alternates_the_other_way, helps_the_discriminator],
)  # fmt: skip
def test_both_players_step_at_once(implementation):
    optimizers = (optax.sgd(0.1), optax.sgd(0.1))
    how = {"generate": generate, "discriminate": discriminate, "optimizers": optimizers}
    game, losses = implementation(players(GENERATOR, DISCRIMINATOR, optimizers), REAL, NOISE[0], **how)

    def told_apart(d):
        fake = discriminate(d, generate(GENERATOR, NOISE[0]))
        return (jax.nn.softplus(-discriminate(d, REAL)) + jax.nn.softplus(fake)).mean()

    def passed_off(g):
        return jax.nn.softplus(-discriminate(DISCRIMINATOR, generate(g, NOISE[0]))).mean()

    first, g = jax.value_and_grad(told_apart)(DISCRIMINATOR)
    np.testing.assert_allclose(game.discriminator, DISCRIMINATOR - 0.1 * g, rtol=0, atol=1e-6)
    second, g = jax.value_and_grad(passed_off)(GENERATOR)
    np.testing.assert_allclose(game.generator, GENERATOR - 0.1 * g, rtol=0, atol=1e-6)
    np.testing.assert_allclose(losses, (first, second), rtol=1e-6)


@pytest.mark.statement(
    "simultaneous-gan-step.spiral", of=simultaneous_gan_step,
    mutants=[alternates, alternates_the_other_way, helps_the_discriminator],
)  # fmt: skip
def test_players_at_once_leave_by_a_spiral(implementation):
    """The critic x gives the sample y the value xy: each step turns by arctan(rate), and is as much longer."""
    for rate in (0.1, 0.5, 1.0, 2.0):
        x, y = np.asarray(played(implementation, (rate, rate), jnp.zeros(1), 40), np.float64)
        path = np.append(1 + 0.25j, x + 1j * y)
        away = np.abs(path)
        np.testing.assert_allclose(away[1:] / away[:-1], (1 + rate**2) ** 0.5, rtol=1e-5)
        np.testing.assert_allclose(np.angle(path[1:] / path[:-1]), np.arctan(rate), rtol=1e-4)


def test_step_at_once_refuses_made_samples_of_another_shape():
    optimizers = (optax.sgd(0.1), optax.sgd(0.1))
    how = {"generate": generate, "discriminate": discriminate, "optimizers": optimizers}
    with pytest.raises(ValueError, match=r"gan_step: made samples have shape \(5, 2\), real ones \(8, 2\)"):
        simultaneous_gan_step(players(GENERATOR, DISCRIMINATOR, optimizers), REAL, NOISE[0][:5], **how)


# ---- points between samples


def takes_one_share_for_the_batch(real, fake, key):
    """Draws one place for all pairs."""
    return changed(points_between, "(len(x),) + (1,) * (x.ndim - 1)", "(1,) * x.ndim")(real, fake, key)


def draws_each_coordinate(real, fake, key):
    """Leaves the segment: each coordinate has a share of its own."""
    return changed(points_between, "(len(x),) + (1,) * (x.ndim - 1)", "x.shape")(real, fake, key)


def prefers_the_middle(real, fake, key):
    """Takes the mean of two uniform numbers."""
    one, other = jax.random.split(key)
    return (points_between(real, fake, one) + points_between(real, fake, other)) / 2


def stays_near_real_samples(real, fake, key):
    """Has only the half of the way that begins at the real sample."""
    return (real + points_between(real, fake, key)) / 2


@pytest.mark.statement(
    "points-between.uniform", of=points_between,
    mutants=[takes_one_share_for_the_batch, draws_each_coordinate, prefers_the_middle, stays_near_real_samples],
)  # fmt: skip
def test_shares_are_uniform_on_the_segment(implementation):
    real, fake = jnp.tile(jnp.array([2.0, -1.0, 8.0]), (DRAWS, 1)), jnp.tile(jnp.array([1.0, 3.0, 4.0]), (DRAWS, 1))
    points = np.asarray(implementation(real, fake, jax.random.key(7)), np.float64)
    shares = (points - np.asarray(fake)) / np.asarray(real - fake)

    np.testing.assert_allclose(shares, shares[:, :1] * np.ones(3), rtol=0, atol=2e-6)
    ranks = np.arange(DRAWS + 1) / DRAWS
    drawn = np.sort(shares[:, 0])
    off = max(np.abs(drawn - ranks[1:]).max(), np.abs(drawn - ranks[:-1]).max())
    assert off < FAR
    neighbours = np.corrcoef(shares[1:, 0], shares[:-1, 0])[0, 1]
    assert abs(neighbours) < 4.9 / DRAWS**0.5


def test_points_keep_shape_and_dtype_and_refuse_others():
    real, fake = jnp.ones((4, 2, 3), jnp.bfloat16), jnp.zeros((4, 2, 3), jnp.bfloat16)
    points = points_between(real, fake, jax.random.key(0))

    assert (points.shape, points.dtype) == (real.shape, real.dtype)
    assert (np.asarray(points) == np.asarray(points)[:, :1, :1]).all()
    with pytest.raises(ValueError, match="points_between"):
        points_between(real, fake[:3], jax.random.key(0))


# ---- a linear critic with a penalty


def takes_the_slope_for_a_constant(x, *, critic, target):
    """Hands the slope over as a number: the penalty holds nothing."""
    old = "jax.vmap(jax.grad(critic))(x)"
    return changed(gradient_penalty, old, f"jax.lax.stop_gradient({old})")(x, critic=critic, target=target)


def forgets_the_square(x, *, critic, target):
    """Takes the distance of the slope to its target, which pulls as hard near 0 as far away."""
    old = "(length - jnp.asarray(target, length.dtype)) ** 2"
    return changed(gradient_penalty, old, old.replace(" ** 2", ""))(x, critic=critic, target=target)


def aims_at_1(x, *, critic, target):
    """Holds the slope at 1 whatever is asked."""
    return gradient_penalty(x, critic=critic, target=1.0)


@pytest.mark.statement(
    "gradient-penalty.rest",
    of=gradient_penalty,
    mutants=[takes_the_slope_for_a_constant, forgets_the_square, aims_at_1],
)
def test_a_linear_critic_comes_to_rest_where_the_theorem_says(implementation):
    rate, strength = (
        part.ravel() for part in np.meshgrid([0.1, 0.3, 0.8, 1.5, 2.5], [0.05, 0.2, 0.6, 1, 1.4, 2, 3, 7])
    )
    trace, determinant = 2 - rate * strength, 1 - rate * strength + rate**2
    radius = np.abs(np.stack([np.roots([1, -t, d]) for t, d in zip(trace, determinant, strict=True)])).max(1)
    clear = np.abs(radius - 1) > 0.02
    rests = (rate < strength) & (2 * rate * strength < 4 + rate**2)
    assert (rests[clear] == (radius < 1)[clear]).all()
    assert rests[clear].sum() >= 8
    assert (rate >= strength)[clear].sum() >= 8
    assert ((rate < strength) & ~rests)[clear].sum() >= 4

    def turn(_, players, rate, strength):
        theta, psi = players

        def critic_loss(psi):
            slopes = implementation(theta[None, None], critic=lambda x: psi * x[0], target=0.0)
            made = psi * theta
            return gan.discriminator_loss(0 * made, made, kind="wasserstein") + strength / 2 * slopes.mean()

        g = jax.grad(lambda theta: gan.generator_loss(psi * theta, kind="wasserstein"))(theta)
        return theta - rate * g, psi - rate * jax.grad(critic_loss)(psi)

    @jax.jit
    @jax.vmap
    def ends(rate, strength):
        start = jnp.array(1.0), jnp.array(0.5)
        return jax.lax.fori_loop(0, 400, lambda i, at: turn(i, at, rate, strength), start)

    theta, psi = ends(*(jnp.asarray(part[clear], jnp.float32) for part in (rate, strength)))
    assert ((np.hypot(theta, psi) < 0.05) == rests[clear]).all()
