# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Area formulas against numbers of the literature and counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge import area
from lutforge.area import Area
from lutforge.multipliers import Conventional, Digital, DivideConquer

PRODUCTS = [
    (DivideConquer(4), 18, 20),
    (DivideConquer(2), 40, 44),
    (DivideConquer(2, optimised=True), 40, 44),
    (Conventional(), 64, 68),
    (Digital(), 74, 84),
]


@pytest.mark.parametrize(("multiplier", "narrow", "wide"), PRODUCTS, ids=lambda item: str(item))
def test_a_constant_product_of_8_bit_activations(multiplier, narrow, wide):
    for weight in (127, 64, -65, -128):
        assert area.constant_product(multiplier, weight, 8) == narrow
    for weight in (255, 128, -129, -256):
        assert area.constant_product(multiplier, weight, 8) == wide
    assert area.constant_product(multiplier, 0, 8) == 0


def test_narrow_operands_cost_less():
    assert area.constant_product(DivideConquer(4), 100, 4) == 6  # one table of 12 bits, two functions per LUT6
    assert area.constant_product(DivideConquer(4), 3, 8) == 4 + 7
    assert area.constant_product(Conventional(), 100, 6) == 14


def test_products_add_up():
    weights = np.array([[100, 0, 200], [-1, 0, 0]])
    each = sum(area.constant_product(DivideConquer(4), int(weight), 8) for weight in weights.ravel())
    assert area.constant_products(DivideConquer(4), weights, 8) == each == 18 + 20 + 3 + 6


def test_a_variable_product():
    for multiplier in (DivideConquer(4), DivideConquer(2), Conventional()):
        assert area.variable_product(multiplier, 8, 8) == 40
        assert area.variable_product(multiplier, 9, 8) == 44
    assert area.variable_product(Digital(), 8, 8) == 74
    assert area.stored_bits(DivideConquer(4), 8) == 18  # W has 8 bits, 3W has 10
    assert area.stored_bits(Digital(), 8) == 8


def test_adder_trees():
    assert area.adder_tree(0, 8) == area.adder_tree(1, 8) == 0
    assert area.adder_tree(3, 8) == 9 + 10
    assert area.adder_tree(8, 1) == 4 * 2 + 2 * 3 + 4
    assert area.adder_tree(np.array([2, 0, 3]), 8) == area.adder_tree(2, 8) + area.adder_tree(3, 8)


def test_popcounts():
    assert area.popcount(0) == area.popcount(1) == 0
    assert area.popcount(10) == 9
    assert area.popcount(np.array([10, 1, 20])) == 27


def test_tables_of_many_inputs():
    assert [area.table_lut6(n) for n in (1, 5, 6, 7, 8, 9)] == [0.5, 0.5, 1, 2, 4, 8 + 1 / 3]


def test_comparing_with_a_constant():
    def lut6(threshold: int, bits: int) -> int:
        return int(area.constant_comparators(np.array([threshold]), bits)[0])

    assert lut6(127, 8) == 0 and lut6(63, 8) == 1  # the top bit; the two top bits
    assert lut6(0, 8) == 2 and lut6(0, 6) == 1 and lut6(0, 1) == 0
    assert lut6(-1, 8) == 0  # the sign
    assert lut6(2, 12) == 3


def test_memories_go_where_they_are_cheaper():
    assert area.memory(1, 1000) == Area()
    assert area.memory(32, 18) == Area(lut6=9)
    assert area.memory(64, 18) == Area(lut6=18)
    assert area.memory(196, 4608) == Area(bram36=64)  # 256 weights of 18 bits in 36-bit halves
    assert area.memory(2048, 9) == Area(bram36=0.5)
    assert area.memory_bram36(1024, 72) == 2
    assert area.memory_bram36(512, 72) == 1
    assert area.memory_lut6(256, 2) == 8


def test_areas_add():
    assert Area(1, 2, 0.5, 1) + Area(2, 3, 0.5, 0) == Area(3, 5, 1.0, 1)
