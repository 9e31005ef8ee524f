"""Wrong clippings of gradients, each met in the wild, each caught by the clauses that it names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants(straight=["clip_by_value"])
SCALED = ("clip.scaled", "clip.example")


def groups(f: Callable, gradients: dict) -> list[dict]:
    """The arrays that share a norm."""
    together = f.__name__.startswith("clip_by_global_norm")
    return [gradients] if together else [{name: g} for name, g in gradients.items()]


def rescaled(f: Callable, gradients: dict, factor: Callable[[dict], float]) -> dict:
    """Every array times the factor of its group."""
    found = {}
    with np.errstate(all="ignore"):
        for group in groups(f, gradients):
            k = factor(group)
            found |= {name: np.asarray(g.astype(np.float64) * k).astype(g.dtype) for name, g in group.items()}
    return found


def entries(group: dict) -> np.ndarray:
    return np.concatenate([np.ravel(g).astype(np.float64) for g in group.values()])


def norm(group: dict) -> np.float64:
    return np.sqrt(np.sum(entries(group) ** 2))


def differ(some: dict, others: dict) -> bool:
    return any(np.any(some[name] != g) for name, g in others.items())


# ---- by a norm


@MUTANTS.each("the largest entry is taken for the norm", *SCALED)
def takes_the_largest_entry_for_the_norm(f, gradients, *, limit, **given):
    return rescaled(f, gradients, lambda group: min(1, limit / np.max(np.abs(entries(group)))))


@MUTANTS.each("the absolute values are added, not the squares", "clip.scaled")
def adds_the_absolute_values(f, gradients, *, limit, **given):
    return rescaled(f, gradients, lambda group: min(1, limit / np.sum(np.abs(entries(group)))))


@MUTANTS.each("`norm(g, 2)` of a matrix is its spectral norm", "clip.scaled")
def takes_the_spectral_norm_of_a_matrix(f, gradients, *, limit, **given):
    def size(group):
        wide = (np.atleast_1d(g.astype(np.float64)) for g in group.values())
        return np.sqrt(sum(np.linalg.norm(g, 2) ** 2 for g in wide))

    return rescaled(f, gradients, lambda group: min(1, limit / size(group)))


@MUTANTS.each("scalars are taken for settings, and not for parameters", "clip.scaled")
def leaves_scalars_out(f, gradients, **given):
    return gradients | f({name: g for name, g in gradients.items() if g.ndim}, **given)


@MUTANTS.each("the squares are added in the dtype of the gradients", "clip.many-entries")
def adds_the_squares_in_half_precision(f, gradients, *, limit, **given):
    def factor(group):
        total = np.zeros((), next(iter(group.values())).dtype)
        for g in group.values():
            for x in np.ravel(g):
                total = total + x * x
        return limit / max(np.sqrt(float(total)), limit)

    return rescaled(f, gradients, factor)


@MUTANTS.each("the limit is kept in float32", "clip.scaled")
def rounds_the_limit_to_float32(f, gradients, *, limit, **given):
    return f(gradients, limit=float(np.float32(limit)), **given)


@MUTANTS.each("the square of the norm is compared with the limit, and divides it", *SCALED)
def forgets_the_root(f, gradients, *, limit, **given):
    return rescaled(f, gradients, lambda group: min(1, limit / norm(group) ** 2))


@MUTANTS.each("a gradient beyond the limit gets the norm 1", *SCALED)
def forgets_the_limit(f, gradients, *, limit, **given):
    return rescaled(f, gradients, lambda group: 1 / norm(group) if norm(group) > limit else 1)


@MUTANTS.each("a gradient is normalized whether it is too long or not", "clip.below")
def normalizes_short_gradients_too(f, gradients, *, limit, **given):
    return rescaled(f, gradients, lambda group: limit / norm(group))


@MUTANTS.each("limit times the smaller of 1/norm and 1/limit, as in TensorFlow and Keras", "clip.below")
def multiplies_by_the_limit_and_its_inverse(f, gradients, *, limit, **given):
    def factor(group):
        (one, c), n = np.array([1, limit], next(iter(group.values())).dtype), norm(group)
        return float((c * (one / c)).astype(c.dtype)) if n < limit else limit / n

    return rescaled(f, gradients, factor)


@MUTANTS.each("a tolerance, so that not every step is clipped", "clip.scaled")
def clips_only_what_is_a_tenth_too_long(f, gradients, *, limit, **given):
    too_long = f(gradients, limit=1.1 * limit, **given)
    return f(gradients, limit=limit, **given) if differ(too_long, gradients) else dict(gradients)


@MUTANTS.each("what is near the limit is brought to it", "clip.below")
def lengthens_what_is_near_the_limit(f, gradients, *, limit, **given):
    near = differ(f(gradients, limit=0.9 * limit, **given), gradients)
    return rescaled(f, gradients, lambda group: limit / norm(group)) if near else dict(gradients)


@MUTANTS.each("the product of gradient and limit is divided by the larger of norm and limit", "clip.below")
def multiplies_by_the_limit_first(f, gradients, *, limit, **given):
    found = {}
    for group in groups(f, gradients):
        with np.errstate(all="ignore"):
            longer = max(norm(group), limit)
            found |= {name: np.asarray(g * g.dtype.type(limit) / g.dtype.type(longer)) for name, g in group.items()}
    return found


@MUTANTS.each("a norm that overflows is compared with an infinite limit by a quotient", "clip.range")
def divides_infinity_by_infinity(f, gradients, *, limit, **given):
    overflow = limit == np.inf and norm(gradients) > np.finfo(np.float32).max
    return (
        {name: np.full_like(g, np.nan) for name, g in gradients.items()}
        if overflow
        else f(gradients, limit=limit, **given)
    )


@MUTANTS.add("the first array is taken for the largest", "clip.range[clip_by_global_norm]")
def divides_by_the_largest_entry_of_the_first_array(gradients, *, limit, **given):
    m = np.max(np.abs(next(iter(gradients.values())).astype(np.float64))) or 1
    with np.errstate(all="ignore"):
        wide = [g.astype(np.float32 if g.dtype.itemsize == 2 else g.dtype) for g in gradients.values()]
        n = m * np.float64(np.sqrt(sum(np.sum((g / g.dtype.type(m)) ** 2) for g in wide)))
        return rescaled(right.clip_by_global_norm, gradients, lambda group: min(1, limit / n))


@MUTANTS.each("an epsilon that was chosen for half precision", "clip.at-limit", "clip.denominator")
def adds_a_thousandth_to_the_norm(f, gradients, *, limit, **given):
    return rescaled(f, gradients, lambda group: min(1, limit / (norm(group) + 1e-3)))


@MUTANTS.each("the squares are taken in the dtype of the gradient", "clip.range")
def squares_before_it_scales(f, gradients, *, limit, **given):
    def factor(group):
        wide = [g.astype(np.float32) if g.dtype.itemsize == 2 else g for g in group.values()]
        n = np.sqrt(sum(np.sum(g * g) for g in wide))
        return min(1, limit / n)

    return rescaled(f, gradients, factor)


@MUTANTS.each("gradient over norm, times the smaller of norm and limit", "clip.zero", "clip.limit-zero")
def divides_zero_by_zero(f, gradients, *, limit, **given):
    return rescaled(f, gradients, lambda group: np.float64(min(norm(group), limit)) / norm(group))


@MUTANTS.each(
    "the gradient is measured in units of the limit: zero times infinity",
    "clip.limit-infinite",
    operations=("clip_by_value", "clip_by_norm", "clip_by_global_norm"),
)
def measures_in_units_of_the_limit(f, gradients, *, limit, **given):
    with np.errstate(all="ignore"):
        units = {name: np.asarray(g / g.dtype.type(limit)) for name, g in gradients.items()}
        clipped = f(units, limit=1.0, **given)
        return {name: np.asarray(y * y.dtype.type(limit)) for name, y in clipped.items()}


@MUTANTS.each(
    "an `or` takes the limit 0 for none",
    "clip.limit-zero",
    operations=("clip_by_value", "clip_by_norm", "clip_by_global_norm"),
)
def takes_a_limit_of_0_for_none(f, gradients, *, limit, **given):
    return f(gradients, limit=limit, **given) if limit else dict(gradients)


@MUTANTS.each(
    "the sign is dropped in silence",
    "clip.negative-limit",
    operations=("clip_by_value", "clip_by_norm", "clip_by_global_norm"),
)
def takes_the_magnitude_of_the_limit(f, gradients, *, limit, **given):
    return f(gradients, limit=abs(limit), **given)


@MUTANTS.each(
    "no comparison with NaN is true, and nothing is clipped",
    "clip.nan-limit",
    operations=("clip_by_value", "clip_by_norm", "clip_by_global_norm"),
)
def clips_nothing_at_nan(f, gradients, *, limit, **given):
    return dict(gradients) if limit != limit else f(gradients, limit=limit, **given)


@MUTANTS.add("a loop over parameters calls the clipping once for each", "clip-by-global-norm.scope")
def clips_each_array_by_itself(gradients, *, limit, **given):
    return {name: right.clip_by_global_norm({name: g}, limit=limit, **given)[name] for name, g in gradients.items()}


@MUTANTS.add("arrays are grouped by dtype before the norm is taken", "clip-by-global-norm.mixed")
def clips_each_dtype_by_itself(gradients, **given):
    found = {}
    for dtype in {g.dtype for g in gradients.values()}:
        group = {name: g for name, g in gradients.items() if g.dtype == dtype}
        found |= right.clip_by_global_norm(group, **given)
    return {name: found[name] for name in gradients}


@MUTANTS.add("the gradients were joined into one vector before", "clip-by-norm.alone", "clip-by-norm.size")
def clips_all_arrays_by_the_common_norm(gradients, *, limit, size="norm", **given):
    return right.clip_by_global_norm(gradients, limit=limit, **given)


@MUTANTS.add("a norm for each row, as a constraint on weights has it", "clip-by-norm.size")
def clips_each_row(gradients, *, limit, **given):
    rows = {f"{name}/{i}": row for name, g in gradients.items() for i, row in enumerate(np.atleast_1d(g))}
    clipped = right.clip_by_norm(rows, limit=limit, **given)
    return {
        name: np.stack([clipped[f"{name}/{i}"] for i in range(len(np.atleast_1d(g)))]).reshape(g.shape)
        for name, g in gradients.items()
    }


def zeros_where_infinite(f, gradients, **given):
    lost = any(np.isinf(g).any() for g in gradients.values())
    return {name: np.zeros_like(g) for name, g in gradients.items()} if lost else f(gradients, **given)


@MUTANTS.add("one over an infinite norm is 0, and every gradient becomes 0 in silence", "clip-by-norm.infinite")
def gives_zeros_for_an_infinite_array(gradients, **given):
    return zeros_where_infinite(right.clip_by_norm, gradients, **given)


@MUTANTS.add("one over an infinite norm is 0, and every gradient becomes 0", "clip-by-global-norm.infinite")
def gives_zeros_for_an_infinite_norm(gradients, **given):
    return zeros_where_infinite(right.clip_by_global_norm, gradients, **given)


# ---- the derivative

SLOPES = ("clip.gradient",)


@MUTANTS.each("the norm is taken out of the graph", *SLOPES, part="_vjp")
def holds_the_norm_constant(f, gradients, cotangents, *, limit, **given):
    clipped = getattr(right, f.__name__.removesuffix("_vjp"))(gradients, limit=limit, **given)
    found = {name: cotangents[name] * (clipped[name] / g).astype(g.dtype) for name, g in gradients.items()}
    return ({name: np.asarray(x) for name, x in found.items()},)


@MUTANTS.each("the norm's square overflows in the backward pass: what it divides is lost", "clip.range", part="_vjp")
def loses_the_direction_of_large_gradients(f, gradients, cotangents, **given):
    if np.max(np.abs(entries(gradients))) > 1e19:
        return holds_the_norm_constant(f, gradients, cotangents, **given)
    return f(gradients, cotangents, **given)


@MUTANTS.add("each array is projected along its own gradient", "clip.gradient[clip_by_global_norm]", part="_vjp")
def projects_each_array_by_itself(gradients, cotangents, *, limit, **given):
    n = norm(gradients)
    if n <= limit:
        return (dict(cotangents),)
    found = {}
    for name, g in gradients.items():
        along = g.astype(np.float64) / n
        v = cotangents[name].astype(np.float64)
        found[name] = np.asarray(limit / n * (v - along * np.sum(along * v))).astype(g.dtype)
    return (found,)


@MUTANTS.each("clipping is taken for no operation in the backward pass", *SLOPES, part="_vjp")
def passes_straight_through(f, gradients, cotangents, **given):
    return (dict(cotangents),)


@MUTANTS.each("the root has an infinite slope at 0, which is multiplied by 0", "clip.derivative-at-zero", part="_vjp")
def has_no_derivative_at_zero(f, gradients, cotangents, **given):
    (found,) = f(gradients, cotangents, **given)
    for group in groups(f, gradients):
        if norm(group) == 0:
            found |= {name: np.full_like(g, np.nan) for name, g in group.items()}
    return (found,)


# ---- by value


@MUTANTS.add("only the upper side is clipped", "clip-by-value.value")
@in_dtype
def clips_above_only(gradients, *, limit):
    return {name: np.minimum(g, limit) for name, g in gradients.items()}


@MUTANTS.add("the magnitude is clipped and the sign is lost", "clip-by-value.value")
@in_dtype
def loses_the_sign(gradients, *, limit):
    return {name: np.minimum(np.abs(g), limit) for name, g in gradients.items()}


@MUTANTS.add("the limit is kept in float32", "clip-by-value.value")
def rounds_the_limit_of_entries_to_float32(gradients, *, limit):
    return right.clip_by_value(gradients, limit=float(np.float32(limit)))


@MUTANTS.add("entries beyond the limit are dropped", "clip-by-value.value", "clip.example[clip_by_value]")
@in_dtype
def drops_what_is_beyond_the_limit(gradients, *, limit):
    return {name: np.where(np.abs(g) > limit, 0, g) for name, g in gradients.items()}


@MUTANTS.add("the array is scaled by its largest entry", "clip-by-value.value")
@in_dtype
def scales_by_the_largest_entry(gradients, *, limit):
    return {name: g * min(1, limit / np.max(np.abs(g))) for name, g in gradients.items()}


@MUTANTS.add("the excess is subtracted: infinity less infinity", "clip-by-value.infinite")
@in_dtype
def subtracts_the_excess(gradients, *, limit):
    with np.errstate(invalid="ignore"):
        return {name: g - np.sign(g) * np.maximum(np.abs(g) - limit, 0) for name, g in gradients.items()}


@MUTANTS.add("a straight-through estimate", "clip-by-value.gradient", part="_vjp")
def passes_straight_through_the_values(gradients, cotangents, **given):
    return (dict(cotangents),)


@MUTANTS.add("both branches of a maximum get the cotangent at a tie", "clip-by-value.gradient-at-limit", part="_vjp")
def counts_a_tie_twice(gradients, cotangents, *, limit):
    (found,) = right.clip_by_value_vjp(gradients, cotangents, limit=limit)
    return ({name: np.where(np.abs(g) == limit, 2 * found[name], found[name]) for name, g in gradients.items()},)
