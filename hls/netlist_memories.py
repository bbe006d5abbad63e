# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Models of Xilinx's memories: distributed RAM (UG474, UG574) and block RAM (UG473, UG573), as yosys emits them.

A memory is a row of single bits; a port of w bits sees bits a*w .. a*w+w-1 at address a. Ports of different widths
thereby need no special case, and the parity bits of a block RAM lie behind its data bits in the same way.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np

from lutforge.errors import NetlistError
from lutforge.hls.netlist_logic import AND, Access, ClockedRead, Flags, Logic, Memory, MemoryPort, flags
from lutforge.netlist import UNKNOWN, Bits, Cell

Model = Callable[[Logic, Cell], None]

DATA_BITS = {1: 1, 2: 2, 4: 4, 9: 8, 18: 16, 36: 32, 72: 64}
"""Data bits of each width that a block RAM's port can have; the rest is parity (UG473 table 1-12)."""


def _read(address: Bits, stride: int, offset: int, nets: Bits) -> List[MemoryPort]:
    bits = tuple(Access(stride, offset + index, net) for index, net in enumerate(nets) if net != UNKNOWN)
    return [MemoryPort(address, bits)] if bits else []


def _write(logic: Logic, cell: Cell, address: Bits, places: Sequence[Tuple[int, int, int]]) -> List[MemoryPort]:
    """Return the write port of a distributed RAM. places: (stride, offset, net of the data)."""
    logic.clock(cell, "WCLK")
    enable = logic.input(cell, "WE")
    return [MemoryPort(address, tuple(Access(stride, offset, net, enable) for stride, offset, net in places))]


def _address(cell: Cell, letter: str, width: int) -> Bits:
    """Return an address that is one pin (A, ADDRA) or one pin for each bit (A0, A1, ...)."""
    if letter in cell.connections:
        return cell.pins(letter, width)
    return tuple(cell.pin(f"{letter}{index}") for index in range(width))


def _one_bit(width: int, *, dual: bool) -> Model:
    """RAM32X1S, RAM64X1D and so on: one bit at each of 2**width addresses."""

    def model(logic: Logic, cell: Cell) -> None:
        address = _address(cell, "A", width)
        memory = Memory(flags(cell.integer("INIT"), 1 << width))
        memory.reads += _read(address, 1, 0, (cell.pin("SPO" if dual else "O"),))
        if dual:
            memory.reads += _read(_address(cell, "DPRA", width), 1, 0, (cell.pin("DPO"),))
        memory.writes += _write(logic, cell, address, [(1, 0, cell.pin("D"))])
        logic.memories.append(memory)

    return model


def _columns(letters: str, bits: int) -> Model:
    """RAM32M, RAM64M, RAM32M16, RAM64M8: 64 bits behind each letter, written at the address of the last letter."""
    width = {1: 6, 2: 5}[bits]

    def model(logic: Logic, cell: Cell) -> None:
        memory, places = Memory(_letter_contents(cell, letters)), []
        for column, letter in enumerate(letters):
            memory.reads += _read(cell.pins(f"ADDR{letter}", width), bits, 64 * column, cell.pins(f"DO{letter}", bits))
            data = cell.pins(f"DI{letter}", bits)
            places += [(bits, 64 * column + index, net) for index, net in enumerate(data)]
        memory.writes += _write(logic, cell, cell.pins(f"ADDR{letters[-1]}", width), places)
        logic.memories.append(memory)

    return model


def _letter_contents(cell: Cell, letters: str) -> Flags:
    return np.concatenate([flags(cell.integer(f"INIT_{letter}"), 64) for letter in letters])


def _wide_read(logic: Logic, cell: Cell) -> None:
    """RAM64X8SW: eight bits are read, the one that WSEL chooses is written."""
    letters, address = "HGFEDCBA", cell.pins("A", 6)
    memory = Memory(_letter_contents(cell, letters))
    for column, net in enumerate(cell.pins("O", 8)):
        memory.reads += _read(address, 1, 64 * column, (net,))
    memory.writes += _write(logic, cell, address + cell.pins("WSEL", 3), [(1, 0, cell.pin("D"))])
    logic.memories.append(memory)


def _wide_write(logic: Logic, cell: Cell) -> None:
    """RAM32X16DR8: two bits of each letter are written at once; all but the last letter are read bit by bit."""
    letters, memory, places = "ABCDEFGH", Memory(np.zeros(512, dtype=np.bool_)), []
    address = cell.pins("ADDRH", 5)
    for column, letter in enumerate(letters):
        if letter == letters[-1]:
            memory.reads += _read(address, 2, 64 * column, cell.pins("DOH", 2))
        else:
            memory.reads += _read(cell.pins(f"ADDR{letter}", 6), 1, 64 * column, cell.pins(f"DO{letter}", 1))
        places += [(2, 64 * column + index, net) for index, net in enumerate(cell.pins(f"DI{letter}", 2))]
    memory.writes += _write(logic, cell, address, places)
    logic.memories.append(memory)


