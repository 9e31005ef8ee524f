"""B.3.2: an encoder-decoder learns to read dates as people write them, beside two LSTMs with as many weights."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
# Patterns of the Unicode CLDR for English in the United States, in Britain, South Africa and India: all unambiguous.
PATTERNS = (
    "{month} {d}, {y}",  # MMMM d, y
    "{mon} {d}, {y}",  # MMM d, y
    "{day}, {mon} {d}, {y}",  # EEE, MMM d, y
    "{d} {month} {y}",  # d MMMM y
    "{d} {mon} {y}",  # d MMM y
    "{day}, {d} {mon} {y}",  # EEE, d MMM y
    "{d:02} {month} {y}",  # dd MMMM y
    "{d:02}-{mon}-{y}",  # dd-MMM-y
)
FIRST, BEHIND, LAST = 1950, 2050, 2080  # years: those of the training, then those of decades that it has not
HELD_OUT = 0.1  # of the dates of the training's years
LETTERS = sorted({*"0123456789 ,-", *"".join(MONTHS + DAYS)})
END, START = len(LETTERS), len(LETTERS) + 1
SYMBOLS = START + 1
PLACES, ANSWER = 19, 11  # of the longest date and of the ISO date, each with its mark
FEATURES, HEADS, HIDDEN = 64, 4, 128
PAIRS, BATCH, RATE, CHUNK, OTHERS = 30_000, 64, 2e-3, 100, 1024
GIVEN = {"norm": "pre", "epsilon": 1e-6}
MODELS = ("transformer", "LSTM")


@experiment("dates", short={"seeds": 2, "steps": 20, "pairs": 320, "others": 32, "batch": 16})
def dates(seeds: int, *, steps: int = 800, pairs: int = PAIRS, others: int = OTHERS, batch: int = BATCH) -> Outcome:
    """Shares of dates without a mistake; the curves are losses."""
    rows: list[dict[str, Any]] = []
    curves: dict[str, list[float]] = {}
    programs = {model: program(model) for model in MODELS}
    for seed in watched(range(seeds), "seeds"):
        draws = np.random.default_rng(seed)
        seen, new = calendar(draws)
        learned, order = written(draws, seen, pairs), draws.integers(0, pairs, (steps, batch))
        asked = {"new dates": written(draws, new, others), "other decades": written(draws, later(), others)}
        row: dict[str, Any] = {"seed": seed}
        for model, (train, ask) in programs.items():
            weights = started(model, draws)
            row[f"weights, {model}"] = size(weights)
            weights, losses = trained(train, weights, learned, order)
            for kind, strings in asked.items():
                right = np.asarray(ask(weights, *strings))
                row |= {f"exact, {kind}, {model}": float(right.all(-1).mean())}
                row |= {f"symbols, {kind}, {model}": float(right.mean())}
            curves.setdefault(model, [])
            curves[model] = [a + b / seeds for a, b in zip(curves[model] or [0.0] * len(losses), losses, strict=True)]
        rows.append(row)
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if "," in name}
    means = {name: value for name, value in means.items() if not name.startswith("weights")}
    mean, low, high = mean_interval([row["exact, new dates, transformer"] for row in rows])
    return Outcome(means, Effect("exact, new dates, transformer", mean, (low, high)), rows, curves)


# ---- dates


def calendar(draws: np.random.Generator) -> tuple[list[datetime.date], list[datetime.date]]:
    """The days of the training's years: those that may be learned from, and those that are held out."""
    days = between(FIRST, BEHIND)
    out = set(draws.permutation(len(days))[: round(HELD_OUT * len(days))].tolist())
    return [day for n, day in enumerate(days) if n not in out], [day for n, day in enumerate(days) if n in out]


def later() -> list[datetime.date]:
    """The days of the decades that the training has not."""
    return between(BEHIND, LAST)


def between(first: int, behind: int) -> list[datetime.date]:
    """All days of some years."""
    begin, end = datetime.date(first, 1, 1).toordinal(), datetime.date(behind, 1, 1).toordinal()
    return [datetime.date.fromordinal(n) for n in range(begin, end)]


