"""Wrong group and instance norms; each caught by the clause that it names."""

from __future__ import annotations

import math

import numpy as np

from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.mutants.architectures.transformer.normalization import in_dtype, weighted, widened
from nnspec_conformance.oracles.training import group_normalization as right

MUTANTS = Mutants()
DEFAULT, GRID = 1e-5, 2**15


def split(x, groups):
    """[batch, places, groups, features of a group]."""
    return x.reshape(len(x), math.prod(x.shape[1:-1]), groups, x.shape[-1] // max(groups, 1))


def blocks(x, given):
    """[batch, groups, numbers of a group]."""
    z = np.moveaxis(split(widened(x), how_many(x, given)), 2, 1)
    return z.reshape(*z.shape[:2], math.prod(z.shape[2:]))


def in_place(y, x):
    """Put the numbers of the groups back where they were."""
    z = y.reshape(*y.shape[:2], math.prod(x.shape[1:-1]), x.shape[-1] // max(y.shape[1], 1))
    return np.moveaxis(z, 1, 2).reshape(x.shape)


def how_many(x, given):
    """The groups that were asked for; of an instance norm each feature is one."""
    return given.get("groups", max(x.shape[-1], 1))


def both(story: str, aspect: str, *others: str):
    """A mutant of either norm, caught by a clause that each has of its own."""

    def bind(wrong):
        for name in ("group-norm", "instance-norm"):
            MUTANTS.each(story, f"{name}.{aspect}", *others)(wrong)
        return wrong

    return bind


# ---- values


@both("torch.var and torch.std divide by n - 1 by default", "value")
def divides_the_variance_by_n_minus_1(f, x, *weights, epsilon=DEFAULT, **given):
    z = split(widened(x), how_many(x, given))
    d = z - z.mean((1, 3), keepdims=True) if z.size else z
    v = (d * d).sum((1, 3), keepdims=True) / max(z.shape[1] * z.shape[3] - 1, 1)
    y = (d / np.sqrt(v + epsilon)).reshape(x.shape)
    return weighted(y, *map(widened, weights)).astype(x.dtype)


@both("epsilon stands beside the root", "value")
def adds_epsilon_to_the_root(f, x, *weights, epsilon=DEFAULT, **given):
    z = split(widened(x), how_many(x, given))
    d = z - z.mean((1, 3), keepdims=True) if z.size else z
    with np.errstate(invalid="ignore", divide="ignore"):
        y = d / (np.sqrt((d * d).mean((1, 3), keepdims=True)) + epsilon) if z.size else d
    return weighted(y.reshape(x.shape), *map(widened, weights)).astype(x.dtype)


@MUTANTS.add("each place has statistics of its own: a layer norm of the group", "group-norm.value",
             "group-norm.one-group")  # fmt: skip
@in_dtype
def averages_over_the_features_alone(x, *weights, groups, epsilon=DEFAULT):
    flat = x.reshape(-1, x.shape[-1])
    return weighted(right.group_norm(flat, groups=groups, epsilon=epsilon).reshape(x.shape), *weights)


@MUTANTS.add("a mean for each feature: as many groups as features", "group-norm.value", "group-norm.one-group")
@in_dtype
def takes_every_feature_for_a_group(x, *weights, groups, epsilon=DEFAULT):
    return right.instance_norm(x, *weights, epsilon=epsilon)


@MUTANTS.add("MLX, unless it is told to be compatible with PyTorch", "group-norm.contiguous", "group-norm.value",
             "group-norm.example")  # fmt: skip
@in_dtype
def groups_features_that_lie_apart(x, *weights, groups, epsilon=DEFAULT):
    size = x.shape[-1] // groups
    order = np.arange(x.shape[-1]).reshape(size, groups).T.reshape(-1)
    y = np.empty_like(x)
    y[..., order] = right.group_norm(x[..., order], groups=groups, epsilon=epsilon)
    return weighted(y, *weights)


@MUTANTS.add("the number of groups is taken for the features of a group, as Flax has group_size beside num_groups",
             "group-norm.groups-of-one", "group-norm.value")  # fmt: skip
@in_dtype
def takes_groups_for_their_size(x, *weights, groups, epsilon=DEFAULT):
    return right.group_norm(x, *weights, groups=max(x.shape[-1] // groups, 1), epsilon=epsilon)


@MUTANTS.add("the norm of the batch, which is its ancestor", "instance-norm.value")
@in_dtype
def averages_over_the_batch(x, *weights, epsilon=DEFAULT, **told):
    axes = tuple(range(x.ndim - 1))
    d = x - x.mean(axes) if x.size else x
    return weighted(d / np.sqrt((d * d).mean(axes) + epsilon) if x.size else d, *weights)


@MUTANTS.add("one mean for all features of an image: layer norm", "instance-norm.contrast", "instance-norm.value")
@in_dtype
def averages_over_all_features(x, *weights, epsilon=DEFAULT, **told):
    return right.group_norm(x, *weights, groups=1, epsilon=epsilon)


@both("the scale is registered, and never used", "value")
def forgets_the_scale(f, x, *weights, **given):
    return f(x, *(np.ones_like(w) if i == 0 else w for i, w in enumerate(weights)), **given)


@both("the shift is registered, and never added", "value")
def forgets_the_shift(f, x, *weights, **given):
    return f(x, *weights[:1], **given)


@MUTANTS.add("a scale for each group", "group-norm.value", "group-norm.example")
@in_dtype
def has_a_scale_for_each_group(x, *weights, groups, epsilon=DEFAULT):
    first = [np.repeat(w[:: len(w) // groups], len(w) // groups) if len(w) else w for w in weights]
    return right.group_norm(x, *first, groups=groups, epsilon=epsilon)


@MUTANTS.each("a scale that was left out is taken for zeros", "group-normalization.weights-left-out")
def takes_zeros_for_a_scale_left_out(f, x, *weights, **given):
    return f(x, *(weights or (np.zeros(x.shape[-1:], x.dtype),)), **given)


@MUTANTS.each("a kernel has a least epsilon of its own, and does not say so", "group-normalization.multiple")
def raises_epsilon_to_a_least_one(f, *arrays, epsilon=DEFAULT, **given):
    return f(*arrays, epsilon=max(epsilon, 1e-5), **given)


# ---- hard numbers


@MUTANTS.each("the mean square less the square of the mean: one pass", "group-normalization.large-mean")
def takes_the_variance_in_one_pass(f, x, *weights, epsilon=DEFAULT, **given):
    z = split(widened(x), how_many(x, given))
    if not z.size:
        return f(x, *weights, epsilon=epsilon, **given)
    mu, square = z.mean((1, 3), keepdims=True), (z * z).mean((1, 3), keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = (z - mu) / np.sqrt(np.maximum(square - mu * mu, 0) + z.dtype.type(epsilon))
    return weighted(y.reshape(x.shape), *map(widened, weights)).astype(x.dtype)


@MUTANTS.each("epsilon is taken and not used: zero over zero", "group-normalization.constant")
def forgets_epsilon(f, *arrays, epsilon=DEFAULT, **given):
    return f(*arrays, epsilon=0.0, **given)


@MUTANTS.each("squares in half precision: infinite", "group-normalization.half-precision")
def squares_in_half_precision(f, x, *weights, epsilon=DEFAULT, **given):
    if x.dtype.itemsize > 2 or not x.size:
        return f(x, *weights, epsilon=epsilon, **given)
    z = split(x, how_many(x, given))
    with np.errstate(all="ignore"):
        d = z - widened(z).mean((1, 3), keepdims=True).astype(x.dtype)
        v = (d * d).astype(np.float32).mean((1, 3), keepdims=True)
        y = (d.astype(np.float32) / np.sqrt(v + np.float32(epsilon))).reshape(x.shape)
    return weighted(y, *map(widened, weights)).astype(x.dtype)


@MUTANTS.each("a sum in half precision stops growing", "group-normalization.half-precision")
def adds_up_in_half_precision(f, x, *weights, epsilon=DEFAULT, **given):
    z = split(widened(x), how_many(x, given))
    count = z.shape[1] * z.shape[3]
    if x.dtype.itemsize > 2 or count <= 512:
        return f(x, *weights, epsilon=epsilon, **given)
    share = np.float32(512 / count)
    d = z - share * z.mean((1, 3), keepdims=True)
    y = d / np.sqrt(share * (d * d).mean((1, 3), keepdims=True) + np.float32(epsilon))
    return weighted(y.reshape(x.shape), *map(widened, weights)).astype(x.dtype)


# ---- sizes


@MUTANTS.each("the grid of threads ends at 32,768, and the statistics with it", "group-normalization.long-group")
def forgets_what_lies_beyond_the_grid(f, x, *weights, epsilon=DEFAULT, **given):
    z = split(widened(x), how_many(x, given))
    end = GRID // max(z.shape[3], 1)  # places that the grid holds
    if z.shape[1] <= end:
        return f(x, *weights, epsilon=epsilon, **given)
    seen = z[:, :end]
    y = (z - seen.mean((1, 3), keepdims=True)) / np.sqrt(seen.var((1, 3), keepdims=True) + epsilon)
    return weighted(y.reshape(x.shape), *map(widened, weights)).astype(x.dtype)


@MUTANTS.each("eight places at a time, and the statistics without what is left over", "group-normalization.sizes")
def forgets_what_is_left_over_of_eight_places(f, x, *weights, epsilon=DEFAULT, **given):
    z = split(widened(x), how_many(x, given))
    end = z.shape[1] // 8 * 8
    if not end or end == z.shape[1] or not z.size:
        return f(x, *weights, epsilon=epsilon, **given)
    seen = z[:, :end]
    y = (z - seen.mean((1, 3), keepdims=True)) / np.sqrt(seen.var((1, 3), keepdims=True) + epsilon)
    return weighted(y.reshape(x.shape), *map(widened, weights)).astype(x.dtype)


@MUTANTS.each("blocks of 128 numbers, and the statistics without what is left over",
              "group-normalization.larger-groups")  # fmt: skip
def forgets_what_is_left_over_of_128_numbers(f, x, *weights, epsilon=DEFAULT, **given):
    z = blocks(x, given)
    end = z.shape[2] // 128 * 128
    if not end or end == z.shape[2]:
        return f(x, *weights, epsilon=epsilon, **given)
    seen = z[:, :, :end]
    y = (z - seen.mean(2, keepdims=True)) / np.sqrt(seen.var(2, keepdims=True) + epsilon)
    return weighted(in_place(y, x), *map(widened, weights)).astype(x.dtype)


@MUTANTS.each("blocks of 128 numbers, and the sums of the backward pass without what is left over",
              "group-normalization.larger-groups", part="_vjp")  # fmt: skip
def adds_up_blocks_of_128_in_the_backward_pass(f, x, *rest, epsilon=DEFAULT, **given):
    *weights, g = map(widened, rest)
    z, a = blocks(x, given), blocks(g * weights[0] if weights else g, given)
    end = z.shape[2] // 128 * 128
    if not end or end == z.shape[2]:
        return f(x, *rest, epsilon=epsilon, **given)
    root = np.sqrt(z.var(2, keepdims=True) + epsilon)
    y = (z - z.mean(2, keepdims=True)) / root
    first, second = (part[:, :, :end].sum(2, keepdims=True) / z.shape[2] for part in (a, a * y))
    others = f(x, *rest, epsilon=epsilon, **given)[1:]
    return (in_place((a - first - y * second) / root, x).astype(x.dtype), *others)


@MUTANTS.each("sixty-four examples at a time, and no gradient for those beyond", "group-normalization.sizes",
              part="_vjp")  # fmt: skip
def has_no_gradient_beyond_64_examples(f, x, *rest, **given):
    dx, *others = f(x, *rest, **given)
    dx = np.array(dx)
    dx[64:] = 0
    return (dx, *others)


# ---- gradients


def terms(f, x, rest, epsilon, given):
    """The right gradients of the weights, and what the gradient of x is made of."""
    *weights, g = map(widened, rest)
    groups = how_many(x, given)
    z, a = split(widened(x), groups), split(g * weights[0] if weights else g, groups)
    root = np.sqrt(z.var((1, 3), keepdims=True) + epsilon)
    normal = (z - z.mean((1, 3), keepdims=True)) / root
    return f(x, *rest, epsilon=epsilon, **given)[1:], a, normal, root


@MUTANTS.each("the statistics are constants of the backward pass", "group-normalization.gradient", part="_vjp")
def holds_the_statistics_constant(f, x, *rest, epsilon=DEFAULT, **given):
    others, a, _, root = terms(f, x, rest, epsilon, given)
    return ((a / root).reshape(x.shape).astype(x.dtype), *others)


@MUTANTS.each("the term of the mean is lost", "group-normalization.gradient-sum", "group-normalization.gradient",
              part="_vjp")  # fmt: skip
def holds_the_mean_constant(f, x, *rest, epsilon=DEFAULT, **given):
    others, a, normal, root = terms(f, x, rest, epsilon, given)
    dx = (a - normal * (a * normal).mean((1, 3), keepdims=True)) / root
    return (dx.reshape(x.shape).astype(x.dtype), *others)


@MUTANTS.each("the term of the variance is lost", "group-normalization.gradient", part="_vjp")
def holds_the_root_constant(f, x, *rest, epsilon=DEFAULT, **given):
    others, a, _, root = terms(f, x, rest, epsilon, given)
    return (((a - a.mean((1, 3), keepdims=True)) / root).reshape(x.shape).astype(x.dtype), *others)


@MUTANTS.each("the scale multiplies behind the means", "group-normalization.gradient", part="_vjp",
              operations=("group_norm",))  # fmt: skip
def scales_behind_the_means(f, x, *rest, **given):
    *weights, g = rest
    _, *others = f(x, *rest, **given)
    dx = widened(f(x, g, **given)[0]) * (widened(weights[0]) if weights else 1)
    return (dx.astype(x.dtype), *others)


@MUTANTS.each("the gradients of the weights are means over the batch", "group-normalization.gradient", part="_vjp")
def averages_the_gradients_of_the_weights(f, x, *rest, **given):
    dx, *others = f(x, *rest, **given)
    return (dx, *((widened(part) / max(len(x), 1)).astype(part.dtype) for part in others))


# ---- defaults and refusals


@MUTANTS.each("another library's default", "group-normalization.default-epsilon")
def has_a_thousandth_by_default(f, *arrays, epsilon=1e-3, **given):
    return f(*arrays, epsilon=epsilon, **given)


@MUTANTS.each("a negative number is taken, and its root is NaN or not", "group-normalization.epsilon-range")
def takes_a_negative_epsilon(f, *arrays, epsilon=DEFAULT, **given):
    return f(*arrays, epsilon=max(epsilon, 0.0), **given)


@MUTANTS.add("groups that do not divide: the next smaller number that does", "group-norm.groups-divide")
def takes_the_next_number_that_divides(x, *weights, groups, **given):
    fits = [g for g in range(1, max(groups, 1) + 1) if x.shape[-1] % g == 0]
    return ORACLE.group_norm(x, *weights, groups=fits[-1], **given)
