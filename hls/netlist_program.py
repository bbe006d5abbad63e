# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""From a flat netlist to the program that the engine runs (`sim/netlist_engine.hpp`)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Dict, Iterable, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import NetlistError
from lutforge.hls.netlist_cells import read_logic
from lutforge.hls.netlist_levels import Node, Ordered, order
from lutforge.hls.netlist_logic import Access, Flags, Gate, Logic, Memory, Register, ShiftRegister
from lutforge.netlist import Netlist, Port

Words = npt.NDArray[np.uint32]

MAGIC = 0x314E464C  # "LFN1"
READ_MEMORY, READ_SHIFT = 7, 8
MODE_FLAGS = {"READ_FIRST": 0, "NO_CHANGE": 1, "WRITE_FIRST": 2}
SECOND_REGISTER = 4


@dataclass(frozen=True)
class Program:
    """words: uint32, what the engine reads. inputs, outputs: ports, in the order in which the engine has them.

    clock: the input that clocks everything, which is no input of the program, or '' if there is none. tables: truth
    tables evaluated in each cycle. depth: the most of them, and of reads of memories, between two registers.
    """

    words: Words
    inputs: Tuple[Port, ...]
    outputs: Tuple[Port, ...]
    clock: str
    tables: int
    depth: int
    registers: int


def make_program(netlist: Netlist) -> Program:
    """Return the program of a flat netlist; NetlistError for an unknown cell, a loop, or a second clock."""
    logic = read_logic(netlist)
    outputs = tuple(port for port in netlist.ports.values() if not port.is_input)
    wanted = [net for port in outputs for net in port.bits] + [net for net, _ in logic.clocks]
    ordered = order(logic, wanted + _storage_inputs(logic))
    clock = _clock(logic, ordered)
    inputs = tuple(port for port in netlist.ports.values() if port.is_input and port.name != clock)
    words = _Writer(logic, ordered).write(inputs, outputs)
    tables = sum(isinstance(node, Gate) for node in ordered.nodes)
    return Program(words, inputs, outputs, clock, tables, max(ordered.levels, default=0), len(logic.registers))


def _storage_inputs(logic: Logic) -> List[int]:
    """Return every net that is read at a clock edge; the addresses of other reads are inputs of nodes."""
    nets: List[int] = []
    for register in logic.registers:
        nets += [register.data, register.enable, register.reset]
    for shift in logic.shifts:
        nets += [shift.data, shift.enable]
    for memory in logic.memories:
        for write in memory.writes:
            nets += [*write.address, *(net for access in write.bits for net in (access.net, access.enable))]
        for read in memory.clocked:
            nets += [*read.address, read.enable, read.reset, read.writes, *(read.second or ())]
    return nets


def _clock(logic: Logic, ordered: Ordered) -> str:
    """Return the name of the one input that clocks all cells."""
    netlist = logic.netlist
    clocks: Dict[int, str] = {}
    for net, cell in logic.clocks:
        clocks.setdefault(ordered.root(net), cell)
    if not clocks:
        return ""
    if len(clocks) > 1:
        (one, first), (other, second) = list(clocks.items())[:2]
        raise NetlistError(
            f"module {netlist.name} has two clocks: {netlist.net_name(one)} (of {first}) and "
            f"{netlist.net_name(other)} (of {second}); one clock for all cells can be evaluated"
        )
    ((net, cell),) = clocks.items()
    ports = [port for port in netlist.ports.values() if port.is_input and port.bits == (net,)]
    if not ports:
        raise NetlistError(
            f"module {netlist.name}: the clock of {cell} is {netlist.net_name(net)}, which is no input of one bit; "
            "use a clock enable in place of a gated clock"
        )
    reads = any(net in node.inputs for node in ordered.nodes) or net in ordered.roots(_storage_inputs(logic))
    if reads or any(net in ordered.roots(port.bits) for port in netlist.ports.values() if not port.is_input):
        raise NetlistError(f"module {netlist.name}: clock {ports[0].name} is also used as data; that is not evaluated")
    return ports[0].name


