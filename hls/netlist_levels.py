# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Logic without a clock, simplified and in an order in which it can be evaluated."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Deque, Dict, List, Mapping, Sequence, Set, Tuple, Union

from lutforge.errors import NetlistError
from lutforge.hls.netlist_logic import Gate, Logic
from lutforge.netlist import UNKNOWN, Bits, Netlist

LOOP_NAMES = 8  # nets of a loop that a message names


@dataclass(frozen=True)
class StorageRead:
    """Read number `index` of a memory (or of a shift register), at an address that counts at once."""

    is_memory: bool
    storage: int
    index: int
    inputs: Bits
    outputs: Bits


Node = Union[Gate, StorageRead]


@dataclass(frozen=True)
class Ordered:
    """nodes: every node behind those that it reads from. levels: of each node, 1 where it reads only sources.

    same: nets that are another net or a constant. taps: reads of shift registers that turned out to have a constant
    address, as (shift register, position, net).
    """

    nodes: Tuple[Node, ...]
    levels: Tuple[int, ...]
    same: Mapping[int, int]
    taps: Tuple[Tuple[int, int, int], ...]

    def root(self, net: int) -> int:
        """Return the net or constant that a net is; an unknown bit is 0."""
        return self.same.get(net, net)

    def roots(self, nets: Sequence[int]) -> Bits:
        """Return `root` of each."""
        return tuple(self.same.get(net, net) for net in nets)


def order(logic: Logic, wanted: Sequence[int]) -> Ordered:
    """Return the logic that the nets `wanted` depend on; NetlistError names the nets of a loop.

    Storage must have been told in `wanted`: the nets that registers, shift registers and memories read.
    """
    nodes = _nodes(logic)
    drivers = _drivers(logic, nodes)
    same: Dict[int, int] = {UNKNOWN: 0}
    kept: List[Node] = []
    taps: List[Tuple[int, int, int]] = []
    for number in _sorted(nodes, drivers, logic.netlist):
        node = nodes[number]
        if isinstance(node, Gate):
            simple = _simplified(node, same)
            if isinstance(simple, int):
                same[node.output] = simple
            else:
                kept.append(simple)
            continue
        address = tuple(same.get(net, net) for net in node.inputs)
        if not node.is_memory and all(net in (0, 1) for net in address):
            taps.append((node.storage, sum(bit << place for place, bit in enumerate(address)), node.outputs[0]))
        else:
            kept.append(StorageRead(node.is_memory, node.storage, node.index, address, node.outputs))
    return _levels(kept, same, taps, wanted)


def _nodes(logic: Logic) -> List[Node]:
    nodes: List[Node] = list(logic.gates)
    for storage, memory in enumerate(logic.memories):
        for index, port in enumerate(memory.reads):
            nodes.append(StorageRead(True, storage, index, port.address, tuple(access.net for access in port.bits)))
    for storage, shift in enumerate(logic.shifts):
        for index, (address, net) in enumerate(shift.reads):
            nodes.append(StorageRead(False, storage, index, address, (net,)))
    return nodes


def _outputs(node: Node) -> Bits:
    return (node.output,) if isinstance(node, Gate) else node.outputs


def _drivers(logic: Logic, nodes: Sequence[Node]) -> Dict[int, int]:
    """Return the node that drives each net; a net with two drivers has no value."""
    drivers: Dict[int, int] = {}
    others: List[int] = [register.output for register in logic.registers]
    others += [net for shift in logic.shifts for _, net in shift.taps]
    others += [access.net for memory in logic.memories for port in memory.clocked for access in port.bits]
    others += [bit for port in logic.netlist.ports.values() if port.is_input for bit in port.bits]
    driven = set(others)
    for number, node in enumerate(nodes):
        for net in _outputs(node):
            if net in driven:
                raise NetlistError(
                    f"module {logic.netlist.name}: {logic.netlist.net_name(net)} has two drivers; a net has one"
                )
            driven.add(net)
            drivers[net] = number
    return drivers


def _sorted(nodes: Sequence[Node], drivers: Mapping[int, int], netlist: Netlist) -> List[int]:
    """Return the numbers of all nodes, each behind those that it reads from (Kahn 1962)."""
    missing = [0] * len(nodes)
    readers: List[List[int]] = [[] for _ in nodes]
    for number, node in enumerate(nodes):
        for net in node.inputs:
            driver = drivers.get(net)
            if driver is not None:
                missing[number] += 1
                readers[driver].append(number)
    ready: Deque[int] = deque(number for number, count in enumerate(missing) if not count)
    result: List[int] = []
    while ready:
        number = ready.popleft()
        result.append(number)
        for reader in readers[number]:
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
    if len(result) < len(nodes):
        raise NetlistError(_loop(nodes, drivers, netlist, {number for number, count in enumerate(missing) if count}))
    return result


