"""Wrong embeddings; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.oracles.architectures.transformer import embedding as right

MUTANTS = Mutants(straight=["embedding", "padded_embedding"])


def widened(x):
    """Half precision in float32, so that only the named fault shows."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def as_given(y, like):
    return np.asarray(y).astype(like.dtype)


# ---- rows


@MUTANTS.add("ids count from 1, and row 0 is kept for padding", "embedding.value", "embedding.example")
def counts_from_1(table, ids, **given):
    return ORACLE.embedding(table, (ids + 1) % len(table) if ids.dtype.kind in "iu" else ids, **given)


@MUTANTS.add("a row for each id of a flat list: the axes of the ids are lost", "embedding.value")
def flattens_the_ids(table, ids, **given):
    return ORACLE.embedding(table, ids.ravel(), **given)


@MUTANTS.add("rows are brought to length 1 as they are read", "embedding.value", "embedding.example")
def normalizes_the_rows(table, ids, **given):
    z = widened(table)
    lengths = np.sqrt((z * z).sum(-1, keepdims=True))
    return ORACLE.embedding(as_given(z / np.where(lengths > 0, lengths, 1), table), ids, **given)


@MUTANTS.add("rows are written, not added: the last use wins", "embedding.gradient", "embedding.example", part="_vjp")
def keeps_the_last_use(table, ids, g, **given):
    gradient = np.zeros_like(table)
    gradient[ids] = g
    return (gradient,)


@MUTANTS.add("the gradient is a mean over the uses", "embedding.gradient", "embedding.example", part="_vjp")
def averages_the_uses(table, ids, g, **given):
    (total,) = ORACLE.embedding_vjp(table, ids, g, **given)
    uses = np.bincount(ids.ravel(), minlength=len(table))
    return (as_given(widened(total) / np.maximum(uses, 1)[:, None], table),)


@MUTANTS.add("a kernel for long lists leaves out what comes after 768 ids", "embedding.gradient", part="_vjp")
def stops_after_768_ids(table, ids, g, **given):
    few = ids.ravel()[:768]
    return ORACLE.embedding_vjp(table, few, g.reshape(-1, table.shape[1])[:768], **given)


@MUTANTS.add("the gradient is added up in half precision, use by use", "embedding.half-precision-sum", part="_vjp")
def adds_up_in_half_precision(table, ids, g, **given):
    if table.dtype.itemsize > 2 or given.get("scaled"):
        return ORACLE.embedding_vjp(table, ids, g, **given)
    gradient = np.zeros_like(table)
    for number, part in zip(ids.ravel(), g.reshape(-1, table.shape[1]), strict=True):
        gradient[number] = gradient[number] + part
    return (gradient,)


# ---- scale


@MUTANTS.add("divided by the root, as the scores of attention are", "embedding.scaled")
def divides_by_the_root(table, ids, *, scaled=False, **given):
    y = ORACLE.embedding(table, ids, **given)
    return as_given(widened(y) / np.sqrt(np.float32(table.shape[1])), table) if scaled else y


@MUTANTS.add("times the number of features, without the root", "embedding.scaled")
def multiplies_by_the_features(table, ids, *, scaled=False, **given):
    y = ORACLE.embedding(table, ids, **given)
    return as_given(widened(y) * table.shape[1], table) if scaled else y


@MUTANTS.add("the backward pass was written before the scale", "embedding.scaled", part="_vjp")
def forgets_the_scale_in_the_backward_pass(table, ids, g, *, scaled=False, **given):
    return ORACLE.embedding_vjp(table, ids, g, **given)


# ---- padding


@MUTANTS.add("in Python `if padding_id` is false for 0", "padded-embedding.padding",
             "duty.attributes[padded_embedding]")  # fmt: skip
def takes_a_padding_id_of_0_for_none(table, ids, *, padding_id, **given):
    y = ORACLE.padded_embedding(table, ids, padding_id=padding_id, **given)
    return y if padding_id else ORACLE.embedding(table, ids)


@MUTANTS.add("the place is compared, not the id", "padded-embedding.padding")
def compares_the_place_with_the_padding(table, ids, *, padding_id, padding="zeros"):
    y = ORACLE.padded_embedding(table, ids, padding_id=padding_id, padding="row")
    if padding == "zeros" and y.ndim > 1:
        y = y.copy()
        y[..., padding_id : padding_id + 1, :] = 0
    return y


@MUTANTS.add("every id up to the padding id is padding", "padded-embedding.padding")
def takes_smaller_ids_for_padding(table, ids, *, padding_id, **given):
    return ORACLE.padded_embedding(table, np.maximum(ids, padding_id), padding_id=padding_id, **given)


@MUTANTS.add("the row of the padding learns as any other", "padded-embedding.gradient", part="_vjp")
def lets_the_padding_learn(table, ids, g, **given):
    return ORACLE.embedding_vjp(table, ids, g)


@MUTANTS.add("pytorch 28716: the kernel for more than 768 ids forgets the padding", "padded-embedding.gradient",
             part="_vjp")  # fmt: skip
def lets_the_padding_learn_from_769_ids_on(table, ids, g, **given):
    return (
        ORACLE.padded_embedding_vjp(table, ids, g, **given) if ids.size < 769 else lets_the_padding_learn(table, ids, g)
    )


