"""The schedulers of ``torch.optim.lr_scheduler`` that warm up, or begin again."""

from __future__ import annotations

from typing import Any

from torch.optim import lr_scheduler

from nnspec_conformance.adapters.torch.training.schedules.decay import rates

VARIANTS = {"warmup-cosine.after-end": "rises", "one-cycle.ends": "before"}

PULL = "no range is checked; https://github.com/pytorch/pytorch/pull/189374"
NOT_FOUND = (
    "no range is checked; searched 2026-11-28, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/lr_scheduler.py"
)
KNOWN_FAILURES = {
    "warm-up.lengths[warmup_cosine]": f"a T_max of 0 and of -3 is taken, right is to refuse it: {PULL}",
    "warm-up.lengths[warmup_stable_decay]": f"total_iters of 0 is taken, right is to refuse it: {PULL}",
    "warm-up.lengths[one_cycle]": f"a cycle that is all rise is taken, right is to refuse it: {NOT_FOUND}",
    "warm-up.negative[warmup_cosine]": f"a milestone of -1 is taken, right is to refuse it: {NOT_FOUND}",
    "warm-up.negative[warmup_stable_decay]": f"a milestone of -1 is taken, right is to refuse it: {NOT_FOUND}",
    "warm-up.ends[warmup_cosine]": f"an eta_min above the rate is taken, right is to refuse it: {NOT_FOUND}",
    "warm-up.ends[cosine_restarts]": f"an eta_min above the rate is taken, right is to refuse it: {NOT_FOUND}",
    "warm-up.ends[one_cycle]": f"divisors below 1 are taken, right is to refuse them: {NOT_FOUND}",
}


def rise(optimizer, start, peak, steps):
    if start == 0:
        raise NotImplementedError("LinearLR starts above 0")
    return lr_scheduler.LinearLR(optimizer, start_factor=start / peak, total_iters=steps)


def warmup_cosine(steps, *, start, peak, warmup_steps, decay_steps, floor):
    def make(o):
        pieces = [rise(o, start, peak, warmup_steps), lr_scheduler.CosineAnnealingLR(o, decay_steps, floor)]
        return lr_scheduler.SequentialLR(o, pieces, [warmup_steps])

    return rates(steps, peak, make)


def warmup_stable_decay(steps, *, start, peak, warmup_steps, stable_steps, decay_steps, end):
    def make(o):
        pieces = [
            rise(o, start, peak, warmup_steps),
            lr_scheduler.ConstantLR(o, factor=1.0, total_iters=stable_steps),
            lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=end / peak, total_iters=decay_steps),
        ]
        return lr_scheduler.SequentialLR(o, pieces, [warmup_steps, warmup_steps + stable_steps])

    return rates(steps, peak, make)


def inverse_root_warmup(steps, *, peak, warmup_steps):
    def factor(t):
        return min((t + 1) / warmup_steps, (warmup_steps / (t + 1)) ** 0.5)

    if warmup_steps < 1:
        raise NotImplementedError("LambdaLR takes the factor from a function of one's own")
    return rates(steps, peak, lambda o: lr_scheduler.LambdaLR(o, factor))


def cosine_restarts(steps, *, initial, period, multiplier, shrink=None, floor):
    if shrink not in (None, 1.0):
        raise NotImplementedError("every cycle is as high as the first")
    return rates(
        steps, initial, lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, period, multiplier, eta_min=floor)
    )


WORDS = {"cosine": "cos", "linear": "linear"}


def one_cycle(steps, *, peak, rise_steps, length, start_divisor, end_divisor, phases=None, anneal=None):
    if steps.numel() and int(steps.max()) >= length > 0:
        raise NotImplementedError("it ends with its last step")
    given: dict[str, Any] = {} if anneal is None else {"anneal_strategy": WORDS[anneal]}
    if phases is not None:
        given["three_phase"] = phases == "three"

    def make(o):
        return lr_scheduler.OneCycleLR(
            o, max_lr=peak, total_steps=length, pct_start=rise_steps / length if length else 0.5,
            div_factor=start_divisor, final_div_factor=end_divisor, cycle_momentum=False, **given,
        )  # fmt: skip

    return rates(steps, peak, make)
