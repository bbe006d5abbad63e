# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Sums of bits as levels of tables: counters of a compressor tree, and an adder of two rows that synthesis builds."""

from __future__ import annotations

from functools import partial
from typing import Any, List, Sequence, Tuple, Union

import numpy.typing as npt

from lutforge.compressor import COUNTER_OUTPUTS
from lutforge.hls.rtl_levels import PASS, Adders, Level, WireOf
from lutforge.hls.rtl_text import concatenated
from lutforge.mac_shape import BitSums

Ints = npt.NDArray[Any]
Bit = Union[int, bool]
"""A bit of a level: its number, or a constant."""


def counter_inits(size: int) -> List[int]:
    """Return the INIT of each output of a counter: bit of the number of ones of the address.

    >>> [hex(init) for init in counter_inits(3)]
    ['0x96', '0xe8']
    """
    ones = [bin(address).count("1") for address in range(1 << size)]
    outputs = COUNTER_OUTPUTS[size]
    return [sum(((count >> bit) & 1) << address for address, count in enumerate(ones)) for bit in range(outputs)]


def build(sums: BitSums, first: Level | None) -> Tuple[List[Level], Adders]:
    """Return the levels of tables, and the adders behind them.

    first: the level of tables that `sums.bit` numbers, or None where they number the input's bits. What `sums.inverted`
    says is not looked at: counters of tables take bits as they are.
    """
    levels = [first] if first is not None else []
    columns = _columns(sums)
    trees = sums.trees()
    for depth in range(max(len(tree.levels) for tree in trees)):
        level = Level()
        for index, tree in enumerate(trees):
            sizes = tree.levels[depth] if depth < len(tree.levels) else ((),) * len(columns[index])
            columns[index] = _compress(level, columns[index], sizes, sums.width)
        levels.append(level)
    return levels, partial(_adders, columns, sums.width)


def _columns(sums: BitSums) -> List[List[List[Bit]]]:
    result: List[List[List[Bit]]] = [[[] for _ in range(sums.width)] for _ in sums.constant]
    for bit, column, output in zip(sums.bit.tolist(), sums.column.tolist(), sums.output.tolist(), strict=True):
        if column < sums.width:
            result[output][column].append(bit)
    for output, value in enumerate(sums.constant.tolist()):
        for column in range(sums.width):
            if (value >> column) & 1:
                result[output][column].append(True)
    return result


def _compress(level: Level, columns: List[List[Bit]], sizes: Sequence[Tuple[int, ...]], width: int) -> List[List[Bit]]:
    result: List[List[Bit]] = [[] for _ in range(width)]
    for place, bits in enumerate(columns):
        left = list(bits)
        for size in sizes[place] if place < len(sizes) else ():
            taken, left = left[:size], left[size:]
            for offset, init in enumerate(counter_inits(size)):
                if place + offset < width:
                    result[place + offset].append(_table(level, init, taken))
        result[place] += [bit if bit is True else level.add(PASS, (bit,)) for bit in left]
    return result


def _table(level: Level, init: int, inputs: Sequence[Bit]) -> int:
    """Add a table some of whose inputs may be the constant 1."""
    free = tuple(bit for bit in inputs if bit is not True)
    fixed = [bit is True for bit in inputs]
    value = 0
    for address in range(1 << len(free)):
        full, taken = 0, 0
        for position, one in enumerate(fixed):
            bit = 1 if one else (address >> taken) & 1
            taken += 0 if one else 1
            full |= bit << position
        value |= ((init >> full) & 1) << address
    return level.add(value, free)


def _adders(columns: List[List[List[Bit]]], width: int, style: str, wire: WireOf) -> Tuple[str, List[str]]:
    return "", [_adder(output, wire, width) for output in columns]


def _adder(columns: List[List[Bit]], wire: WireOf, width: int) -> str:
    """Return the sum of two rows of bits as an expression of `width` bits; below the first column of two no adder."""
    rows = [[_named(column[row : row + 1], wire) for column in columns] for row in range(2)]
    double = [place for place, bit in enumerate(rows[1]) if bit != "1'b0"]
    if not double:
        return concatenated(rows[0], width)
    low = double[0]
    total = f"{concatenated(rows[0][low:], width)} + {concatenated(rows[1][low:], width)}"
    return f"{{{total}, {', '.join(reversed(rows[0][:low]))}}}" if low else total


def _named(bits: List[Bit], wire: WireOf) -> str:
    if not bits:
        return "1'b0"
    return "1'b1" if bits[0] is True else wire(bits[0])
