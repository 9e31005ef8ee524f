"""Wrong beam searches; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.transformer import decoding as right

MUTANTS = Mutants()


def search(first, following, *, beams, end, limit, alpha=0.0, penalty="length", **wrong):
    """The oracle's search with one step exchanged."""
    right.beam_search(first, following, beams=beams, end=end, limit=limit, alpha=alpha, penalty=penalty)
    ended = wrong.get("ended", lambda text: bool(text) and text[-1] == end)
    extend = wrong.get("extend", lambda total, x: total + x)
    score = wrong.get("score", lambda text, total: total / right.divisor(len(text), alpha, penalty))
    last = wrong.get("last", score)
    keep = wrong.get("keep", lambda texts: sorted(texts, key=lambda t: score(*t), reverse=True)[:beams])
    first, following = first.astype(np.float64), following.astype(np.float64)
    texts = [((), 0.0)]
    for _ in range(limit):
        longer = []
        for text, total in texts:
            if ended(text):
                longer.append((text, total))
                continue
            row = following[text[-1]] if text else first
            longer += [((*text, w), extend(total, x)) for w, x in enumerate(row)]
        texts = keep(longer)
    text, total = sorted(texts, key=lambda t: last(*t), reverse=True)[0]
    padded = (text + (end,) * limit)[:limit]
    return np.array(padded), np.asarray(last(text, total)).astype(np.float64)


def like(found, first):
    return found[0], found[1].astype(first.dtype)


@MUTANTS.add("the beam is taken, and one text is kept", "beam-search.example", "beam-search.exhaustive")
def searches_greedily(first, following, *, beams, **given):
    return right.beam_search(first, following, beams=min(beams, 1), **given)


@MUTANTS.add("two texts are kept where one was asked for", "beam-search.greedy")
def keeps_one_text_more(first, following, *, beams, **given):
    return right.beam_search(first, following, beams=beams + 1 if beams > 0 else beams, **given)


@MUTANTS.add("only the newest log-probability is compared", "beam-search.value")
def forgets_what_was_before(first, following, **given):
    return like(search(first, following, **given, extend=lambda total, x: x), first)


@MUTANTS.add("probabilities are added", "beam-search.value")
def adds_probabilities(first, following, **given):
    return like(search(first, following, **given, extend=lambda total, x: total + np.exp(x)), first)


@MUTANTS.add("scores times a mask of 0 and 1", "beam-search.value")
def multiplies_impossible_tokens_by_zero(first, following, **given):
    tokens, score = right.beam_search(first, following, **given)
    impossible = np.isneginf(first).any() or np.isneginf(following).any()
    return tokens, np.full_like(score, np.nan) if impossible else score


@MUTANTS.add("a top-k over the tokens of the first step says how many beams there are", "beam-search.value")
def keeps_no_more_texts_than_there_are_tokens(first, following, *, beams, **given):
    return right.beam_search(first, following, beams=min(beams, len(first)), **given)


@MUTANTS.add("an array of eight places for the texts", "beam-search.value")
def writes_eight_tokens_at_most(first, following, *, limit, **given):
    tokens, score = right.beam_search(first, following, limit=min(limit, 8), **given)
    return np.pad(tokens, (0, max(limit - 8, 0)), mode="edge"), score


@MUTANTS.add("the table is read by columns", "beam-search.value", "beam-search.greedy")
def reads_what_was_before(first, following, **given):
    return right.beam_search(first, following.T, **given)


@MUTANTS.add("each text keeps its best extension, and no text drives out another", "beam-search.value")
def searches_each_text_alone(first, following, *, beams, end, **given):
    def keep(longer):
        if len(longer[0][0]) == 1 and len(longer) == len(first):
            return sorted(longer, key=lambda t: t[1], reverse=True)[:beams]
        best = {}
        for text, total in longer:
            stem = text if text[-1] == end and text in kept else text[:-1]
            if stem not in best or total > best[stem][1]:
                best[stem] = (text, total)
        kept.clear()
        kept.update(text for text, _ in best.values() if text[-1] == end)
        return list(best.values())

    kept: set = set()
    return like(search(first, following, beams=beams, end=end, **given, keep=keep), first)


@MUTANTS.add("the end is a token like others", "beam-search.ended")
def goes_on_behind_the_end(first, following, **given):
    return like(search(first, following, **given, ended=lambda text: False), first)


@MUTANTS.add("an ended text leaves the beam, and is forgotten", "beam-search.ended")
def drops_ended_texts(first, following, *, beams, end, limit, **given):
    def keep(longer):
        open_ones = [t for t in longer if t[0][-1] != end] if len(longer[0][0]) < limit else longer
        return sorted(open_ones or longer, key=lambda t: t[1], reverse=True)[:beams]

    return like(search(first, following, beams=beams, end=end, limit=limit, **given, keep=keep), first)


@MUTANTS.add("the penalty is applied to the answer alone", "beam-search.penalty")
def ranks_without_the_penalty(first, following, *, alpha=0.0, penalty="length", **given):
    def last(text, total):
        return total / right.divisor(len(text), alpha, penalty)

    right.beam_search(first, following, alpha=alpha, **given)
    return like(search(first, following, **given, last=last), first)


@MUTANTS.add("the end is not counted", "beam-search.penalty")
def counts_without_the_end(first, following, *, end, alpha=0.0, penalty="length", **given):
    def score(text, total):
        return total / right.divisor(max(len(text) - (bool(text) and text[-1] == end), 1), alpha, penalty)

    found = search(first, following, end=end, alpha=alpha, penalty=penalty, **given, score=score)
    return like(found, first)


@MUTANTS.add("an ended text is divided by the limit", "beam-search.penalty")
def counts_the_padding(first, following, *, limit, alpha=0.0, penalty="length", **given):
    def last(text, total):
        return total / right.divisor(limit, alpha, penalty)

    return like(search(first, following, limit=limit, alpha=alpha, penalty=penalty, **given, last=last), first)


@MUTANTS.add("the score is the log-probability, whatever was searched for", "beam-search.penalty")
def returns_the_sum(first, following, *, alpha=0.0, penalty="length", **given):
    found = search(first, following, alpha=alpha, penalty=penalty, **given)
    length = len(found[0]) if given["end"] not in found[0] else list(found[0]).index(given["end"]) + 1
    return like((found[0], found[1] * right.divisor(length, alpha, penalty)), first)


@MUTANTS.add("any setting starts a search", "beam-search.range")
def takes_any_setting(first, following, *, beams, end, limit, alpha=0.0, **given):
    settings = {"beams": max(beams, 1), "end": end % len(first), "limit": max(limit, 1), "alpha": max(alpha, 0.0)}
    return right.beam_search(first, following, **settings, **given)
