# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The longest way through logic between two registers of a netlist, in LUT levels.

A table is one level, a carry chain of any length is one level, a wide multiplexer is none (it sits behind the
tables of one slice). Of a table with two outputs each waits for the inputs that it depends on. Ways begin at ports
and at the outputs of registers and block RAM, and end at their inputs. A LUT used as memory is both: its data and
enable end a way, its read address passes through as one level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Dict, Iterator, List, Mapping, Tuple

from lutforge.errors import NetlistError
from lutforge.netlist import Cell, Netlist
from lutforge.overlays.synthesis_cells import CARRIES, MEMORY_SITES, TABLES, WIDE

Arc = Tuple[int, int]
"""A net that another one depends on, and the levels between them."""

LEVELS = {**dict.fromkeys((*TABLES, "INV"), 1), **dict.fromkeys(WIDE, 0)}
WRITE_PINS = ("D", "WE", "CE", "CLK", "WCLK", "CDI")
"""Inputs of a LUT used as memory that do not reach its outputs before the next clock; RAM32M and its like: DI*."""


@dataclass(frozen=True)
class Point:
    """One end of a way. name: a register, port or pin, as a message calls it; cell: name of the cell, '' for a port."""

    name: str
    cell: str = ""


@dataclass(frozen=True)
class LogicPath:
    """The longest way. levels: LUT levels; start, end: where it is; cells: types of those on the way, in order."""

    levels: int
    start: Point
    end: Point
    cells: Tuple[str, ...]


def longest_path(netlist: Netlist) -> LogicPath:
    """Return the longest way through the logic of a netlist; NetlistError where the logic is a loop."""
    graph = _Graph(netlist)
    order = _ordered(netlist, graph.arcs)
    levels: Dict[int, int] = {}
    before: Dict[int, int] = {}
    for net in order:
        levels[net] = 0
        for source, cost in graph.arcs.get(net, ()):
            reached = levels.get(source, 0) + cost
            if reached > levels[net] or net not in before:
                levels[net], before[net] = reached, source
    if not graph.ends:
        return LogicPath(0, Point("nothing"), Point("nothing"), ())
    net = max(sorted(graph.ends), key=lambda end: levels.get(end, 0))
    end, way = graph.ends[net], [net]
    while way[-1] in before:
        way.append(before[way[-1]])
    cells = [graph.types[net] for net in reversed(way) if net in graph.types]
    return LogicPath(levels.get(net, 0), graph.start(way[-1]), end, tuple(_merged(cells)))


def _merged(cells: List[str]) -> Iterator[str]:
    """Name a run of carries once."""
    for index, cell in enumerate(cells):
        if cell not in CARRIES or index == 0 or cells[index - 1] != cell:
            yield cell


