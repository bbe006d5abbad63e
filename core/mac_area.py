# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Area of the layers that hold weights or tables: `TableMac`, `BinaryMac`, `LutNeurons`.

`survey` looks at a layer's weights once; the result then answers for any folding quickly, which is what
`folding.auto` needs. One flip-flop per adder bit is counted: a register behind every adder, an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict

import numpy as np
import numpy.typing as npt

from lutforge.area import (
    NOTHING,
    Area,
    adder_tree,
    constant_products,
    memory,
    popcount,
    signed_width,
    stored_bits,
    variable_product,
)
from lutforge.network import Network, Node, TensorType
from lutforge.numerics import bits_for
from lutforge.operations import BinaryMac, LutNeurons, TableMac
from lutforge.schedule import Folded, Folding, is_foldable, widest

Ints = npt.NDArray[Any]

CONTROL = Area(lut6=30, ff=30)
"""Loop counters, addresses and handshake of one folded layer: a guess."""


@dataclass(frozen=True)
class MacFacts:
    """What the area of one layer depends on besides its folding.

    unrolled: area with hardware for every weight. popcount: the part of `unrolled` that sums tables (LutNeurons).
    lane: LUT6 of one weight times one input when folded; term_bits: width of its result in the adder tree, 0
    where `lane` holds the popcount already; stored_bits: memory per weight; bias_bits: memory per output.
    """

    outputs: int
    fan_in: int
    input_bits: int
    accumulator_bits: int
    unrolled: Area
    popcount: Area = NOTHING
    lane: float = 0.0
    term_bits: int = 0
    stored_bits: int = 0
    bias_bits: int = 0

    def area(self, folding: Folding) -> Area:
        """Return the layer's area."""
        return self._folded(folding.pe, folding.simd) if isinstance(folding, Folded) else self.unrolled

    def _folded(self, pe: int, simd: int) -> Area:
        rows, columns = self.outputs // pe, self.fan_in // simd
        tree = pe * adder_tree(simd, self.term_bits) if self.term_bits else 0
        accumulators = pe * self.accumulator_bits
        lanes = pe * simd * self.lane
        logic = Area(lanes + tree + accumulators, lanes + tree + 2 * accumulators)
        weights = memory(rows * columns, pe * simd * self.stored_bits)
        biases = memory(rows, pe * self.bias_bits) if self.bias_bits else NOTHING
        vector = memory(columns, simd * self.input_bits) if rows > 1 else NOTHING
        return logic + weights + biases + vector + CONTROL


def survey(network: Network) -> Dict[str, MacFacts]:
    """Return the facts of every layer with weights, by node name."""
    return {
        node.name: _facts(node, network.input_type(node), network.types[node.name])
        for node in network.nodes
        if is_foldable(node)
    }


def _facts(node: Node, source: TensorType, kind: TensorType) -> MacFacts:
    op = node.op
    if isinstance(op, TableMac):
        return _table_mac(op, source, kind)
    if isinstance(op, BinaryMac):
        return _binary_mac(op, source, kind)
    if isinstance(op, LutNeurons):
        return _lut_neurons(op, source, kind)
    raise TypeError(f"{node.name} holds no weights")


def _vector_registers(source: TensorType, kind: TensorType) -> Area:
    """Return what holds the vectors of an unrolled layer: registers, and a shift-out where one beat is too narrow."""
    later = kind.channels - widest(kind.channels, kind.bits)
    shifted = later * kind.bits / 2  # load or shift: two bits per LUT6; nothing is shifted into the last beat
    return Area(shifted, source.channels * source.bits + kind.channels * kind.bits)


def _table_mac(op: TableMac, source: TensorType, kind: TensorType) -> MacFacts:
    width = max(signed_width(int(op.weights.min())), signed_width(int(op.weights.max())))
    terms = (op.weights != 0).sum(axis=1) + (op.bias != 0)
    products = constant_products(op.multiplier, op.weights, source.bits)
    tree = adder_tree(terms, width + source.bits)
    biased = bool(op.bias.any())
    return MacFacts(
        outputs=op.weights.shape[0],
        fan_in=op.weights.shape[1],
        input_bits=source.bits,
        accumulator_bits=kind.bits,
        unrolled=Area(products + tree, products + tree) + _vector_registers(source, kind),
        lane=variable_product(op.multiplier, width, source.bits),
        term_bits=width + source.bits,
        stored_bits=stored_bits(op.multiplier, width),
        bias_bits=bits_for(int(op.bias.min()), int(op.bias.max())) if biased else 0,
    )


def _binary_mac(op: BinaryMac, source: TensorType, kind: TensorType) -> MacFacts:
    """Integers: a sign is folded into the first adder, which has the inputs to spare; a pruned lane is masked first.

    Codes: an XNOR is half a LUT6 (one with a mask), then one LUT6 per bit and binary digit of its level.
    """
    terms = (op.weights != 0).sum(axis=1)
    pruned = bool((op.weights == 0).any())
    if op.levels:
        digits = sum(bin(level).count("1") for level in op.levels)
        tree = popcount(terms * digits)
        lane, term_bits = digits + len(op.levels) * (1.0 if pruned else 0.5), 0
    else:
        tree = adder_tree(terms, source.bits + 1)
        lane, term_bits = (float(source.bits) if pruned else 0.0), source.bits + 1
    return MacFacts(
        outputs=op.weights.shape[0],
        fan_in=op.weights.shape[1],
        input_bits=source.bits,
        accumulator_bits=kind.bits,
        unrolled=Area(tree, tree) + _vector_registers(source, kind),
        lane=lane,
        term_bits=term_bits,
        stored_bits=2 if pruned else 1,
    )


def _lut_neurons(op: LutNeurons, source: TensorType, kind: TensorType) -> MacFacts:
    """One LUT6 per table that depends on two inputs or more; one of a single input is a wire or an inverter.

    Constant tables cost nothing and are not counted by the popcount either. A table bit of weight w enters as
    many columns of the popcount as w has binary ones. Two tables in one LUT6_2 are not assumed.
    """
    support = supports(op.tables)
    tables = int((support >= 2).sum())
    ones = np.array([bin(weight).count("1") for weight in np.unique(op.weight)])
    digits = ones[np.searchsorted(np.unique(op.weight), op.weight)]
    per_neuron = np.bincount(op.neuron, weights=np.where(support > 0, digits, 0), minlength=op.neurons)
    counted = popcount(per_neuron.astype(np.int64))
    outputs, fan_in = op.neurons, op.elements
    return MacFacts(
        outputs=outputs,
        fan_in=fan_in,
        input_bits=source.bits,
        accumulator_bits=kind.bits,
        unrolled=Area(tables, int((support > 0).sum())) + _vector_registers(source, kind),
        popcount=Area(counted, counted),
    )


def supports(tables: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return how many inputs each truth table really depends on. tables: uint8 [tables, 2**K]; result: [tables].

    >>> supports(np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 1, 1, 0]], dtype=np.uint8)).tolist()
    [0, 1, 2]
    """
    count, entries = tables.shape
    result = np.zeros(count, dtype=np.int64)
    for step in (1 << k for k in range(entries.bit_length() - 1)):
        halves = tables.reshape(count, entries // (2 * step), 2, step)
        result += (halves[:, :, 0] != halves[:, :, 1]).any(axis=(1, 2))
    return result