class _Writer:
    """Gives every net a slot and writes down the program."""

    def __init__(self, logic: Logic, ordered: Ordered):
        self.logic, self.ordered = logic, ordered
        self.slots: Dict[int, int] = {0: 0, 1: 1}
        self.set_slots: List[int] = [1]
        self.words: List[int] = []

    def write(self, inputs: Sequence[Port], outputs: Sequence[Port]) -> Words:
        """Return the program; its inputs are those of the ports, in this order."""
        for port in inputs:
            for net in port.bits:
                self._slot(net)
        groups = self._register_groups()
        for register in (register for group in groups for register in group):
            slot = self._slot(register.output)
            if register.init:
                self.set_slots.append(slot)
        copies = self._copies(groups)
        code = self._code(copies)
        registers = self._registers(groups, copies)
        storage = self._storage()
        ports = []
        for side in (inputs, outputs):
            ports.append(len(side))
            for port in side:
                ports += self._list(self._at(net) for net in port.bits)
        head = [MAGIC, len(self.slots) + len(copies), *self._list(self.set_slots), *self._list(code)]
        return np.array([*head, *registers, *storage, *ports], dtype=np.uint32)

    @staticmethod
    def _list(values: Iterable[int]) -> List[int]:
        values = list(values)
        return [len(values), *values]

    @staticmethod
    def _bits(values: Flags) -> List[int]:
        padded = np.zeros(-(-len(values) // 32) * 32, dtype=np.uint8)
        padded[: len(values)] = values
        return [len(values), *np.packbits(padded, bitorder="little").view(np.dtype("<u4")).tolist()]

    def _slot(self, net: int) -> int:
        return self.slots.setdefault(net, len(self.slots))

    def _at(self, net: int) -> int:
        """Return the slot of a net; one that nothing drives is 0."""
        return self.slots.get(self.ordered.root(net), 0)

    def _register_groups(self) -> List[List[Register]]:
        """Return the registers by enable, reset and reset value, so that the engine decides once for each group."""

        def control(register: Register) -> Tuple[int, int, int]:
            return (self.ordered.root(register.enable), self.ordered.root(register.reset), register.value)

        registers = sorted(self.logic.registers, key=control)
        return [list(group) for _, group in groupby(registers, key=control)]

    def _copies(self, groups: Sequence[Sequence[Register]]) -> Dict[int, int]:
        """Return slots for copies of outputs that another register reads directly: all registers change at once."""
        state = {register.output for group in groups for register in group}
        copied: Dict[int, int] = {}
        for register in self.logic.registers:
            for net in self.ordered.roots((register.data, register.enable, register.reset)):
                if net in state:
                    copied.setdefault(net, len(copied))
        return copied

    def _code(self, copies: Dict[int, int]) -> List[int]:
        for node in self.ordered.nodes:
            for net in (node.output,) if isinstance(node, Gate) else node.outputs:
                self._slot(net)
        self._storage_slots()
        first = len(self.slots)
        for net, place in copies.items():
            copies[net] = first + place
        code: List[int] = []
        for kind, nodes in groupby(self.ordered.nodes, key=_instruction):
            operands = [self._operands(node) for node in nodes]
            code += [kind, len(operands), *(word for part in operands for word in part)]
        if copies:
            code += [_instruction(Gate(0, 0b10, (0,))), len(copies)]
            code += [word for net, slot in copies.items() for word in (slot, self.slots[net])]
        return code

    def _operands(self, node: Node) -> List[int]:
        if not isinstance(node, Gate):
            return [node.storage, node.index]
        inputs = [self._at(net) for net in node.inputs]
        init = [] if len(inputs) <= 3 else [node.init & 0xFFFFFFFF]
        return [self.slots[node.output], *inputs, *init, *([node.init >> 32] if len(inputs) == 6 else [])]

    def _registers(self, groups: Sequence[Sequence[Register]], copies: Dict[int, int]) -> List[int]:
        def read(net: int) -> int:
            root = self.ordered.root(net)
            return copies.get(root, self._at(root))

        words = [len(groups)]
        for group in groups:
            first = group[0]
            words += [read(first.enable), read(first.reset), self.slots[first.output], first.value]
            words += self._list(read(register.data) for register in group)
        return words

    def _storage_slots(self) -> None:
        for shift in self.logic.shifts:
            for _, net in shift.taps:
                self._slot(net)
        for _, _, net in self.ordered.taps:
            self._slot(net)
        for memory in self.logic.memories:
            for port in memory.clocked:
                for access in port.bits:
                    self._slot(access.net)

    def _storage(self) -> List[int]:
        for number, position, net in self.ordered.taps:
            self.logic.shifts[number].taps.append((position, net))
        words = [len(self.logic.shifts)]
        for shift in self.logic.shifts:
            words += self._shift(shift)
        words.append(len(self.logic.memories))
        for memory in self.logic.memories:
            words += self._memory(memory)
        return words

    def _shift(self, shift: ShiftRegister) -> List[int]:
        words = [self._at(shift.data), self._at(shift.enable), len(shift.init), *self._bits(shift.init)]
        words += self._list(position for position, _ in shift.taps)
        words += self._list(self.slots[net] for _, net in shift.taps)
        words.append(len(shift.reads))
        for address, net in shift.reads:
            words += [*self._list(self._at(bit) for bit in address), self._at(net)]
        return words

    def _port(self, address: Sequence[int], bits: Sequence[Access]) -> List[int]:
        words = [*self._list(self._at(net) for net in address), len(bits)]
        for access in bits:
            values = access.init | access.reset_value << 1
            words += [access.stride, access.offset, self._at(access.net), self._at(access.enable), values]
        return words

    def _memory(self, memory: Memory) -> List[int]:
        words = self._bits(memory.init)
        for ports in (memory.reads, memory.writes):
            words.append(len(ports))
            for port in ports:
                words += self._port(port.address, port.bits)
        words.append(len(memory.clocked))
        for read in memory.clocked:
            words += self._port(read.address, read.bits)
            words += [self._at(net) for net in (read.enable, read.reset, read.writes)]
            words.append(MODE_FLAGS[read.mode] | (SECOND_REGISTER if read.second else 0))
            words += [self._at(net) for net in read.second or (0, 0)]
        return words


def _instruction(node: Node) -> int:
    """Return the first word of a run of equal instructions: number of inputs, and INIT where that is compiled."""
    if not isinstance(node, Gate):
        return (READ_MEMORY if node.is_memory else READ_SHIFT) << 8
    inputs = len(node.inputs)
    return inputs << 8 | (node.init if inputs <= 3 else 0)
