# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Multipliers exchanged in a network, and the mean error of approximate ones in the biases."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge.compensation import compensated, with_multipliers
from lutforge.errors import NetworkError
from lutforge.multipliers import Approximate, DivideConquer
from lutforge.network import Network, Node
from lutforge.operations import Add, Input, Rescale, Reshape, TableMac, Window
from lutforge.reference import trace

FORMS = [
    Approximate(2, drop_digits=1),
    Approximate(4, drop_digits=1, constant=3),
    Approximate(round_bits=4),
    Approximate(truncate_bits=6),
]
RNG = np.random.default_rng(2)
IMAGES = (RNG.integers(0, 256, (130, 5, 5, 2)) * RNG.random((130, 5, 5, 2)) ** 2).astype(np.uint8)


def network(form):
    def mac(outputs, fan_in, seed):
        weights = np.random.default_rng(seed).integers(-100, 120, (outputs, fan_in))
        return TableMac(weights, np.arange(outputs) * 50, form)

    scale = Rescale(np.array([1]), np.array([7]), 0, 255)
    return Network(
        "n",
        (
            Node("x", Input((5, 5, 2), 0, 255)),
            Node("window", Window((3, 3), (1, 1), (1, 1, 1, 1), 0), ("x",)),
            Node("conv", mac(2, 18, 0), ("window",)),
            Node("code", scale, ("conv",)),
            Node("sum", Add(), ("code", "x")),
            Node("again", scale, ("sum",)),
            Node("flat", Reshape((50,)), ("again",)),
            Node("fc", mac(4, 50, 1), ("flat",)),
        ),
    )


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_mean_error_of_each_layer_is_below_one(form):
    made = compensated(network(form), IMAGES)
    seen = trace(made, IMAGES)
    for name, source in (("conv", "window"), ("fc", "flat")):
        op = network(form).node(name).op
        exact = seen[source].reshape(-1, op.weights.shape[1]) @ op.weights.T.astype(np.int64) + op.bias
        lost = (exact - seen[name].reshape(exact.shape)).mean(axis=0)
        assert np.abs(lost).max() <= 0.5 + 1e-9
        assert np.abs(made.node(name).op.bias - op.bias).max() > 0


def test_an_exact_network_stays_as_it_is():
    made = compensated(network(DivideConquer(4)), IMAGES)
    assert np.array_equal(made.node("conv").op.bias, network(DivideConquer(4)).node("conv").op.bias)


def test_multipliers_are_exchanged_by_name():
    made = with_multipliers(network(DivideConquer(4)), {"fc": FORMS[0]})
    assert made.node("fc").op.multiplier == FORMS[0] and made.node("conv").op.multiplier == DivideConquer(4)


@pytest.mark.parametrize(
    ("name", "message"), [("flat", "node flat: Reshape has no multiplier"), ("fd", "no node 'fd'; known: x, window")]
)
def test_what_has_no_multiplier(name, message):
    with pytest.raises(NetworkError, match=message):
        with_multipliers(network(DivideConquer(4)), {name: FORMS[0]})
