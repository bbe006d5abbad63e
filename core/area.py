# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What layers are made of: parts that are counted from the structure of the Verilog, and memories.

A part is what `hls/rtl` writes down: a bit of an adder, a table, a word line of a memory. How many there are follows
from the network and its schedule; what one takes after synthesis stands in `calibration`. Flip-flops and block RAM
need no calibration: they are what the Verilog says, equal registers taken once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Dict, Mapping

from lutforge.calibration import LUT6
from lutforge.compressor import COUNTER_OUTPUTS, compressor_tree

LUT6_PER_BRAM36 = 100
"""Exchange rate that decides where a memory goes. A Zynq has 380 (XC7Z020) to 740 (XCZU7EV) LUT6 per BRAM36
(DS190, DS891), but here LUT6 run out first: at this rate a wide memory leaves the LUTs above 64 words."""

BRAM18_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Depth and width of one BRAM18, which is half a BRAM36 (UG473, simple dual port)."""


@dataclass(frozen=True)
class Area:
    """An amount of hardware. lut6 and ff may be fractions (expected numbers) until a row rounds them."""

    lut6: float = 0.0
    ff: float = 0.0
    bram36: float = 0.0
    dsp: int = 0

    def __add__(self, other: Area) -> Area:
        return Area(self.lut6 + other.lut6, self.ff + other.ff, self.bram36 + other.bram36, self.dsp + other.dsp)


NOTHING = Area()


@dataclass(frozen=True)
class Parts:
    """Parts of a module. counts: by name as in `calibration.LUT6`; ff, bram36: of all; depth: LUT levels at most."""

    counts: Mapping[str, float] = field(default_factory=dict)
    ff: float = 0.0
    bram36: float = 0.0
    depth: int = 0

    def __add__(self, other: Parts) -> Parts:
        counts = dict(self.counts)
        for name, count in other.counts.items():
            counts[name] = counts.get(name, 0.0) + count
        return Parts(counts, self.ff + other.ff, self.bram36 + other.bram36, max(self.depth, other.depth))

    def scaled(self, factor: float) -> Parts:
        """Return so many of them."""
        counts = {name: factor * count for name, count in self.counts.items()}
        return Parts(counts, factor * self.ff, factor * self.bram36, self.depth)

    def area(self) -> Area:
        """Return what the parts take after synthesis."""
        return Area(sum(LUT6[name] * count for name, count in self.counts.items()), self.ff, self.bram36)


def parts(ff: float = 0.0, depth: int = 0, bram36: float = 0.0, **counts: float) -> Parts:
    """Return parts by name.

    >>> parts(ff=3, adder_bit=4).counts
    {'adder_bit': 4}
    """
    return Parts({name: count for name, count in counts.items() if count}, ff, bram36, depth)


def bits_of(top: int) -> int:
    """Return the bits that count 0..top.

    >>> bits_of(0), bits_of(7), bits_of(8)
    (0, 3, 4)
    """
    return top.bit_length()


def counter(count: int) -> Parts:
    """Return a counter of so many values (`lutforge_counter`); one value needs none."""
    return parts(ff=bits_of(count - 1), counter_bit=bits_of(count - 1))


def elastic(stages: int) -> Parts:
    """Return the control of an elastic pipeline (`lutforge_elastic`)."""
    return parts(ff=stages, stage=stages, depth=2 + stages // 6)


def chunks(inputs: int) -> int:
    """Return the LUT6 of a table of so many inputs before constant ones are dropped: behind F7 and F8 (UG474)."""
    return int(2 ** max(0, inputs - 6))


def comparison_tables(bits: int) -> int:
    """Return the tables of `x > constant` in which so many bits matter: six from below, then five and the answer.

    >>> [comparison_tables(bits) for bits in (0, 1, 6, 7, 11, 12)]
    [0, 1, 1, 2, 2, 3]
    """
    return 1 + ceil(max(0, bits - 6) / 5) if bits > 0 else 0


def count_ones(inputs: int, width: int) -> Parts:
    """Return what counts the ones among a few bits within one register (`count_ones` of the emitter)."""
    if inputs in COUNTER_OUTPUTS:
        return parts(table=min(COUNTER_OUTPUTS[inputs], width), depth=1)
    tree = compressor_tree((inputs,), width)
    tables = sum(COUNTER_OUTPUTS[size] * count for size, count in tree.counters().items())
    return parts(table=tables, adder_bit=sum(height > 1 for height in tree.heights), depth=len(tree.levels) + 2)


def constant_adders(factor: int) -> int:
    """Return the adders of a constant multiplication: non-zero signed digits (non-adjacent form) less one.

    >>> constant_adders(7), constant_adders(8), constant_adders(5), constant_adders(0)
    (1, 0, 1, 0)
    """
    return max(0, bin(abs(factor) ^ (3 * abs(factor))).count("1") - 1)


def distinct_columns(columns: float, depth: int) -> float:
    """Return how many different columns so many random ones of `depth` bits are likely to be, constants left out.

    yosys merges registers that are always equal, and a shallow memory has few different columns.

    >>> round(distinct_columns(8192, 9)), round(distinct_columns(100, 64))
    (510, 100)
    """
    if depth > 24:
        return columns
    kinds = 2.0**depth
    return float((kinds - 2) * (1 - (1 - 1 / kinds) ** columns))


def rom(depth: int, width: float, columns: float) -> Parts:
    """Return a memory of constants with its output register (`lutforge_rom`).

    width: bits of a word; columns: those that structure does not make equal. In block RAM the register is free; in
    LUTs each different column is a table per 64 words; a single word is a constant.
    """
    if depth <= 1:
        return Parts()
    whole = memory(depth, ceil(width))
    if whole.bram36:
        return parts(bram36=whole.bram36)
    different = distinct_columns(columns, depth)
    name = "rom_column_16" if depth <= 16 else "rom_column_32" if depth <= 32 else "rom_column_64"
    return parts(ff=different, depth=1, **{name: different * ceil(depth / 64)})


def ram(depth: int, width: int, *, ports: int) -> Parts:
    """Return LUTs used as memory. ports: 1 where it is read at the address that it is written at, else 2.

    Four LUTs hold 32 words of 8 bits or 64 of 4, with a second address 6 and 3 (UG474, RAM32M and RAM64M).
    """
    banks = ceil(depth / 64)
    bits = (8, 6)[ports - 1] if depth <= 32 else (4, 3)[ports - 1]
    counts: Dict[str, float] = {"ram_site": 4 * banks * ceil(width / bits)}
    if banks > 1:
        counts["ram_bank"] = banks
        counts["ram_bank_bit"] = width * ceil((banks - 1) / 3)
    return parts(depth=1 if banks == 1 else 3, **counts)


def memory_lut6(depth: int, width: int) -> float:
    """Return LUT6 of a memory in LUTs: 64 bits each, two 32-word bits share one; 4 banks of 64 per multiplexer."""
    if depth <= 1:
        return 0.0
    if depth <= 32:
        return float(ceil(width / 2))
    return width * (ceil(depth / 64) + ceil((ceil(depth / 256) - 1) / 3))


def memory_bram36(depth: int, width: int) -> float:
    """Return BRAM36, in halves, of the best shape (UG473)."""
    return min(0.5 * ceil(depth / rows) * ceil(width / bits) for rows, bits in BRAM18_SHAPES)


def memory(depth: int, width: int) -> Area:
    """Return the cheaper of LUTs and BRAM at LUT6_PER_BRAM36: where the Verilog asks for a memory to be put.

    >>> memory(64, 16), memory(1024, 36)
    (Area(lut6=16, ff=0.0, bram36=0.0, dsp=0), Area(lut6=0.0, ff=0.0, bram36=1.0, dsp=0))
    """
    luts, blocks = memory_lut6(depth, width), memory_bram36(depth, width)
    return Area(lut6=luts) if luts <= LUT6_PER_BRAM36 * blocks else Area(bram36=blocks)
