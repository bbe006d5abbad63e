# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Parts that layers are made of, counted by hand, and where memories go."""

from __future__ import annotations

import pytest

from lutforge import area, calibration
from lutforge.area import Area, Parts, parts
from lutforge.multipliers import Conventional, Digital, DivideConquer
from lutforge.unrolled_area import product_parts


def product_bits(multiplier, weight, bits=8, signed=False):
    return product_parts(multiplier, weight, bits, signed, 2).counts.get("product_bit", 0)


def test_a_constant_product_of_8_bit_activations():
    """18 LUT6 at 8 x 8 bits and 20 at 8 x 9; the lower digit has two bits of its table in one LUT6_2."""
    assert product_bits(DivideConquer(4), -127) == 12 // 2 + 12 == 18
    assert product_bits(DivideConquer(4), -255) == 13 // 2 + 1 + 13 == 20
    assert product_bits(DivideConquer(4), 127) == 11 // 2 + 1 + 11 == 17  # no sign
    assert max(product_bits(DivideConquer(4), weight) for weight in range(-128, 128)) == 18
    two = [product_bits(DivideConquer(2, optimised), 127) for optimised in (False, True)]
    assert two == [9 // 2 + 1 + 3 * 9] * 2


def test_narrow_products_take_less():
    assert product_bits(DivideConquer(4), 100, bits=4) == 6  # one table of 12 bits, two functions per LUT6_2
    assert product_bits(DivideConquer(4), 3) == 3 + 6  # 15 times 3 needs six bits
    assert product_bits(DivideConquer(4), -3) == 4 + 7  # and this a sign
    assert product_parts(DivideConquer(4), 100, 8, False, 1).ff == 11 + 15  # a register behind each digit
    assert product_parts(DivideConquer(4), 100, 8, False, 2).ff == 15


def test_one_table_per_product():
    """Bits that only some inputs reach still take a whole table; bits that never change take none."""
    assert product_parts(Conventional(), 1, 6, False, 2).counts == {"table": 6}
    assert product_parts(Conventional(), 2, 6, False, 2).counts == {"table": 6}
    assert product_parts(Conventional(), 1, 8, False, 2).counts == {"table": 6 * 4}  # x6 and x7 choose a quarter
    assert set(product_parts(Digital(), 100, 8, False, 2).counts) == {"constant_multiplier_bit"}
    assert product_parts(Digital(), 64, 8, False, 2).counts == {}


def test_comparing_with_a_constant():
    assert [area.comparison_tables(bits) for bits in (-1, 0, 1, 6, 7, 11, 12, 16, 17)] == [0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_counting_ones():
    assert area.count_ones(3, 2).counts == {"table": 2}
    assert area.count_ones(6, 3).counts == {"table": 3}
    seven = area.count_ones(7, 3)  # a 6:3 counter, and the seventh bit beside its lowest
    assert seven.counts == {"table": 3, "adder_bit": 1}


def test_constants_in_memory_are_stored_once():
    assert area.rom(1, 100, 100) == Parts()
    deep = area.rom(64, 16, 16)
    assert deep.counts["rom_column_64"] == pytest.approx(16)
    assert deep.ff == pytest.approx(16)
    assert area.rom(2, 100, 100).ff == pytest.approx(2, rel=1e-6)  # a bit and its inverse
    blocks = area.rom(1024, 72, 72)
    assert (blocks.bram36, blocks.ff, blocks.counts) == (2, 0, {})


def test_different_columns_are_never_more_than_there_are():
    for depth in (1, 2, 5, 9, 30):
        counts = [area.distinct_columns(columns, depth) for columns in (1, 10, 100, 10_000)]
        assert counts == sorted(counts)
        assert all(count <= columns for count, columns in zip(counts, (1, 10, 100, 10_000), strict=True))
        assert counts[-1] <= 2.0**depth


def test_luts_as_memory():
    assert area.ram(32, 12, ports=2).counts == {"ram_site": 8}  # two RAM32M of six bits
    assert area.ram(32, 16, ports=1).counts == {"ram_site": 8}  # two of eight, read where it is written
    assert area.ram(64, 12, ports=2).counts == {"ram_site": 16}
    assert area.ram(322, 16, ports=2).counts == {"ram_site": 6 * 6 * 4, "ram_bank": 6, "ram_bank_bit": 16 * 2}


def test_memories_go_where_they_are_cheaper():
    assert area.memory(1, 1000) == Area()
    assert area.memory(32, 18) == Area(lut6=9)
    assert area.memory(64, 18) == Area(lut6=18)
    assert area.memory(196, 4608) == Area(bram36=64)  # 256 weights of 18 bits in 36-bit halves
    assert area.memory(2048, 9) == Area(bram36=0.5)
    assert area.memory_bram36(1024, 72) == 2
    assert area.memory_bram36(512, 72) == 1
    assert area.memory_lut6(256, 2) == 8


def test_parts_add_and_are_priced():
    one, other = parts(ff=3, adder_bit=4, depth=2), parts(ff=1, table=2, adder_bit=1, depth=5)
    both = one + other
    assert (both.counts, both.ff, both.depth) == ({"adder_bit": 5, "table": 2}, 4, 5)
    assert both.area() == Area(5 * calibration.LUT6["adder_bit"] + 2 * calibration.LUT6["table"], 4)
    assert both.scaled(3).area().lut6 == pytest.approx(3 * both.area().lut6)
    assert Area(1, 2, 0.5, 1) + Area(2, 3, 0.5, 0) == Area(3, 5, 1.0, 1)


def test_primitives_are_not_fitted():
    assert all(calibration.LUT6[name] == 1 for name in ("table", "product_bit", "ram_site"))
    assert all(value >= 0 for value in calibration.LUT6.values())
