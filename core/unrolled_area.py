# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of layers with hardware for every weight: products and adder trees, or tables and compressor trees.

What is counted is what `hls/rtl_mac.py` writes; equal adders of several outputs are one after synthesis. Products are
those of all weights; adder trees of a large layer are looked at for some outputs only, evenly spaced, and the rest is
taken to be like them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.area import Parts, chunks, constant_adders, elastic, parts
from lutforge.mac_shape import (
    BitSums,
    code_sums,
    needs_table,
    neuron_sums,
    product_registers,
    reduced_table,
    shaped_mac,
    sum_terms,
    supports,
    tree_depth,
)
from lutforge.multipliers import (
    Approximate,
    Conventional,
    Digital,
    Multiplier,
    digit_table,
    digit_tables,
    digit_widths,
)
from lutforge.network import TensorType
from lutforge.numerics import bits_for
from lutforge.operations import BinaryMac, LutNeurons, TableMac
from lutforge.schedule import CARRY
from lutforge.table_pairs import table_pairs

Ints = npt.NDArray[Any]
MAX_WEIGHTS = 10_000
"""Weights of a layer whose adder trees are looked at."""


def unrolled_parts(
    op: TableMac | BinaryMac | LutNeurons, source: TensorType, kind: TensorType, levels: int, counters: str
) -> Tuple[Parts, Parts]:
    """Return (array of tables or whole layer, popcount of tables) of a layer; the popcount is `LutNeurons`' alone."""
    if isinstance(op, LutNeurons):
        support = supports(op.tables)
        sums = neuron_sums(op, support, kind.bits, counters)
        popcount = bit_sum_parts(sums, levels, int((support > 0).sum()))
        return table_parts(op, support, counters), popcount + elastic(sums.registers(levels))
    if isinstance(op, BinaryMac) and op.levels:
        sums = code_sums(op, kind.bits, counters)
        layer = bit_sum_parts(sums, levels, 0) + elastic(sums.registers(levels))
        if counters != CARRY:  # counters are primitives: inverters stay
            layer += parts(table=int((op.weights < 0).any(axis=0).sum()) * source.bits)
        even = int(sums.column.min(initial=sums.width)) * len(op.weights)  # low bits of a sum that are its constant's
        return layer + parts(ff=-even), Parts()
    rounding = Parts()
    if isinstance(op, TableMac):
        shape = shaped_mac(op, source)
        op, source = shape.op, shape.source
        if shape.rounds:
            rounding = parts(adder_bit=int((op.weights != 0).any(axis=0).sum()) * source.bits)
    rows = _sampled(*op.weights.shape)
    registers = max(1, _multiply(op, source, levels) + tree_depth(int(sum_terms(op).max())))
    share = len(op.weights) / len(rows)
    trees = _adder_trees(op, rows, source, registers, levels).scaled(share)
    return _products(op, source, levels) + trees + rounding + elastic(registers), Parts()


