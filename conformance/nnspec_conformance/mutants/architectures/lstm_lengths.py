"""Wrong long short-term memories: lengths that are all short or all alike, and gradients over many steps."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import Mutants
from nnspec_conformance.mutants.architectures.lstm import parts_of

MUTANTS = Mutants()


@MUTANTS.each("lengths that are all alike are taken for none", "lstm.lengths", "lstm.padded-outputs")
def takes_equal_lengths_for_none(f, x, weights, *rest, **given):
    h, c, lengths = parts_of(rest)
    alike = lengths is not None and len(lengths) > 1 and len({*lengths.tolist()}) == 1
    return f(x, weights, h, c, None if alike else lengths, **given)


@MUTANTS.each("np.empty behind the longest sequence: whatever was in memory", "lstm.padded-outputs")
def does_not_clear_what_no_sequence_reaches(f, x, weights, *rest, **given):
    y, *carry = f(x, weights, *rest, **given)
    lengths = parts_of(rest)[2]
    if lengths is not None and len(lengths):
        y = y.copy()
        y[:, int(lengths.max()) :] = 0.5
    return y, *carry


@MUTANTS.each("a loop that is not entered has no gradient", "lstm.empty-sequence", part="_vjp")
def has_no_gradient_for_a_sequence_of_length_zero(f, x, weights, *rest, **given):
    dx, table, *carry = f(x, weights, *rest, **given)
    lengths = parts_of(rest[:-1])[2]
    if lengths is None:
        return dx, table, *carry
    some = (lengths > 0)[:, None]
    return dx, table, *(np.where(some, part, np.zeros_like(part)) for part in carry)


@MUTANTS.each("the gradient is cut after 64 steps, as by a window", "lstm.carousel", part="_vjp")
def goes_back_over_64_steps(f, x, weights, *rest, **given):
    dx, table, *carry = f(x, weights, *rest, **given)
    return dx, table, *(part * np.zeros((), part.dtype) if x.shape[1] > 64 else part for part in carry)
