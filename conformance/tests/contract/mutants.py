"""Wrong NumPy adapters, each with one classic fault, and the clause that must catch it."""

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

    @wrong("adam.trajectory", "adam", "no bias correction")
    def _(params, *, learning_rate, b1, b2, eps):
        m, v, rate = {k: 0 * p for k, p in params.items()}, {k: 0 * p for k, p in params.items()}, learning_rate

        def step(grads, learning_rate=None):
            nonlocal params, rate
            rate = rate if learning_rate is None else learning_rate
            for k, g in grads.items():
                m[k], v[k] = b1 * m[k] + (1 - b1) * g, b2 * v[k] + (1 - b2) * g * g
            params = {k: p - rate * m[k] / (np.sqrt(v[k]) + eps) for k, p in params.items()}
            return params

        return step

    @wrong("adam.trajectory", "adam", "the rate never changes")
    def _(params, **given):
        step = base.adam(params, **given)
        return lambda grads, learning_rate=None: step(grads)

    @wrong("adam.eps", "adam", "default of 1e-7")
    def _(params, *, eps=1e-7, **given):
        return base.adam(params, eps=eps, **given)

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
