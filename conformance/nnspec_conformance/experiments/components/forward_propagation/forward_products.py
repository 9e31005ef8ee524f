"""A.5: the products of forward propagation, by formula and as the compiler counts them before it optimizes."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

# widths, batch, activation
NETWORKS = [
    ((3, 2), 1, "relu"),
    ((5, 11, 3), 7, "tanh"),
    ((8, 13, 6, 3), 16, "gelu"),
    ((3, 7, 5, 4, 2), 6, "sigmoid"),
    ((64, 48, 32, 16, 10), 64, "relu"),
    ((784, 256, 128, 10), 32, "tanh"),
]
WIDTH, BATCH = 32, 8
SHAPES = re.compile(
    r"dot_general .*?contracting_dims = \[(\d+)\] x \[\d+\].*?: \(tensor<([\dx]+)xf32>, tensor<[\dx]+xf32>\) -> "
    r"tensor<([\dx]+)xf32>"
)


@experiment("forward-products", short={"networks": 2, "layers": 3})
def forward_products(*, networks: int = len(NETWORKS), layers: int = 12) -> Outcome:
    """Counted, not sampled: nothing is drawn. The first so many networks, and a scan of so many layers."""
    rows, ratios = [], []
    for widths, batch, activation in NETWORKS[:networks]:
        formula = products(widths, batch)
        dots = products_in_dots(lowered(widths, batch, activation).as_text())
        operations = lowered(widths, batch, "identity").cost_analysis()["flops"]
        counted = operations / (2 * formula + batch * sum(widths[1:]))
        ratios += [dots / formula, counted]
        network = "-".join(map(str, widths))
        rows.append(row(f"{network}, {activation}, batch {batch}", formula, dots, counted))
    formula = products((WIDTH,) * (layers + 1), BATCH)
    program = lowered_scan(layers)
    share = program.cost_analysis()["flops"] / (2 * formula + BATCH * layers * WIDTH)
    dots = products_in_dots(program.as_text())
    rows.append(row(f"{layers} layers of {WIDTH} in a scan, identity, batch {BATCH}", formula, dots, share))
    worst = max(ratios, key=lambda ratio: abs(ratio - 1))
    effect = Effect("count / formula, the furthest from 1", worst, (min(ratios), max(ratios)))
    came = {"count / formula, least": min(ratios), "count / formula, largest": max(ratios)}
    came["count / formula in a scan, layers"] = share * layers
    return Outcome(came, effect, rows, {"ratios": ratios, "scan": share}, note(share, layers))


def note(share: float, layers: int) -> str:
    return (
        f"In the scan XLA counts {share:.4f} of the formula, {share * layers:.3f} layers of {layers}: a loop's body "
        "is counted once, however often it runs."
    )


def row(network: str, formula: int, dots: int, counted: float) -> dict[str, Any]:
    return {
        "network": network,
        "products, by formula": formula,
        "in the dots": dots,
        "XLA's operations / formula": counted,
    }


def products(widths: tuple[int, ...], batch: int) -> int:
    """The formula of the page."""
    return batch * sum(n * m for n, m in pairwise(widths))


def products_in_dots(text: str) -> int:
    """Size of each dot's result times the length of the axis summed over, added up over a lowered program."""
    total = 0
    for axis, left, result in SHAPES.findall(text):
        total += math.prod(map(int, result.split("x"))) * int(left.split("x")[int(axis)])
    return total


def lowered(widths: tuple[int, ...], batch: int, activation: Any) -> Any:
    """The reference's program for these shapes, before any optimization."""
    import jax

    from nnspec.components.forward_propagation import forward

    weights = {}
    for i, (n, m) in enumerate(pairwise(widths)):
        weights |= {f"kernel_{i}": jax.ShapeDtypeStruct((n, m), "float32")}
        weights |= {f"bias_{i}": jax.ShapeDtypeStruct((m,), "float32")}
    x = jax.ShapeDtypeStruct((batch, widths[0]), "float32")
    return jax.jit(lambda x, weights: forward(x, weights, activation=activation)).lower(x, weights)


def lowered_scan(layers: int) -> Any:
    import jax

    from nnspec.components.forward_propagation import hidden_scan

    shapes = [(BATCH, WIDTH), (layers, WIDTH, WIDTH), (layers, WIDTH)]
    arrays = [jax.ShapeDtypeStruct(shape, "float32") for shape in shapes]
    return jax.jit(lambda *arrays: hidden_scan(*arrays, activation="identity")).lower(*arrays)
