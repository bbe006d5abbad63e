# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A synthesised module: its cells, and the nets between their pins, as yosys's `write_json` tells them.

Nets are numbers. 0 and 1 are the constants, `UNKNOWN` is a bit that yosys left open (x or z, or a pin that nothing
drives), and from 2 on they are wires. Which pins of a Xilinx cell are outputs is told by their names, since yosys
tells it only where it still holds the cell's model.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from lutforge.errors import NetlistError

Bits = Tuple[int, ...]

UNKNOWN = -1
_OUTPUTS = """
    O O5 O6 CO Q Q15 Q31 CDO SPO DPO DOA DOB DOC DOD DOE DOF DOG DOH DOADO DOBDO DOPADOP DOPBDOP
    DOUTADOUT DOUTBDOUT DOUTPADOUTP DOUTPBDOUTP CASCADEOUTA CASCADEOUTB CASDOUTA CASDOUTB CASDOUTPA CASDOUTPB
    DBITERR SBITERR ECCPARITY RDADDRECC P PCOUT ACOUT BCOUT CARRYOUT CARRYCASCOUT MULTSIGNOUT OVERFLOW UNDERFLOW
    PATTERNDETECT PATTERNBDETECT
"""
OUTPUTS = frozenset(_OUTPUTS.split())
"""Output pins of Xilinx's cells (UG953 and UG974); no cell has an input of one of these names."""

_CONSTANTS = {"0": 0, "1": 1, "x": UNKNOWN, "z": UNKNOWN}


@dataclass(frozen=True)
class Port:
    """A port of a module; bits: its nets, lowest first."""

    name: str
    is_input: bool
    bits: Bits


@dataclass(frozen=True)
class Cell:
    """An instance: of a Xilinx primitive, or of another module. connections: nets of each pin, lowest bit first.

    parameters: strings of 0, 1, x and z, highest bit first, or plain text.
    """

    name: str
    type: str
    parameters: Mapping[str, str]
    connections: Mapping[str, Bits]

    def pins(self, name: str, width: int) -> Bits:
        """Return the lowest `width` nets of a pin; UNKNOWN where nothing is connected."""
        bits = self.connections.get(name, ())[:width]
        return bits + (UNKNOWN,) * (width - len(bits))

    def pin(self, name: str) -> int:
        """Return the net of a pin of one bit."""
        return self.pins(name, 1)[0]

    def integer(self, name: str, default: int = 0) -> int:
        """Return the value of a numeric parameter; bits that are x or z count as 0."""
        text = self.parameters.get(name)
        if text is None:
            return default
        if text.strip("01xz"):
            raise NetlistError(f"cell {self.name} ({self.type}): parameter {name} is {text!r}; a number is wanted")
        return int(text.translate(_UNKNOWN_AS_ZERO) or "0", 2)

    def text(self, name: str, default: str) -> str:
        """Return the value of a parameter that is text, as `READ_FIRST`."""
        return self.parameters.get(name, default).strip()

    @property
    def inputs(self) -> Dict[str, Bits]:
        """Nets of the pins that a Xilinx cell reads."""
        return {name: bits for name, bits in self.connections.items() if name not in OUTPUTS}

    @property
    def outputs(self) -> Dict[str, Bits]:
        """Nets of the pins that a Xilinx cell drives."""
        return {name: bits for name, bits in self.connections.items() if name in OUTPUTS}


_UNKNOWN_AS_ZERO = str.maketrans("xz", "00")


@dataclass(frozen=True)
class Netlist:
    """One module. nets: one more than the highest net; names: what yosys calls some of the nets."""

    name: str
    ports: Mapping[str, Port]
    cells: Tuple[Cell, ...]
    nets: int
    names: Mapping[int, str]

    def counts(self) -> Dict[str, int]:
        """Return how many cells of each type there are, types in alphabetical order."""
        return dict(sorted(Counter(cell.type for cell in self.cells).items()))

    def net_name(self, net: int) -> str:
        """Return what a message calls a net."""
        return self.names.get(net, {0: "constant 0", 1: "constant 1", UNKNOWN: "x"}.get(net, f"net {net}"))


