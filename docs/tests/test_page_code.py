"""Code that stands on a page, beside the listings of the reference, does what the page says of it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nnspec_conformance.clauses import find_spec
from nnspec_conformance.oracles.architectures import gru


def code(page: str, begins: str) -> str:
    """The block of Python of a page that begins with these words."""
    text = (find_spec() / f"{page}.md").read_text(encoding="utf-8")
    (found,) = (block for block in re.findall(r"```python\n(.*?)```", text, re.S) if block.startswith(begins))
    return found


def test_step_of_a_gru_in_pytorch_has_the_reset_gate_before_the_product():
    torch = pytest.importorskip("torch")
    names: dict = {"torch": torch}
    exec(code("architectures/gru", "def gru_step"), names)
    draws = np.random.default_rng(3)
    x, h = draws.normal(size=(5, 3)), draws.normal(size=(5, 4))
    tables = [{gate: draws.normal(size=shape) for gate in "rzn"} for shape in ((3, 4), (4, 4), (4,))]
    got = names["gru_step"](
        torch.tensor(x), torch.tensor(h), *({k: torch.tensor(v) for k, v in t.items()} for t in tables)
    )
    kinds = ("kernel", "recurrent_kernel", "bias")
    weights = {f"{kind}_{gate}": v for kind, table in zip(kinds, tables, strict=True) for gate, v in table.items()}
    np.testing.assert_allclose(got.numpy(), gru.gru_step(x, weights, h, reset="before"), rtol=1e-12)
    after = gru.gru_step(x, weights | {"recurrent_bias_n": np.zeros(4)}, h, reset="after")
    assert np.abs(got.numpy() - after).max() > 0.01
