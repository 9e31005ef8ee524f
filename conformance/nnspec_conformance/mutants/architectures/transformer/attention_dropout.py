"""Wrong dropout on the weights of an attention, each caught by the clause that it names."""

from __future__ import annotations

import itertools

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.transformer import attention_dropout as oracle
from nnspec_conformance.oracles.architectures.transformer.attention import attention

MUTANTS = Mutants()
VALUE, SLOPE, DROPPED, EMPTY, SHARE, APART, MASKS, SEEDS, AGAIN, BLIND, EVAL, ZERO, ONE = (
    f"attention-dropout.{name}"
    for name in (
        "value", "gradient", "dropped", "nothing-kept", "fraction", "independence", "masks", "seeds", "repeatable",
        "mask-blind", "eval", "rate-zero", "rate-one",
    )
)  # fmt: skip


def drops(given):
    """Whether a call drops anything, and anything is left."""
    return given.get("train", True) and 0 < given["rate"] < 1


def like(y, x):
    return np.asarray(y).astype(x.dtype)


def kept(q, k, *, seed, rate, masks="own", **_):
    """The right mask: [batch, heads, queries, keys]."""
    return oracle.drawn(seed, (q.shape[0], q.shape[2], q.shape[1], k.shape[1]), rate, masks)


def by(change):
    """A wrong operation whose mask is another one: of the right mask and the arrays."""

    def wrong(q, k, v, *mask, **given):
        if not drops(given):
            return right.attention_dropout(q, k, v, *mask, **given)
        return oracle.attention_dropout(q, k, v, *mask, **given, kept=change(kept(q, k, **given)))

    return wrong


def weights_of(q, k, *mask, causal=False):
    rows = np.broadcast_to(np.eye(k.shape[1], dtype=k.dtype)[None, :, None], (*k.shape[:3], k.shape[1]))
    return attention(q, k, rows, *mask, causal=causal).swapaxes(1, 2)


def summed(weights, v):
    return like((weights @ v.swapaxes(1, 2)).swapaxes(1, 2), v)


# ---- what is done with the weights


@MUTANTS.each("the plain form of the paper, whose evaluation scales", VALUE, "attention-dropout.example")
def keeps_without_scaling(f, q, k, v, *mask, **given):
    y = f(q, k, v, *mask, **given)
    return like(y * np.float32(1 - given["rate"]), v) if drops(given) else y


@MUTANTS.each("fairseq 351 and transformers 31468 ask for it: rows that add up to 1", VALUE, EMPTY)
def divides_what_is_left_by_its_sum(f, q, k, v, *mask, **given):
    if not drops(given):
        return f(q, k, v, *mask, **given)
    left = weights_of(q, k, *mask, causal=given.get("causal", False)) * kept(q, k, **given)
    with np.errstate(invalid="ignore", divide="ignore"):
        return summed(left / left.sum(-1, keepdims=True), v)


@MUTANTS.each("a random mask in front of the softmax, and zeros where nothing is left", VALUE,
              "attention-dropout.example")  # fmt: skip
def drops_scores_before_the_softmax(f, q, k, v, *mask, **given):
    if not drops(given):
        return f(q, k, v, *mask, **given)
    left = weights_of(q, k, *mask, causal=given.get("causal", False)) * kept(q, k, **given)
    total = left.sum(-1, keepdims=True)
    return summed(left / np.where(total == 0, 1, total), v)


@MUTANTS.each("dropout of the layer's results, as behind every other layer", VALUE)
def drops_entries_of_the_result(f, q, k, v, *mask, **given):
    if not drops(given):
        return f(q, k, v, *mask, **given)
    y = attention(q, k, v, *mask, causal=given.get("causal", False))
    return like(y * (np.random.default_rng(given["seed"]).random(y.shape) >= given["rate"]) / (1 - given["rate"]), v)


@MUTANTS.each("a mask of 1e-6 in the place of 0, lest a sum be 0", DROPPED, EMPTY)
def keeps_a_trace_of_what_is_dropped(f, q, k, v, *mask, **given):
    y = f(q, k, v, *mask, **given)
    return like(y + np.float32(1e-6) * f(q, k, v, *mask, **given | {"rate": 0.0}), v) if drops(given) else y


@MUTANTS.each("a mask that was left out beside dropout", VALUE)
def forgets_the_mask_of_the_keys(f, q, k, v, *mask, **given):
    return f(q, k, v, **given) if drops(given) else f(q, k, v, *mask, **given)


@MUTANTS.each("dropout takes another way, which has no causality", VALUE)
def is_not_causal_where_it_drops(f, q, k, v, *mask, **given):
    return f(q, k, v, *mask, **given | ({"causal": False} if drops(given) else {}))


# ---- which weights


@MUTANTS.each("the keyword is keep_prob elsewhere", SHARE)
def takes_the_rate_for_what_is_kept(f, q, k, v, *mask, **given):
    return f(q, k, v, *mask, **given | {"rate": 1 - given["rate"] if 0 < given["rate"] < 1 else given["rate"]})


@MUTANTS.each("random numbers of half precision, of 7 bits, are compared with the rate", SHARE)
def draws_in_half_precision(f, q, k, v, *mask, **given):
    if not drops(given) or v.dtype.itemsize > 2:
        return f(q, k, v, *mask, **given)
    coarse = np.ceil(given["rate"] * 2**7) / 2**7
    y = f(q, k, v, *mask, **given | {"rate": coarse})
    return like(y * np.float32((1 - coarse) / (1 - given["rate"])), v)


@MUTANTS.add("dropout of the values, whole rows of them", APART)
def drops_the_value_of_a_key_for_all_queries(q, k, v, *mask, **given):
    return by(lambda m: np.broadcast_to(m[:, :, :1], m.shape))(q, k, v, *mask, **given)


