# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Switches of cells, against a plain count one cell and one unit of time after the other, and what layers are sampled."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lutforge.cells import AND, FULL_ADDER, HALF_ADDER, MUX, TRANSISTORS, Circuit, multiplier_circuit
from lutforge.errors import InputError
from lutforge.multiplier_forms import weights_of
from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer
from lutforge.network import Network, Node
from lutforge.operations import Input, TableMac, Window
from lutforge.toggles import WEIGHTS, WINDOW, WINDOWS, layer_samples, switched_transistors, toggles

SLOW = {
    MUX: lambda s, low, high: [high if s else low],
    AND: lambda a, b: [int(a == b == 1)],
    HALF_ADDER: lambda a, b: [(a + b) % 2, (a + b) // 2],
    FULL_ADDER: lambda a, b, c: [(a + b + c) % 2, (a + b + c) // 2],
}


def slow_toggles(circuit, weight, before, after):
    """Switches of each signal of one multiplier: all cells at once, from what was there a unit of time ago."""
    values = [0] * circuit.signals
    for signal, multiple, bit in circuit.stored:
        values[signal] = (weight * multiple >> bit) % 2

    def stepped(code):
        old, new = list(values), list(values)
        for place, signal in enumerate(circuit.activation):
            old[signal] = new[signal] = code >> place & 1
        for kind, inputs, outputs in circuit.cells:
            for signal, value in zip(outputs, SLOW[kind](*[old[each] for each in inputs]), strict=True):
                new[signal] = value
        return new

    counts = [0] * circuit.signals
    for code in (before, after):
        counts = [0] * circuit.signals  # what comes before is the start
        for place, signal in enumerate(circuit.activation):
            counts[signal] += values[signal] != code >> place & 1
            values[signal] = code >> place & 1
        while (new := stepped(code)) != values:
            counts = [count + (a != b) for count, a, b in zip(counts, values, new, strict=True)]
            values = new
    return counts


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("activation_bits", "weight_bits"), [(2, 2), (3, 2), (2, 4), (3, 3), (4, 4)])
@pytest.mark.parametrize(
    "form",
    [Conventional(), DivideConquer(2), DivideConquer(2, True), Digital(), Approximate(2, drop_digits=1)],
    ids=str,
)
def test_every_change_of_every_small_multiplier(form, activation_bits, weight_bits, signed):
    circuit = multiplier_circuit(form, activation_bits, weight_bits, signed)
    codes = range(1 << activation_bits)
    weights = weights_of(weight_bits).tolist() if signed else range(1 << weight_bits)
    if activation_bits == 4 and not signed:
        weights = weights[5::7]  # for the sake of time
    triples = np.array(list(product(weights, codes, codes)))
    found = toggles(circuit, triples[:, 0], triples[:, 1:].T)
    wanted = np.sum([slow_toggles(circuit, *triple) for triple in triples.tolist()], axis=0)
    assert np.array_equal(found, wanted)
    assert found[[signal for signal, _, _ in circuit.stored]].sum() == 0


def test_a_sequence_is_its_changes():
    rng = np.random.default_rng(5)
    circuit = multiplier_circuit(Digital(), 8, 9, True)
    weights, codes = rng.integers(-256, 256, 13), rng.integers(0, 256, (6, 13))
    parts = sum(toggles(circuit, weights, codes[step : step + 2]) for step in range(5))
    assert np.array_equal(toggles(circuit, weights, codes), parts)
    assert toggles(circuit, weights, codes[:1]).sum() == 0
    wanted = [slow_toggles(circuit, int(weights[3]), *codes[step : step + 2, 3].tolist()) for step in range(5)]
    assert np.array_equal(toggles(circuit, weights[3:4], codes[:, 3:4]), np.sum(wanted, axis=0))


def test_a_hazard_counts_twice():
    circuit = Circuit()
    a = circuit.new()
    circuit.activation = [a]
    (late,) = circuit.cell(AND, a, a)
    total, carry = circuit.cell(HALF_ADDER, a, late)
    counts = toggles(circuit, np.array([0]), np.array([[0], [1]]))
    assert (counts[a], counts[late], counts[total], counts[carry]) == (1, 1, 2, 1)
    assert switched_transistors(circuit, counts) == TRANSISTORS[AND] + TRANSISTORS[HALF_ADDER] / 2 * (2 + 1)


def dense(weights, low=0, high=255):
    nodes = (Node("x", Input((len(weights[0]),), low, high)), Node("fc", TableMac(weights, [0] * len(weights)), ("x",)))
    return Network("dense", nodes)


def test_a_small_layer_is_looked_at_whole_and_in_order():
    images = np.random.default_rng(1).integers(0, 256, (9, 3))
    sample = layer_samples(dense([[5, 0, -7], [0, 3, 0]]), images)["fc"]
    assert sample.weights.tolist() == [5, -7, 3] and (sample.live, sample.vectors, sample.steps) == (3, 1, 8)
    assert np.array_equal(sample.windows[0], images[:, [0, 2, 1]])
    signed = layer_samples(dense([[5, 1, -7]], -128, 127), images.astype(np.int16) - 128)["fc"]
    assert np.array_equal(signed.windows[0], images - 128)
    assert layer_samples(dense([[0, 0, 0]]), images)["fc"].live == 0


def test_a_large_layer_is_drawn_from():
    rng = np.random.default_rng(2)
    conv = TableMac(rng.integers(-9, 10, (200, 9)), [0] * 200)
    nodes = [Node("x", Input((30, 30, 1), 0, 255)), Node("w", Window((3, 3)), ("x",)), Node("conv", conv, ("w",))]
    network, images = Network("large", tuple(nodes)), rng.integers(0, 256, (3, 30, 30, 1))
    sample = layer_samples(network, images, seed=3)["conv"]
    assert (len(sample.weights), sample.live) == (WEIGHTS, np.count_nonzero(conv.weights)) and 0 not in sample.weights
    assert [window.shape for window in sample.windows] == [(WINDOW, WEIGHTS)] * WINDOWS
    assert (sample.vectors, sample.steps) == (28 * 28, WINDOWS * (WINDOW - 1))
    again, other = (layer_samples(network, images, seed=seed)["conv"] for seed in (3, 4))
    assert np.array_equal(again.windows, sample.windows) and not np.array_equal(other.windows, sample.windows)


def test_one_activation_is_too_few():
    with pytest.raises(
        InputError, match="layer fc: 1 activation of each weight; energy wants at least 2, give more im"
    ):
        layer_samples(dense([[1, 2, 3]]), np.zeros((1, 3), dtype=np.uint8))
