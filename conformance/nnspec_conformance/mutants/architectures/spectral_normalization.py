"""Wrong spectral normalizations, each a bug that is met in the wild or easily made."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures import spectral_normalization as oracle

MUTANTS = Mutants()
VALUE, MATRIX, LIMIT = "spectral-norm.value", "spectral-norm.matrix", "spectral-norm.limit"
SLOPE = "spectral-norm.gradient"


def columns(kernel):
    return kernel.reshape(-1, kernel.shape[-1])


# ---- the estimate


@MUTANTS.add("divides by the root of the sum of squares", VALUE, MATRIX, LIMIT, "spectral-norm.example")
@in_dtype
def divides_by_the_root_of_the_sum_of_squares(kernel, u, **given):
    return kernel / np.sqrt((kernel * kernel).sum())


@MUTANTS.add("divides by the length of the longest column", VALUE, LIMIT)
@in_dtype
def divides_by_the_longest_column(kernel, u, **given):
    return kernel / np.sqrt((columns(kernel) ** 2).sum(0)).max()


@MUTANTS.add("the largest eigenvalue of KᵀK, whose root is forgotten", VALUE, LIMIT)
@in_dtype
def forgets_the_root(kernel, u, **given):
    found = oracle.estimated(kernel, u, **given)
    return kernel.copy() if found is None else kernel / found[0] ** 2


@MUTANTS.add("multiplies where it must divide", VALUE, "spectral-norm.example")
@in_dtype
def multiplies_by_the_estimate(kernel, u, **given):
    found = oracle.estimated(kernel, u, **given)
    return kernel.copy() if found is None else kernel * found[0]


@MUTANTS.each("one iteration, whatever is asked", VALUE, LIMIT, operations=["spectral_norm"])
def iterates_once(f, kernel, u, *, iterations, **given):
    return f(kernel, u, iterations=min(iterations, 1), **given)


@MUTANTS.each("the estimate is made before the iteration", VALUE, "spectral-norm.example",
              operations=["spectral_norm"])  # fmt: skip
def estimates_before_the_iteration(f, kernel, u, *, iterations, training, **given):
    return f(kernel, u, iterations=iterations, training=False, **given | {"evaluation": "stored"})


@MUTANTS.add("both vectors are brought to the length of their largest entry", VALUE)
@in_dtype
def takes_the_largest_entry_for_the_length(kernel, u, *, iterations, training, **given):
    if not training:
        return right.spectral_norm(kernel, u, iterations=iterations, training=training, **given)
    matrix = columns(kernel)
    for _ in range(iterations):
        v = matrix @ u
        v = v / max(np.abs(v).max(), 1e-30)
        u = v @ matrix
        u = u / max(np.abs(u).max(), 1e-30)
    return kernel / (v @ matrix @ u)


@MUTANTS.add("the norm of a kernel that is small already is left as it is", "spectral-norm.scale")
@in_dtype
def only_divides_what_is_above_1(kernel, u, **given):
    found = oracle.estimated(kernel, u, **given)
    return kernel.copy() if found is None or found[0] < 1e-3 else kernel / found[0]


@MUTANTS.add("flax: an epsilon of 1e-12 below the root of each length", "spectral-norm.scale")
@in_dtype
def adds_epsilon_below_the_root(kernel, u, *, iterations, training, **given):
    if not training:
        return right.spectral_norm(kernel, u, iterations=iterations, training=training, **given)
    matrix = columns(kernel)
    for _ in range(iterations):
        v = matrix @ u
        v = v / np.sqrt((v * v).sum() + 1e-12)
        u = v @ matrix
        u = u / np.sqrt((u * u).sum() + 1e-12)
    sigma = v @ matrix @ u
    return kernel / np.where(sigma == 0, 1, sigma)


# ---- the matrix


@MUTANTS.add("inputs as rows, places and outputs together as columns", MATRIX)
@in_dtype
def puts_the_first_axis_by_itself(kernel, u, **given):
    if kernel.ndim == 2:
        return right.spectral_norm(kernel, u, **given)
    matrix = kernel.reshape(len(kernel), -1)
    vector = np.resize(u, matrix.shape[1])
    return right.spectral_norm(matrix, vector, **given).reshape(kernel.shape)


@MUTANTS.add("each place of the window is normalized by itself", MATRIX)
@in_dtype
def normalizes_each_place(kernel, u, **given):
    places = kernel.reshape(-1, *kernel.shape[-2:])
    return np.stack([right.spectral_norm(place, u, **given) for place in places]).reshape(kernel.shape)


# ---- the gradient


@MUTANTS.each("takes the estimate for a number", SLOPE, part="_vjp", operations=["spectral_norm"])
def takes_the_estimate_for_a_number(f, kernel, u, cotangents, **given):
    found = oracle.estimated(kernel, u, **given)
    scale = 1 if found is None else found[0]
    return (cotangents / scale).astype(kernel.dtype), np.zeros_like(u)


@MUTANTS.each("differentiates through the iterations", SLOPE, part="_vjp", operations=["spectral_norm"])
def differentiates_through_the_iterations(f, kernel, u, cotangents, *, iterations, **given):
    if not given["training"]:
        return f(kernel, u, cotangents, iterations=iterations, **given)

    def whole(kernel, u):
        matrix = columns(kernel)
        for _ in range(iterations):
            v = matrix @ u
            v = v / np.sqrt((v * v).sum())
            u = v @ matrix
            u = u / np.sqrt((u * u).sum())
        return kernel / (v @ matrix @ u)

    back = complex_step(whole, (kernel.astype(np.float64), u.astype(np.float64)), cotangents.astype(np.float64))
    return back[0].astype(kernel.dtype), np.zeros_like(u)


@MUTANTS.each("adds the part along the kernel, where it is taken away", SLOPE, part="_vjp",
              operations=["spectral_norm"])  # fmt: skip
def adds_the_part_along_the_kernel(f, kernel, u, cotangents, **given):
    found = oracle.estimated(kernel, u, **given)
    scale = 1 if found is None else found[0]
    return (2 * cotangents / scale - f(kernel, u, cotangents, **given)[0]).astype(kernel.dtype), np.zeros_like(u)


# ---- training or not


@MUTANTS.each("iterates out of training, too", "spectral-norm.evaluation", operations=["spectral_norm"])
def always_trains(f, kernel, u, *, training, **given):
    return f(kernel, u, training=True, **given | {"evaluation": "stored"})


@MUTANTS.each("the vector goes on out of training", "spectral-vector.evaluation", operations=["spectral_vector"])
def moves_the_vector_out_of_training(f, kernel, u, *, training, **given):
    return f(kernel, u, training=True, **given)


@MUTANTS.each("the vector of before is kept: every step begins anew", "spectral-vector.value",
              operations=["spectral_vector"])  # fmt: skip
def keeps_the_vector_of_before(f, kernel, u, **given):
    return u.copy()


@MUTANTS.each("one iteration, whatever is asked", "spectral-vector.value", operations=["spectral_vector"])
def moves_the_vector_once(f, kernel, u, *, iterations, **given):
    return f(kernel, u, iterations=min(iterations, 1), **given)


@MUTANTS.each(
    "two iterations at most, as a paper found enough", "spectral-vector.value", operations=["spectral_vector"]
)
def iterates_twice_at_most(f, kernel, u, *, iterations, **given):
    return f(kernel, u, iterations=min(iterations, 2), **given)


@MUTANTS.add("the vector is kept with the length that the kernel gave it", "spectral-vector.value")
@in_dtype
def keeps_the_length(kernel, u, *, iterations, training):
    found = oracle.estimated(kernel, u, iterations=iterations, training=training)
    return u.copy() if found is None or not training else found[1] * found[0]


# ---- sizes


@MUTANTS.each("a kernel of 65,536 entries is the largest that was thought of", "spectral-norm.sizes")
def knows_a_kernel_of_65536_entries(f, kernel, u, **given):
    if kernel.size <= 65536:
        return f(kernel, u, **given)
    short = kernel.reshape(-1).copy()
    short[65536:] = 0
    return f(short.reshape(kernel.shape), u, **given)


@MUTANTS.each("a kernel of one column is taken for a vector, and left as it is", "spectral-norm.sizes")
def leaves_a_single_column(f, kernel, u, **given):
    return f(kernel, u, **given) if u.size > 1 else (kernel if f.__name__ == "spectral_norm" else -u)


# ---- nothing to divide by


@MUTANTS.each("0 over 0", "spectral-norm.zero", operations=["spectral_norm"])
def divides_by_zero(f, kernel, u, **given):
    found = oracle.estimated(kernel, u, **given)
    return np.full_like(kernel, np.nan) if found is None and given["training"] else f(kernel, u, **given)


@MUTANTS.each("flax: the vector of a kernel of zeros is a vector of zeros", "spectral-vector.zero",
              operations=["spectral_vector"])  # fmt: skip
def loses_the_vector(f, kernel, u, **given):
    found = oracle.estimated(kernel, u, **given)
    return np.zeros_like(u) if found is None and given["training"] else f(kernel, u, **given)


@MUTANTS.each("flax: fewer than one iteration is none, and nothing is normalized", "spectral-norm.iterations")
def takes_no_iterations(f, kernel, u, *, iterations, **given):
    if iterations >= 1:
        return f(kernel, u, iterations=iterations, **given)
    return u.copy() if f.__name__ == "spectral_vector" else kernel.copy()
