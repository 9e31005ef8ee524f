"""Codes of two numbers of a variational autoencoder, and what its decoder makes of the codes on a grid."""

from __future__ import annotations

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec.architectures.autoencoder import decode
from nnspec_conformance.results import load_experiments
from nnspec_site.figures import Theme

PARTS = ("decoder_kernel_1", "decoder_bias_1", "decoder_kernel_0", "decoder_bias_0")
SIDE, SHOWN = 8, 150  # pixels of an image, codes that are drawn
REACH, ACROSS = 2.0, 7  # of the grid of codes, in deviations; images on each side


def learned() -> dict:
    """The codes, digits and weights of the first seed."""
    return load_experiments()["variational-codes"]["series"]


def images(codes: np.ndarray) -> np.ndarray:
    """What the decoder makes of codes [n, 2]: [n, 64]."""
    series = learned()
    weights = {name: np.array(series[name], np.float32) for name in PARTS}
    return np.asarray(decode(jnp.asarray(codes, jnp.float32), weights, activation="tanh"))


def means() -> np.ndarray:
    """The mean code of each digit."""
    series = learned()
    codes, digits = np.array(series["codes"]), np.array(series["digits"])
    return np.stack([codes[digits == digit].mean(0) for digit in range(10)])


def draw(theme: Theme) -> Figure:
    """The codes, each drawn as its digit; beside them the images of a grid of codes."""
    series = learned()
    codes, digits = np.array(series["codes"])[:SHOWN], np.array(series["digits"])[:SHOWN]
    figure, (plane, grid) = plt.subplots(1, 2, figsize=theme.size(0.52))
    for digit in range(10):
        at = codes[digits == digit]
        plane.scatter(*at.T, marker=f"${digit}$", s=22, color=theme.colors[digit % len(theme.colors)], linewidths=0.2)
    plane.set(xlim=(-3, 3), ylim=(-3, 3), xlabel="first entry", ylabel="second entry")
    plane.set_aspect("equal")
    plane.set_title("codes of images", loc="left")
    ends = np.linspace(-REACH, REACH, ACROSS)
    made = images(np.array([(x, y) for y in ends[::-1] for x in ends])).reshape(ACROSS, ACROSS, SIDE, SIDE)
    framed = np.pad(made, ((0, 0), (0, 0), (1, 1), (1, 1)))  # so that neighbours do not touch
    whole = framed.transpose(0, 2, 1, 3).reshape(ACROSS * (SIDE + 2), ACROSS * (SIDE + 2))
    grid.imshow(whole, cmap="gray_r", vmin=0, vmax=1, extent=(-REACH, REACH, -REACH, REACH))
    grid.set(xlabel="first entry", xticks=[-REACH, 0, REACH], yticks=[])
    grid.set_title("images of codes", loc="left")
    return figure


def numbers() -> dict:
    """The codes with their digits, the mean code of each digit, and the decoder."""
    series = learned()
    codes = [[*code, digit] for code, digit in zip(series["codes"], series["digits"], strict=True)][:SHOWN]
    return {"codes": codes, "means": np.round(means(), 3).tolist(), **{name: series[name] for name in PARTS}}