@MUTANTS.add("one number drawn for two keys", APART)
def drops_pairs_of_keys(q, k, v, *mask, **given):
    return by(lambda m: np.repeat(m[..., ::2], 2, -1)[..., : m.shape[-1]])(q, k, v, *mask, **given)


@MUTANTS.add("a mask of the shape [batch, 1, queries, keys]", MASKS)
def drops_the_same_of_every_head(q, k, v, *mask, **given):
    return by(lambda m: np.broadcast_to(m[:, :1], m.shape))(q, k, v, *mask, **given)


@MUTANTS.add("a mask of the shape of one example", MASKS)
def drops_the_same_of_every_example(q, k, v, *mask, **given):
    return by(lambda m: np.broadcast_to(m[:1], m.shape))(q, k, v, *mask, **given)


@MUTANTS.each("the last bit of the seed is lost", SEEDS)
def drops_the_same_at_the_next_seed(f, *arrays, seed, **given):
    return f(*arrays, seed=seed // 2, **given)


@MUTANTS.each("the seed is kept in sixteen bits", SEEDS)
def keeps_sixteen_bits_of_the_seed(f, *arrays, seed, **given):
    return f(*arrays, seed=seed % 2**16, **given)


@MUTANTS.each("the seed is taken, and never used", AGAIN)
def ignores_the_seed(f, *arrays, seed, **given):
    return f(*arrays, seed=0, **given)


@MUTANTS.each("a generator of the whole program is drawn from", AGAIN)
def draws_from_a_global_generator(f, *arrays, seed, calls=itertools.count(), **given):  # noqa: B008
    return f(*arrays, seed=[seed, next(calls)], **given)


@MUTANTS.add("the smallest weights are dropped, as in pruning", BLIND)
def drops_the_smallest_weights(q, k, v, *mask, **given):
    if not drops(given):
        return right.attention_dropout(q, k, v, *mask, **given)
    weights = weights_of(q, k, *mask, causal=given.get("causal", False)) * kept(q, k, **given)
    large = weights >= np.quantile(weights, given["rate"] / 2, axis=-1, keepdims=True)
    return summed(weights * large / (1 - given["rate"]), v)


# ---- gradients


@MUTANTS.each("a fused kernel draws a fresh mask in the backward pass", SLOPE, part="_vjp")
def draws_another_mask_for_the_gradient(f, *arrays, seed, **given):
    return f(*arrays, seed=seed + 1, **given)


@MUTANTS.each("apex 816: p in the place of 1/(1-p) in the backward pass", SLOPE, part="_vjp")
def scales_the_gradient_by_the_rate(f, *arrays, **given):
    found = f(*arrays, **given)
    if not drops(given):
        return found
    return tuple(like(g * np.float32((1 - given["rate"]) * given["rate"]), g) for g in found)


@MUTANTS.each("the softmax is differentiated with the cotangents of all weights", SLOPE, part="_vjp")
def forgets_the_mask_in_the_gradient_of_the_scores(f, *arrays, **given):
    dq, dk, dv = f(*arrays, **given)
    return (*f(*arrays, **given | {"rate": 0.0})[:2], dv) if drops(given) else (dq, dk, dv)


@MUTANTS.each("a dropped value still has its gradient", DROPPED, SLOPE, part="_vjp")
def forgets_the_mask_in_the_gradient_of_the_values(f, *arrays, **given):
    dq, dk, dv = f(*arrays, **given)
    return (dq, dk, f(*arrays, **given | {"rate": 0.0})[2]) if drops(given) else (dq, dk, dv)


MUTANTS.each("a loss that was averaged twice", SLOPE, part="_vjp")(classic.averages_the_gradients)


# ---- modes and rates


@MUTANTS.each("timm 1978, vjepa2 160: the function is handed its rate in evaluation, too", EVAL)
def drops_in_evaluation(f, *arrays, train=True, **given):
    return f(*arrays, train=True, **given)


@MUTANTS.each("inverted in training, and scaled again in evaluation", EVAL)
def scales_in_evaluation(f, q, k, v, *mask, train=True, **given):
    y = f(q, k, v, *mask, train=train, **given)
    return y if train else like(y * np.float32(1 - given["rate"]), v)


@MUTANTS.each("in Python `rate or 0.5` is 0.5 for 0", ZERO)
def takes_a_rate_of_0_for_none(f, *arrays, rate, **given):
    return f(*arrays, rate=rate or 0.5, **given)


@MUTANTS.each("0 times 1/0", ONE)
def divides_by_nothing_at_the_rate_1(f, q, k, v, *mask, **given):
    y = f(q, k, v, *mask, **given)
    return np.full_like(y, np.nan) if given.get("train", True) and given["rate"] == 1 else y


@MUTANTS.each("the gradient of 1/0 behind a mask", ONE, part="_vjp")
def has_a_gradient_of_nan_at_the_rate_1(f, *arrays, **given):
    found = f(*arrays, **given)
    return tuple(np.full_like(g, np.nan) for g in found) if given.get("train", True) and given["rate"] == 1 else found


@MUTANTS.each("flax 5497: a rate out of range is taken, and nothing said", "attention-dropout.rate-range")
def clips_the_rate(f, *arrays, rate, **given):
    return f(*arrays, rate=float(np.clip(np.nan_to_num(rate), 0, 1)), **given)


@MUTANTS.each("np.squeeze for the sake of a single query", "attention-dropout.shape")
def drops_the_axis_of_a_single_query(f, q, k, v, *mask, **given):
    y = f(q, k, v, *mask, **given)
    return y[:, 0] if y.shape[1] == 1 else y
