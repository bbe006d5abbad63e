# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How many LUT sites a netlist takes when tables share them: an estimate of what a vendor's packer does.

A LUT6 has two outputs: O6 of all six inputs, and O5 of the first five, so it holds two tables of five inputs
in all (UG474, UG574: look-up table). Only O6 reaches the S inputs of a carry chain and the wide multiplexers, so
two tables that both must be O6 cannot share. Two 16-bit shift registers of one address, clock and enable do.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Dict, FrozenSet, Iterator, List, Mapping, Set, Tuple

from lutforge.netlist import Cell, Netlist
from lutforge.overlays.synthesis_cells import CARRIES, MEMORY_SITES, TABLES, WIDE

SHARED_INPUTS = 5
Inputs = FrozenSet[int]


def packed_sites(netlist: Netlist) -> int:
    """Return the estimated LUT sites: tables after sharing, and LUTs used as memory."""
    counts = netlist.counts()
    tables = sum(counts.get(name, 0) for name in (*TABLES, "INV"))
    memory = sum(size * counts.get(name, 0) for name, size in MEMORY_SITES.items())
    return tables - shared_tables(netlist) + memory - _shared_shift_registers(netlist)


def shared_tables(netlist: Netlist) -> int:
    """Return how many pairs of tables share a site: carry pairs first, then the tables with most inputs first.

    Greedy, so not the most pairs there are; but a table stays alone only when no free table fits with it.
    """
    inputs, first = _small_tables(netlist), _needs_o6(netlist)
    pairs = 0
    free = _Free(inputs, first)
    for left, right in _carry_pairs(netlist):
        pairs += left in inputs and right in inputs and free.take(left, right)
    for table in sorted(inputs, key=lambda output: (-len(inputs[output]), output not in first)):
        pairs += free.pair(table)
    return pairs


def _small_tables(netlist: Netlist) -> Dict[int, Inputs]:
    """Return the nets that each table of up to five inputs reads, by the net it drives, constants left out."""
    tables = {
        cell.pin("O"): frozenset(bit for bits in cell.inputs.values() for bit in bits if bit > 1)
        for cell in netlist.cells
        if cell.type in TABLES[:6] or cell.type == "INV"
    }
    return {output: nets for output, nets in tables.items() if len(nets) <= SHARED_INPUTS}


def _needs_o6(netlist: Netlist) -> Set[int]:
    """Return the nets that must come from O6."""
    nets: Set[int] = set()
    for cell in netlist.cells:
        if cell.type in CARRIES:
            nets.update(cell.connections.get("S", ()))
        elif cell.type == WIDE[0]:
            nets.update((cell.pin("I0"), cell.pin("I1")))
    return nets


def _carry_pairs(netlist: Netlist) -> Iterator[Tuple[int, int]]:
    """Yield the nets at S and DI of each carry bit: one LUT6_2 where both are tables of the same inputs."""
    for cell in netlist.cells:
        if cell.type in CARRIES:
            yield from zip(cell.connections.get("S", ()), cell.connections.get("DI", ()), strict=False)


class _Free:
    """Tables that share with none so far, found by how many inputs they have and by some of these."""

    def __init__(self, inputs: Mapping[int, Inputs], first: Set[int]):
        self.inputs, self.first = inputs, first
        self.tables = set(inputs)
        self.found: Dict[Tuple[int, bool, Inputs], List[int]] = {}
        for table, nets in inputs.items():
            for size in range(len(nets) + 1):
                for part in combinations(sorted(nets), size):
                    self.found.setdefault((len(nets), table in first, frozenset(part)), []).append(table)

    def take(self, left: int, right: int) -> bool:
        """Pair two tables if both are free and fit one site."""
        fits = len(self.inputs[left] | self.inputs[right]) <= SHARED_INPUTS
        if left == right or not {left, right} <= self.tables or not fits:
            return False
        self.tables -= {left, right}
        return True

    def pair(self, table: int) -> bool:
        """Pair a table with the free one of most inputs that fits; False if it is taken or none fits."""
        if table not in self.tables:
            return False
        self.tables.discard(table)
        nets = self.inputs[table]
        for size in range(SHARED_INPUTS, -1, -1):
            common = max(0, len(nets) + size - SHARED_INPUTS)
            for part in combinations(sorted(nets), common):
                for outputs in (True, False)[table in self.first :]:
                    if self._pop((size, outputs, frozenset(part))):
                        return True
        return False

    def _pop(self, key: Tuple[int, bool, Inputs]) -> bool:
        waiting = self.found.get(key, [])
        while waiting:
            table = waiting.pop()
            if table in self.tables:
                self.tables.discard(table)
                return True
        return False


def _shared_shift_registers(netlist: Netlist) -> int:
    """Return how many pairs of 16-bit shift registers share a LUT."""
    groups: Counter[Tuple[int, ...]] = Counter()
    for cell in netlist.cells:
        if cell.type == "SRL16E":
            groups[_control(cell)] += 1
    return sum(count // 2 for count in groups.values())


def _control(cell: Cell) -> Tuple[int, ...]:
    return tuple(cell.pin(name) for name in ("CLK", "CE", "A0", "A1", "A2", "A3"))