class _BlockRam:
    """One RAMB18 or RAMB36, first (7 series) or second (UltraScale) edition."""

    def __init__(self, logic: Logic, cell: Cell):
        self.logic, self.cell = logic, cell
        self.size = 32768 if "36" in cell.type else 16384
        self.half = self.size // 512 // 2  # data bits at each side: 16 or 32
        self.data_in, self.data_out = ("DIN", "DOUT") if cell.type.endswith("E2") else ("DI", "DO")

    def add(self) -> None:
        """Add the memory with those of its ports that are used."""
        for name in ("RAM_EXTENSION_A", "RAM_EXTENSION_B", "CASCADE_ORDER_A", "CASCADE_ORDER_B"):
            if self.cell.text(name, "NONE") != "NONE":
                raise NetlistError(
                    f"cell {self.cell.name} ({self.cell.type}): {name} is {self.cell.text(name, '')!r}; cascaded block "
                    "RAMs have no model in the netlist evaluator. Use less deep memories, or simulate with Verilator"
                )
        memory = Memory(self._contents())
        for side in "AB":
            writing = self._write(memory, side)
            self._read(memory, side, writing)
        self.logic.memories.append(memory)

    def _contents(self) -> Flags:
        rows = [f"INIT_{row:02X}" for row in range(self.size // 256)]
        rows += [f"INITP_{row:02X}" for row in range(self.size // 2048)]
        return np.concatenate([flags(self.cell.integer(row), 256) for row in rows])

    def _port(self, side: str, kind: str) -> Tuple[int, Bits]:
        """Return the data bits of a word and the nets of its address."""
        width = self.cell.integer(f"{kind}_WIDTH_{side}")
        if width not in DATA_BITS:
            raise NetlistError(
                f"cell {self.cell.name} ({self.cell.type}): {kind}_WIDTH_{side} is {width}; there is no such width"
            )
        data = DATA_BITS[width]
        pin, bits = {"A": "ADDRARDADDR", "B": "ADDRBWRADDR"}[side], self.size.bit_length() - 1
        return data, self.cell.pins(pin, bits)[data.bit_length() - 1 :]

    def _places(self, data: int, side: str, prefix: str) -> List[Tuple[int, int, int, int]]:
        """Return (stride, offset, net, index of the bit in INIT_A or INIT_B) of each bit of a word.

        A word wider than one side (UG473: simple dual port) continues on the other side's pins.
        """
        near, places = min(data, self.half), []
        for part, letter in enumerate("AB" if data > near else side):
            nets = self.cell.pins(f"{prefix}{letter}{prefix}", near)
            parity = self.cell.pins(f"{prefix}P{letter}{prefix}P", near // 8)
            places += [(data, part * near + index, net, index) for index, net in enumerate(nets)]
            places += [
                (data // 8, self.size + part * (near // 8) + index, net, near + index)
                for index, net in enumerate(parity)
            ]
        return places

    def _write(self, memory: Memory, side: str) -> int:
        """Add the write port of a side; returns a net that is 1 where it writes."""
        if not self.cell.integer(f"WRITE_WIDTH_{side}"):
            return 0
        enable, writes = {"A": ("ENARDEN", "WEA"), "B": ("ENBWREN", "WEBWE")}[side]
        data, address = self._port(side, "WRITE")
        strobes = self.logic.inputs(self.cell, writes, max(1, data // 8))
        if not any(strobe > 0 for strobe in strobes):
            return 0
        self._clock(side)
        enabled = self.logic.input(self.cell, enable)
        lanes = tuple(self.logic.gate(AND, enabled, strobe) for strobe in strobes)
        bits = []
        for stride, offset, net, _ in self._places(data, side, self.data_in):
            within = offset // 8 if offset < self.size else offset - self.size
            bits.append(Access(stride, offset, net, lanes[within] if len(lanes) > 1 else lanes[0]))
        memory.writes.append(MemoryPort(address, tuple(bits)))
        return self.logic.any_of(lanes)

    def _read(self, memory: Memory, side: str, writing: int) -> None:
        if not self.cell.integer(f"READ_WIDTH_{side}"):
            return
        enable, reset, second = {
            "A": ("ENARDEN", "RSTRAMARSTRAM", ("REGCEAREGCE", "RSTREGARSTREG")),
            "B": ("ENBWREN", "RSTRAMB", ("REGCEB", "RSTREGB")),
        }[side]
        data, address = self._port(side, "READ")
        wide = data > self.half
        bits = []
        for number, (stride, offset, net, index) in enumerate(self._places(data, side, self.data_out)):
            letter = side if not wide else "AB"[number >= self.half + self.half // 8]
            init, value = (self.cell.integer(f"{name}_{letter}") >> index & 1 for name in ("INIT", "SRVAL"))
            bits.append(Access(stride, offset, net, 0, init, value))
        self._clock(side)
        memory.clocked.append(
            ClockedRead(
                address,
                tuple(access for access in bits if access.net != UNKNOWN),
                self.logic.input(self.cell, enable),
                self.logic.input(self.cell, reset),
                writing,
                self.cell.text(f"WRITE_MODE_{side}", "WRITE_FIRST" if self.cell.type.endswith("E1") else "NO_CHANGE"),
                (self.logic.input(self.cell, second[0]), self.logic.input(self.cell, second[1]))
                if self.cell.integer(f"DO{side}_REG")
                else None,
            )
        )

    def _clock(self, side: str) -> None:
        self.logic.clock(self.cell, {"A": "CLKARDCLK", "B": "CLKBWRCLK"}[side])


def _block_ram(logic: Logic, cell: Cell) -> None:
    _BlockRam(logic, cell).add()


MEMORY_MODELS: Dict[str, Model] = {
    **{f"RAM{1 << width}X1S": _one_bit(width, dual=False) for width in range(4, 10)},
    **{f"RAM{1 << width}X1D": _one_bit(width, dual=True) for width in range(4, 9)},
    "RAM32M": _columns("ABCD", 2),
    "RAM64M": _columns("ABCD", 1),
    "RAM32M16": _columns("ABCDEFGH", 2),
    "RAM64M8": _columns("ABCDEFGH", 1),
    "RAM64X8SW": _wide_read,
    "RAM32X16DR8": _wide_write,
    **{f"RAMB{size}E{edition}": _block_ram for size in (18, 36) for edition in (1, 2)},
}
