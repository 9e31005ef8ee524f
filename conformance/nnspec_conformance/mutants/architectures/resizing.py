"""Wrong resizings; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures import resizing as oracle

MUTANTS = Mutants(straight=["resize_nearest", "resize_linear", "resize_cubic", "pixel_shuffle", "pixel_unshuffle"])
BOTH = ("resize_linear", "resize_cubic")


def read(x, size, weights):
    """Two matrices of weights, applied in float64."""
    rows, columns = weights(x.shape[1], size[0]), weights(x.shape[2], size[1])
    return np.einsum("bhwc,ih,jw->bijc", x.astype(np.float64), rows, columns).astype(x.dtype)


# ---- nearest


def picked(x, size, entry):
    rows, columns = (np.clip(entry(n, m), 0, n - 1) for n, m in zip(x.shape[1:3], size, strict=True))
    return x[:, rows][:, :, columns]


@MUTANTS.add("the nearest whole number, by rounding i n/m", "resize-nearest.takes", "resize.example[resize_nearest]")
def rounds_the_place(x, *, size, takes="middle", **given):
    return picked(x, oracle.checked(x, size), lambda n, m: np.rint(np.arange(m) * n / m).astype(int))


@MUTANTS.add("corners on corners, for the nearest entry", "resize-nearest.takes")
def steps_from_corner_to_corner(x, *, size, takes="middle", **given):
    return picked(
        x, oracle.checked(x, size), lambda n, m: np.rint(np.arange(m) * (n - 1) / max(m - 1, 1)).astype(int)
    )  # fmt: skip


@MUTANTS.add("pytorch: n/m in float32, and then the product", "resize-nearest.every-length")
def rounds_the_factor_to_float32(x, *, size, takes="middle", **given):
    def entry(n, m):
        i = np.arange(m, dtype=np.float32) + np.float32(0 if takes == "corner" else 0.5)
        return np.floor(i * (np.float32(n) / np.float32(m))).astype(int)

    return picked(x, oracle.checked(x, size), entry)


@MUTANTS.add("written to, and not added: the last place wins", "resize-nearest.gradient", part="_vjp")
def keeps_one_cotangent(x, cotangents, *, size, takes="middle", **given):
    rows, columns = (oracle.taken(n, m, takes) for n, m in zip(x.shape[1:3], size, strict=True))
    found = np.zeros_like(x)
    found[:, rows[:, None], columns] = cotangents
    return (found,)


@MUTANTS.each("the mean, and not the sum, of what comes back", "resize-nearest.gradient", part="_vjp")
def shares_the_cotangents(f, x, cotangents, **given):
    rows, columns = given["size"]
    return (f(x, cotangents, **given)[0] * x.dtype.type(x.shape[1] * x.shape[2] / (rows * columns)),)


@MUTANTS.each("(width, height), as image programs take it", "resize-nearest.takes", "resize-nearest.every-length")
def reads_nearest_sizes_as_x_and_y(f, x, *, size, **given):
    return f(x, size=size[::-1], **given)


# ---- linear and cubic


@MUTANTS.each("(width, height), as image programs take it", "resize.gradient", operations=BOTH, part="_vjp")
def pulls_back_along_the_other_axis(f, x, cotangents, **given):
    turned = f(x.swapaxes(1, 2), cotangents.swapaxes(1, 2), **given | {"size": given["size"][::-1]})
    return (turned[0].swapaxes(1, 2)[:, ::-1],)


@MUTANTS.add("zeros stand beyond the border", "resize-linear.coordinates")
def fades_at_the_border(x, *, size, antialias=False, coordinates="half-pixel", reach="window", **given):
    def weights(n, m):
        p, step = oracle.places(n, m, coordinates)
        wide = max(1.0, step) if antialias else 1.0
        return np.maximum(1 - np.abs(p[:, None] - np.arange(-1, n + 1)) / wide, 0)[:, 1:-1]

    return read(x, oracle.checked(x, size), weights)


@MUTANTS.each(
    "the first entry stands on the first: the halves are left out",
    "resize-linear.coordinates",
    "resize.example",
    operations=["resize_linear"],
)
def places_the_first_entry_on_the_first(f, x, **given):
    swapped = {"half-pixel": "origin", "origin": "half-pixel", "corners": "half-pixel"}
    return f(x, **given | {"coordinates": swapped[given.get("coordinates", "half-pixel")]})


@MUTANTS.each("the flag is taken and not used", "resize-linear.antialias")
def does_not_antialias(f, x, **given):
    return f(x, **given | {"antialias": False})


@MUTANTS.add("a window of twice the factor", "resize-linear.antialias")
def smooths_too_widely(x, *, size, antialias=False, coordinates="half-pixel", reach="window", **given):
    def weights(n, m):
        p, step = oracle.places(n, m, coordinates)
        each = np.maximum(1 - np.abs(p[:, None] - np.arange(n)) / max(1.0, 2 * step), 0)
        return each / each.sum(1, keepdims=True) if step > 1 else oracle.linear_weights(n, m, coordinates=coordinates)

    size = oracle.checked(x, size)
    if not antialias:
        return right.resize_linear(x, size=size, antialias=False, coordinates=coordinates, reach=reach)
    return read(x, size, weights)


@MUTANTS.add("smoothed in both directions, whatever becomes larger", "resize-linear.antialias")
def smooths_what_becomes_larger(x, *, size, antialias=False, coordinates="half-pixel", reach="window", **given):
    def weights(n, m):
        p, step = oracle.places(n, m, coordinates)
        wide = max(step, 1.25) if antialias else 1.0
        p = p if antialias else np.clip(p, 0, n - 1)
        each = np.maximum(1 - np.abs(p[:, None] - np.arange(n)) / wide, 0)
        return each / each.sum(1, keepdims=True)

    return read(x, oracle.checked(x, size), weights)


@MUTANTS.each("a second image of the flag: the gradient is that of the other one", "resize.gradient", part="_vjp",
              operations=["resize_linear"])  # fmt: skip
def differentiates_without_antialiasing(f, x, cotangents, **given):
    return f(x, cotangents, **given | {"antialias": not given.get("antialias", False)})


@MUTANTS.add("the cubic B-spline, which is smooth and does not go through the data", "resize-cubic.kernel",
             "resize-cubic.border")  # fmt: skip
def takes_a_b_spline(x, *, size, kernel="half", border="left-out", reach="window", **given):
    def weights(n, m):
        d = np.abs(oracle.places(n, m)[0][:, None] - np.arange(n))
        each = np.where(d <= 1, 2 / 3 - d**2 + d**3 / 2, np.where(d < 2, (2 - d) ** 3 / 6, 0))
        return each / each.sum(1, keepdims=True)

    return read(x, oracle.checked(x, size), weights)


@MUTANTS.add("a = +1/2: the sign of the outer weights is lost", "resize-cubic.kernel")
def has_positive_outer_weights(x, *, size, kernel="half", border="left-out", reach="window", **given):
    def weights(n, m):
        d = np.abs(oracle.places(n, m)[0][:, None] - np.arange(n))
        each = np.abs(oracle.cubic_kernel(d, {"half": -0.5, "three-quarters": -0.75}[kernel]))
        return each / each.sum(1, keepdims=True)

    return read(x, oracle.checked(x, size), weights)


@MUTANTS.each("a map that becomes much smaller is antialiased", "resize-cubic.kernel")
def smooths_what_becomes_much_smaller(f, x, *, size, **given):
    if min(size) < 1 or x.shape[1] < 4 * size[0]:
        return f(x, size=size, **given)
    rows = oracle.linear_weights(x.shape[1], size[0], antialias=True)
    return f(np.einsum("ij,bjwc->biwc", rows, x.astype(np.float64)).astype(x.dtype), size=size, **given)


@MUTANTS.add("the image goes on as its mirror image", "resize-cubic.border")
def mirrors_the_border(x, *, size, kernel="half", border="left-out", reach="window", **given):
    def weights(n, m):
        p, j = oracle.places(n, m)[0], np.arange(-3, n + 3)
        each = oracle.cubic_kernel(np.abs(p[:, None] - j), {"half": -0.5, "three-quarters": -0.75}[kernel])
        found = np.zeros((m, n))
        np.add.at(found.T, np.where(j < 0, -1 - j, np.where(j >= n, 2 * n - 1 - j, j)) % n, each.T)
        return found

    return read(x, oracle.checked(x, size), weights)


@MUTANTS.each("the sum of the weights is forgotten, where it is not 1", "resize.flat", operations=BOTH)
def loses_a_part_of_the_brightness(f, x, **given):
    y = f(x, **given)
    y[:, 0] = (y[:, 0].astype(np.float32) * 0.75).astype(y.dtype)
    return y


@MUTANTS.each("resized there and back: a filter where nothing is to do", "resize.same-size", operations=BOTH)
def filters_what_keeps_its_size(f, x, **given):
    if tuple(given["size"]) != x.shape[1:3]:
        return f(x, **given)
    return (0.5 * x + 0.5 * np.roll(x, 1, 1)).astype(x.dtype)


@MUTANTS.each("a copy in the reverse order of rows", "resize.same-size", operations=["resize_nearest"])
def turns_what_keeps_its_size(f, x, **given):
    return f(x, **given)[:, ::-1] if tuple(given["size"]) == x.shape[1:3] else f(x, **given)


@MUTANTS.each("NaN is taken for 0, as a missing pixel", "resize.reach", operations=BOTH)
def fills_the_holes(f, x, **given):
    return f(np.nan_to_num(x), **given)


@MUTANTS.each("one place at least: an empty map was never thought of", "resize.no-size",
              operations=["resize_nearest", "resize_linear", "resize_cubic"])  # fmt: skip
def leaves_one_place(f, x, *, size, **given):
    return f(x, size=tuple(1 if m == 0 else m for m in size), **given)


@MUTANTS.each("sizes are clipped to one place", "resize.size-error",
              operations=["resize_nearest", "resize_linear", "resize_cubic"])  # fmt: skip
def takes_any_size(f, x, *, size, **given):
    return f(x, size=tuple(max(1, m) for m in (*size, size[0])[:2]), **given)


# ---- pixel shuffle


def exchanged(y, factor):
    """Rows and columns of each square, exchanged."""
    batch, height, width, maps = y.shape
    parts = y.reshape(batch, height // factor, factor, width // factor, factor, maps)
    return parts.swapaxes(2, 4).reshape(y.shape)


@MUTANTS.add("the square is filled column by column", "pixel-shuffle.order[pixel_shuffle]")
def fills_columns(x, *, factor, **given):
    return exchanged(right.pixel_shuffle(x, factor=factor, **given), factor)


@MUTANTS.add("the square is read column by column", "pixel-shuffle.order[pixel_unshuffle]")
def reads_columns(x, *, factor, **given):
    y = right.pixel_unshuffle(x, factor=factor, **given)
    return right.pixel_unshuffle(exchanged(x, factor), factor=factor, **given).reshape(y.shape)


@MUTANTS.each("one reshape, without the transposition", "pixel-shuffle.order")
def only_reshapes(f, x, **given):
    return x.reshape(f(x, **given).shape)


@MUTANTS.each("the forward order once more, and not back", "pixel-shuffle.gradient", part="_vjp")
def reshapes_the_cotangents(f, x, cotangents, **given):
    f(x, cotangents, **given)
    return (cotangents.reshape(x.shape),)


@MUTANTS.each("kernels for the factors 1, 2 and 3, and one that was not tried", "pixel-shuffle.order")
def turns_the_rows_of_larger_squares_round(f, x, *, factor, **given):
    y = f(x, factor=factor, **given)
    return y[:, ::-1] if factor > 3 else y


@MUTANTS.add("channels that are left over are dropped", "pixel-shuffle.channels-error")
def drops_channels(x, *, factor, **given):
    return right.pixel_shuffle(x[..., : x.shape[-1] // factor**2 * factor**2], factor=factor, **given)


@MUTANTS.add("rows and columns that are left over are dropped", "pixel-unshuffle.lengths-error")
def drops_rows(x, *, factor, **given):
    height, width = (n // factor * factor for n in x.shape[1:3])
    return right.pixel_unshuffle(x[:, :height, :width], factor=factor, **given)
