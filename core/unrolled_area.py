# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of layers with hardware for every weight: products and adder trees, or tables and compressor trees.

What is counted is what `hls/rtl_sums.py` writes (`hls/rtl_mac.py` for tables); equal adders of several outputs are one
after synthesis. Products are those of all weights; adder trees of a large layer are looked at for some outputs only,
evenly spaced, and the rest is taken to be like them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache, partial
from typing import Any, Callable, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.area import Parts, chunks, constant_adders, elastic, parts
from lutforge.mac_shape import (
    BitSums,
    code_sums,
    fundamentals,
    needs_table,
    neuron_sums,
    product_registers,
    proportional,
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
    """Return the products that the outputs share. Of x and ~x nothing is kept; nor are digits that wait, by output."""
    if isinstance(op, BinaryMac):
        return Parts()
    weights = fundamentals(op)[0]
    element = np.broadcast_to(np.arange(weights.shape[1]), weights.shape)
    weights = np.unique((element * 1024 + weights + 512)[weights != 0]) % 1024 - 512
    values, counts = np.unique(weights, return_counts=True)
    result = Parts()
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        each = product_parts(op.multiplier, value, source.bits, source.signed, levels)
        if value == 1 and proportional(op.multiplier):  # the activation itself
            each = parts(ff=source.bits * product_registers(op, source, levels))
        result += each.scaled(count)
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
        row = bits_for(min(above[0] + least, above[0], least), max(above[1] + most, above[1], most))
        luts += row if index else (row - left_out + 1) // 2
        low, high = low + (least << offset), high + (most << offset)
        ff += row + offset - left_out if last or (index + 1) % levels == 0 else 0
        offset += len(table).bit_length() - 1
    return parts(ff=ff, product_bit=luts, depth=2 * min(levels, len(tables_of)))


@dataclass(frozen=True)
class _Terms:
    """Terms to be added, int64 [outputs, terms]. name: equal where terms are, 0 where there is none; low, high: bounds.

    zeros: low bits that are always 0. negated: bool, whether a term is subtracted.
    """

    name: Ints
    low: Ints
    high: Ints
    zeros: Ints
    negated: Ints

    def map(self, change: Callable[[Ints], Ints]) -> _Terms:
        return _Terms(*(change(getattr(self, each.name)) for each in fields(self)))


def _adder_trees(op: TableMac | BinaryMac, rows: Ints, source: TensorType, registers: int, levels: int) -> Parts:
    """Return the adders of all outputs: each has the bits that its bounds need, equal ones are counted once.

    Low bits where one operand is 0, and the other is not subtracted, take no LUT.
    """
    terms = _leaves(op, rows, source)
    stage, adders, ff = _multiply(op, source, levels), 0, 0
    while stage < registers:
        if terms.name.shape[1] % 2:
            terms = terms.map(lambda values: np.pad(values, ((0, 0), (0, 1))))
        turned = terms.negated[:, ::2] & ~terms.negated[:, 1::2] & (terms.name[:, 1::2] != 0)
        pairs = terms.map(partial(_minuend_first, turned=turned))
        first, second = pairs.map(lambda values: values[:, ::2]), pairs.map(lambda values: values[:, 1::2])
        minus = (second.name != 0) & second.negated & ~first.negated
        key = (first.name << 32) + (second.name << 1) + minus
        keys, index, number = np.unique(key, return_index=True, return_inverse=True)
        low = first.low + np.where(minus, -second.high, second.low)
        high = first.high + np.where(minus, -second.low, second.high)
        both = (first.name != 0) & (second.name != 0)
        zeros = np.where(both, np.minimum(first.zeros, second.zeros), first.zeros)
        width = _widths(low, high) - ((low >= 0) | (high < 0))  # a sign that never changes is no bit
        free = np.where(minus, second.zeros, np.maximum(first.zeros, second.zeros))
        adders += int(np.maximum(0, width - free).ravel()[index][both.ravel()[index]].sum())
        ff += int((width - zeros).ravel()[index][keys != 0].sum())
        name = np.where(keys == 0, 0, np.arange(1, len(keys) + 1))[number].reshape(first.name.shape)
        terms, stage = _Terms(name, low, high, zeros, first.negated), stage + 1
    return parts(ff=ff, adder_bit=adders, depth=3)


def _minuend_first(values: Ints, turned: Ints) -> Ints:
    """Return pairs of [outputs, terms] with those exchanged of which the second is not subtracted, the first is."""
    pairs = values.reshape(len(values), -1, 2)
    return np.where(turned[..., None], pairs[..., ::-1], pairs).reshape(values.shape)


def _leaves(op: TableMac | BinaryMac, rows: Ints, source: TensorType) -> _Terms:
    """Return the terms of each output, the bias last, those that are 0 behind."""
    negated = np.zeros((len(rows), op.weights.shape[1]), dtype=bool)
    zeros = np.zeros(negated.shape, dtype=np.int64)
    if isinstance(op, TableMac):
        fundamental, factor = (values[rows] for values in fundamentals(op))
        weights, negated = fundamental * np.abs(factor), factor < 0
        zeros = np.log2(np.abs(factor)).astype(np.int64)
        if isinstance(op.multiplier, Approximate):
            zeros += min(op.multiplier.truncate_bits, digit_widths(op.multiplier, source.bits)[0])
        ends = np.stack([weights * source.low, weights * source.high])
        constant = op.bias[rows].astype(np.int64)
    else:
        weights, bits = op.weights[rows].astype(np.int64), source.bits
        least, most = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if source.signed else (0, (1 << bits) - 1)
        ends = np.stack([np.where(weights > 0, least, -most - 1), np.where(weights > 0, most, -least - 1)])
        constant = (weights < 0).sum(axis=1)
    names = np.broadcast_to(np.arange(weights.shape[1]), weights.shape) * 1024 + weights + 512
    live = np.concatenate([weights != 0, (constant != 0)[:, None]], axis=1)
    name = np.concatenate([names, ((1 << 30) + constant - constant.min())[:, None]], axis=1)
    low, high = (np.concatenate([values, constant[:, None]], axis=1) for values in (ends.min(axis=0), ends.max(axis=0)))
    order = np.argsort(~live, axis=1, kind="stable")[:, : max(1, int(live.sum(axis=1).max()))]
    none = np.zeros((len(rows), 1), dtype=np.int64)
    terms = _Terms(name, low, high, *(np.concatenate([values, none], axis=1) for values in (zeros, negated)))
    return terms.map(lambda values: np.take_along_axis(np.where(live, values, values.dtype.type(0)), order, axis=1))


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
