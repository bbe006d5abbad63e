# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What cells mean: truth tables, registers, shift registers and memories on the nets of a netlist, one clock for all.

Every model of a cell (`netlist_cells.py`, `netlist_memories.py`) adds such elements to a `Logic`; the program for the
engine is made from them alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Optional, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import NetlistError
from lutforge.netlist import UNKNOWN, Bits, Cell, Netlist

Flags = npt.NDArray[np.bool_]

NOT, AND, AND_NOT, OR, XOR = 0b01, 0b1000, 0b0010, 0b1110, 0b0110
MUX = 0b11001010
"""Truth tables: bit i is the output at address i, input 0 is bit 0 of the address. MUX: input 2 ? input 1 : input 0."""


@dataclass(frozen=True)
class Gate:
    """A truth table of one to six inputs; bit i of init is the output at address i."""

    output: int
    init: int
    inputs: Bits


@dataclass(frozen=True)
class Register:
    """A flip-flop with clock enable and a synchronous reset to `value`, which has priority."""

    output: int
    data: int
    enable: int
    reset: int
    value: int
    init: int


@dataclass
class ShiftRegister:
    """Bits that move up by one while enabled. taps: (position, net); reads: (address nets, net)."""

    data: int
    enable: int
    init: Flags
    taps: List[Tuple[int, int]] = field(default_factory=list)
    reads: List[Tuple[Bits, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Access:
    """Bit `offset + address * stride` of a memory on a net. enable: net, of a write; init, reset_value: of a read."""

    stride: int
    offset: int
    net: int
    enable: int = 0
    init: int = 0
    reset_value: int = 0


@dataclass(frozen=True)
class MemoryPort:
    """Bits at one address: a write at the clock edge, or a read without a clock."""

    address: Bits
    bits: Tuple[Access, ...]


@dataclass(frozen=True)
class ClockedRead:
    """A read at the clock edge. writes: net that is 1 where the same port writes; mode: WRITE_MODE of the port.

    second: clock enable and reset of the second register, if there is one.
    """

    address: Bits
    bits: Tuple[Access, ...]
    enable: int
    reset: int
    writes: int
    mode: str
    second: Optional[Tuple[int, int]] = None


@dataclass
class Memory:
    """Single bits, init: bool [bits]; each port sees them as words of its own width."""

    init: Flags
    reads: List[MemoryPort] = field(default_factory=list)
    writes: List[MemoryPort] = field(default_factory=list)
    clocked: List[ClockedRead] = field(default_factory=list)


class Logic:
    """The elements of one flat netlist."""

    def __init__(self, netlist: Netlist):
        self.netlist = netlist
        self.gates: List[Gate] = []
        self.registers: List[Register] = []
        self.shifts: List[ShiftRegister] = []
        self.memories: List[Memory] = []
        self.clocks: List[Tuple[int, str]] = []
        self._nets = netlist.nets

    def net(self) -> int:
        """Return a new net."""
        self._nets += 1
        return self._nets - 1

    def gate(self, init: int, *inputs: int) -> int:
        """Add a truth table; returns the net of its output."""
        output = self.net()
        self.drive(output, init, *inputs)
        return output

    def drive(self, output: int, init: int, *inputs: int) -> None:
        """Add a truth table that drives a net; an open output is left out."""
        if output != UNKNOWN:
            self.gates.append(Gate(output, init, tuple(inputs)))

    def any_of(self, nets: Bits) -> int:
        """Return a net that is 1 where one of these is."""
        different = sorted(set(nets))
        result = different[0]
        for net in different[1:]:
            result = self.gate(OR, result, net)
        return result

    def clock(self, cell: Cell, pin: str) -> None:
        """Note what clocks a cell; all must turn out to be one net, used at its rising edge."""
        if cell.integer(f"IS_{pin}_INVERTED"):
            raise NetlistError(
                f"cell {cell.name} ({cell.type}) takes the falling edge of its clock; only rising edges are evaluated"
            )
        self.clocks.append((cell.pin(pin), cell.name))

    def inputs(self, cell: Cell, pin: str, width: int) -> Bits:
        """Return the nets that an input pin reads, inverted where the cell inverts them."""
        bits = cell.pins(pin, width)
        if not cell.integer(f"IS_{pin}_INVERTED"):
            return bits
        return tuple(self.gate(NOT, bit) for bit in bits)

    def input(self, cell: Cell, pin: str) -> int:
        """Return the net that an input pin of one bit reads; a pin that must be connected."""
        if pin not in cell.connections:
            raise NetlistError(f"cell {cell.name} ({cell.type}): pin {pin} is not connected; synthesise it again")
        return self.inputs(cell, pin, 1)[0]


def flags(value: int, size: int) -> Flags:
    """Return the lowest `size` bits of an integer, lowest first: bool [size]."""
    data = np.frombuffer((value & ((1 << size) - 1)).to_bytes(-(-size // 8), "little"), dtype=np.uint8)
    return np.unpackbits(data, bitorder="little")[:size].astype(np.bool_)