def read_netlists(text: str) -> Dict[str, Netlist]:
    """Return the modules in the text of yosys's `write_json` by name; models of cells are left out."""
    try:
        modules = json.loads(text)["modules"]
        return {
            name: _read_module(name, module)
            for name, module in modules.items()
            if not {"blackbox", "whitebox"} & set(module["attributes"])
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NetlistError(
            f"this is no netlist as yosys's write_json writes it ({type(error).__name__}: {error}); "
            "synthesise it again with `lutforge synth`"
        ) from error


def read_netlist(text: str, name: str) -> Netlist:
    """Return module `name` from the text of yosys's `write_json`."""
    found = read_netlists(text)
    if name not in found:
        raise NetlistError(f"the netlist has no module {name!r}; it has {', '.join(sorted(found)) or 'none'}")
    return found[name]


def _read_module(name: str, module: Mapping[str, Any]) -> Netlist:
    ports = {}
    for port, entry in module["ports"].items():
        if entry["direction"] not in ("input", "output"):
            raise NetlistError(f"module {name}: port {port} is {entry['direction']}; only inputs and outputs are known")
        ports[port] = Port(port, entry["direction"] == "input", _nets(entry["bits"]))
    cells = tuple(
        Cell(
            cell,
            entry["type"],
            entry["parameters"],
            {pin: _nets(bits) for pin, bits in entry["connections"].items()},
        )
        for cell, entry in module["cells"].items()
        if entry["type"] != "$scopeinfo"  # where a flattened module once was
    )
    used = [bits for port in ports.values() for bits in port.bits]
    used += [bit for cell in cells for bits in cell.connections.values() for bit in bits]
    nets = max(used, default=1) + 1
    names = {net: text for net, text in _net_names(module["netnames"]).items() if net < nets}
    return Netlist(name, ports, cells, nets, names)


def _nets(bits: List[Any]) -> Bits:
    return tuple(bit if isinstance(bit, int) else _CONSTANTS[bit] for bit in bits)


def _net_names(wires: Mapping[str, Any]) -> Dict[int, str]:
    """Return one name for each net: one of the source text before one that yosys made up, short ones first."""
    names: Dict[int, str] = {}
    for wire, entry in sorted(wires.items(), key=lambda item: (item[1]["hide_name"], len(item[0]), item[0])):
        bits = entry["bits"]
        for index, bit in enumerate(bits):
            if isinstance(bit, int):
                names.setdefault(bit, f"{wire}[{index}]" if len(bits) > 1 else wire)
    return names


def flatten(netlists: Mapping[str, Netlist], top: str) -> Netlist:
    """Return `top` with every cell that is one of the netlists replaced by its contents, names joined by dots."""
    if top not in netlists:
        raise NetlistError(f"there is no netlist of module {top!r}; there are {', '.join(sorted(netlists)) or 'none'}")
    joined = _Joined(netlists)
    bits = {port.name: joined.fresh(port.bits) for port in netlists[top].ports.values()}
    joined.add(netlists[top], "", bits, ())
    ports = {
        port.name: Port(port.name, port.is_input, joined.resolve(bits[port.name]))
        for port in netlists[top].ports.values()
    }
    cells = tuple(
        Cell(cell.name, cell.type, cell.parameters, {p: joined.resolve(b) for p, b in cell.connections.items()})
        for cell in joined.cells
    )
    names = {joined.resolve((net,))[0]: name for net, name in reversed(list(joined.names.items()))}
    return Netlist(top, ports, cells, joined.nets, names)


class _Joined:
    """The parts of a netlist that grows by whole modules. same: nets that turned out to be another one."""

    def __init__(self, netlists: Mapping[str, Netlist]):
        self.netlists = netlists
        self.cells: List[Cell] = []
        self.names: Dict[int, str] = {}
        self.nets = 2
        self.same: Dict[int, int] = {}

    def fresh(self, bits: Bits) -> Bits:
        """Return new nets, as many as there are bits."""
        self.nets += len(bits)
        return tuple(range(self.nets - len(bits), self.nets))

    def resolve(self, bits: Bits) -> Bits:
        """Return the nets that stand for these."""
        return tuple(self._root(bit) for bit in bits)

    def _root(self, net: int) -> int:
        while net in self.same:
            net = self.same[net]
        return net

    def add(self, module: Netlist, prefix: str, outside: Mapping[str, Bits], parents: Tuple[str, ...]) -> None:
        """Add a module whose ports are connected to the nets `outside`; parents: the modules around it."""
        if module.name in parents:
            raise NetlistError(f"module {module.name} contains itself: {' > '.join((*parents, module.name))}")
        inner: Dict[int, int] = {0: 0, 1: 1, UNKNOWN: UNKNOWN}
        for port in sorted(module.ports.values(), key=lambda port: not port.is_input):
            for net, bit in zip(port.bits, outside[port.name], strict=True):
                if net not in inner:
                    inner[net] = bit
                elif self._root(inner[net]) != self._root(bit):  # the output is another port, or constant
                    self.same[self._root(bit)] = self._root(inner[net])
        for net in range(2, module.nets):
            if net not in inner:
                inner[net] = self.nets
                self.nets += 1
        for net, name in module.names.items():
            self.names.setdefault(inner[net], prefix + name)
        for cell in module.cells:
            bits = {pin: tuple(inner[net] for net in nets) for pin, nets in cell.connections.items()}
            if cell.type in self.netlists:
                child = self.netlists[cell.type]
                self.add(child, f"{prefix}{cell.name}.", self._ports(child, cell, bits), (*parents, module.name))
            else:
                self.cells.append(Cell(prefix + cell.name, cell.type, cell.parameters, bits))

    def _ports(self, child: Netlist, cell: Cell, bits: Mapping[str, Bits]) -> Dict[str, Bits]:
        """Return the nets at each port of a child: new ones at an open output, unknown ones at an open input."""
        strange = [pin for pin in bits if pin not in child.ports]
        if strange:
            raise NetlistError(f"cell {cell.name}: module {child.name} has no port {strange[0]!r}")
        result: Dict[str, Bits] = {}
        for port in child.ports.values():
            given: Optional[Bits] = bits.get(port.name)
            if given is None:
                given = (UNKNOWN,) * len(port.bits)
            if not port.is_input:  # an output that leads nowhere
                given = tuple(bit if bit > 1 else self.fresh((bit,))[0] for bit in given)
            if len(given) != len(port.bits):
                raise NetlistError(
                    f"cell {cell.name}: port {port.name} of module {child.name} has {len(port.bits)} bits, "
                    f"{len(given)} are connected; synthesise both again"
                )
            result[port.name] = given
        return result
