# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Multipliers as circuits of cells: every product of every form, and the published counts."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge.cells import AND, FULL_ADDER, HALF_ADDER, MUX, SRAM, Circuit, multiplier_circuit
from lutforge.multiplier_forms import FORMS, errors, measured, weights_of
from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer, products


def evaluated(circuit, form, weights, activation_bits, signed):
    """All products of the circuit, [weights, activations]; what rounds stands in front of it."""
    codes = np.arange(1 << activation_bits)
    if isinstance(form, Approximate) and form.round_bits:
        codes = products(form, np.array([1]), activation_bits, False)[0]
    every = circuit.evaluated(np.repeat(weights, len(codes)), np.tile(codes, len(weights)), signed)
    constant = form.constant if isinstance(form, Approximate) else 0  # added by the bias
    return every.reshape(len(weights), -1) + constant * weights[:, None]


@pytest.mark.parametrize("form", FORMS.values(), ids=str)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("activation_bits", "weight_bits"), [(8, 8), (8, 9), (5, 4), (3, 2)])
def test_every_product(form, signed, activation_bits, weight_bits):
    circuit = multiplier_circuit(form, activation_bits, weight_bits, signed)
    weights = weights_of(weight_bits) + (0 if signed else 1 << (weight_bits - 1))
    got = evaluated(circuit, form, weights, activation_bits, signed)
    assert np.array_equal(got, products(form, weights, activation_bits, False))


def test_a_cell_that_fails_is_seen():
    circuit = multiplier_circuit(DivideConquer(2, optimised=True), 4, 4, False)
    kind, inputs, outputs = circuit.cells[-1]
    assert kind == HALF_ADDER
    circuit.cells[-1] = (AND, inputs, outputs[:1])
    got = evaluated(circuit, DivideConquer(2), np.arange(16), 4, False)
    assert not np.array_equal(got, products(DivideConquer(2), np.arange(16), 4, False))


def counts(form, activation_bits, weight_bits):
    return multiplier_circuit(form, activation_bits, weight_bits, False).counts()


def test_the_published_counts_of_4_by_4():
    """LUNA-CIM, arXiv 2311.10581, and a circuit of it: 128 cells and 120 multiplexers against 10, 36, 3 FA and 3 HA."""
    assert counts(Conventional(), 4, 4) == {SRAM: 128, MUX: 120, FULL_ADDER: 0, HALF_ADDER: 0, AND: 0}
    assert counts(DivideConquer(2, optimised=True), 4, 4) == {SRAM: 10, MUX: 36, FULL_ADDER: 3, HALF_ADDER: 3, AND: 0}


def ratio(form, activation_bits, weight_bits, base, signed=False):
    sizes = (activation_bits, weight_bits, signed)
    return multiplier_circuit(base, *sizes).transistors / multiplier_circuit(form, *sizes).transistors


def test_the_published_ratios():
    assert round(ratio(DivideConquer(2, optimised=True), 4, 4, Conventional()), 2) == 3.70  # published: about 3.7
    for form in (DivideConquer(2), DivideConquer(2, optimised=True)):  # published: 29.54
        for signed in (False, True):
            assert 26 < ratio(form, 8, 9, Conventional(), signed) < 31
    assert 1.2 < ratio(DivideConquer(2, optimised=True), 8, 9, Digital()) < 1.3  # published: 1.23


def test_adders_stand_only_where_bits_meet():
    circuit = Circuit()
    a, b, c = (circuit.new() for _ in range(3))
    assert circuit.added([a], [b], 2, False)[1] != 0 and circuit.counts()[HALF_ADDER] == 1
    assert circuit.added([], [c], 2, False) == [c, 0] and len(circuit.cells) == 1


def test_measured_errors_are_those_of_all_products():
    form = Approximate(round_bits=5)
    found = measured("r", form, 8, 8, True)
    wanted = products(form, weights_of(8), 8, False) - weights_of(8)[:, None] * np.arange(256)
    assert np.array_equal(errors(form, 8, 8), wanted)
    assert (found.largest, found.mean_absolute) == (896, 131.0)
    assert found.transistors == multiplier_circuit(form, 8, 8, True).transistors
    assert measured("e", DivideConquer(4), 8, 8, True).largest == 0
