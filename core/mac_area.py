# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of the layers that hold weights or tables: `TableMac`, `BinaryMac`, `LutNeurons` and the like.

`survey` looks at a layer's weights once; the result then answers for any folding quickly, which is what
`folding.auto` needs. Unrolled layers are in `unrolled_area`, tiled ones in `tiled_area`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Dict, Tuple, Union

import numpy as np
import numpy.typing as npt

from lutforge.area import Parts, distinct_columns, parts, rom
from lutforge.folded_area import kept_vector, loop
from lutforge.mac_shape import CODES, DIGITAL, DIGITS, FoldedShape, folded_shape, tree_depth
from lutforge.network import Network, Node, TensorType
from lutforge.operations import BinaryMac, LutNeurons, TableMac, TiledLutNeurons, TruthTables, as_lut_neurons
from lutforge.schedule import DEFAULT_LEVELS, LUTS, Folded, Folding, is_layer, widest
from lutforge.stream_area import narrow, widen
from lutforge.tiled_area import tiled_parts
from lutforge.unrolled_area import unrolled_parts

Mac = Union[TableMac, BinaryMac, LutNeurons, TiledLutNeurons]


@dataclass(frozen=True)
class MacFacts:
    """What the area of one layer depends on besides its folding.

    shape: the layer folded by PE 1 and SIMD 1, None where it cannot be. term: bits of a term that are not always 0;
    bias: bits of a bias that differ between outputs; columns: bits of a weight's word that differ from each other;
    delayed: those that the last digit of a signed activation needs. levels: of LUTs, or digits, between two registers;
    counters: as in `Schedule`.
    """

    op: Mac
    source: TensorType
    kind: TensorType
    levels: int
    counters: str
    shape: FoldedShape | None = None
    term: int = 0
    bias: int = 0
    columns: int = 0
    delayed: int = 0

    @cached_property
    def array(self) -> Tuple[Parts, Parts]:
        """Hardware for every weight, or of a tile (`TiledLutNeurons`); and apart from it what sums tables."""
        if isinstance(self.op, TiledLutNeurons):
            return tiled_parts(self.op, self.kind, self.levels, self.counters)
        return unrolled_parts(self.op, self.source, self.kind, self.levels, self.counters)

    @property
    def unrolled(self) -> Parts:
        """Hardware for every weight, vectors gathered and sent included."""
        return parts(unit=1) + self.array[0] + _vectors(self.source, self.kind)

    @property
    def popcount(self) -> Parts:
        """What sums the tables of `LutNeurons` and `TiledLutNeurons`; not in `parts`."""
        return self.array[1] if isinstance(self.op, (LutNeurons, TiledLutNeurons)) else Parts()

    def parts(self, folding: Folding) -> Parts:
        """Return the layer's parts, `popcount` left out."""
        if isinstance(self.op, TiledLutNeurons):
            return self.array[0]  # folded by its own definition
        return self._folded(folding.pe, folding.simd) if isinstance(folding, Folded) else self.unrolled

    def _folded(self, pe: int, simd: int) -> Parts:
        one = self.shape
        assert one is not None
        tree = tree_depth(simd)
        passes, beats = one.passes // pe, one.beats // simd
        shape = replace(one, pe=pe, simd=simd, passes=passes, beats=beats, tree=tree)
        logic = self._terms(shape)
        if shape.rounds:
            logic += parts(adder_bit=simd * shape.bits)
        logic += _sums(shape, min(one.term, self.term), self.kind.bits - shape.shift).scaled(pe)
        return logic + self._operands(shape) + loop(shape.passes, shape.beats, shape.registers)

    def _terms(self, shape: FoldedShape) -> Parts:
        """Return the products of all PE and lanes.

        Digits (`lutforge_digit_rows`): a row of W + 2 LUT6_2 per two bits; held sums grow by two bits per row; digits
        that wait are the same for all PE; delayed copies of W and 3W that are always equal are one.
        """
        lanes = shape.pe * shape.simd
        if shape.kind == DIGITS:
            rows, wide = (shape.bits + 1) // 2, shape.weight + 2
            ff, depth = 0.0, 2 * min(rows, self.levels) + (2 if shape.passes > 1 and shape.beats > 1 else 1)
            for row in range(rows):
                if row % self.levels == self.levels - 1 or row == rows - 1:
                    ff += lanes * (wide + 2 * row)
                    if row < rows - 1:
                        ff += shape.simd * 2 * (rows - 1 - row)
                        each = self.delayed if self.source.signed and row == rows - 2 else self.columns
                        ff += distinct_columns(lanes * each, _depth(shape))
            return parts(ff=ff, product_bit=lanes * rows * wide, depth=depth)
        if shape.kind == DIGITAL:
            return parts(ff=lanes * shape.term, multiplier_bit=lanes * shape.bits * shape.weight, depth=7)
        if shape.kind == CODES:
            return parts(code_bit=lanes * shape.term, depth=4)
        masked = lanes * shape.term if shape.masked else 0
        return parts(sign_bit=lanes * shape.term, mask_bit=masked, depth=4)

    def _operands(self, shape: FoldedShape) -> Parts:
        """Return the memories of weights, biases (with the number of the pass that travels there) and of the vector."""
        word, beat = shape.pe * shape.simd * shape.word, shape.simd * shape.bits
        result = rom(_depth(shape), word, shape.pe * shape.simd * self.columns)
        if shape.bias_bits and shape.passes > 1:
            biases = distinct_columns(shape.pe * self.bias, shape.passes)
            travelling = (shape.passes - 1).bit_length() * (shape.registers - 2)
            result += parts(ff=biases + travelling, rom_column_16=biases)
        return result + kept_vector(shape.passes, shape.beats, beat)