class _Graph:
    """Which nets depend on which. ends: what each net that ends a way leads to; types: cells by the net they drive."""

    def __init__(self, netlist: Netlist):
        self.netlist = netlist
        self.arcs: Dict[int, List[Arc]] = {}
        self.ends: Dict[int, Point] = {}
        self.types: Dict[int, str] = {}
        self.drivers: Dict[int, Point] = {}
        self.chained = {net for cell in netlist.cells if cell.type in CARRIES for net in cell.connections.get("CO", ())}
        self.fresh = netlist.nets
        for port in netlist.ports.values():
            for net in port.bits:
                if port.is_input:
                    self.drivers[net] = Point(f"port {port.name}")
                else:
                    self._end(net, Point(f"port {port.name}"))
        for cell in netlist.cells:
            self._add(cell)

    def start(self, net: int) -> Point:
        """Return the beginning of a way."""
        return self.drivers.get(net, Point(self.netlist.net_name(net)))

    def _add(self, cell: Cell) -> None:
        outputs = [net for bits in cell.outputs.values() for net in bits if net > 1]
        if cell.type == "LUT6_2":
            self._add_two_outputs(cell)
        elif cell.type in LEVELS:
            arcs = [(net, LEVELS[cell.type]) for bits in cell.inputs.values() for net in bits if net > 1]
            self._drive(cell, outputs, arcs)
        elif cell.type in CARRIES:
            self._add_carry(cell)
        elif cell.type in MEMORY_SITES:
            self._add_memory(cell, outputs)
        else:
            self.drivers.update({net: Point(self._named(cell), cell.name) for net in outputs})
            for pin, bits in cell.inputs.items():
                for net in bits:
                    self._end(net, Point(f"{self._named(cell)}, pin {pin}", cell.name))

    def _drive(self, cell: Cell, outputs: List[int], arcs: List[Arc]) -> None:
        for net in outputs:
            self.arcs[net] = arcs
            self.types[net] = cell.type

    def _add_two_outputs(self, cell: Cell) -> None:
        """O5 is the half of the table where I5 is 0."""
        init = cell.integer("INIT")
        for pin, inputs in (("O5", 5), ("O6", 6)):
            if cell.pin(pin) > 1:
                nets = (cell.pin(f"I{index}") for index in range(inputs) if _depends(init, inputs, index))
                self._drive(cell, [cell.pin(pin)], [(net, 1) for net in nets if net > 1])

    def _add_memory(self, cell: Cell, outputs: List[int]) -> None:
        address: List[Arc] = []
        for pin, bits in cell.inputs.items():
            ends = pin in WRITE_PINS or pin.startswith("DI")
            for net in bits:
                if ends:
                    self._end(net, Point(f"{self._named(cell)}, pin {pin}", cell.name))
                elif net > 1:
                    address.append((net, 1))
        if address:
            self._drive(cell, outputs, address)
        self.drivers.update({net: Point(self._named(cell), cell.name) for net in outputs})

    def _add_carry(self, cell: Cell) -> None:
        """Add a net of our own for each carry between two bits: what enters it costs a level, the rest is free."""
        below, fresh = cell.pin("CI"), cell.pin("CYINIT")  # a carry that comes in from elsewhere begins another chain
        carry = [(below, 0 if below in self.chained else 1), (fresh, 1)]
        carry = [arc for arc in carry if arc[0] > 1]
        selects, data = cell.connections.get("S", ()), cell.connections.get("DI", ())
        sums, carries = cell.connections.get("O", ()), cell.connections.get("CO", ())
        for bit, select in enumerate(selects):
            entering = [(select, 1)] if select > 1 else []
            if bit < len(sums) and sums[bit] > 1:
                self._drive(cell, [sums[bit]], entering + carry)
            given = [(data[bit], 1)] if bit < len(data) and data[bit] > 1 else []
            self.fresh += 1
            self._drive(cell, [self.fresh], entering + given + carry)
            carry = [(self.fresh, 0)]
            if bit < len(carries) and carries[bit] > 1:
                self._drive(cell, [carries[bit]], carry)

    def _end(self, net: int, what: Point) -> None:
        if net > 1:
            self.ends.setdefault(net, what)

    def _named(self, cell: Cell) -> str:
        """A register is named as what it holds; other cells have names that are readable enough."""
        held = cell.connections.get("Q", ()) if cell.type.startswith(("FD", "LD")) else ()
        return f"register {self.netlist.net_name(held[0])}" if held else f"{cell.type} {cell.name}"


@cache
def _depends(init: int, inputs: int, index: int) -> bool:
    """Return whether the lowest 2**inputs entries of a truth table depend on an input."""
    step = 1 << index
    pairs = sum(1 << address for address in range(1 << inputs) if not address & step)
    return bool((init ^ (init >> step)) & pairs)


def _ordered(netlist: Netlist, arcs: Mapping[int, List[Arc]]) -> List[int]:
    """Return the nets so that each comes behind those it depends on."""
    readers: Dict[int, List[int]] = {}
    waiting: Dict[int, int] = {}
    for net, sources in arcs.items():
        inner = [source for source, _ in sources if source in arcs]
        waiting[net] = len(inner)
        for source in inner:
            readers.setdefault(source, []).append(net)
    ready = [net for net, count in waiting.items() if not count]
    order: List[int] = []
    while ready:
        net = ready.pop()
        order.append(net)
        for reader in readers.get(net, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    if len(order) < len(arcs):
        loop = min(set(arcs) - set(order))
        raise NetlistError(
            f"module {netlist.name}: the logic at {netlist.net_name(loop)} depends on itself; "
            "put a register into the loop"
        )
    return order
