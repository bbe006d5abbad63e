# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of one product of an unrolled layer, whose weight is a constant: tables of digits, or an array multiplier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import unreachable
from lutforge.hls.rtl_layers import RtlSite
from lutforge.hls.rtl_text import constant, lookup
from lutforge.mac_shape import product_registers, proportional
from lutforge.multipliers import (
    Approximate,
    Conventional,
    Digital,
    DivideConquer,
    digit_table,
    digit_tables,
    digit_widths,
)
from lutforge.numerics import bits_for
from lutforge.operations import BinaryMac, TableMac


@dataclass(frozen=True)
class Product:
    """A signed wire, its bounds, and the stage whose register it comes from (0: the input).

    negated: the wire holds minus what is to be added.
    """

    name: str
    low: int
    high: int
    stage: int
    negated: bool = False

    def times(self, factor: int) -> Product:
        """Return this times a power of two, or minus one: a shift, and a subtraction where it is added."""
        shift = abs(factor).bit_length() - 1
        name = f"$signed({{{self.name}, {constant(shift, 0)}}})" if shift else self.name
        return replace(self, name=name, low=self.low << shift, high=self.high << shift, negated=factor < 0)


def product(site: RtlSite, op: TableMac | BinaryMac, element: int, weight: int) -> Tuple[str, Product]:
    """Return text and wire of weight * x[element], read from wire `x<element>`."""
    source = site.source
    ends = sorted((weight * source.low, weight * source.high))
    name = f"p{element}_{'m' if weight < 0 else ''}{abs(weight)}"
    if isinstance(op, BinaryMac):
        return _turned(site, name, weight, element)
    if weight == 1 and proportional(op.multiplier):
        return _delayed(site, name, element, product_registers(op, source, site.levels))
    width = bits_for(min(ends[0], -1), max(ends[1], 0))
    match op.multiplier:
        case Digital():
            return _digital(site, name, weight, element, (ends[0], ends[1], width))
        case Conventional():
            return _conventional(site, name, weight, element, (ends[0], ends[1], width))
        case DivideConquer() | Approximate():
            return _digits(site, op, name, weight, element)
        case _:
            unreachable(op.multiplier)


def _turned(site: RtlSite, name: str, weight: int, element: int) -> Tuple[str, Product]:
    """x, or ~x = -x - 1, whose 1 the layer adds once for all."""
    bits, signed = site.source.bits, site.source.signed
    top = f"x{element}[{bits - 1}]" if signed else "1'b0"
    text = f"    wire signed [{bits}:0] {name} = {'' if weight > 0 else '~'}{{{top}, x{element}}};\n"
    # bounds of the wire, which may carry any code
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    ends = (low, high) if weight > 0 else (-high - 1, -low - 1)
    return text, Product(name, ends[0], ends[1], 0)


def _delayed(site: RtlSite, name: str, element: int, stages: int) -> Tuple[str, Product]:
    """x itself, after as many registers as the other products."""
    source = site.source
    text, value = [], f"x{element}"
    for stage in range(stages):
        held = f"{name}_q{stage}"
        text.append(f"    reg [{source.bits - 1}:0] {held};\n")
        text.append(f"    always @(posedge clk) if (load[{stage}]) {held} <= {value};\n")
        value = held
    whole = value if source.signed else f"{{1'b0, {value}}}"
    text.append(f"    wire signed [{source.bits - source.signed}:0] {name} = {whole};\n")
    return "".join(text), Product(name, source.low, source.high, stages)


def _registered(name: str, width: int, stage: int) -> str:
    return f"    reg signed [{width - 1}:0] {name};\n    always @(posedge clk) if (load[{stage}]) {name} <= {name}_d;\n"


def _digital(site: RtlSite, name: str, weight: int, element: int, range_: Tuple[int, int, int]) -> Tuple[str, Product]:
    low, high, width = range_
    bits = bits_for(min(weight, -1), max(weight, 0))
    value = f"$signed(x{element})" if site.source.signed else f"$signed({{1'b0, x{element}}})"
    text = f"    wire signed [{width - 1}:0] {name}_d = {value} * $signed({constant(bits, weight)});\n"
    return text + _registered(name, width, 0), Product(name, low, high, 1)


def _conventional(
    site: RtlSite, name: str, weight: int, element: int, range_: Tuple[int, int, int]
) -> Tuple[str, Product]:
    """One table of 2**bits products per bit of the product."""
    low, high, width = range_
    source = site.source
    table = digit_table(np.array([weight]), source.bits, source.signed)[0]
    text = f"    wire signed [{width - 1}:0] {name}_d;\n"
    inputs = [f"x{element}[{bit}]" for bit in range(source.bits)]
    for bit in range(width):
        init = sum(int((value >> bit) & 1) << address for address, value in enumerate(table.tolist()))
        text += lookup(site.style, f"{name}u{bit}", f"{name}_d[{bit}]", init, inputs)
    return text + _registered(name, width, 0), Product(name, low, high, 1)