def _sampled(outputs: int, fan_in: int) -> Ints:
    count = max(1, min(outputs, MAX_WEIGHTS // fan_in))
    return np.unique(np.linspace(0, outputs - 1, count).astype(np.int64))


def _multiply(op: TableMac | BinaryMac, source: TensorType, levels: int) -> int:
    return product_registers(op, source, levels) if isinstance(op, TableMac) else 0


def _products(op: TableMac | BinaryMac, source: TensorType, levels: int) -> Parts:
    """Return the products. Of x and ~x nothing is kept; digits that wait are the same for all outputs."""
    if isinstance(op, BinaryMac):
        return Parts()
    weights = op.weights.astype(np.int64)
    if isinstance(op.multiplier, Digital):  # equal products of several outputs are one
        element = np.broadcast_to(np.arange(weights.shape[1]), weights.shape)
        weights = np.unique((element * 1024 + weights + 512)[weights != 0]) % 1024 - 512
    values, counts = np.unique(weights[weights != 0], return_counts=True)
    result = Parts()
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        result += product_parts(op.multiplier, value, source.bits, source.signed, levels).scaled(count)
    used = int((op.weights != 0).any(axis=0).sum())
    return result + parts(ff=used * _waiting(op.multiplier, source.bits, levels))


def _waiting(multiplier: Multiplier, bits: int, levels: int) -> int:
    """Return the bits of an element that registers hold while the digits below them are worked on."""
    held = 0
    for index, width in enumerate(digit_widths(multiplier, bits)):
        bits -= width
        if (index + 1) % levels == 0:
            held += bits
    return held


@lru_cache(maxsize=8192)
def product_parts(multiplier: Multiplier, weight: int, bits: int, signed: bool, levels: int) -> Parts:
    """Return one product of a constant weight, as `hls/rtl_products.py` writes it.

    Digits of 4 bits: 18 LUT6 at 8 x 8 bits and 20 at 8 x 9: the lowest digit's table is two 4-input functions
    per LUT6_2, every further table is folded into its adder (Walters, Electronics 6(4) 101, 2017). One table: LUT6
    behind F7 and F8, those of constant bits left out.
    """
    codes = digit_table(np.array([weight]), bits, signed)[0]
    width = bits_for(min(int(codes.min()), -1), int(codes.max()))
    if isinstance(multiplier, Digital):  # bits that are always 0 are known to yosys
        adders = constant_adders(weight)
        never = (weight & -weight).bit_length() - 1 + (weight > 0 and not signed)
        return parts(ff=width - never, constant_multiplier_bit=adders * (bits + 2), depth=1 + 2 * min(4, adders))
    if isinstance(multiplier, Conventional):
        tables = [((codes >> bit) & 1).reshape(-1, min(64, len(codes))) for bit in range(width)]
        live = sum(int((table.min(axis=1) != table.max(axis=1)).sum()) for table in tables)
        return parts(ff=width, table=live, depth=1 + chunks(bits) // 4)
    tables_of = digit_tables(multiplier, np.array([weight]), bits, signed)
    left_out = multiplier.truncate_bits if isinstance(multiplier, Approximate) else 0
    luts = ff = low = high = offset = 0
    for index, (table,) in enumerate(tables_of):
        last = index == len(tables_of) - 1
        least, most = int(table.min()), int(table.max())
        above = (low >> offset, high >> offset)
        row = bits_for(min(above[0] + least, above[0], least, -1), max(above[1] + most, above[1], most))
        luts += row if index else (row - left_out + 1) // 2
        low, high = low + (least << offset), high + (most << offset)
        ff += row + offset - left_out if last or (index + 1) % levels == 0 else 0
        offset += len(table).bit_length() - 1
    return parts(ff=ff, product_bit=luts, depth=2 * min(levels, len(tables_of)))


def _adder_trees(op: TableMac | BinaryMac, rows: Ints, source: TensorType, registers: int, levels: int) -> Parts:
    """Return the adders of all outputs: each has the bits that its bounds need, equal ones are counted once.

    A row of the arrays is an output, a column a term; `name` is equal where terms are, and 0 where there is none. Where
    products are tables, which yosys does not merge, no two are equal.
    """
    name, low, high = _leaves(op, rows, source)
    unique = isinstance(op, TableMac) and not isinstance(op.multiplier, Digital)
    stage, adders, ff = _multiply(op, source, levels), 0, 0
    while stage < registers:
        if name.shape[1] % 2:
            name, low, high = (np.pad(values, ((0, 0), (0, 1))) for values in (name, low, high))
        left, right = name[:, ::2], name[:, 1::2]
        low, high = low[:, ::2] + low[:, 1::2], high[:, ::2] + high[:, 1::2]
        if unique:
            width = _widths(low, high)
            adders += int(width[(left != 0) & (right != 0)].sum())
            ff += int(width[left != 0].sum())
            name, stage = left, stage + 1
            continue
        pairs, first, number = np.unique(left * (1 << 31) + right, return_index=True, return_inverse=True)
        least, most = low.ravel()[first], high.ravel()[first]
        width = _widths(least, most) - ((least >= 0) | (most < 0))  # a sign that never changes is no bit
        both = (left.ravel()[first] != 0) & (right.ravel()[first] != 0)
        adders += int(width[both].sum())
        ff += int(width[pairs != 0].sum())
        name = np.where(pairs == 0, 0, np.arange(1, len(pairs) + 1))[number].reshape(left.shape)
        stage += 1
    return parts(ff=ff, adder_bit=adders, depth=3)


def _leaves(op: TableMac | BinaryMac, rows: Ints, source: TensorType) -> Tuple[Ints, Ints, Ints]:
    """Return names and bounds of the terms of each output, int64 [rows, terms], those that are 0 behind."""
    weights = op.weights[rows].astype(np.int64)
    column = np.broadcast_to(np.arange(weights.shape[1]), weights.shape)
    names = column * 1024 + weights + 512
    if isinstance(op, TableMac):
        if not isinstance(op.multiplier, Digital):
            names = np.arange(weights.size).reshape(weights.shape) + 1
        ends = np.stack([weights * source.low, weights * source.high])
        constant = op.bias[rows].astype(np.int64)
    else:
        bits = source.bits
        least, most = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if source.signed else (0, (1 << bits) - 1)
        ends = np.stack([np.where(weights > 0, least, -most - 1), np.where(weights > 0, most, -least - 1)])
        constant = (weights < 0).sum(axis=1)
    live = np.concatenate([weights != 0, (constant != 0)[:, None]], axis=1)
    name = np.concatenate([names, ((1 << 30) + constant - constant.min())[:, None]], axis=1)
    low, high = (np.concatenate([values, constant[:, None]], axis=1) for values in (ends.min(axis=0), ends.max(axis=0)))
    order = np.argsort(~live, axis=1, kind="stable")[:, : max(1, int(live.sum(axis=1).max()))]
    name, low, high = (np.take_along_axis(np.where(live, each, 0), order, axis=1) for each in (name, low, high))
    return name, low, high


def _widths(low: Ints, high: Ints) -> Ints:
    """Return the two's complement bits that hold each low..high."""
    reach = np.maximum(np.maximum(high, 0), -np.minimum(low, -1) - 1)
    return np.asarray(np.ceil(np.log2(reach.astype(np.float64) + 1)), dtype=np.int64) + 1


def table_parts(op: LutNeurons, support: Ints, counters: str) -> Parts:
    """Return the tables: one LUT each that depends on an input, wires left out; constants are in the sums.

    Beside counters on carry chains small tables share a LUT, and equal ones are one.
    """
    needed = needs_table(op, support, counters)
    if counters != CARRY:
        return parts(table=int(needed.sum()))
    numbers = np.flatnonzero(needed).tolist()
    tables = {reduced_table(op.tables[number], op.wiring[number].tolist()): None for number in numbers}
    return parts(table=len(table_pairs([inputs for _, inputs in tables])))


def bit_sum_parts(sums: BitSums, levels: int, first: int) -> Parts:
    """Return counters, carry chains and registers. first: bits of the level of tables, if there is one."""
    trees = sums.trees()
    bits: List[float] = [first] if sums.tables else []
    for depth in range(1, 1 + max(len(tree.levels) for tree in trees)):
        bits.append(sum(tree.bits[min(depth, len(tree.levels))] for tree in trees))
    held = sum(count for index, count in enumerate(bits) if (index + 1) % levels == 0 or index == len(bits) - 1)
    ff, luts = held + sums.width * len(trees), sum(tree.luts for tree in trees)
    if sums.counters == CARRY:
        adders = [tree.adder for tree in sums.carry_trees()]
        deepest = max(3 if any(adder.saves) else 2 for adder in adders)  # a carry among rows passes two tables
        depth = max(deepest, _counter_depth(sums, levels))
        return parts(ff=ff, table=luts + sum(adder.luts for adder in adders), depth=depth)
    added = sum(sum(height > 1 for height in tree.heights) for tree in trees)  # a single bit enters the chain as it is
    return parts(ff=ff, table=luts, adder_bit=added, depth=max(2, levels))


def _counter_depth(sums: BitSums, levels: int) -> int:
    """Return the most LUT levels between two registers: of a table one, of a counter two, the other its carry chain."""
    every = sums.lut_levels()
    return 2 * min(levels, every) - (sums.tables if every <= levels else 0)
