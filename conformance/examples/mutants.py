"""Wrong NumPy adapters, each with one classic fault, and the clause that must catch it."""

from functools import partial
from types import SimpleNamespace

import numpy as np


def mutants(base):
    """Pairs of an instance and the adapter that it must fail."""
    found = []

    def wrong(instance, operation, story, variants=()):
        """Binds an operation that replaces the right one, and the readings that it declares all the same."""
        contents = {k: v for k, v in vars(base).items() if not k.startswith("__")}

        def bind(function):
            changes = {"NAME": f"mutant: {story}", "VARIANTS": base.VARIANTS | dict(variants), operation: function}
            found.append((instance, SimpleNamespace(**contents | changes)))

        return bind

    @wrong("batch-norm.train", "batch_norm", "one mean for each position, as if only the first axis were the batch")
    def _(x, *rest, **given):
        wide = [np.broadcast_to(r, x.shape[1:]).reshape(-1) for r in rest]
        y, *state = base.batch_norm(x.reshape(len(x), -1), *wide, **given)
        return (y.reshape(x.shape), *(s.reshape(x.shape[1:]).mean(0) for s in state))

    @wrong("batch-norm.train", "batch_norm", "decay is the weight of the new batch")
    def _(*arrays, decay, **given):
        return base.batch_norm(*arrays, decay=1 - decay, **given)

    @wrong(
        "batch-norm.running-variance",
        "batch_norm",
        "says unbiased, is biased",
        {"batch-norm.running-variance": "unbiased"},
    )
    def _(*arrays, **given):
        return base.batch_norm(*arrays, **given, running_variance="biased")

    wrong(
        "batch-norm.running-variance",
        "batch_norm",
        "says biased, is unbiased",
        {"batch-norm.running-variance": "biased"},
    )(base.batch_norm)

    @wrong("batch-norm.eval", "batch_norm", "batch statistics in evaluation")
    def _(*arrays, train, **given):
        return (base.batch_norm(*arrays, train=True, **given)[0], *arrays[3:])

    @wrong("batch-norm.gradient", "batch_norm_vjp", "statistics held constant")
    def _(x, scale, *rest, **given):
        dx = rest[-1][0] * scale / np.sqrt(x.var((0, 1)) + given["epsilon"])
        return (dx, *base.batch_norm_vjp(x, scale, *rest, **given)[1:])

    @wrong("dropout.repeatable", "dropout", "ignores the seed")
    def _(x, *, seed, **given):
        return base.dropout(x, seed=0, **given)

    @wrong("dropout.scale", "dropout", "keeps without scaling")
    def _(x, *, rate, **given):
        return base.dropout(x, rate=rate, **given) * (1 - rate)

    @wrong("dropout.gradient", "dropout_vjp", "a fresh mask in the gradient")
    def _(x, cotangents, *, seed, **given):
        return base.dropout_vjp(x, cotangents, seed=seed + 1, **given)

    @wrong("dropout.fraction", "dropout", "the rate is what is kept")
    def _(x, *, rate, **given):
        return base.dropout(x, rate=1 - rate, **given)

    @wrong("dropout.independence", "dropout", "drops whole pairs")
    def _(x, **given):
        mask = base.dropout(np.ones(-(-x.size // 2), x.dtype), **given)
        return x * np.repeat(mask, 2)[: x.size].reshape(x.shape)

    @wrong("dropout.independence", "dropout", "the next seed drops the same, but for one element")
    def _(x, *, seed, **given):
        return base.dropout(x, seed=seed // 2, **given)

    @wrong("dropout.eval", "dropout", "drops in evaluation")
    def _(x, *, train, **given):
        return base.dropout(x, train=True, **given)

    @wrong("he-normal.shape", "he_normal", "[out, in]")
    def _(shape, *, seed):
        return base.he_normal(shape[::-1], seed=seed)

    @wrong("he-normal.moments", "he_normal", "fan-out")
    def _(shape, *, seed):
        return base.he_normal((*shape[:-2], shape[-1], shape[-2]), seed=seed).swapaxes(-1, -2)

    @wrong("he-normal.moments", "he_normal", "cut off at two deviations without widening")
    def _(shape, *, seed):
        return 0.8796 * base.he_normal(shape, seed=seed)

    steppers(base, wrong)
    layers(base, wrong)

    @wrong("cosine-decay.value", "cosine_decay", "ends a step early")
    def _(steps, *, decay_steps, **given):
        return base.cosine_decay(steps, decay_steps=decay_steps - 1, **given)

    @wrong("cosine-decay.past-end", "cosine_decay", "says holds, climbs", {"cosine-decay.past-end": "holds"})
    def _(steps, **given):
        return base.cosine_decay(steps, past_end="climbs", **given)

    @wrong("early-stopping.patience", "early_stopping", "one epoch late")
    def _(metrics, *, patience, **given):
        return base.early_stopping(metrics, patience=patience + 1, **given)

    @wrong("early-stopping.min-delta", "early_stopping", "an equal improvement counts")
    def _(metrics, *, min_delta, **given):
        return base.early_stopping(metrics, min_delta=min_delta - 1e-3, **given)

    @wrong("lstm.value", "lstm", "takes weights packed i, f, o, g for i, f, g, o")
    def _(x, h0, c0, gates):
        swap = {"g": "o", "o": "g"}
        return base.lstm(x, h0, c0, {f"{n[:-1]}{swap.get(n[-1], n[-1])}": w for n, w in gates.items()})

    @wrong("lstm.causal", "lstm", "reads the sequence backwards")
    def _(x, h0, c0, gates):
        ys, h, c = base.lstm(x[:, ::-1], h0, c0, gates)
        return ys[:, ::-1], h, c

    @wrong("lstm.gradient", "lstm_vjp", "no gradient of the recurrent kernels")
    def _(*arguments):
        *rest, gates = base.lstm_vjp(*arguments)
        return (*rest, {n: 0 * g if n.startswith("recurrent") else g for n, g in gates.items()})

    return found


class Changed:
    """A right stepper, of which one method is another."""

    def __init__(self, step, **methods):
        self.step, self.save, self.restore = step, step.save, step.restore
        self.called = methods.pop("called", step)
        vars(self).update(methods)

    def __call__(self, grads, learning_rate=None):
        return self.called(grads, learning_rate)


def steppers(base, wrong):
    """What goes wrong in any optimizer, and in the rules of two."""

    def in_any(aspect, story):
        """The same bug in both; it is made of the right stepper of the operation."""

        def bind(make):
            for operation in ("momentum", "adam"):
                right = getattr(base, operation)
                wrong(f"stepper.{aspect}[{operation}]", operation, story)(partial(make, right))

        return bind

    shared = {}

    @in_any("form", "one number becomes an array of one")
    def _(right, params, **given):
        step = right(params, **given)
        return Changed(step, called=lambda *told: {name: np.atleast_1d(p) for name, p in step(*told).items()})

    @in_any("leaves", "clips all gradients by their common norm")
    def _(right, params, **given):
        step = right(params, **given)

        def called(grads, rate):
            norm = np.sqrt(sum((g.astype(float) ** 2).sum() for g in grads.values()))
            return step({name: g / g.dtype.type(max(norm, 1)) for name, g in grads.items()}, rate)

        return Changed(step, called=called)

    @in_any("gradients-of-others", "broadcasts, and takes a missing gradient for zero")
    def _(right, params, **given):
        step = right(params, **given)

        def called(grads, rate):
            full = {name: np.zeros_like(p) + np.resize(grads.get(name, 0), p.shape) for name, p in params.items()}
            return step({name: g.astype(params[name].dtype) for name, g in full.items()}, rate)

        return Changed(step, called=called)

    @in_any("rate-zero", "takes a rate of 0 for none")
    def _(right, params, **given):
        step = right(params, **given)
        return Changed(step, called=lambda grads, rate: step(grads, rate or None))

    @in_any("rate", "the rate never changes")
    def _(right, params, **given):
        step = right(params, **given)
        return Changed(step, called=lambda grads, rate: step(grads))

    @in_any("rate", "falls back to the first rate where none is told")
    def _(right, params, *, learning_rate, **given):
        step = right(params, learning_rate=learning_rate, **given)
        return Changed(step, called=lambda grads, rate: step(grads, learning_rate if rate is None else rate))

    @in_any("instances", "the states are of the class, not of the instance")
    def _(right, params, **given):
        step = right(params, **given)
        shared.setdefault("states", step.states)  # the first stepper's, for all that follow
        if len(step.states) == len(shared["states"]):
            step.states = shared["states"]
        return step

    @in_any("state", "saves nothing")
    def _(right, params, **given):
        return Changed(right(params, **given), restore=lambda saved: None)

    @in_any("state", "saves the state itself, which goes on changing")
    def _(right, params, **given):
        step = right(params, **given)

        def restore(saved):
            step.t, step.states = saved.t, saved.states

        return Changed(step, save=lambda: step, restore=restore)

    def rule(operation, clause, story, states, **variants):
        """A stepper from a wrong rule of one array: ``rule(p, g, *states, rate, t, **hyper)``."""

        def bind(function):
            def start(params, *, learning_rate, **hyper):
                return base.Stepper(params, partial(function, **hyper), states, learning_rate)

            wrong(clause, operation, story, variants)(start)

        return bind

    @rule("momentum", "momentum.trajectory", "dampens the gradient by 1 - momentum", 1)
    def _(p, g, v, rate, t, *, momentum, rate_position):
        v = momentum * v + (1 - momentum) * g
        return np.asarray(p - rate * v), np.asarray(v)

    @rule("momentum", "momentum.nesterov", "looks ahead with the old velocity", 1)
    def _(p, g, v, rate, t, *, momentum, rate_position, nesterov):
        ahead, v = g + momentum * v, momentum * v + g
        return np.asarray(p - rate * ahead), np.asarray(v)

    for said, done in (("outside", "inside"), ("inside", "outside")):

        @wrong("momentum.rate-position", "momentum", f"says {said}, is {done}", {"momentum.rate-position": said})
        def _(params, done=done, **given):
            return base.momentum(params, **given | {"rate_position": done})

    @wrong("momentum.default", "momentum", "default of 0.9")
    def _(params, *, momentum=0.9, **given):
        return base.momentum(params, momentum=momentum, **given)

    @wrong("momentum.negative", "momentum", "climbs back")
    def _(params, *, momentum, **given):
        return base.momentum(params, momentum=abs(momentum), **given)

    @rule("adam", "adam.trajectory", "no bias correction", 2)
    def _(p, g, m, v, rate, t, *, b1, b2, eps):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        return tuple(map(np.asarray, (p - rate * m / (np.sqrt(v) + eps), m, v)))

    @wrong("adam.eps", "adam", "default of 1e-7")
    def _(params, *, eps=1e-7, **given):
        return base.adam(params, eps=eps, **given)


def layers(base, wrong):
    """What goes wrong in a layer norm."""

    @wrong("layer-norm.value", "layer_norm", "the variance of n - 1")
    def _(x, scale, bias, *, epsilon):
        deviation = np.sqrt(x.var(-1, ddof=1, keepdims=True) + epsilon)
        return scale * (x - x.mean(-1, keepdims=True)) / deviation + bias

    @wrong("layer-norm.gradient", "layer_norm_vjp", "mean and variance held constant")
    def _(x, scale, bias, cotangents, *, epsilon):
        _, dscale, dbias = base.layer_norm_vjp(x, scale, bias, cotangents, epsilon=epsilon)
        return cotangents * scale / np.sqrt(x.var(-1, keepdims=True) + epsilon), dscale, dbias
