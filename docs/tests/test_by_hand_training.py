"""The numbers that the page on training works out by hand are those of the reference's gradient descent."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nnspec.components.optimization import gradient_descent
from nnspec_conformance.clauses import find_spec

PAGE = (find_spec() / "training" / "index.md").read_text(encoding="utf-8")


def loss(w, x, y):
    return jnp.mean((w * x - y) ** 2 / 2)


def test_five_steps_of_one_weight():
    found = re.findall(r"^\| ([0-5]) \| (\S+) \| (\S+) \| (\S+) \|$", PAGE, re.M)
    x, y = jnp.array([1.0, 2.0]), jnp.array([1.0, 3.0])
    w, rule = jnp.array(0.0), gradient_descent(0.2)
    state, rows = rule.init(w), []
    for step in range(6):
        rows.append([step, w, loss(w, x, y), loss(w, 3.0, 4.0)])
        updates, state = rule.update(jax.grad(loss)(w, x, y), state)
        w = optax.apply_updates(w, updates)
    np.testing.assert_allclose(np.array(found, float), rows, atol=6e-5)


def test_the_end():
    found = re.search(r"^\| at last \| (\S+) \| (\S+) \| (\S+) \|$", PAGE, re.M)
    assert found is not None
    w, training, unseen = map(float, found.groups())
    x, y = jnp.array([1.0, 2.0]), jnp.array([1.0, 3.0])
    assert abs(jax.grad(loss)(w, x, y)) < 1e-6
    np.testing.assert_allclose([training, unseen], [loss(w, x, y), loss(w, 3.0, 4.0)], atol=6e-5)
