# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How bits of different weight are summed: a tree of 6:3, 5:3, 3:2 and 2:2 counters, then one carry chain.

The plan depends on nothing but the number of bits in each binary column, so the emitter of Verilog and the cost
model read the same one. A 6:3 counter is three LUT6 (the least for six bits, Kumm and Zipf, FPL 2014). Counters that
use carry chains are planned in `carry_compressor`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Dict, List, Mapping, Sequence, Tuple

COUNTER_OUTPUTS = {6: 3, 5: 3, 3: 2, 2: 2}
"""Bits that count the ones among so many; each is a LUT."""

ADDER_ROWS = 2
"""Bits of a column that the carry chain at the end takes."""


Sizes = Tuple[Tuple[int, ...], ...]
"""The sizes of the counters of each column, lowest column first."""


@dataclass(frozen=True)
class CompressorTree:
    """levels: the counters of each level. heights: the bits of each column that are left. luts: what counters take.

    bits: how many there are in front of the first level, behind it, and so on.
    """

    levels: Tuple[Sizes, ...]
    heights: Tuple[int, ...]
    luts: int
    bits: Tuple[int, ...]

    def counters(self) -> Dict[int, int]:
        """Return how many counters of each size there are."""
        return dict(Counter(size for level in self.levels for column in level for size in column))

    @property
    def adder_bits(self) -> int:
        """Bits of the carry chain: from the lowest column with two bits to the highest with any; 0 if none has two."""
        double = [column for column, height in enumerate(self.heights) if height > 1]
        return len(self.heights) - double[0] if double else 0


@cache
def compressor_tree(heights: Tuple[int, ...], width: int) -> CompressorTree:
    """Return the tree for columns of so many bits, column 0 (weight 1) first; the sum is taken modulo 2**width.

    >>> compressor_tree((6,), 3).levels, compressor_tree((6,), 3).heights
    ((((6,),),), (1, 1, 1))
    """
    levels: List[Sizes] = []
    left = list(heights[:width])
    luts, bits = 0, [sum(left)]
    while max(left, default=0) > ADDER_ROWS:
        sizes = _last_level(left) if max(left) == ADDER_ROWS + 1 else [_counters(height) for height in left]
        levels.append(tuple(sizes))
        luts += sum(min(COUNTER_OUTPUTS[size], width - place) for place, each in enumerate(sizes) for size in each)
        left = after(left, sizes, COUNTER_OUTPUTS)[:width]
        bits.append(sum(left))
    while left and not left[-1]:
        left.pop()
    return CompressorTree(tuple(levels), tuple(left), luts, tuple(bits))


def _counters(height: int) -> Tuple[int, ...]:
    sixes, rest = divmod(height, 6)
    return (6,) * sixes + {5: (5,), 4: (3,), 3: (3,)}.get(rest, ())


def _last_level(heights: Sequence[int]) -> List[Tuple[int, ...]]:
    """Counters that bring columns of at most three bits to two in one level, carries of the column below included."""
    sizes: List[Tuple[int, ...]] = []
    carry = 0
    for height in heights:
        size = min(height, 3) if height + carry > ADDER_ROWS and height > 1 else 0
        sizes.append((size,) if size else ())
        carry = 1 if size else 0
    return sizes


def after(heights: Sequence[int], sizes: Sequence[Tuple[int, ...]], outputs: Mapping[int, int]) -> List[int]:
    """Return the bits of each column behind a level of counters, two columns more. outputs: of each size of counter."""
    result = [*heights, 0, 0]
    for column, counters in enumerate(sizes):
        result[column] -= sum(counters)
        for size in counters:
            for output in range(outputs[size]):
                result[column + output] += 1
    return result
