# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Logic as gates of up to six inputs over lanes, a lane being one bit of many images (bit-slicing).

Lanes 0..inputs-1 are read, lane inputs + g is what gate g makes. Bit a of a gate's table is its output at address a,
address bit k is source k. Nothing here knows how gates are evaluated.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.numerics import MAX_TABLE_INPUTS, pack_init

Ints = npt.NDArray[Any]
NO_LANE = -1
XOR3, MAJORITY, XOR2, AND2 = 0x96, 0xE8, 0x6, 0x8


class Gates:
    """A netlist that grows. `sources`: int32 [gates, 6], NO_LANE where unused; `tables`: uint64 [gates]."""

    def __init__(self, inputs: int):
        self.inputs = inputs
        self.count = 0
        self._blocks: List[Tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64]]] = []
        self._singles: List[Tuple[Tuple[int, ...], int]] = []

    def array(self, wiring: Ints, tables: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Add truth tables at once and return their lanes. wiring: int [tables, K]; tables: uint8 [tables, 2**K]."""
        self._settle()
        count, inputs = wiring.shape
        sources = np.full((count, MAX_TABLE_INPUTS), NO_LANE, dtype=np.int32)
        sources[:, :inputs] = wiring
        self._blocks.append((sources, widened(pack_init(tables), inputs)))
        self.count += count
        return self.inputs + self.count - count + np.arange(count)

    def gate(self, sources: Sequence[int], table: int) -> int:
        """Add one gate and return its lane. table: 2**len(sources) bits."""
        self._singles.append((tuple(sources), table))
        self.count += 1
        return self.inputs + self.count - 1

    def function(self, sources: Sequence[int], value: Callable[[int], bool]) -> int:
        """Add a gate whose output at each address is `value(address)`."""
        return self.gate(sources, sum(1 << address for address in range(1 << len(sources)) if value(address)))

    def arrays(self) -> Tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64]]:
        """Return (sources, tables) of all gates, tables widened to 64 entries."""
        self._settle()
        if not self._blocks:
            return np.zeros((0, MAX_TABLE_INPUTS), dtype=np.int32), np.zeros(0, dtype=np.uint64)
        return np.concatenate([block[0] for block in self._blocks]), np.concatenate(
            [block[1] for block in self._blocks]
        )

    def _settle(self) -> None:
        """Turn gates added one by one into arrays, so that the order stays."""
        if not self._singles:
            return
        sources = np.full((len(self._singles), MAX_TABLE_INPUTS), NO_LANE, dtype=np.int32)
        tables = np.array([table for _, table in self._singles], dtype=np.uint64)
        inputs = np.array([len(wires) for wires, _ in self._singles])
        for count in np.unique(inputs).tolist():
            rows = np.flatnonzero(inputs == count)
            sources[rows, :count] = np.array([self._singles[row][0] for row in rows.tolist()]).reshape(len(rows), count)
            tables[rows] = widened(tables[rows], count)
        self._blocks.append((sources, tables))
        self._singles = []


def widened(tables: npt.NDArray[np.uint64], inputs: int) -> npt.NDArray[np.uint64]:
    """Return tables of 2**inputs entries as tables of 64 that ignore the further inputs."""
    result = tables.astype(np.uint64)
    for step in range(inputs, MAX_TABLE_INPUTS):
        result = result | (result << np.uint64(1 << step))
    return result


def weighted_sum(gates: Gates, lanes: Sequence[int], weights: Sequence[int], width: int) -> List[int]:
    """Return the `width` lanes of the sum of weights[i] * lane i, by full adders, lowest bit first.

    width: bits that hold every sum. Carry-save: n bits of a column take n - 1 adders at most.
    """
    columns: List[List[int]] = [[] for _ in range(width)]
    for lane, weight in zip(lanes, weights, strict=True):
        for column in range(weight.bit_length()):
            if weight >> column & 1:
                columns[column].append(lane)
    result = []
    for column, bits in enumerate(columns):
        carries: List[int] = columns[column + 1] if column + 1 < width else []
        place = 0
        while len(bits) - place >= 3:
            three = bits[place : place + 3]
            place += 3
            bits.append(gates.gate(three, XOR3))
            if column + 1 < width:
                carries.append(gates.gate(three, MAJORITY))
        if len(bits) - place == 2:
            pair = bits[place:]
            bits = [gates.gate(pair, XOR2)]
            place = 0
            if column + 1 < width:
                carries.append(gates.gate(pair, AND2))
        result.append(bits[place] if place < len(bits) else constant(gates, False))
    return result


def constant(gates: Gates, value: bool) -> int:
    """Return a lane that is always 0 or always 1."""
    return gates.gate((), int(value))


def exceeds(gates: Gates, lanes: Sequence[int], threshold: int) -> int:
    """Return the lane of `x > threshold`, x unsigned with its lowest bit first: six inputs, then five more a gate."""
    if threshold < 0 or threshold >= (1 << len(lanes)) - 1:
        return constant(gates, threshold < 0)
    found, place = NO_LANE, 0
    while place < len(lanes):
        count = min(MAX_TABLE_INPUTS if found == NO_LANE else MAX_TABLE_INPUTS - 1, len(lanes) - place)
        part = (threshold >> place) & ((1 << count) - 1)
        sources = list(lanes[place : place + count])
        found = _exceeds_part(gates, sources, part, found)
        place += count
    return found


def _exceeds_part(gates: Gates, sources: List[int], threshold: int, below: int) -> int:
    count = len(sources)
    if below == NO_LANE:
        return gates.function(sources, lambda address: address > threshold)
    low = (1 << count) - 1
    return gates.function(
        [*sources, below],
        lambda address: (address & low) > threshold or ((address & low) == threshold and bool(address >> count)),
    )


def count_exceeded(gates: Gates, lanes: Sequence[int], thresholds: Sequence[int], width: int) -> List[int]:
    """Return the `width` lanes of how many thresholds x exceeds. lanes: of x, unsigned."""
    ordered = sorted(thresholds)
    if len(lanes) <= MAX_TABLE_INPUTS:
        counts = [sum(x > step for step in ordered) for x in range(1 << len(lanes))]
        return [
            gates.gate(lanes, sum((count >> bit & 1) << x for x, count in enumerate(counts))) for bit in range(width)
        ]
    flags: Dict[int, int] = {}
    for step in ordered:
        if step not in flags:
            flags[step] = exceeds(gates, lanes, step)
    result = []
    for bit in range(width):  # bit b turns over at each multiple of 2**b
        turns = [flags[step] for step in ordered[(1 << bit) - 1 :: 1 << bit]]
        result.append(parity(gates, turns))
    return result


def parity(gates: Gates, lanes: Sequence[int]) -> int:
    """Return the exclusive or of lanes."""
    left = list(lanes)
    if not left:
        return constant(gates, False)
    while len(left) > 1:
        some, left = left[:3], left[3:]
        left.append(gates.gate(some, XOR3 if len(some) == 3 else XOR2))
    return left[0]


def maximum(gates: Gates, left: Sequence[int], right: Sequence[int]) -> List[int]:
    """Return the lanes of the larger of two unsigned numbers of equally many bits."""
    if len(left) == 1:
        return [gates.gate((left[0], right[0]), 0xE)]
    return chosen(gates, left, right, larger(gates, left, right))


def larger(gates: Gates, left: Sequence[int], right: Sequence[int]) -> int:
    """Return the lane of `left > right`, unsigned numbers of equally many bits."""
    found = NO_LANE  # in the bits so far
    for a, b in zip(left, right, strict=True):
        sources = (a, b) if found == NO_LANE else (a, b, found)
        found = gates.function(sources, lambda x: x & 3 == 1 or (x & 3 in (0, 3) and bool(x >> 2)))
    return found


def chosen(gates: Gates, left: Sequence[int], right: Sequence[int], first: int) -> List[int]:
    """Return the lanes of `left` where the lane `first` is set, else of `right`."""
    return [
        gates.function((a, b, first), lambda x: bool(x & 1 if x >> 2 else x >> 1 & 1))
        for a, b in zip(left, right, strict=True)
    ]


def argmax(gates: Gates, values: Sequence[Sequence[int]]) -> List[int]:
    """Return the lanes of the index of the largest number, the lowest index on a tie: a tournament of neighbours.

    values: lanes of two numbers or more, unsigned, of equally many bits.
    """
    width = (len(values) - 1).bit_length()
    zero, one = constant(gates, False), constant(gates, True)
    players = [
        (list(lanes), [one if index >> bit & 1 else zero for bit in range(width)]) for index, lanes in enumerate(values)
    ]
    while len(players) > 1:
        winners = []
        for (left, low), (right, high) in zip(players[::2], players[1::2], strict=False):
            wins = larger(gates, right, left)  # on a tie the left one stays
            winners.append((chosen(gates, right, left, wins), chosen(gates, high, low, wins)))
        players = winners + players[len(players) // 2 * 2 :]
    return players[0][1]
