"""C.7.2: does dropout reduce overfitting, what does it do to the capacity, and does too much of it underfit?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.dropout.few_digits import ends

RATES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99)


@experiment("dropout-rate", short={"seeds": 2, "epochs": 6, "rates": (0.0, 0.99)})
def dropout_rate(*, seeds: int = 10, epochs: int = 100, rates: tuple[float, ...] = RATES) -> Outcome:
    """Losses, accuracies and capacity at the end over the rates, each from the same starts."""
    found = [{name: x[..., 0] for name, x in ends(seeds, epochs, rate=rate).items()} for rate in rates]
    mean = [{name: float(x[:, 0].mean()) for name, x in of.items()} for of in found]
    learned = [float(of["training accuracy"][:, 1].mean()) for of in found]
    best = int(np.argmin([of["test loss"] for of in mean]))
    ratio, low, high = mean_interval(found[best]["test loss"][:, 0] / found[0]["test loss"][:, 0])
    none, chosen, most = mean[0], mean[best], mean[-1]
    came = {
        "best rate": rates[best],
        "test loss, best rate over none": chosen["test loss"] / none["test loss"],
        "test accuracy, best rate less none": chosen["test accuracy"] - none["test accuracy"],
        "test loss, largest rate over best": most["test loss"] / chosen["test loss"],
        "training loss, none": none["training loss"],
        "training loss, largest rate": most["training loss"],
        "norm of the kernels, best rate over none": chosen["norm"] / none["norm"],
        "rank of the features, best rate over none": chosen["rank"] / none["rank"],
        "drawn labels learned, none": learned[0],
        "drawn labels learned, largest rate": learned[-1],
    }
    shown = ("training loss", "test loss", "test accuracy", "norm", "rank")
    rows: list[dict[str, Any]] = [
        {"rate": rate, **{name: of[name] for name in shown}, "drawn labels learned": share}
        for rate, of, share in zip(rates, mean, learned, strict=True)
    ]
    return Outcome(came, Effect("test loss, best rate over none", ratio, (low, high)), rows)
