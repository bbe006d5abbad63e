# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Bit order, rounding and ties, each against a definition written out by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lutforge import numerics


def holds(bits: int, low: int, high: int) -> bool:
    if low < 0:
        return -(1 << (bits - 1)) <= low and high <= (1 << (bits - 1)) - 1
    return high <= (1 << bits) - 1


def test_bits_for_is_the_least_width_that_holds_both_ends():
    for low in range(-20, 21):
        for high in range(low, 21):
            bits = numerics.bits_for(low, high)
            assert holds(bits, low, high)
            assert bits == 1 or not holds(bits - 1, low, high)


@pytest.mark.parametrize("inputs", range(1, 7))
def test_init_packs_address_0_lowest_and_comes_back(inputs):
    entries = 1 << inputs
    tables = np.eye(entries, dtype=np.uint8)
    init = numerics.pack_init(tables)
    assert init.tolist() == [1 << address for address in range(entries)]
    assert np.array_equal(numerics.unpack_init(init, inputs), tables)


def test_every_3_input_table_survives_packing():
    init = np.arange(256, dtype=np.uint64)
    tables = numerics.unpack_init(init, 3)
    assert np.array_equal(numerics.pack_init(tables), init)
    assert tables[0b10000001].tolist() == [1, 0, 0, 0, 0, 0, 0, 1]


def test_init_of_six_inputs_uses_all_64_bits():
    assert numerics.pack_init(np.ones((1, 64), dtype=np.uint8)).tolist() == [2**64 - 1]


def test_shift_round_is_half_up_also_below_zero():
    values = np.arange(-70, 71)
    for multiplier in (1, 3, 5):
        for shift in range(5):
            got = numerics.shift_round(values, np.array([multiplier]), np.array([shift]))
            want = [math.floor(Fraction(int(v) * multiplier, 1 << shift) + Fraction(1, 2)) for v in values]
            assert got.tolist() == (want if shift else [int(v) * multiplier for v in values])


def test_shift_round_takes_one_shift_per_channel():
    values = np.array([[6, 6, -6]])
    assert numerics.shift_round(values, np.array([1, 1, 1]), np.array([0, 2, 2])).tolist() == [[6, 2, -1]]


def test_round_half_up():
    assert numerics.round_half_up(np.array([-1.5, -0.5, 0.5, 1.5, 2.5, 2.4])).tolist() == [-1, 0, 1, 2, 3, 2]


def test_sign_of_zero_is_minus_one():
    assert numerics.sign_bit(np.array([-1, 0, 1])).tolist() == [0, 0, 1]
    assert numerics.sign_bit(np.array([-0.0, 0.0, 1e-9])).tolist() == [0, 0, 1]


def test_argmax_tie_goes_to_the_lowest_index():
    assert numerics.argmax(np.array([[1, 3, 3], [2, 2, 2], [-5, -5, -9]])).tolist() == [1, 0, 0]


def test_level_0_is_the_top_bit():
    assert numerics.level_value_table((4, 2, 1)).tolist() == [-7, -5, -3, -1, 1, 3, 5, 7]
    assert numerics.level_value_table((5, 3)).tolist() == [-8, -2, 2, 8]
    assert numerics.level_value_table((3,)).tolist() == [-3, 3]


def test_code_bits_lie_least_significant_first():
    assert numerics.code_bits(np.array([[1, 2, 3]]), 2).tolist() == [[1, 0, 0, 1, 1, 1]]
