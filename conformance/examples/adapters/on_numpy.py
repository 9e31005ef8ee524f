"""NumPy only: no autodiff, no transport; gradients by hand where an operation brings them."""

import numpy as np

NAME, VERSION, DTYPES = "numpy", np.__version__, ("float32", "float64")
VARIANTS = {
    "batch-norm.running-variance": ("unbiased", "biased"),
    "momentum.rate-position": ("outside", "inside"),
    "cosine-decay.past-end": ("holds", "climbs"),
    "early-stopping.patience": "reached",
}
DEFAULTS = {"adam.eps": 1e-8, "momentum.default": 0.0}


def layer_norm(x, scale, bias, *, epsilon):
    return scale * _normal(x, epsilon)[0] + bias


def layer_norm_vjp(x, scale, bias, cotangents, *, epsilon):
    normal, inverse = _normal(x, epsilon)
    g, leading = cotangents * scale, tuple(range(x.ndim - 1))
    dx = inverse * (g - g.mean(-1, keepdims=True) - normal * (g * normal).mean(-1, keepdims=True))
    return dx, (cotangents * normal).sum(leading), cotangents.sum(leading)


def _normal(x, epsilon):
    inverse = 1 / np.sqrt(x.var(-1, keepdims=True) + epsilon)
    return (x - x.mean(-1, keepdims=True)) * inverse, inverse


def batch_norm(x, scale, bias, mean, variance, *, train, decay, epsilon, running_variance="unbiased"):
    if not train:
        return scale * (x - mean) / np.sqrt(variance + x.dtype.type(epsilon)) + bias, mean, variance
    axes, n = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
    mu, var = x.mean(axes), x.var(axes)
    kept = var * n / (n - 1) if running_variance == "unbiased" else var
    y = scale * (x - mu) / np.sqrt(var + epsilon) + bias
    return y, decay * mean + (1 - decay) * mu, decay * variance + (1 - decay) * kept


def batch_norm_vjp(x, scale, bias, mean, variance, cotangents, *, train, decay, epsilon, running_variance="unbiased"):
    g, axes = cotangents[0], tuple(range(x.ndim - 1))
    inverse = 1 / np.sqrt(x.var(axes) + epsilon)
    normal = (x - x.mean(axes)) * inverse
    dx = scale * inverse * (g - g.mean(axes) - normal * (g * normal).mean(axes))
    return dx, (g * normal).sum(axes), g.sum(axes), np.zeros_like(mean), np.zeros_like(variance)


def dropout(x, *, seed, rate, train):
    if not train:
        return x
    return x * (np.random.default_rng(seed).random(x.shape) >= rate) / x.dtype.type(1 - rate)


def dropout_vjp(x, cotangents, *, seed, rate, train):
    return (dropout(cotangents, seed=seed, rate=rate, train=train),)


def he_normal(shape, *, seed):
    return np.random.default_rng(seed).normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape).astype(np.float32)


class Stepper:
    """An optimizer in progress; a rule of one array gives its new value and new states."""

    def __init__(self, params, rule, states, learning_rate):
        self.params, self.rule, self.hyper, self.t = params, rule, {"learning_rate": learning_rate}, 0
        self.states = {name: [np.zeros_like(p)] * states for name, p in params.items()}

    def __call__(self, grads, learning_rate=None):
        if {name: g.shape for name, g in grads.items()} != {name: p.shape for name, p in self.params.items()}:
            raise ValueError("the gradients are not those of the parameters")
        self.t += 1
        if learning_rate is not None:
            self.hyper["learning_rate"] = learning_rate
        for name, g in grads.items():
            p, *self.states[name] = self.rule(
                self.params[name], g, *self.states[name], self.hyper["learning_rate"], self.t
            )
            self.params[name] = p
        return dict(self.params)

    def save(self):
        return self.t, dict(self.hyper), {name: list(kept) for name, kept in self.states.items()}

    def restore(self, saved):
        self.t, self.hyper, states = saved[0], dict(saved[1]), saved[2]
        self.states = {name: list(kept) for name, kept in states.items()}


def momentum(params, *, learning_rate, momentum=0.0, nesterov=False, rate_position="outside"):
    if momentum < 0:
        raise ValueError(f"momentum is {momentum}, expected 0 or more")
    inside = rate_position == "inside"

    def rule(p, g, v, rate, t):
        g = rate * g if inside else g
        v = momentum * v + g
        ahead = g + momentum * v if nesterov else v
        return np.asarray(p - (ahead if inside else rate * ahead)), np.asarray(v)

    return Stepper(params, rule, 1, learning_rate)


def adam(params, *, learning_rate, b1=0.9, b2=0.999, eps=1e-8):
    def rule(p, g, m, v, rate, t):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        p = p - rate * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
        return np.asarray(p), np.asarray(m), np.asarray(v)

    return Stepper(params, rule, 2, learning_rate)


def cosine_decay(steps, *, init_value, decay_steps, past_end="holds"):
    t = np.minimum(steps, decay_steps) if past_end == "holds" else steps
    return init_value * 0.5 * (1 + np.cos(np.pi * t / decay_steps))


def early_stopping(metrics, *, patience, min_delta):
    best, best_epoch = np.inf, 0
    for epoch, value in enumerate(metrics, 1):
        if value < best - min_delta:
            best, best_epoch = value, epoch
        elif epoch - best_epoch >= patience:
            return {"stopped_epoch": epoch, "best_epoch": best_epoch}
    return {"stopped_epoch": None, "best_epoch": best_epoch}


def logistic(z):
    return 1 / (1 + np.exp(-z))


def lstm(x, h0, c0, gates):
    h, c, ys, _ = _unrolled(x, h0, c0, gates)
    return np.stack(ys, 1), h, c


def lstm_vjp(x, h0, c0, gates, cotangents):
    *_, tape = _unrolled(x, h0, c0, gates)
    dys, dh, dc = cotangents
    dx, dgates = np.zeros_like(x), {name: np.zeros_like(w) for name, w in gates.items()}
    for t in reversed(range(x.shape[1])):
        h, c, i, f, g, o, new_c = tape[t]
        dh = dh + dys[:, t]
        dc = dc + dh * o * (1 - np.tanh(new_c) ** 2)
        dz = {
            "i": dc * g * i * (1 - i),
            "f": dc * c * f * (1 - f),
            "g": dc * i * (1 - g**2),
            "o": dh * np.tanh(new_c) * o * (1 - o),
        }
        for k, d in dz.items():
            dgates[f"kernel_{k}"] += x[:, t].T @ d
            dgates[f"recurrent_{k}"] += h.T @ d
            dgates[f"bias_{k}"] += d.sum(0)
        dx[:, t] = sum(d @ gates[f"kernel_{k}"].T for k, d in dz.items())
        dh, dc = sum(d @ gates[f"recurrent_{k}"].T for k, d in dz.items()), dc * f
    return dx, dh, dc, dgates


def _unrolled(x, h, c, gates):
    """Last states, outputs, and what each step's gradient needs."""
    ys, tape = [], []
    for t in range(x.shape[1]):
        z = {k: x[:, t] @ gates[f"kernel_{k}"] + h @ gates[f"recurrent_{k}"] + gates[f"bias_{k}"] for k in "ifgo"}
        i, f, g, o = logistic(z["i"]), logistic(z["f"]), np.tanh(z["g"]), logistic(z["o"])
        new_c = f * c + i * g
        tape.append((h, c, i, f, g, o, new_c))
        h, c = o * np.tanh(new_c), new_c
        ys.append(h)
    return h, c, ys, tape