def written(
    draws: np.random.Generator, days: list[datetime.date], count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Some of the days in some of the patterns, [count, places], their lengths, and the ISO dates with the mark."""
    chosen = [days[n] for n in draws.integers(0, len(days), count)]
    texts = [as_written(day, PATTERNS[n]) for day, n in zip(chosen, draws.integers(0, 8, count), strict=True)]
    read = np.stack([coded(text, PLACES) for text in texts])
    return read, np.array([len(text) for text in texts]), np.stack([coded(day.isoformat(), ANSWER) for day in chosen])


def as_written(day: datetime.date, pattern: str) -> str:
    """A day as people write it."""
    month, name = MONTHS[day.month - 1], DAYS[day.weekday()]
    return pattern.format(month=month, mon=month[:3], day=name[:3], d=day.day, y=day.year)


def coded(text: str, places: int) -> np.ndarray:
    """The number of each letter, and the mark behind them."""
    return np.array([LETTERS.index(letter) for letter in text] + [END] * (places - len(text)))


# ---- the two models


def started(model: str, draws: np.random.Generator) -> dict[str, Any]:
    """First weights: rows for the symbols, the model's own, and the kernel of the logits; of the LSTM as many."""
    table = tables()[model]
    own = {name: drawn(draws, name, shape) for name, shape in table.items()}
    width = FEATURES if model == "transformer" else units()
    return {
        "embedding": draws.standard_normal((SYMBOLS, FEATURES)).astype(np.float32),
        "network": own,
        "kernel": (draws.standard_normal((width, SYMBOLS)) / width**0.5).astype(np.float32),
    }


def drawn(draws: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """One over the root of what is summed for a kernel; a forget gate begins open; scales of 1, and zeros."""
    if "kernel" not in name:
        return np.full(shape, float("scale" in name or name.endswith("bias_f")), np.float32)
    summed = int(np.prod(shape[:-1])) if "kernel_o_" in name else shape[0]
    return (draws.standard_normal(shape) / summed**0.5).astype(np.float32)


def tables() -> dict[str, dict[str, tuple[int, ...]]]:
    """Names and shapes of the weights of the encoder-decoder, and of an LSTM that reads and one that writes."""
    import jax
    from flax import nnx

    from nnspec.architectures.transformer.decoder import EncoderDecoder

    def new() -> dict[str, Any]:
        return EncoderDecoder(FEATURES, HEADS, HIDDEN, 1, norm="pre", rngs=nnx.Rngs(0)).get_weights()

    return {
        "transformer": {name: w.shape for name, w in jax.eval_shape(new).items()},
        "LSTM": recurrent(units()),
    }


def recurrent(hidden: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of two LSTMs."""
    shapes = {"kernel": (FEATURES, hidden), "recurrent_kernel": (hidden, hidden), "bias": (hidden,)}
    return {f"{part}_{name}_{gate}": s for part in ("read", "write") for name, s in shapes.items() for gate in "ifgo"}


def units() -> int:
    """So many that both models have as many weights: 8 n² + 8 n (64 + 1) beside the layers of the encoder-decoder."""
    attention, norm = 4 * FEATURES * (FEATURES + 1), 2 * FEATURES
    fed = FEATURES * HIDDEN + HIDDEN + HIDDEN * FEATURES + FEATURES
    count = 3 * attention + 2 * fed + 7 * norm + FEATURES * SYMBOLS
    b = 8 * (FEATURES + 1) + SYMBOLS
    return round((-b + (b * b + 32 * count) ** 0.5) / 16)


def size(weights: Any) -> int:
    """How many numbers a table of tables holds."""
    return sum(size(w) if isinstance(w, dict) else w.size for w in weights.values())


def logits(model: str, weights: Any, source: Any, n: Any, target: Any) -> Any:
    """Logits of the next symbol at each place of the target."""
    import jax.numpy as jnp

    from nnspec.architectures.lstm import lstm
    from nnspec.architectures.transformer.decoder import encoder_decoder
    from nnspec.architectures.transformer.positions import sinusoidal_positions

    x, y = (weights["embedding"][symbols] for symbols in (source, target))
    if model == "LSTM":
        read, write = (
            {name.removeprefix(part): w for name, w in weights["network"].items() if name.startswith(part)}
            for part in ("read_", "write_")
        )
        _, h, c = lstm(x, read, lengths=n + 1)
        return lstm(y, write, h, c)[0] @ weights["kernel"]
    x, y = (a + sinusoidal_positions(jnp.arange(a.shape[1]), features=FEATURES) for a in (x, y))
    return encoder_decoder(x, y, weights["network"], n + 1, **GIVEN) @ weights["kernel"]


# ---- training


def method() -> Any:
    """Adam; the schedule is a factor of its steps."""
    from nnspec.training.adam import adam

    return adam(RATE)


def program(model: str) -> tuple[Any, Any]:
    """Some steps of training in one program, and which symbols of an answer are right."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels

    def predicted(weights: Any, source: Any, n: Any, answer: Any) -> Any:
        target = jnp.concatenate([jnp.full_like(answer[:, :1], START), answer[:, :-1]], 1)
        return logits(model, weights, source, n, target)

    def loss(weights: Any, *batch: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(predicted(weights, *batch), batch[-1]).mean()

    def step(state: Any, given: Any) -> tuple[Any, Any]:
        weights, memory = state
        batch, share = given
        value, gradients = jax.value_and_grad(loss)(weights, *batch)
        moves, memory = method().update(gradients, memory, weights)
        return (optax.apply_updates(weights, jax.tree.map(lambda m: share * m, moves)), memory), value

    def ask(weights: Any, *batch: Any) -> Any:
        return predicted(weights, *batch).argmax(-1) == batch[-1]

    return jax.jit(lambda state, given: jax.lax.scan(step, state, given)), jax.jit(ask)


def trained(train: Any, weights: Any, strings: tuple, order: np.ndarray) -> tuple[Any, list[float]]:
    """Weights after a step on each batch, and the mean loss of every chunk of steps."""
    steps, chunk, losses = len(order), min(CHUNK, len(order)), []
    state = (weights, method().init(weights))
    for first in range(0, steps, chunk):
        batches = tuple(a[order[first : first + chunk]] for a in strings)
        state, found = train(state, (batches, schedule(first + np.arange(chunk), steps)))
        losses.append(float(np.mean(found)))
    return state[0], losses


def schedule(at: np.ndarray, steps: int) -> np.ndarray:
    """A warm-up of a tenth of the steps, and a half cosine to 0."""
    warm = np.minimum(1.0, (at + 1) / (0.1 * steps))
    return (warm * (1 + np.cos(np.pi * at / steps)) / 2).astype(np.float32)
