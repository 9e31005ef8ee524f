"""Float64 formulas of the seven operations."""

import numpy as np

GATES = "ifgo"


def batch_norm(x, scale, bias, mean, variance, *, train, decay, epsilon, running_variance="unbiased"):
    if not train:
        return scale * (x - mean) / np.sqrt(variance + epsilon) + bias, mean, variance
    axes, n = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
    mu = x.mean(axes)
    var = ((x - mu) ** 2).mean(axes)
    y = scale * (x - mu) / np.sqrt(var + epsilon) + bias
    kept = var * (n / (n - 1) if running_variance == "unbiased" else 1)
    return y, decay * mean + (1 - decay) * mu, decay * variance + (1 - decay) * kept


def adam(params, grads, rates, *, b1, b2, eps, rounded=lambda x: x):
    """Kingma and Ba 2015, algorithm 1: the parameters after each step. ``rounded`` meets the powers, operands too."""
    m, v, steps = dict.fromkeys(params, 0.0), dict.fromkeys(params, 0.0), []
    for t, (g, rate) in enumerate(zip(grads, rates, strict=True), 1):
        m = {k: b1 * m[k] + (1 - b1) * g[k] for k in params}
        v = {k: b2 * v[k] + (1 - b2) * g[k] ** 2 for k in params}
        m_hat, v_hat = ({k: s[k] / (1 - rounded(b**t)) for k in params} for s, b in ((m, b1), (v, b2)))
        params = {k: p - rate * m_hat[k] / (np.sqrt(v_hat[k]) + eps) for k, p in params.items()}
        steps.append(params)
    return steps


def cosine_decay(steps, *, init_value, decay_steps, past_end="holds"):
    t = np.minimum(steps, decay_steps) if past_end == "holds" else steps
    return init_value * (1 + np.cos(np.pi * t / decay_steps)) / 2


def early_stopping(metrics, *, patience, min_delta, exceeded=False):
    best, best_epoch = np.inf, None
    for epoch, value in enumerate(metrics, 1):
        if value < best - min_delta:
            best, best_epoch = value, epoch
        elif epoch - best_epoch >= patience + exceeded:
            return {"stopped_epoch": epoch, "best_epoch": best_epoch}
    return {"stopped_epoch": None, "best_epoch": best_epoch}


def lstm(x, h, c, gates):
    logistic, ys = lambda z: 1 / (1 + np.exp(-z)), []
    for t in range(x.shape[1]):
        z = {k: x[:, t] @ gates[f"kernel_{k}"] + h @ gates[f"recurrent_{k}"] + gates[f"bias_{k}"] for k in GATES}
        c = logistic(z["f"]) * c + logistic(z["i"]) * np.tanh(z["g"])
        h = logistic(z["o"]) * np.tanh(c)
        ys.append(h)
    return np.stack(ys, 1), h, c
