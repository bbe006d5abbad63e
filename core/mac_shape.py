# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What a folded or unrolled layer looks like in hardware: widths, memory words, registers.

The emitter of Verilog builds exactly this, and the cost model prices exactly this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, List, Sequence, Tuple, TypeVar

import numpy as np
import numpy.typing as npt

from lutforge.carry_compressor import CarryTree, carry_tree
from lutforge.compressor import CompressorTree, compressor_tree
from lutforge.lut_forms import tile_array
from lutforge.multipliers import Approximate, Digital, Multiplier, digit_widths, exact_form, shaped
from lutforge.network import TensorType
from lutforge.numerics import bits_for
from lutforge.operations import BinaryMac, LutNeurons, TableMac, TiledLutNeurons
from lutforge.schedule import CARRY, LUTS, Folded

Ints = npt.NDArray[Any]
Wire = TypeVar("Wire", int, str)
DIGITS, DIGITAL, SIGNS, CODES = range(4)
"""Kinds of terms, as KIND of `lutforge_mac_folded` numbers them."""


@dataclass(frozen=True)
class ShapedMac:
    """A `TableMac` as hardware forms it: sums of `op` on codes `source`, then `shift` bits of the bias behind them.

    The codes are what is left of the activations: their upper bits, rounded half up if `rounds`. The sum of the layer
    is sum(op.weights * code) * 2**shift + bias, bias int64 [outputs]; op.bias is its part from 2**shift on.
    """

    op: TableMac
    source: TensorType
    shift: int
    rounds: bool
    bias: Ints

    @property
    def low_bias(self) -> Ints:
        """The bits of the bias below 2**shift, which are the sums' own: int64 [outputs]."""
        return np.asarray(self.bias & ((1 << self.shift) - 1))


def shaped_mac(op: TableMac, source: TensorType) -> ShapedMac:
    """Return what a `TableMac` does after its activations have lost bits; an exact one loses none."""
    form = op.multiplier
    shift = form.dropped(source.bits) if isinstance(form, Approximate) else 0
    if not shift or not isinstance(form, Approximate):
        return ShapedMac(op, source, 0, False, op.bias)
    ends = np.array([source.low, source.high])
    low, high = (int(end) >> shift for end in shaped(form, ends, source.bits, source.signed))
    bias = op.bias + form.constant * op.weights.astype(np.int64).sum(axis=1)
    exact = TableMac(op.weights, bias >> shift, exact_form(form))
    return ShapedMac(exact, replace(source, low=low, high=high), shift, bool(form.round_bits), bias)


def proportional(multiplier: Multiplier) -> bool:
    """Return whether products of an activation are proportional to the weight: truncated tables' are not."""
    return not (isinstance(multiplier, Approximate) and multiplier.truncate_bits)


def fundamentals(op: TableMac) -> Tuple[Ints, Ints]:
    """Return int64 (fundamental, factor) of weights [outputs, inputs]: weight == fundamental * factor.

    Outputs whose weights of an input have one fundamental share a product (multiple constant multiplication: Voronenko
    and Püschel, 2007): the factor is a shift, and a sum that subtracts. Fundamentals are odd and positive, but for the
    first of an output that adds nothing else that is positive, so that no sum must be turned at its end. Products of
    truncated tables are not proportional to the weight: they are shared where weights are equal, factors are 1.
    """
    weights = op.weights.astype(np.int64)
    if not proportional(op.multiplier):
        return weights, np.ones_like(weights)
    power = np.maximum(1, np.abs(weights) & -np.abs(weights))
    factor = np.where(weights < 0, -power, power)
    negative = np.flatnonzero((weights <= 0).all(axis=1) & (weights < 0).any(axis=1) & (op.bias == 0))
    factor[negative, (weights[negative] < 0).argmax(axis=1)] *= -1
    return weights // factor, factor


def tree_depth(terms: int) -> int:
    """Return the levels of two-operand adders that sum so many terms: ceil(log2)."""
    return max(0, terms - 1).bit_length()


@dataclass(frozen=True)
class FoldedShape:
    """A folded layer: `pe` outputs times `simd` inputs per item, `passes` (NF) times `beats` (SF) items per vector.

    bits: of an activation; shift, rounds: of `shaped_mac`, terms count 2**shift. weight: bits of W. word: memory bits
    per weight. term: bits of one term. multiply, tree: registers of a product and of the adder tree. bias: int64
    [outputs] that the accumulator starts from; bias_bits 0 if all are zero.
    """

    kind: int
    bits: int
    shift: int
    rounds: bool
    pe: int
    simd: int
    passes: int
    beats: int
    weight: int
    word: int
    masked: bool
    term: int
    multiply: int
    tree: int
    bias: Ints
    bias_bits: int

    @property
    def registers(self) -> int:
        """Registers from input to output: the fetched operands, products, adder tree, accumulator."""
        return self.multiply + self.tree + 2