def _loop(nodes: Sequence[Node], drivers: Mapping[int, int], netlist: Netlist, stuck: Set[int]) -> str:
    """Return the message for nodes that wait for each other: go back from one of them until one is met again."""
    path: List[int] = []
    net = _outputs(nodes[min(stuck)])[0]
    while net not in path:
        path.append(net)
        net = next(before for before in nodes[drivers[net]].inputs if drivers.get(before) in stuck)
    loop = path[path.index(net) :][::-1]
    names = [netlist.net_name(net) for net in loop[:LOOP_NAMES]] + ["..."] * (len(loop) > LOOP_NAMES)
    return (
        f"module {netlist.name}: a combinational loop of {len(loop)} nets: {' > '.join(names)}; "
        "put a register into it, such a loop has no value that can be evaluated"
    )


def _simplified(gate: Gate, same: Mapping[int, int]) -> Union[Gate, int]:
    """Return the gate on those inputs only that it depends on, or the net or constant that it passes on."""
    inputs = tuple(same.get(net, net) for net in gate.inputs)
    places: Dict[int, int] = {0: -2, 1: -1}
    pattern = tuple(places.setdefault(net, len(places) - 2) for net in inputs)
    init, kept = _reduced(gate.init, pattern)
    distinct = [net for net, place in places.items() if place >= 0]
    left = tuple(distinct[place] for place in kept)
    if not left:
        return init
    if init == 0b10 and len(left) == 1:
        return left[0]
    return Gate(gate.output, init, left)


@lru_cache(maxsize=1 << 16)
def _reduced(init: int, pattern: Tuple[int, ...]) -> Tuple[int, Tuple[int, ...]]:
    """Return a truth table over the places that it depends on, and these places.

    pattern: for each input its place, -2 for a constant 0 and -1 for a constant 1; inputs with one place are one net.
    """
    if pattern == tuple(range(len(pattern))) and _needs_all(init, len(pattern)):
        return init, pattern
    count = max((place + 1 for place in pattern if place >= 0), default=0)
    weights = [sum(1 << index for index, place in enumerate(pattern) if place == wanted) for wanted in range(-1, count)]
    addresses = [weights[0]]
    for weight in weights[1:]:
        addresses += [address + weight for address in addresses]
    table = [init >> address & 1 for address in addresses]
    kept = list(range(count))
    for place in reversed(range(count)):
        half = 1 << place
        low = [index for index in range(len(table)) if not index & half]
        if all(table[index] == table[index | half] for index in low):
            table = [table[index] for index in low]
            kept.remove(place)
    return sum(bit << index for index, bit in enumerate(table)), tuple(kept)


def _needs_all(init: int, inputs: int) -> bool:
    """Whether a truth table depends on each of its inputs: its halves for 0 and 1 differ."""
    full = (1 << (1 << inputs)) - 1
    return all((init >> (1 << index) ^ init) & full // ((1 << (1 << index)) + 1) for index in range(inputs))


def _levels(
    kept: Sequence[Node], same: Mapping[int, int], taps: Sequence[Tuple[int, int, int]], wanted: Sequence[int]
) -> Ordered:
    """Leave out what nothing wants, and order the rest by level and kind."""
    used = {same.get(net, net) for net in wanted}
    alive: List[Node] = []
    for node in reversed(kept):
        if not used.isdisjoint(_outputs(node)):
            alive.append(node)
            used.update(node.inputs)
    level: Dict[int, int] = {}
    found = []
    for node in reversed(alive):
        height = 1 + max((level.get(net, 0) for net in node.inputs), default=0)
        level.update(dict.fromkeys(_outputs(node), height))
        found.append((height, _kind(node), node))
    found.sort(key=lambda item: item[:2])
    return Ordered(tuple(item[2] for item in found), tuple(item[0] for item in found), same, tuple(taps))


def _kind(node: Node) -> Tuple[int, int]:
    """Return what the engine runs in a row: tables of up to three inputs are compiled one by one."""
    if isinstance(node, Gate):
        return len(node.inputs), node.init if len(node.inputs) <= 3 else 0
    return (7, 0) if node.is_memory else (8, 0)
