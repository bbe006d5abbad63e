# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What the cells of a netlist occupy: LUT sites, flip-flops, carry chains, wide multiplexers, memories, DSP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Mapping

from lutforge.errors import NetlistError
from lutforge.netlist import Netlist

TABLES = ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2")
WIDE = ("MUXF7", "MUXF8", "MUXF9")
CARRIES = ("CARRY4", "CARRY8")
REGISTERS = ("FDRE", "FDSE", "FDCE", "FDPE", "FDRE_1", "FDSE_1", "FDCE_1", "FDPE_1", "LDCE", "LDPE")
BLOCK_RAM = {"RAMB18E1": 0.5, "RAMB18E2": 0.5, "RAMB36E1": 1.0, "RAMB36E2": 1.0}
DSP = ("DSP48E1", "DSP48E2")
FREE = ("VCC", "GND")

MEMORY_SITES: Mapping[str, int] = {
    "SRL16E": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
    "CFGLUT5": 1,
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1S": 2,
    "RAM128X1D": 4,
    "RAM256X1S": 4,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
    "RAM256X1D": 8,
    "RAM512X1S": 8,
}
"""LUTs of a slice that each memory takes: 7 series (UG474, distributed RAM, shift registers), UltraScale+ (UG574)."""


@dataclass(frozen=True)
class Counts:
    """Cells of a netlist. luts: by type LUT1..LUT6 and LUT6_2; memory: LUTRAM and shift registers by type.

    packed: estimated LUT sites (see `synthesis_packing`). An inverter counts as a LUT1; block RAM in RAMB18, RAMB36.
    """

    luts: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))
    memory: Mapping[str, int] = field(default_factory=dict)
    packed: int = 0
    ff: int = 0
    carry: int = 0
    wide: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(WIDE, 0))
    ramb18: int = 0
    ramb36: int = 0
    dsp: int = 0

    @property
    def memory_sites(self) -> int:
        """LUTs used as memory."""
        return sum(MEMORY_SITES[name] * count for name, count in self.memory.items())

    @property
    def raw(self) -> int:
        """LUT sites if no two tables shared one: every table cell, and the LUTs used as memory."""
        return sum(self.luts.values()) + self.memory_sites

    @property
    def bram36(self) -> float:
        """Block RAM in units of 36 kbit."""
        return self.ramb36 + self.ramb18 / 2

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            _sum(self.luts, other.luts),
            _sum(self.memory, other.memory),
            self.packed + other.packed,
            self.ff + other.ff,
            self.carry + other.carry,
            _sum(self.wide, other.wide),
            self.ramb18 + other.ramb18,
            self.ramb36 + other.ramb36,
            self.dsp + other.dsp,
        )


def _sum(left: Mapping[str, int], right: Mapping[str, int]) -> Dict[str, int]:
    return {name: left.get(name, 0) + right.get(name, 0) for name in sorted({*left, *right})}


def count_cells(netlist: Netlist, packed: int, apart: frozenset[str] = frozenset()) -> Counts:
    """Return the counts of a netlist. packed: its estimated LUT sites; apart: cells that are counted elsewhere."""
    cells = {name: count for name, count in netlist.counts().items() if name not in apart}
    known = {*TABLES, "INV", *MEMORY_SITES, *WIDE, *CARRIES, *REGISTERS, *BLOCK_RAM, *DSP, *FREE}
    unknown = sorted(set(cells) - known)
    if unknown:
        raise NetlistError(
            f"module {netlist.name}: {cells[unknown[0]]} cells of type {unknown[0]}, whose area is not known here; "
            "write the design with LUTs, registers, carries and the memories that yosys infers"
        )
    luts = {name: cells.get(name, 0) for name in TABLES}
    luts["LUT1"] += cells.get("INV", 0)
    return Counts(
        luts=luts,
        memory={name: cells[name] for name in MEMORY_SITES if name in cells},
        packed=packed,
        ff=sum(cells.get(name, 0) for name in REGISTERS),
        carry=sum(cells.get(name, 0) for name in CARRIES),
        wide={name: cells.get(name, 0) for name in WIDE},
        ramb18=sum(cells.get(name, 0) for name, size in BLOCK_RAM.items() if size < 1),
        ramb36=sum(cells.get(name, 0) for name, size in BLOCK_RAM.items() if size == 1),
        dsp=sum(cells.get(name, 0) for name in DSP),
    )
