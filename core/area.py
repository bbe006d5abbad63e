# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Area of the parts that layers are made of: closed formulas, estimated and not calibrated by synthesis.

Counts are logical LUT6 of 7-series and UltraScale+ slices (UG474, UG574): one table of 6 inputs, or two
tables that share 5 inputs (LUT6_2), with a carry chain beside them. They say nothing
about timing. Where a formula was compared with open synthesis, its docstring says what came out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from lutforge.multipliers import Conventional, Digital, DivideConquer, Multiplier, digit_widths
from lutforge.numerics import bits_for

Ints = npt.NDArray[Any]

LUT6_PER_BRAM36 = 100
"""Exchange rate that decides where a memory goes. A Zynq has 380 (XC7Z020) to 740 (XCZU7EV) LUT6 per BRAM36
(DS190, DS891), but here LUT6 run out first: at this rate a wide memory leaves the LUTs above 64 words."""

BRAM18_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Depth and width of one BRAM18, which is half a BRAM36 (UG473, simple dual port)."""

ARRAY_MULTIPLIER_8X8 = 74
"""LUT6 of an exact 8 x 8 soft multiplier: EvoApproxLib mul8u_1JD3 on Xilinx, as listed by ehw-fit/approx-fpgas."""


@dataclass(frozen=True)
class Area:
    """An amount of hardware. lut6 and bram36 may be fractions (halves of shared primitives) until a row rounds up."""

    lut6: float = 0.0
    ff: float = 0.0
    bram36: float = 0.0
    dsp: int = 0

    def __add__(self, other: Area) -> Area:
        return Area(self.lut6 + other.lut6, self.ff + other.ff, self.bram36 + other.bram36, self.dsp + other.dsp)


NOTHING = Area()


def table_lut6(inputs: int) -> float:
    """Return LUT6 per output bit of a constant table: two 5-input tables share a LUT6; 7 and 8 inputs use F7/F8.

    Above 8 inputs a multiplexer of LUT6 follows, one per three table quadruples (UG474, ROM256X1 = 4 LUT6).

    >>> [table_lut6(n) for n in (4, 6, 8)]
    [0.5, 1.0, 4.0]
    """
    if inputs <= 5:
        return 0.5
    banks = 2.0 ** max(0, inputs - 8)
    return 2.0 ** (inputs - 6) + (banks - 1) / 3


def adder_tree(operands: Ints | int, width: int) -> int:
    """Return LUT6 of trees of two-operand adders, one LUT6 per result bit (UG474, carry logic).

    operands: numbers added by each tree, int or int [trees]; width: bits of a leaf. A level's results are
    one bit wider than its operands. Ternary adders would need about half; they are not assumed.

    >>> adder_tree(2, 16), adder_tree(4, 8)
    (17, 28)
    """
    left = np.atleast_1d(np.asarray(operands, dtype=np.int64))
    total = 0
    while (left > 1).any():
        pairs = left // 2
        width += 1
        total += int(pairs.sum()) * width
        left = left - pairs
    return total


def popcount(bits: Ints | int) -> float:
    """Return LUT6 that count the ones among `bits` inputs: 0.9 per input (int or int [counters]), one input free.

    A 6:3 compressor removes three bits with three LUT6, a full adder one bit with one LUT6_2, so no structure
    needs less than inputs - result bits, 0.7 to 1.0 per input. Valid for such trees with two outputs per LUT6:
    yosys 0.70, which packs no LUT6_2, gave 1.6 LUT cells per input (256 inputs and a threshold: 418 cells).
    """
    counts = np.atleast_1d(np.asarray(bits, dtype=np.int64))
    return 0.9 * int(counts[counts > 1].sum())


def comparator(bits: int) -> int:
    """Return LUT6 that compare two variables: two bits per LUT6 on the carry chain (UG474)."""
    return ceil(bits / 2)


def constant_comparators(thresholds: Ints, bits: int) -> npt.NDArray[np.int64]:
    """Return LUT6 of each `x > threshold`, x of `bits` bits: ceil((e - 1) / 5) for e bits that matter.

    The low bits of x below the trailing zeros of threshold + 1 do not matter, so `x > 127` is a wire.
    thresholds: int64, any shape, within the bounds of x. Result: the same shape.

    >>> constant_comparators(np.array([127, 100, 63]), 8).tolist()
    [0, 2, 1]
    """
    edge = thresholds.astype(np.int64) + 1
    lowest = np.where(edge == 0, np.int64(1) << bits, edge & -edge)
    trailing = np.minimum(np.round(np.log2(lowest)).astype(np.int64), bits - 1)
    return np.asarray(-(-(bits - trailing - 1) // 5), dtype=np.int64)


def signed_width(weight: int) -> int:
    """Return the two's complement width of one weight, at least 2.

    >>> signed_width(127), signed_width(-128), signed_width(-129), signed_width(1)
    (8, 8, 9, 2)
    """
    return max(2, bits_for(min(weight, -1), max(weight, 0)))


def constant_product(multiplier: Multiplier, weight: int, activation_bits: int) -> float:
    """Return LUT6 of one product whose weight stays where it is; a zero weight costs nothing.

    Digits of 4 bits: 18 LUT6 at 8 x 8 bits and 20 at 8 x 9: the lowest digit's table is two 4-input functions
    per LUT6_2, every further table is folded into its adder (Walters, Electronics 6(4) 101, 2017; built from
    primitives and simulated; yosys 0.23 gives 22 to 27). Digits of 2 bits: {0, W, 2W, 3W} folded into each
    adder, 40 and 44. One table: 64 (256 x 16 bits). Array multiplier: 74, scaled by both widths.

    >>> [constant_product(DivideConquer(4), weight, 8) for weight in (100, 200, 0)]
    [18.0, 20.0, 0.0]
    """
    if weight == 0:
        return 0.0
    width = signed_width(weight)
    if isinstance(multiplier, Digital):
        return float(array_multiplier(width, activation_bits))
    if isinstance(multiplier, Conventional):
        return (width + activation_bits) * table_lut6(activation_bits)
    first, *rest = [width + digit for digit in digit_widths(multiplier, activation_bits)]
    if multiplier.digit_bits == 2:
        return float(first + sum(rest))
    return float(ceil(first / 2) + sum(rest))


def constant_products(multiplier: Multiplier, weights: Ints, activation_bits: int) -> float:
    """Return the sum of `constant_product` over weights -256..255, any shape."""
    counts = np.bincount(weights.ravel().astype(np.int64) + 256, minlength=512)
    return sum(
        int(counts[code]) * constant_product(multiplier, int(code) - 256, activation_bits)
        for code in np.flatnonzero(counts)
    )


def variable_product(multiplier: Multiplier, weight_bits: int, activation_bits: int) -> int:
    """Return LUT6 of one product whose weight changes each cycle, W and 3W coming from memory.

    {0, W, 2W, 3W} selected by each 2-bit digit inside its adder: 40 LUT6 at 8 x 8 bits, 44 at 8 x 9 (built
    from primitives and simulated; yosys 0.23 gives 85 and 94). Digital: `array_multiplier`. No DSP is used yet.

    >>> variable_product(DivideConquer(4), 8, 8), variable_product(Digital(), 8, 8)
    (40, 74)
    """
    if isinstance(multiplier, Digital):
        return array_multiplier(weight_bits, activation_bits)
    return sum(weight_bits + digit for digit in digit_widths(DivideConquer(2), activation_bits))


def stored_bits(multiplier: Multiplier, weight_bits: int) -> int:
    """Return the bits that memory holds per weight of a folded layer: W and 3W, or W for an array multiplier."""
    return weight_bits if isinstance(multiplier, Digital) else 2 * weight_bits + 2


def array_multiplier(left: int, right: int) -> int:
    """Return LUT6 of a soft multiplier, `ARRAY_MULTIPLIER_8X8` scaled by the product of the widths."""
    return ceil(ARRAY_MULTIPLIER_8X8 * left * right / 64)


def constant_adders(factor: int) -> int:
    """Return the adders of a constant multiplication: non-zero signed digits (non-adjacent form) less one.

    >>> constant_adders(7), constant_adders(8), constant_adders(5), constant_adders(0)
    (1, 0, 1, 0)
    """
    return max(0, bin(abs(factor) ^ (3 * abs(factor))).count("1") - 1)


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
    """Return the cheaper of LUTs and BRAM at LUT6_PER_BRAM36; one word alone is wires, and its reader's register.

    >>> memory(64, 16), memory(1024, 36)
    (Area(lut6=16, ff=0.0, bram36=0.0, dsp=0), Area(lut6=0.0, ff=0.0, bram36=1.0, dsp=0))
    """
    luts, blocks = memory_lut6(depth, width), memory_bram36(depth, width)
    return Area(lut6=luts) if luts <= LUT6_PER_BRAM36 * blocks else Area(bram36=blocks)
