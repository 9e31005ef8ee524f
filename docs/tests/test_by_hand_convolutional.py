"""The numbers that the page on convolutional networks works out by hand are those of the reference."""

from __future__ import annotations

import re

import numpy as np

from nnspec.architectures.convolutional.convolution import convolution_1d, convolution_2d
from nnspec_conformance.clauses import find_spec

PAGE = (find_spec() / "architectures" / "convolutional" / "index.md").read_text(encoding="utf-8")


def cells(start: str) -> list[str]:
    """The cells of the page's table row that starts so."""
    line = re.search(rf"^\| {re.escape(start)} \|(.*)\|$", PAGE, re.M)
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