def folded_shape(op: TableMac | BinaryMac, source: TensorType, folding: Folded, levels: int) -> FoldedShape:
    """Return the shape of a folded layer. levels: digits between two registers."""
    outputs, fan_in = op.weights.shape
    masked, shift, rounds = False, 0, False
    if isinstance(op, TableMac):
        weight = max(2, bits_for(min(int(op.weights.min()), -1), int(op.weights.max())))
        shaped_op = shaped_mac(op, source)
        source, bias, shift, rounds = shaped_op.source, shaped_op.bias, shaped_op.shift, shaped_op.rounds
        if isinstance(op.multiplier, Digital):
            kind, word, term, multiply = DIGITAL, weight, source.bits + weight, 1
        else:
            digits = (source.bits + 1) // 2
            kind, word, term, multiply = DIGITS, 2 * weight + 2, weight + 2 * digits, -(-digits // levels)
    else:
        masked = bool((op.weights == 0).any())
        weight, word, multiply = 1, 2 if masked else 1, 0
        if op.levels:
            kind, term = CODES, bits_for(0, 2 * sum(op.levels))
            bias = -(op.weights != 0).sum(axis=1) * sum(op.levels)
        else:
            kind, term, bias = SIGNS, source.bits + 1, (op.weights < 0).sum(axis=1)
    bias = np.asarray(bias, dtype=np.int64)
    bias_bits = bits_for(min(int(bias.min()), -1), int(bias.max())) if bias.any() else 0
    return FoldedShape(
        kind=kind,
        bits=source.bits,
        shift=shift,
        rounds=rounds,
        pe=folding.pe,
        simd=folding.simd,
        passes=outputs // folding.pe,
        beats=fan_in // folding.simd,
        weight=weight,
        word=word,
        masked=masked,
        term=term,
        multiply=multiply,
        tree=tree_depth(folding.simd),
        bias=bias,
        bias_bits=bias_bits,
    )


def product_registers(op: TableMac, source: TensorType, levels: int) -> int:
    """Return the registers of one constant product: one per `levels` digits."""
    return max(1, -(-len(digit_widths(op.multiplier, source.bits)) // levels))


def sum_terms(op: TableMac | BinaryMac) -> Ints:
    """Return how many operands each unrolled output adds, a bias (or what -1 weights leave) included: int [outputs]."""
    constant = op.bias != 0 if isinstance(op, TableMac) else (op.weights < 0).any(axis=1)
    return np.asarray((op.weights != 0).sum(axis=1) + constant)


def unrolled_registers(op: TableMac | BinaryMac, source: TensorType, levels: int) -> int:
    """Return the registers of an unrolled layer that adds integers: products, then an adder tree."""
    if isinstance(op, TableMac):
        shape = shaped_mac(op, source)
        op, source = shape.op, shape.source
    multiply = product_registers(op, source, levels) if isinstance(op, TableMac) else 0
    return max(1, multiply + tree_depth(int(sum_terms(op).max())))


@dataclass(frozen=True)
class BitSums:
    """An unrolled layer that sums bits: output j is the sum of 2**column over its bits.

    bit, column: int [entries], the bit (a table, or a bit of the input) and the binary column of each summand;
    output: int [entries], not decreasing. constant: int64 [outputs], non-negative, taken modulo 2**width. tables:
    levels of LUTs in front, 0 or 1. width: bits of a sum. inverted: bool [entries], where 1 less the bit is summed.
    counters: as in `Schedule`.
    """

    bit: Ints
    column: Ints
    output: Ints
    constant: Ints
    tables: int
    width: int
    inverted: npt.NDArray[np.bool_]
    counters: str = LUTS

    def trees(self) -> Sequence[CompressorTree]:
        """Return the compressor tree of each output."""
        if self.counters == CARRY:
            return self.carry_trees()
        heights = self._heights() + ((self.constant[:, None] >> np.arange(self.width)) & 1)  # constant bits are bits
        return [compressor_tree(_trimmed(row), self.width) for row in heights.tolist()]

    def carry_trees(self) -> List[CarryTree]:
        """Return the tree of each output whose counters use carry chains."""
        plain = not self.inverted.any()
        rows = zip(self._heights().tolist(), self.constant.tolist(), strict=True)
        return [carry_tree(_trimmed(row), ones, self.width, plain) for row, ones in rows]

    def _heights(self) -> Ints:
        heights = np.zeros((len(self.constant), self.width), dtype=np.int64)
        inside = self.column < self.width
        np.add.at(heights, (self.output[inside], self.column[inside]), 1)
        return heights

    def lut_levels(self) -> int:
        """Return the levels of LUTs in front of the adders: tables and counters, with or without a carry chain."""
        return self.tables + max(len(tree.levels) for tree in self.trees())

    def registers(self, levels: int) -> int:
        """Return the registers of the layer: one per `levels` levels of LUTs, one behind the adders."""
        return -(-self.lut_levels() // levels) + 1


def _trimmed(row: List[int]) -> Tuple[int, ...]:
    while row and not row[-1]:
        row.pop()
    return tuple(row)


def binary_digits(values: Ints) -> Tuple[Ints, Ints]:
    """Return (index, column) of every 1 in the binary numbers `values`, ordered by index."""
    columns = np.arange(int(values.max()).bit_length())
    index, column = np.nonzero((values[:, None] >> columns) & 1)
    return index, column


def code_sums(op: BinaryMac, width: int, counters: str = LUTS) -> BitSums:
    """Return an unrolled `BinaryMac` on codes: XNORed bits of twice their level's weight, and a constant."""
    levels = np.asarray(op.levels, dtype=np.int64)
    output, element = np.nonzero(op.weights)
    count = len(levels)
    # bit number element * count + b of the vector; level 0 is the top bit of a code
    bit = (element[:, None] * count + np.arange(count)).ravel()
    value = np.tile(2 * levels[::-1], len(element))
    index, column = binary_digits(value)
    constant = -(op.weights != 0).sum(axis=1).astype(np.int64) * int(levels.sum())
    return BitSums(
        bit=bit[index],
        column=column,
        output=np.repeat(output, count)[index],
        constant=constant & ((1 << width) - 1),
        tables=0,
        width=width,
        inverted=np.repeat(op.weights[output, element] < 0, count)[index],
        counters=counters,
    )


def neuron_sums(op: LutNeurons, support: Ints, width: int, counters: str = LUTS) -> BitSums:
    """Return the sums of `LutNeurons`; a bit is a table's number. support: inputs that matter, int [tables]."""
    index, column = binary_digits(op.weight.astype(np.int64))
    varies = support[index] > 0
    ones = np.where((support == 0) & (op.tables[:, 0] == 1), op.weight, 0)
    constant = np.bincount(op.neuron, weights=ones, minlength=op.neurons).astype(np.int64)
    inverted = inverters(op, support) if counters == CARRY else np.zeros(len(support), dtype=bool)
    return BitSums(
        bit=index[varies],
        column=column[varies],
        output=op.neuron[index[varies]].astype(np.int64),
        constant=constant & ((1 << width) - 1),
        tables=int(needs_table(op, support, counters).any()),
        width=width,
        inverted=inverted[index[varies]],
        counters=counters,
    )


@dataclass(frozen=True)
class TiledShape:
    """A tiled layer: the tables of one tile and their sums, used `passes` (NF) times `beats` (SF) times per vector.

    array: the tables over bits of codes, then weight bits; sums: of one tile. word: weight bits of a tile.
    """

    array: LutNeurons
    sums: BitSums
    passes: int
    beats: int
    word: int

    def registers(self, levels: int) -> int:
        """Return the registers from input to output: the fetched operands, tables and sums, accumulator."""
        return self.sums.registers(levels) + 2


def tiled_shape(op: TiledLutNeurons, counters: str = LUTS) -> TiledShape:
    """Return what a tiled layer looks like. counters: as in `Schedule`."""
    array = tile_array(op)
    top = int(np.bincount(array.neuron, weights=array.weight).max())
    sums = neuron_sums(array, supports(array.tables), bits_for(0, top), counters)
    return TiledShape(array, sums, *op.tiles, len(op.tables) * op.weight_bits)


def inverters(op: LutNeurons, support: Ints) -> npt.NDArray[np.bool_]:
    """Return which tables are the inverse of one input: bool [tables]."""
    return np.asarray((support == 1) & (op.tables[:, 0] == 1))


def needs_table(op: LutNeurons, support: Ints, counters: str) -> npt.NDArray[np.bool_]:
    """Return which truth tables are LUTs: neither constants nor wires, bool [tables].

    A table of one input is a wire, if inverted only where counters take inverted bits.
    """
    wires = (support == 1) if counters == CARRY else (support == 1) & ~inverters(op, support)
    return np.asarray((support > 0) & ~wires)


def supports(tables: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return how many inputs each truth table really depends on. tables: uint8 [tables, 2**K]; result: [tables].

    >>> supports(np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 1, 1, 0]], dtype=np.uint8)).tolist()
    [0, 1, 2]
    """
    return np.asarray(depends(tables).sum(axis=1))


def depends(tables: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return on which inputs each truth table really depends: [tables, K]. tables: uint8 [tables, 2**K]."""
    count, entries = tables.shape
    result = np.zeros((count, entries.bit_length() - 1), dtype=np.bool_)
    for place in range(result.shape[1]):
        halves = tables.reshape(count, -1, 2, 1 << place)
        result[:, place] = (halves[:, :, 0] != halves[:, :, 1]).any(axis=(1, 2))
    return result


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
