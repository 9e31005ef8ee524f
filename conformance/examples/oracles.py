"""What is right, in float64 NumPy, written from the clauses."""

import numpy as np

from nnspec_conformance.oracles.stepping import always, as_it_is, each_leaf

GATES = "ifgo"


def layer_norm(x, scale, bias, *, epsilon, rounded=as_it_is):
    d = rounded(x - rounded(x.mean(-1, keepdims=True)))
    return scale * rounded(d / np.sqrt(rounded((d**2).mean(-1, keepdims=True)) + epsilon)) + bias


def batch_norm(x, scale, bias, mean, variance, *, train, decay, epsilon, running_variance="unbiased", rounded=as_it_is):
    if not train:
        return scale * rounded((x - mean) / np.sqrt(variance + epsilon)) + bias, mean, variance
    axes, n = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
    mu = rounded(x.mean(axes))
    d = rounded(x - mu)
    var = rounded((d**2).mean(axes))
    kept = var * (n / (n - 1) if running_variance == "unbiased" else 1)
    y = scale * rounded(d / np.sqrt(var + epsilon)) + bias
    return y, decay * mean + (1 - decay) * mu, decay * variance + (1 - decay) * kept


@each_leaf
def momentum(p, g, v, *, learning_rate, momentum=0.0, nesterov=False, rate_position="outside"):
    if not always(momentum >= 0):
        raise ValueError(f"momentum is {momentum}, expected 0 or more")
    if rate_position == "inside":
        v = momentum * v - learning_rate * g
        return p + (momentum * v - learning_rate * g if nesterov else v), v
    v = momentum * v + g
    return p - learning_rate * (g + momentum * v if nesterov else v), v


@each_leaf
def adam(p, g, m, v, *, t, learning_rate, b1=0.9, b2=0.999, eps=1e-8):
    """Kingma and Ba 2015, algorithm 1."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    return p - learning_rate * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


def cosine_decay(steps, *, init_value, decay_steps, past_end="holds"):
    t = np.minimum(steps, decay_steps) if past_end == "holds" else steps
    return init_value * (1 + np.cos(np.pi * t / decay_steps)) / 2


def early_stopping(metrics, *, patience, min_delta, exceeded=False):
    best, best_epoch = np.inf, 0
    for epoch, value in enumerate(metrics, 1):
        if value < best - min_delta:
            best, best_epoch = value, epoch
        elif epoch - best_epoch >= patience + exceeded:
            return {"stopped_epoch": epoch, "best_epoch": best_epoch}
    return {"stopped_epoch": None, "best_epoch": best_epoch}


def lstm(x, h, c, gates, *, rounded=as_it_is):
    logistic, ys = lambda z: 1 / (1 + np.exp(-z)), []
    for t in range(x.shape[1]):
        z = {k: x[:, t] @ gates[f"kernel_{k}"] + h @ gates[f"recurrent_{k}"] + gates[f"bias_{k}"] for k in GATES}
        i, f, g, o = (rounded((np.tanh if k == "g" else logistic)(rounded(z[k]))) for k in GATES)
        c = rounded(f * c + i * g)
        h = rounded(o * np.tanh(c))
        ys.append(h)
    return np.stack(ys, 1), h, c