@MUTANTS.add("a padding id beyond the table is taken: nothing is ever padding", "padded-embedding.range")
def takes_any_padding_id(table, ids, *, padding_id, **given):
    if 0 <= padding_id < len(table):
        return ORACLE.padded_embedding(table, ids, padding_id=padding_id, **given)
    return ORACLE.embedding(table, ids)


# ---- ids


@MUTANTS.each("a scatter that clamps: NaN comes out, and the last row learns", "embedding.no-row-gradient", part="_vjp")
def teaches_the_last_row_what_is_no_row(f, table, ids, g, **given):
    gradient = f(table, ids, g, **given)[0].copy()
    if given.get("out_of_range", "nan") != "last-row":
        gradient[-1] += g[ids >= len(table)].sum(0)
    return (gradient,)


@MUTANTS.each("a scatter that counts from the end: -1 is the last row", "embedding.no-row-gradient", part="_vjp")
def teaches_a_row_counted_from_the_end(f, table, ids, g, **given):
    gradient = f(table, ids, g, **given)[0].copy()
    if given.get("negative", "nan") != "last-row":
        np.add.at(gradient, ids[ids < 0] % len(table), g[ids < 0])
    return (gradient,)


@MUTANTS.add("where a row begins is computed in the dtype of the ids", "embedding.narrow-ids")
def overflows_where_a_row_begins(table, ids, **given):
    ids, length = np.asarray(ids), table.shape[1]
    begins = (ids.astype(np.int64) * length).astype(ids.dtype)
    return ORACLE.embedding(table, begins.astype(np.int32) // length if ids.dtype.itemsize < 4 else ids, **given)


@MUTANTS.each("the bits are read as a signed number: 150 is -106", "embedding.unsigned-ids")
@MUTANTS.each("the bits are read as a signed number, where gradients are added", "embedding.unsigned-ids", part="_vjp",
              name="reads the bits as a signed number in the backward pass")  # fmt: skip
def reads_the_bits_as_a_signed_number(f, table, ids, *g, **given):
    ids = np.asarray(ids)
    return f(table, ids.view(f"i{ids.dtype.itemsize}") if ids.dtype.kind == "u" else ids, *g, **given)


@MUTANTS.add("ids are cast to int32, and negative ones counted from the end", "embedding.unsigned-range")
def counts_unsigned_ids_from_the_end(table, ids, **given):
    ids = np.asarray(ids)
    signed = ids.astype(np.int32)
    return ORACLE.embedding(table, np.where(signed < 0, signed % len(table), signed) if ids.dtype.kind == "u" else ids)


@MUTANTS.add("ids are cast to integers", "embedding.integer-ids")
def rounds_the_ids(table, ids, **given):
    return ORACLE.embedding(table, np.asarray(ids).astype(np.int64), **given)


# ---- the tied output


@MUTANTS.add("the scores are divided by the root of the features, as those of attention are", "tied-logits.value")
def divides_the_logits_by_the_root(x, table):
    return as_given(right.tied_logits(widened(x), widened(table)) / np.sqrt(np.float32(x.shape[-1])), x)


@MUTANTS.add("a square table is not transposed", "tied-logits.value")
def does_not_transpose_a_square_table(x, table):
    square = table.shape[0] == table.shape[1]
    return ORACLE.tied_logits(x, np.ascontiguousarray(table.T) if square else table)


@MUTANTS.add("the cosine of both: rows and states are brought to length 1", "tied-logits.value")
def takes_the_cosine(x, table):
    def unit(rows):
        lengths = np.sqrt((widened(rows) ** 2).sum(-1, keepdims=True))
        return widened(rows) / np.where(lengths > 0, lengths, 1)

    return as_given(right.tied_logits(unit(x), unit(table)), x)


@MUTANTS.add("the table is a constant of the output layer", "tied-logits.gradient", part="_vjp")
def holds_the_table_constant(x, table, g):
    dx, dw = ORACLE.tied_logits_vjp(x, table, g)
    return dx, np.zeros_like(dw)


@MUTANTS.add("the gradient of the table is a mean over the examples", "tied-logits.gradient", part="_vjp")
def averages_the_gradient_of_the_table(x, table, g):
    dx, dw = ORACLE.tied_logits_vjp(x, table, g)
    return dx, as_given(widened(dw) / max(x[..., 0].size, 1), table)


@MUTANTS.add("two tables that started alike: the output layer has a copy", "tied-embedding.gradient", part="_vjp",
             name="has a copy of the table at the output")  # fmt: skip
def has_a_copy_of_the_table(table, ids, g):
    dx, _ = right.tied_logits_vjp(widened(table)[ids], widened(table), widened(g))
    return (as_given(right.embedding_vjp(widened(table), ids, dx)[0], table),)


@MUTANTS.add("the lookup is cut off from the backward pass", "tied-embedding.gradient", part="_vjp")
def cuts_the_lookup_off(table, ids, g):
    return (as_given(right.tied_logits_vjp(widened(table)[ids], widened(table), widened(g))[1], table),)


@MUTANTS.add("each row is compared with the mean of the table", "tied-embedding.value")
def subtracts_the_mean_row(table, ids):
    z = widened(table)
    return as_given(right.tied_logits(z[ids], z - z.mean(0)), table)
