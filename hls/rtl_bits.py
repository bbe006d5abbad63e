# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of layers that sum bits: tables, counters of a compressor tree, adders, with registers every few levels.

The network of look-up tables is built once, level by level, and then written in either style. In the generic style
a level is computed inside the clocked block that stores it, so that a simulator evaluates nothing while no vector
moves; the xilinx style instantiates primitives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence, Tuple, TypeVar, Union

import numpy as np
import numpy.typing as npt

from lutforge.compressor import COUNTER_OUTPUTS
from lutforge.hls.rtl_text import concatenated, lookup, narrow_begin, narrow_end, shifted
from lutforge.mac_shape import BitSums

Ints = npt.NDArray[Any]
Wire = TypeVar("Wire", int, str)
Bit = Union[int, bool]
"""A bit of a level: its number, or a constant."""


@dataclass
class Level:
    """One level of look-up tables. bits: (INIT, inputs of the level before) of each output; a bit that only passes
    through has one input and INIT 0b10."""

    bits: List[Tuple[int, Tuple[int, ...]]] = field(default_factory=list)
    known: Dict[Tuple[int, Tuple[int, ...]], int] = field(default_factory=dict)

    def add(self, init: int, inputs: Tuple[int, ...]) -> int:
        """Return the number of the bit; equal tables are one."""
        key = (init, inputs)
        if key not in self.known:
            self.known[key] = len(self.bits)
            self.bits.append(key)
        return self.known[key]


PASS = 0b10


def reduced_table(table: Ints, wiring: Sequence[Wire]) -> Tuple[int, Tuple[Wire, ...]]:
    """Return (INIT, inputs) without the inputs that do not matter. table: int [2**K]; wiring: numbers or names."""
    inputs = list(wiring)
    for position in reversed(range(len(inputs))):
        halves = table.reshape(-1, 2, 1 << position)
        if np.array_equal(halves[:, 0], halves[:, 1]):
            table = halves[:, 0].ravel()
            del inputs[position]
    init = sum(int(bit) << address for address, bit in enumerate(table))
    return init, tuple(inputs)


def counter_inits(size: int) -> List[int]:
    """Return the INIT of each output of a counter: bit of the number of ones of the address.

    >>> [hex(init) for init in counter_inits(3)]
    ['0x96', '0xe8']
    """
    ones = [bin(address).count("1") for address in range(1 << size)]
    outputs = COUNTER_OUTPUTS[size]
    return [sum(((count >> bit) & 1) << address for address, count in enumerate(ones)) for bit in range(outputs)]


def build(sums: BitSums, first: Level | None) -> Tuple[List[Level], List[List[List[Bit]]]]:
    """Return the levels of tables, and for each output the bits of each column that its adder takes.

    first: the level of tables that `sums.bit` numbers, or None where they number the input's bits.
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
    return levels, columns


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


def write(
    style: str, levels: List[Level], per_register: int, columns: List[List[List[Bit]]], width: int, source: str
) -> Tuple[str, str]:
    """Return (declarations and logic, expression of all sums, output 0 lowest). source: the input vector's wire.

    Register k is loaded by load[k]; the sums are registered by the last one.
    """
    text: List[str] = []
    names: List[str] = []  # of the level before
    stages = -(-len(levels) // per_register)
    for stage in range(stages):
        group = levels[stage * per_register : (stage + 1) * per_register]
        part, names = _stage(style, group, stage, stage * per_register, names, source)
        text.append(part)
    sums = [_adder(output, names, source, width) for output in columns]
    total = width * len(columns)
    text.append(f"    reg [{total - 1}:0] sums;\n    always @(posedge clk) if (load[{stages}]) begin\n")
    for index, expression in enumerate(sums):
        text.append(f"        sums[{index * width + width - 1}:{index * width}] <= {expression};\n")
    text.append("    end\n")
    return "".join(text), "sums"


def _input(names: List[str], source: str, bit: int) -> str:
    return names[bit] if names else f"{source}[{bit}]"


def _stage(
    style: str, group: List[Level], stage: int, number: int, names: List[str], source: str
) -> Tuple[str, List[str]]:
    """Write the levels between two registers. Returns text and the names of the registered bits."""
    generic = style == "generic"
    text: List[str] = []
    clocked: List[str] = []
    for index, level in enumerate(group):
        last = index == len(group) - 1
        stem = f"q{stage}" if last else f"t{number + index}"
        target = [f"{stem}_{bit}" for bit in range(len(level.bits))]
        if generic:
            text.append(_declared("reg", target))
            sign = "<=" if last else "="
            for wire, (init, inputs) in zip(target, level.bits, strict=True):
                signals = [_input(names, source, bit) for bit in inputs]
                value = signals[0] if init == PASS and len(signals) == 1 else shifted(init, signals)
                clocked.append(f"        {wire} {sign} {value};\n")
        else:
            wires = [f"d{number + index}_{bit}" for bit in range(len(level.bits))] if last else target
            text.append(_declared("wire", wires))
            for bit, (init, inputs) in enumerate(level.bits):
                signals = [_input(names, source, each) for each in inputs]
                if init == PASS and len(signals) == 1:
                    text.append(f"    assign {wires[bit]} = {signals[0]};\n")
                else:
                    text.append(lookup(style, f"u{number + index}_{bit}", wires[bit], init, signals))
            if last:
                text.append(f"    reg [{max(1, len(wires)) - 1}:0] q{stage};\n")
                joined = concatenated(wires) if wires else "1'b0"
                clocked.append(f"        q{stage} <= {joined};\n")
                target = [f"q{stage}[{bit}]" for bit in range(len(wires))]
        names = target
    if generic:
        # a clocked block with blocking intermediate values: nothing is evaluated while nothing is loaded
        text += [narrow_begin(), "    /* verilator lint_off BLKSEQ */\n"]
    text += [f"    always @(posedge clk) if (load[{stage}]) begin\n", *clocked, "    end\n"]
    if generic:
        text += ["    /* verilator lint_on BLKSEQ */\n", narrow_end()]
    return "".join(text), names


def _declared(kind: str, names: List[str]) -> str:
    rows = [", ".join(names[start : start + 12]) for start in range(0, len(names), 12)]
    return "".join(f"    {kind} {row};\n" for row in rows)


def _adder(columns: List[List[Bit]], names: List[str], source: str, width: int) -> str:
    """Return the sum of two rows of bits as an expression of `width` bits; below the first column of two no adder."""
    rows = [[_named(column[row : row + 1], names, source) for column in columns] for row in range(2)]
    double = [place for place, bit in enumerate(rows[1]) if bit != "1'b0"]
    if not double:
        return concatenated(rows[0], width)
    low = double[0]
    total = f"{concatenated(rows[0][low:], width)} + {concatenated(rows[1][low:], width)}"
    return f"{{{total}, {', '.join(reversed(rows[0][:low]))}}}" if low else total


def _named(bits: List[Bit], names: List[str], source: str) -> str:
    if not bits:
        return "1'b0"
    return "1'b1" if bits[0] is True else _input(names, source, bits[0])
