"""The numbers that the page on convolutional networks works out by hand are those of the reference."""

from __future__ import annotations

import re

import numpy as np

from nnspec.architectures.convolutional.convolution import convolution_1d, convolution_2d
from nnspec.architectures.convolutional.network_lenet import lenet_counts
from nnspec.architectures.convolutional.pooling import average_pool, max_pool
from nnspec.architectures.convolutional.residual_network import residual_network_counts
from nnspec.components.activations import relu
from nnspec_conformance.clauses import find_spec

FOLDER = find_spec() / "architectures" / "convolutional"


def cells(start: str, page: str = "index") -> list[str]:
    """The cells of the page's table row that starts so."""
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
    line = re.search(rf"^\| {re.escape(start)} \|(.*)\|$", text, re.M)
    assert line is not None
    return [cell.strip() for cell in line[1].split("|")]


def row(text: str) -> list[float]:
    return [float(number.replace("\N{MINUS SIGN}", "-")) for number in text.strip("()").split(",")]


def test_edges_of_a_row_as_it_is_and_moved():
    for start in ("as it is", "moved by one"):
        x, maps, largest = cells(start)
        found = convolution_1d(np.array(row(x))[None, :, None], np.array([[[-1.0]], [[1.0]]]), padding="valid")
        assert found[0, :, 0].tolist() == row(maps)
        assert float(found.max()) == float(largest)


def test_weights_and_products_of_three_layers():
    x, kernel = np.zeros((1, 28, 28, 1), np.float32), np.zeros((5, 5, 1, 16), np.float32)
    results = convolution_2d(x, kernel, padding="same").size
    want = {
        "dense": (x.size * results, x.size * results),
        "local: each unit reads 5 × 5 pixels": (25 * results, 25 * results),
        "convolutional: local, and one kernel for each map": (kernel.size, 25 * results),
    }
    for start, numbers in want.items():
        assert [int(cell.replace(",", "")) for cell in cells(start)] == list(numbers)


def counted(shape: tuple, parameters: int, products: int) -> list[str]:
    """A row of a table of counts."""
    return [" × ".join(map(str, shape)), f"{parameters:,}", f"{products:,}"]


def test_counts_of_lenet():
    names = ["convolution", "pooling", "convolution", "pooling", "dense", "dense, 10 classes"]
    counts = lenet_counts((28, 28, 1), 10, maps=(6, 16), hidden=84, window=5)
    rows = {name: counted(*row[1:]) for name, row in zip(names, counts, strict=True)}

    for name in ("dense", "dense, 10 classes"):
        assert cells(name, "network") == rows[name]
    text = (FOLDER / "network.md").read_text(encoding="utf-8")
    for row in counts:
        assert f"| {' | '.join(counted(*row[1:]))} |" in text


def test_counts_of_the_residual_network():
    counts = {row.name: row for row in residual_network_counts((32, 32, 3), 10, maps=(16, 32))}
    parts = {
        "convolution": ("kernel_0",),
        "first block, two convolutions": ("kernel_1", "kernel_2"),
        "second block, two convolutions": ("kernel_3", "kernel_4"),
        "its projection": ("kernel_5",),
        "mean": ("mean",),
        "dense": ("kernel_6",),
    }
    for start, names in parts.items():
        rows = [counts[name] for name in names]
        want = counted(rows[-1].shape, sum(row.parameters for row in rows), sum(row.products for row in rows))
        assert cells(start, "residual_network") == want


def test_a_block_with_and_without_its_shortcut():
    x, first, second = 2.0, 0.5, -0.3
    branch = second * max(first * x, 0)
    for column, shortcut in enumerate((1, 0)):
        slope = shortcut + first * second
        numbers = [branch, max(shortcut * x + branch, 0), slope, abs(slope) ** 10]
        starts = ["branch", "result", "derivative of the sum by the input", "to the power of ten, for ten such blocks"]
        for start, number in zip(starts, numbers, strict=True):
            told = cells(start, "residual_network")[column].split("=")[-1].replace(" ", "")
            np.testing.assert_allclose(float(told.replace("\N{MINUS SIGN}", "-")), number, rtol=0.01, atol=1e-12)


def test_a_row_with_a_stride_of_two():
    x, kernel = np.array([1.0, 2, 3, 4])[None, :, None], np.array([1.0, 10, 100])[:, None, None]
    given = {
        "one on each side": {"padding": "valid", "pads": (1, 1)},
        "as few as fit, at the end": {"padding": "same"},
    }
    for start, how in given.items():
        _, results, shortcut = cells(start, "residual_network")
        assert convolution_1d(x, kernel, stride=(2,), **how)[0, :, 0].tolist() == row(results)
        assert x[0, ::2, 0].tolist() == row(shortcut)


def test_a_block_pooled_before_and_after_its_activation():
    sums = np.array([-2.0, 1, 3, -4], np.float32).reshape(1, 2, 2, 1)
    for start, pool in (("maximum", max_pool), ("mean", average_pool)):
        told = [float(cell.split("= ")[-1]) for cell in cells(start, "network")]
        first, last = (float(y[0, 0, 0, 0]) for y in (pool(relu(sums), window=(2, 2)), relu(pool(sums, window=(2, 2)))))
        assert told == [first, last]
