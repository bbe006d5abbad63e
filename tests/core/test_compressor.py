# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Compressor trees: what they leave has the same sum, in columns of two bits at most."""

from __future__ import annotations

from typing import List

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lutforge.compressor import COUNTER_OUTPUTS, compressor_tree


def compress(columns: List[List[int]], width: int) -> List[List[int]]:
    """Apply the plan to real bits."""
    tree = compressor_tree(tuple(len(column) for column in columns), width)
    columns = [list(column) for column in columns[:width]]
    for level in tree.levels:
        after: List[List[int]] = [[] for _ in range(width)]
        for place, bits in enumerate(columns):
            for size in level[place] if place < len(level) else ():
                taken, bits = bits[:size], bits[size:]
                assert len(taken) == size
                for offset in range(COUNTER_OUTPUTS[size]):
                    if place + offset < width:
                        after[place + offset].append((sum(taken) >> offset) & 1)
            after[place] += bits
        columns = after
    left = [len(column) for column in columns]
    while left and not left[-1]:
        left.pop()
    assert tuple(left) == tree.heights
    return columns


@settings(max_examples=200, deadline=None, print_blob=True)
@given(st.lists(st.integers(0, 70), min_size=1, max_size=6), st.integers(1, 14), st.integers(0, 2**32 - 1))
def test_the_sum_is_kept(heights, width, seed):
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, 2, height).tolist() for height in heights]
    wanted = sum(sum(column) << place for place, column in enumerate(columns))
    left = compress(columns, width)
    assert max(map(len, left)) <= 2
    assert sum(sum(column) << place for place, column in enumerate(left)) % (1 << width) == wanted % (1 << width)


def test_counters_are_three_luts_for_three_bits():
    """36 bits: six 6:3 counters, then one per column, then nothing but carries is left."""
    tree = compressor_tree((36,), 6)
    assert tree.levels[0] == ((6,) * 6,)
    assert tree.levels[1] == ((6,), (6,), (6,))
    assert tree.counters()[6] == 9


def test_adder_bits_begin_at_the_first_column_of_two():
    tree = compressor_tree((1, 2, 1), 4)
    assert (tree.levels, tree.adder_bits) == ((), 2)
    assert compressor_tree((1, 1), 4).adder_bits == 0