def survey(network: Network, levels: int = DEFAULT_LEVELS, counters: str = LUTS) -> Dict[str, MacFacts]:
    """Return the facts of every layer with weights, by node name. levels, counters: as the schedule has them."""
    return {
        node.name: _facts(node, network.input_type(node), network.types[node.name], levels, counters)
        for node in network.nodes
        if is_layer(node)
    }


def _facts(node: Node, source: TensorType, kind: TensorType, levels: int, counters: str) -> MacFacts:
    op = node.op
    if isinstance(op, (LutNeurons, TruthTables)):
        return MacFacts(as_lut_neurons(op), source, kind, levels, counters)
    if isinstance(op, TiledLutNeurons):
        return MacFacts(op, source, kind, levels, counters)
    if not isinstance(op, (TableMac, BinaryMac)):
        raise TypeError(f"{node.name} holds no weights")
    shape = folded_shape(op, source, Folded(1, 1), levels)
    term = shape.term
    if shape.kind == CODES and isinstance(op, BinaryMac):
        ones = 0
        for level in op.levels:
            ones |= 2 * level
        term -= (ones & -ones).bit_length() - 1  # the lowest bits of every value are 0
    varying = int(np.bitwise_or.reduce(shape.bias ^ shape.bias[0]))
    bias = 0 if varying == 0 else (varying if varying >= 0 else ~varying).bit_length() + (varying < 0)
    columns, delayed = _columns(op, shape)
    return MacFacts(op, source, kind, levels, counters, shape, term, min(bias, shape.bias_bits), columns, delayed)


def _columns(op: TableMac | BinaryMac, shape: FoldedShape) -> Tuple[int, int]:
    """Return how many bits of a weight's word are different functions of the weights there are, and those of W alone.

    3W always ends in the lowest bit of W and begins with its sign; of few weights more bits are equal.
    """
    if shape.kind != DIGITS:
        return shape.word, shape.word
    values = np.flatnonzero(np.bincount((op.weights.ravel().astype(np.int64) + 256), minlength=512)) - 256
    alone = (values[:, None] >> np.arange(shape.weight)) & 1
    threefold = (3 * values[:, None] >> np.arange(shape.weight + 2)) & 1
    both = np.concatenate([alone, threefold], axis=1)
    return _different(both), _different(alone)


def _different(bits: npt.NDArray[Any]) -> int:
    kinds = np.unique(bits.T, axis=0)
    return int((kinds.min(axis=1) != kinds.max(axis=1)).sum())


def _vectors(source: TensorType, kind: TensorType) -> Parts:
    """Return what gathers a vector from several beats, and what sends a result as several."""
    reads, writes = widest(source.channels, source.bits), widest(kind.channels, kind.bits)
    result = Parts()
    if reads < source.channels:
        result += widen(reads * source.bits, source.channels // reads)
    if writes < kind.channels:
        result += narrow(writes * kind.bits, kind.channels // writes, kind.channels // writes)
    return result


def _depth(shape: FoldedShape) -> int:
    return shape.passes * shape.beats


def _sums(shape: FoldedShape, term: int, width: int) -> Parts:
    """Return one output's adder tree, a register behind each adder, and its accumulator; no sum exceeds `width`."""
    adders = ff = 0
    left, bits = shape.simd, term
    for _ in range(shape.tree):
        pairs = left // 2
        wider = min(bits + 1, width)
        adders += pairs * wider
        ff += pairs * wider + (left - 2 * pairs) * bits
        left, bits = left - pairs, wider
    return parts(ff=ff + width, adder_bit=adders, accumulator_bit=width, depth=3)
