# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How bits are summed by counters that use carry chains: levels of 7:3, 6:3 and 3:2, then one adder of three rows.

A LUT in front of a carry chain adds a digit 0..2, a function of five inputs, to what comes from below. Two of them
count the ones among seven bits (five, one more in the selecting half of the LUT, one as carry in; Preusser, FPL 2017,
calls it an atom (0,6)), and one per column adds three rows of bits, the carry among the three going to the LUT above.
A 3:2 counter is one LUT with two outputs. So a LUT takes up to two bits away; in a 6:3 counter of tables it takes one.

The plan depends on the number of bits in each column alone. A search looks for the fewest LUTs, and takes a level
that saves half a LUT as not worth it: `benchmarks/popcounts.py` compares it with the tree of tables and with the least
that there can be.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import List, Optional, Sequence, Tuple

from lutforge.compressor import CompressorTree, Sizes, after

CARRY_OUTPUTS = {7: 3, 6: 3, 3: 2}
"""Bits that count the ones among so many."""

ROWS = 3
"""Bits of a column that the adder at the end takes, a constant 1 among them."""

HIGH = 14
"""Bits of a column above which levels of 7:3 and 6:3 counters throughout are all that is worth a look."""

EFFORT = 60
"""Ways to leave bits that are looked at thoroughly, in the search for a tree."""

Heights = Tuple[int, ...]


def counter_luts(size: int, outputs: int) -> int:
    """Return the LUTs of a counter whose lowest `outputs` bits are wanted.

    >>> counter_luts(7, 3), counter_luts(7, 1), counter_luts(3, 2)
    (2, 1, 1)
    """
    return min(2, outputs) if size > 3 else 1


@dataclass(frozen=True)
class RowAdder:
    """The adder of what is left: its carry chain begins at column `low` and has a place per entry of `saves`.

    saves: places whose LUT hands the carry among its rows to the LUT above. tables: places that have a LUT; the others
    have a constant or nothing but the carry. fourth: a bit of the lowest column enters its LUT where those above have
    the carry among rows. low: -1 if there is nothing to add.
    """

    low: int = -1
    saves: Tuple[bool, ...] = ()
    tables: Tuple[bool, ...] = ()
    fourth: bool = False

    @property
    def luts(self) -> int:
        """LUTs of the adder."""
        return sum(self.tables)


def row_adder(heights: Sequence[int], ones: int, width: int, fourth: bool) -> Optional[RowAdder]:
    """Return the adder of columns of so many bits and the constant `ones`; None where a column has too many.

    fourth: whether the lowest column may have a bit more; the carry chain reads it, so it must not be inverted.

    >>> row_adder((3, 3), 0, 4, False)
    RowAdder(low=0, saves=(True, True, False, False), tables=(True, True, True, False), fourth=False)
    """
    columns = [(height, (ones >> place) & 1) for place, height in enumerate(heights)]
    columns += [(0, (ones >> place) & 1) for place in range(len(columns), width)]
    low = next((place for place, column in enumerate(columns) if sum(column) > 1), -1)
    if low < 0:
        return RowAdder()
    top = max(place for place, column in enumerate(columns) if any(column))
    enters = fourth and sum(columns[low]) > ROWS
    saves: List[bool] = []
    tables: List[bool] = []
    pending = int(enters)
    for place in range(low, width):
        done = place > top and not pending  # nothing but the carry
        height, one = columns[place]
        height -= enters and place == low
        if height + one > ROWS:
            return None
        tables.append(height + pending > 0)
        saves.append(height + one + pending >= ROWS)
        pending = int(saves[-1])
        if done:
            break
    return RowAdder(low, tuple(saves), tuple(tables), enters)


@dataclass(frozen=True)
class CarryTree(CompressorTree):
    """A compressor tree with its adder. luts: those of the counters; the adder has its own."""

    adder: RowAdder = RowAdder()


@cache
def carry_tree(heights: Heights, ones: int, width: int, fourth: bool) -> CarryTree:
    """Return the tree for columns of so many bits, column 0 (weight 1) first, and a constant; modulo 2**width.

    ones: 0..2**width - 1, added by the adder. fourth: as for `row_adder`.

    >>> carry_tree((7,), 0, 3, True).levels, carry_tree((7,), 0, 3, True).luts
    ((((7,), (), ()),), 2)
    """
    start = (*heights[:width], *([0] * (width - len(heights))))
    number = count()
    waiting: List[Tuple[int, int, int, Heights, Tuple[Sizes, ...], Optional[RowAdder]]] = []

    def offer(luts: int, left: Heights, levels: Tuple[Sizes, ...], adder: Optional[RowAdder]) -> None:
        ahead = 4 * adder.luts if adder else 3 * max(0, sum(left) - width)  # a LUT takes 4/3 bits away, towards the end
        heapq.heappush(waiting, (4 * luts + ahead + 2 * len(levels), next(number), luts, left, levels, adder))

    offer(0, start, (), None)
    seen = set()
    while True:
        _, _, luts, left, levels, adder = heapq.heappop(waiting)
        if adder:
            return CarryTree(levels, left, luts, _bits(start, levels, width), adder)
        if left in seen:
            continue
        seen.add(left)
        adder = row_adder(left, ones, width, fourth)
        if adder:
            offer(luts, left, levels, adder)
        for sizes in _next_levels(left, thorough=len(seen) <= EFFORT):
            taken = sum(counter_luts(size, width - place) for place, each in enumerate(sizes) for size in each)
            offer(luts + taken, tuple(after(left, sizes, CARRY_OUTPUTS)[:width]), (*levels, sizes), None)


def _bits(start: Heights, levels: Sequence[Sizes], width: int) -> Tuple[int, ...]:
    result, left = [sum(start)], list(start)
    for sizes in levels:
        left = after(left, sizes, CARRY_OUTPUTS)[:width]
        result.append(sum(left))
    return tuple(result)


def _next_levels(heights: Heights, thorough: bool) -> List[Sizes]:
    """Return levels worth a look: columns full of counters down to one size; thorough: one column down to another."""
    high = max(heights) > HIGH
    plain = [tuple(_counters(height, least) for height in heights) for least in CARRY_OUTPUTS if least > 3 or not high]
    changed = [
        (*sizes[:place], _counters(height, least), *sizes[place + 1 :])
        for sizes in plain
        for place, height in enumerate(heights)
        for least in CARRY_OUTPUTS
        if thorough and not high and _counters(height, least) != sizes[place]
    ]
    return [sizes for sizes in dict.fromkeys([*plain, *changed]) if any(sizes)]


@cache
def _counters(height: int, least: int) -> Tuple[int, ...]:
    """Return as many 7:3 as there are bits for, and one counter of the rest if that is at least so large."""
    sevens, rest = divmod(height, 7)
    size = 6 if rest == 6 else 3
    return (7,) * sevens + ((size,) if rest >= size >= least else ())
