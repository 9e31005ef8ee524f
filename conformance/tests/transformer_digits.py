"""Layers of transformers in 40 digits, place by place, which the oracles of encoder and decoder are compared with."""

from __future__ import annotations

import mpmath
import numpy as np

from nnspec_conformance.suite.architectures.transformer.test_encoder import EPSILON

MP = mpmath.mp.clone()
MP.dps = 40


def exactly(sequence):
    return [[MP.mpf(x) for x in row] for row in sequence]


def close(found, rows):
    np.testing.assert_allclose(found, np.array(rows, float), rtol=1e-12, atol=1e-13)


def plus(*rows):
    return [sum(column) for column in zip(*rows, strict=True)]


def mapped(row, kernel, bias):
    """A row times a kernel, plus a bias."""
    return [MP.fdot(row, [MP.mpf(k) for k in column]) + MP.mpf(b) for column, b in zip(kernel.T, bias, strict=True)]


def normalized(row, scale, shift):
    mean = MP.fsum(row) / len(row)
    root = MP.sqrt(MP.fsum((x - mean) ** 2 for x in row) / len(row) + MP.mpf(EPSILON))
    return [(x - mean) / root * MP.mpf(s) + MP.mpf(b) for x, s, b in zip(row, scale, shift, strict=True)]


def attended(rows, others, w, seen):
    """What each row finds among the first ``seen(i)`` of the others; zeros and the last bias where it sees none."""
    heads, found = w["bias_q"].shape[0], [[MP.mpf(b) for b in w["bias_o"]] for _ in rows]
    for h in range(heads):
        q, k, v = (
            [mapped(row, w[f"kernel_{p}"][:, h], w[f"bias_{p}"][h]) for row in read]
            for p, read in (("q", rows), ("k", others), ("v", others))
        )
        for i, query in enumerate(q):
            if not (count := seen(i)):
                continue
            e = [MP.exp(MP.fdot(query, k[j]) / MP.sqrt(len(query))) for j in range(count)]
            mean = [MP.fdot(e, [v[j][d] for j in range(count)]) / sum(e) for d in range(len(query))]
            found[i] = plus(found[i], mapped(mean, w["kernel_o"][h], np.zeros(len(found[i]))))
    return found


def fed(row, w, activation):
    """The feed-forward network at one place."""
    z = mapped(row, w["kernel_in"], w["bias_in"])
    bent = [max(x, MP.mpf(0)) if activation == "relu" else x * MP.ncdf(x) for x in z]
    return mapped(bent, w["kernel_out"], w["bias_out"])


def beside(rows, part, w, n, norm):
    """A part of all rows with shortcut and norm."""
    weighed = w[f"scale_{n}"], w[f"shift_{n}"]
    if norm == "pre":
        return [plus(*pair) for pair in zip(rows, part([normalized(r, *weighed) for r in rows]), strict=True)]
    return [normalized(plus(*pair), *weighed) for pair in zip(rows, part(rows), strict=True)]


def last(rows, table, norm):
    """The norm at the end of a stack, which has one with the norm in front."""
    return [normalized(row, table["final_scale"], table["final_shift"]) for row in rows] if norm == "pre" else rows


def encoder_layer(rows, w, norm, activation="relu", causal=False):
    rows = beside(rows, lambda h: attended(h, h, w, lambda i: i + 1 if causal else len(h)), w, 1, norm)
    return beside(rows, lambda h: [fed(row, w, activation) for row in h], w, 2, norm)


def decoder_layer(rows, source, w, norm, activation="relu"):
    cross = {name.removeprefix("cross_"): a for name, a in w.items() if name.startswith("cross_")}
    rows = beside(rows, lambda h: attended(h, h, w, lambda i: i + 1), w, 1, norm)
    rows = beside(rows, lambda h: attended(h, source, cross, lambda i: len(source)), w, 2, norm)
    return beside(rows, lambda h: [fed(row, w, activation) for row in h], w, 3, norm)
