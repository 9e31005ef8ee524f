"""B.3.1: what an attention and a recurrent net still answer as distractors are added, more than any training had."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.architectures.transformer.attention import recall
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

TRAINED = 4  # pairs in training, all but one of which are distractors
COUNTS = (4, 8, 16, 32, 64)
FEWER, MORE = COUNTS[0], COUNTS[-1]


@experiment("attention-distractors", short={"seeds": 2, "steps": 300, "others": 256, "counts": (FEWER, MORE)})
def distractors(
    seeds: int, *, steps: int = 1500, others: int = recall.OTHERS, counts: tuple[int, ...] = COUNTS
) -> Outcome:
    """Accuracies of both networks on new sequences of so many pairs, seed by seed."""
    rows = []
    for seed in watched(range(seeds), "seeds"):
        asked = {n: recall.questions(np.random.default_rng([seed, n, 1]), others, n) for n in counts}
        attends = recall.trained(recall.attention_logits, recall.attention_start(seed), seed, steps, TRAINED)
        recurs = recall.trained(recall.recurrent_logits, recall.recurrent_start(seed), seed, steps, TRAINED)
        row: dict[str, float] = {"seed": seed}
        for n, (names, values, places) in asked.items():
            given, labels = recall.read(names, values, places), recall.labels_of(values, places)
            row[f"attention, {n} pairs"] = recall.accuracy(recall.attention_logits(attends, *given), labels)
            row[f"LSTM, {n} pairs"] = recall.accuracy(recall.recurrent_logits(recurs, *given), labels)
            row[f"most frequent value, {n} pairs"] = recall.accuracy(
                recall.one_hot(values, recall.VALUES).sum(1), labels
            )
        rows.append(row)
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "seed"}
    lead = [row[f"attention, {MORE} pairs"] - row[f"LSTM, {MORE} pairs"] for row in rows]
    means["lead, 64 pairs"] = float(np.mean(lead))
    kept = mean_interval([row[f"attention, {MORE} pairs"] for row in rows])
    return Outcome(means, Effect("accuracy of attention, 64 pairs", kept[0], kept[1:]), rows)
