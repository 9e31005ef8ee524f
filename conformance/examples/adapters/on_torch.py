"""PyTorch: modules that update their buffers in place and optimizers that mutate."""

import inspect

import torch
import torch.nn.functional as F

from nnspec_conformance.adapters.torch import transport
from nnspec_conformance.adapters.torch.steppers import LEFT_OUT, stepper

NAME, VERSION, DTYPES = "torch", torch.__version__, ("float32", "float64")
VARIANTS = {"cosine-decay.past-end": "climbs", "early-stopping.patience": "exceeded"}
DEFAULTS = {"adam.eps": 1e-8, "momentum.default": 0.0}
KNOWN_FAILURES = {f"stepper.gradients-of-others[{name}]": LEFT_OUT for name in ("momentum", "adam")}

asarray, to_numpy, vjp = transport.asarray, transport.to_numpy, transport.vjp


def layer_norm(x, scale, bias, *, epsilon):
    return F.layer_norm(x, scale.shape, scale, bias, epsilon)


def batch_norm(x, scale, bias, mean, variance, *, train, decay, epsilon):
    mean, variance = mean.detach().clone(), variance.detach().clone()  # updated in place
    y = F.batch_norm(x.movedim(-1, 1), mean, variance, scale, bias, train, 1 - decay, epsilon)
    return y.movedim(1, -1), mean, variance


def dropout(x, *, seed, rate, train):
    torch.manual_seed(seed)
    return F.dropout(x, rate, train)


def he_normal(shape, *, seed):
    torch.manual_seed(seed)
    kernel = torch.empty(shape[::-1])  # [out, in, ...]: fan-in is the product of all axes but the first
    return torch.nn.init.kaiming_normal_(kernel, nonlinearity="relu").permute(*reversed(range(len(shape))))


momentum = stepper(torch.optim.SGD)


@stepper
def adam(params, lr, *, eps=None, **given):
    options = {} if eps is None else {"eps": eps}
    if given:  # b1 and b2 are one tuple in PyTorch: the half left out comes from PyTorch, never from here
        b1, b2 = inspect.signature(torch.optim.Adam).parameters["betas"].default
        options["betas"] = (given.pop("b1", b1), given.pop("b2", b2))
    return torch.optim.Adam(params, lr, **options, **given)


def cosine_decay(steps, *, init_value, decay_steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=init_value)
    scheduler, rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, decay_steps), []
    for _ in range(int(steps.max()) + 1):  # only by stepping: PyTorch has no closed form of it
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return torch.tensor(rates)[steps]


def early_stopping(metrics, *, patience, min_delta):
    """PyTorch has none; the same rule decides when ReduceLROnPlateau lowers the rate."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, patience=patience, threshold=min_delta, threshold_mode="abs"
    )
    best_epoch = None
    for epoch, metric in enumerate(metrics, 1):
        plateau.step(metric)
        best_epoch = epoch if plateau.best == metric and plateau.num_bad_epochs == 0 else best_epoch
        if optimizer.param_groups[0]["lr"] < 1:
            return {"stopped_epoch": epoch, "best_epoch": best_epoch}
    return {"stopped_epoch": None, "best_epoch": best_epoch}


def lstm(x, h0, c0, gates):
    module = torch.nn.LSTM(x.shape[-1], h0.shape[-1], batch_first=True).to(x.dtype)
    stacked = lambda name: torch.cat([gates[f"{name}_{k}"].T for k in "ifgo"])  # noqa: E731
    bias = torch.cat([gates[f"bias_{k}"] for k in "ifgo"])
    weights = {"weight_ih_l0": stacked("kernel"), "weight_hh_l0": stacked("recurrent")}
    weights |= {"bias_ih_l0": bias, "bias_hh_l0": torch.zeros_like(bias)}  # it has two, and adds them
    ys, (h, c) = torch.func.functional_call(module, weights, (x, (h0[None], c0[None])))
    return ys, h[0], c[0]