def _digits(site: RtlSite, op: TableMac, name: str, weight: int, element: int) -> Tuple[str, Product]:
    """The lowest digit's table, then one adder per digit that holds the digit's table in its LUTs."""
    source = site.source
    widths = digit_widths(op.multiplier, source.bits)
    tables = digit_tables(op.multiplier, np.array([weight]), source.bits, source.signed)
    text: List[str] = []
    low = high = offset = stage = total = 0
    digits, rest_bits, so_far = f"x{element}", source.bits, ""
    for index, width in enumerate(widths):
        last = index == len(widths) - 1
        table = tables[index][0]
        least, most = int(table.min()), int(table.max())
        # what earlier digits left above this one, then this digit's table
        before = (low >> offset, high >> offset)
        bits = bits_for(min(before[0] + least, before[0], least), max(before[1] + most, before[1], most))
        if index == 0 and not last:
            bits = max(bits, width + 1)  # a truncated table may have less than the next digit's adder reads
        wire, cell, digit = f"{name}_s{index}", f"{name}_t{index}", f"{digits}[{width - 1}:0]"
        if index == 0:
            left_out = op.multiplier.truncate_bits if isinstance(op.multiplier, Approximate) else 0
            text.append(_first_table(cell, wire, digit, table, width, bits, min(left_out, bits - 1)))
        else:
            above = f"{'$signed' if low < 0 else ''}({so_far}[{total - 1}:{offset}])"
            text.append(_table_add(cell, wire, digit, table, width, bits, above, f"{so_far}[{offset - 1}:0]", offset))
        low, high, total = low + (least << offset), high + (most << offset), bits + offset
        offset += width
        rest_bits -= width
        rest = f"{digits}[{rest_bits + width - 1}:{width}]"
        if last or (index + 1) % site.levels == 0:
            text.append(_register(f"{wire}_q", wire, total, stage))
            text.append(_register(f"{wire}_r", rest, rest_bits, stage) if rest_bits else "")
            so_far, stage = f"{wire}_q", stage + 1
        else:
            text.append(f"    wire [{rest_bits - 1}:0] {wire}_r = {rest};\n")
            so_far = wire
        digits = f"{wire}_r"
    assert stage == product_registers(op, source, site.levels)
    width = bits_for(min(low, -1), max(high, 0))
    value = f"$signed({so_far})" if low < 0 else so_far  # bits that a sum cannot need are left out above
    text.append(f"    wire signed [{width - 1}:0] {name} = {value};\n")
    return "".join(text), Product(name, low, high, stage)


def _first_table(
    cell: str, wire: str, digit: str, table: npt.NDArray[np.int64], width: int, bits: int, left_out: int
) -> str:
    """The table of the lowest digit, of whose values the bits below left_out are 0 and have no tables."""
    held = bits - left_out
    inits = constant(16 * held, _inits(table.tolist(), bits) >> (16 * left_out))
    text = (
        f"    wire [{bits - 1}:0] {wire};\n    lutforge_table #(.WIDTH({held}), .DIGIT({width}), .INITS({inits})) "
        f"{cell} (.digit({digit}), .value({wire}[{bits - 1}:{left_out}]));\n"
    )
    return text + (f"    assign {wire}[{left_out - 1}:0] = {constant(left_out, 0)};\n" if left_out else "")


def _table_add(
    cell: str,
    wire: str,
    digit: str,
    table: npt.NDArray[np.int64],
    width: int,
    bits: int,
    above: str,
    below: str,
    offset: int,
) -> str:
    """An adder of a digit's table to what is `above` its place; the bits `below`, so many as offset, pass."""
    return (
        f"    wire [{bits - 1}:0] {wire}_a = {above};\n    wire [{bits - 1}:0] {wire}_o;\n"
        f"    lutforge_table_add #(.WIDTH({bits}), .DIGIT({width}), "
        f".INITS({constant(16 * bits, _inits(table.tolist(), bits))})) "
        f"{cell} (.digit({digit}), .addend({wire}_a), .sum({wire}_o));\n"
        f"    wire [{bits + offset - 1}:0] {wire} = {{{wire}_o, {below}}};\n"
    )


def _register(name: str, value: str, bits: int, stage: int) -> str:
    return f"    reg [{bits - 1}:0] {name};\n    always @(posedge clk) if (load[{stage}]) {name} <= {value};\n"


def _inits(table: List[int], bits: int) -> int:
    """Return INITS of `lutforge_table`: for bit i of the value, its 16-bit INIT at 16 * i."""
    result = 0
    for bit in range(bits):
        init = sum(((value >> bit) & 1) << address for address, value in enumerate(table))
        result |= init << (16 * bit)
    return result
