# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Trees of counters on carry chains: the sum is kept, digit by digit, and few LUTs are taken."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutforge.carry_compressor import CARRY_OUTPUTS, ROWS, CarryTree, carry_tree, counter_luts, row_adder
from lutforge.compressor import compressor_tree

Columns = List[List[int]]


def compress(columns: Columns, tree: CarryTree, width: int) -> Columns:
    """Apply the counters to real bits."""
    columns = [list(column) for column in columns[:width]] + [[] for _ in range(width - len(columns))]
    luts, bits = 0, [sum(map(len, columns))]
    for level in tree.levels:
        after: Columns = [[] for _ in range(width)]
        for place, column in enumerate(columns):
            for size in level[place]:
                taken, column = column[:size], column[size:]
                assert len(taken) == size
                outputs = min(CARRY_OUTPUTS[size], width - place)
                luts += counter_luts(size, outputs)
                for offset in range(outputs):
                    after[place + offset].append((sum(taken) >> offset) & 1)
            after[place] += column
        columns = after
        bits.append(sum(map(len, columns)))
    assert tuple(map(len, columns)) == tree.heights and tuple(bits) == tree.bits and luts == tree.luts
    return columns


def chain(columns: Columns, ones: int, tree: CarryTree, width: int) -> int:
    """Add what is left, place by place as the LUTs and the carry chain do."""
    plan, total = tree.adder, 0
    low = plan.low if plan.low >= 0 else width
    for place, column in enumerate(columns[:low]):
        assert len(column) + ((ones >> place) & 1) <= 1
        total |= (sum(column) | ((ones >> place) & 1)) << place
    held = [list(column) for column in columns]
    carry, pending = 0, held[low].pop() if plan.fourth else None
    for index, (saves, table) in enumerate(zip(plan.saves, plan.tables, strict=True)):
        rows = [*held[low + index], *([1] if (ones >> (low + index)) & 1 else [])]
        assert len(rows) <= ROWS and table == (len(held[low + index]) > 0 or pending is not None)
        inputs = rows + ([pending] if pending is not None else [])
        pending = sum(rows) >> 1 if saves else None
        digit = sum(inputs) - (2 * pending if pending is not None else 0)
        assert 0 <= digit <= 2 and (saves or len(inputs) < ROWS)
        total |= ((digit + carry) & 1) << (low + index)
        carry = (digit + carry) >> 1
    above = low + len(plan.saves)
    assert above >= width or (not any(held[above:]) and ones >> above == 0 and not carry and pending is None)
    return total


HEIGHTS = st.lists(st.integers(0, 70), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None, print_blob=True)
@given(HEIGHTS, st.integers(1, 14), st.integers(0, 2**14 - 1), st.booleans(), st.integers(0, 2**32 - 1))
def test_the_sum_is_kept(heights, width, ones, fourth, seed):
    ones &= (1 << width) - 1
    tree = carry_tree(tuple(heights), ones, width, fourth)
    rng = np.random.default_rng(seed)
    for ratio in (0.5, 1.0):
        columns = [(rng.random(height) < ratio).astype(int).tolist() for height in heights]
        wanted = ones + sum(sum(column) << place for place, column in enumerate(columns))
        assert chain(compress(columns, tree, width), ones, tree, width) == wanted % (1 << width)
    assert fourth or not tree.adder.fourth


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_the_adder_of_every_small_pile_of_bits(width):
    """Up to four bits in each column, every constant: either the adder takes them, and adds every value, or too many."""
    for code in range(5**width):
        heights = [(code // 5**place) % 5 for place in range(width)]
        for ones in range(1 << width):
            for fourth in (False, True):
                _check_adder(heights, ones, width, fourth)


def _check_adder(heights: Sequence[int], ones: int, width: int, fourth: bool) -> None:
    adder = row_adder(heights, ones, width, fourth)
    most = [height + ((ones >> place) & 1) for place, height in enumerate(heights)]
    low = next((place for place, count in enumerate(most) if count > 1), width)
    allowed = [ROWS + (fourth and place == low and heights[place] > 0) for place in range(width)]
    assert (adder is None) == any(count > limit for count, limit in zip(most, allowed, strict=True))
    if adder:
        tree = CarryTree((), tuple(heights), 0, (sum(heights),), adder)
        for fill in (0, 1, 2):
            columns = [[min(1, fill) if fill < 2 else index % 2 for index in range(height)] for height in heights]
            wanted = ones + sum(sum(column) << place for place, column in enumerate(columns))
            assert chain(columns, ones, tree, width) == wanted % (1 << width)


def test_a_popcount_takes_half_the_luts_of_tables():
    """From below: a LUT takes two bits away at most. From above: the tree of tables, its adder one LUT a bit."""
    total, tables = 0, 0
    for bits in range(3, 201):
        width = bits.bit_length()
        tree, other = carry_tree((bits,), 0, width, True), compressor_tree((bits,), width)
        luts, before = tree.luts + tree.adder.luts, other.luts + other.adder_bits
        assert bits - width <= 2 * luts and luts <= before
        total, tables = total + luts, tables + before
    assert total < 0.49 * tables


@pytest.mark.parametrize(
    ("bits", "luts", "levels"), [(3, 1, 1), (6, 2, 1), (7, 2, 1), (15, 8, 1), (30, 14, 4), (90, 45, 3)]
)
def test_known_popcounts(bits, luts, levels):
    tree = carry_tree((bits,), 0, bits.bit_length(), True)
    assert (tree.luts + tree.adder.luts, len(tree.levels)) == (luts, levels)


def test_a_plan_is_always_the_same():
    arguments = ((40, 13, 0, 22), 0b1101, 9, False)
    first = carry_tree(*arguments)
    carry_tree.cache_clear()
    assert carry_tree(*arguments) == first


def test_no_bits_need_nothing():
    tree = carry_tree((), 0b101, 3, True)
    assert (tree.levels, tree.luts, tree.adder.low) == ((), 0, -1)
