# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Multipliers as circuits of CMOS cells, built cell by cell: their products can be evaluated, their cells counted.

The cell model is that of LUNA-CIM (arXiv 2311.10581) as far as it is published: a weight is written to SRAM cells, the
digits of the activation select among its products by 2:1 multiplexers, and half and full adders join the digits. Its
transistors per cell (TRANSISTORS) are the usual static ones; with them the published ratio of 3.7 between one table of
16 products and the optimised form at 4 x 4 bits comes out as 3.70. It is a model: no wires, no drivers, no control.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import unreachable
from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer, Multiplier, digit_widths

Ints = npt.NDArray[Any]
SRAM, MUX, FULL_ADDER, HALF_ADDER, AND = "SRAM", "MUX2", "FA", "HA", "AND2"
TRANSISTORS = {SRAM: 6, MUX: 6, FULL_ADDER: 28, HALF_ADDER: 14, AND: 6}
Bit = int
"""A signal of a circuit, by number."""

ZERO = 0


@dataclass
class Circuit:
    """Cells in an order in which each comes behind what it reads. Signal 0 is the constant 0.

    stored: for each SRAM cell its signal, the multiple of the weight that is written to it, and the bit of that.
    activation, product: signals, lowest bit first.
    """

    activation: List[Bit] = field(default_factory=list)
    product: List[Bit] = field(default_factory=list)
    cells: List[Tuple[str, Tuple[Bit, ...], Tuple[Bit, ...]]] = field(default_factory=list)
    stored: List[Tuple[Bit, int, int]] = field(default_factory=list)
    signals: int = 1

    def new(self) -> Bit:
        """Return a new signal."""
        self.signals += 1
        return self.signals - 1

    def store(self, multiple: int, bit: int) -> Bit:
        """Return an SRAM cell that holds a bit of the weight times `multiple`."""
        made = self.new()
        self.stored.append((made, multiple, bit))
        return made

    def cell(self, kind: str, *inputs: Bit) -> Tuple[Bit, ...]:
        """Return the outputs of a cell: one, or sum and carry of an adder."""
        outputs = tuple(self.new() for _ in range(2 if kind in (FULL_ADDER, HALF_ADDER) else 1))
        self.cells.append((kind, inputs, outputs))
        return outputs

    def selected(self, words: Sequence[Sequence[Bit]], address: Sequence[Bit]) -> List[Bit]:
        """Return the word at an address, by a tree of 2:1 multiplexers per bit."""
        row = [list(word) for word in words]
        for bit in address:
            row = [
                [self.cell(MUX, bit, low, high)[0] for low, high in zip(*pair, strict=True)]
                for pair in zip(row[::2], row[1::2], strict=True)
            ]
        return row[0]

    def added(self, left: Sequence[Bit], right: Sequence[Bit], width: int, signed: bool) -> List[Bit]:
        """Return left + right in `width` bits by a ripple of adders. signed: the upper bits of both count on.

        Where fewer than two bits meet there is no cell.
        """
        carry, result = ZERO, []
        for place in range(width):
            terms = [bit for bit in (_place(left, place, signed), _place(right, place, signed), carry) if bit != ZERO]
            if len(terms) < 2:
                result.append(terms[0] if terms else ZERO)
                carry = ZERO
            else:
                total, carry = self.cell(FULL_ADDER if len(terms) == 3 else HALF_ADDER, *terms)
                result.append(total)
        return result

    def counts(self) -> Dict[str, int]:
        """Return the number of cells of each kind."""
        found = Counter(kind for kind, _, _ in self.cells)
        return {SRAM: len(self.stored), **{kind: found[kind] for kind in (MUX, FULL_ADDER, HALF_ADDER, AND)}}

    @property
    def transistors(self) -> int:
        """Transistors of all cells."""
        return sum(TRANSISTORS[kind] * count for kind, count in self.counts().items())

    @property
    def places(self) -> range:
        """Bits of the activation."""
        return range(len(self.activation))

    def stored_bits(self, weights: Ints) -> List[npt.NDArray[np.bool_]]:
        """Return what each SRAM cell holds, bool [n], for weights [n]."""
        return [weights.astype(np.int64) * multiple >> bit & 1 == 1 for _, multiple, bit in self.stored]

    def settled(self, stored: Sequence[Ints], activation: Sequence[Ints]) -> List[Ints]:
        """Return the value of every signal once nothing changes any more.

        stored, activation: arrays of each SRAM cell and each bit of the activation, bool, or bits packed in uint8;
        their shapes must broadcast.
        """
        values: List[Ints] = [np.zeros_like(activation[0])] * self.signals
        for signal, value in zip(self.activation, activation, strict=True):
            values[signal] = value
        for (signal, _, _), value in zip(self.stored, stored, strict=True):
            values[signal] = value
        for kind, inputs, outputs in self.cells:
            for signal, value in zip(outputs, cell_outputs(kind, [values[each] for each in inputs]), strict=True):
                values[signal] = value
        return values

    def evaluated(self, weights: Ints, activations: Ints, signed: bool) -> npt.NDArray[np.int64]:
        """Return what the cells compute, int64 [n], for weights and activation codes [n]; signed: the product is."""
        values = self.settled(self.stored_bits(weights), [activations >> place & 1 == 1 for place in self.places])
        total = sum(values[signal].astype(np.int64) << place for place, signal in enumerate(self.product))
        top = len(self.product) - 1
        return np.asarray(total - (((total >> top) & 1) << (top + 1)) if signed else total)


def _place(bits: Sequence[Bit], place: int, signed: bool) -> Bit:
    if place < len(bits):
        return bits[place]
    return bits[-1] if signed and bits else ZERO


def cell_outputs(kind: str, read: Sequence[Ints]) -> Tuple[Ints, ...]:
    """Return the outputs of a cell for its inputs, by bitwise operations: bool arrays, or packed bits."""
    if kind == MUX:
        return (read[1] ^ (read[0] & (read[1] ^ read[2])),)
    if kind == AND:
        return (read[0] & read[1],)
    if kind == HALF_ADDER:
        return read[0] ^ read[1], read[0] & read[1]
    a, b, c = read
    return a ^ b ^ c, (a & b) | (c & (a | b))


def multiplier_circuit(multiplier: Multiplier, activation_bits: int, weight_bits: int, signed: bool) -> Circuit:
    """Return the circuit of a multiplier of unsigned activations; its low product bits that are never 1 are left out.

    signed: weights are two's complement; without it they are natural numbers, as in the published counts. What rounds
    an activation stands in front of all multipliers that read it, and what a dropped digit's constant adds goes into
    the bias: neither is counted here.
    """
    circuit = Circuit()
    dropped = multiplier.dropped(activation_bits) if isinstance(multiplier, Approximate) else 0
    circuit.activation = [circuit.new() for _ in range(activation_bits)]
    read = circuit.activation[dropped:]
    match multiplier:
        case Conventional():
            words = _table(circuit, len(read), weight_bits)
            product = circuit.selected(words, read)
        case DivideConquer() | Approximate() as form:
            product = _digits(circuit, form, read, weight_bits, signed)
        case Digital():
            product = _array(circuit, read, weight_bits, signed)
        case _:
            unreachable(multiplier)
    circuit.product = [ZERO] * dropped + product
    return circuit


def _table(circuit: Circuit, address_bits: int, weight_bits: int, left_out: int = 0) -> List[List[Bit]]:
    """Return stored products of 0 to 2**address_bits - 1, without their `left_out` lowest bits, but one of all."""
    bits = range(left_out, max(weight_bits + address_bits, left_out + 1))
    return [[ZERO] * left_out + [circuit.store(multiple, bit) for bit in bits] for multiple in range(1 << address_bits)]


def _optimised(circuit: Circuit, weight_bits: int, signed: bool) -> List[List[Bit]]:
    """Return {0, W, 2W, 3W} of one cell for 0, the cells of W, and those of 3W but its lowest bit, which is W's."""
    nought = circuit.store(0, 0)
    once = [circuit.store(1, bit) for bit in range(weight_bits)]
    above = once[-1] if signed else nought
    thrice = [once[0], *(circuit.store(3, bit) for bit in range(1, weight_bits + 2))]
    return [[nought] * (weight_bits + 2), [*once, above, above], [nought, *once, above], thrice]


def _digits(
    circuit: Circuit, form: DivideConquer | Approximate, read: List[Bit], weight_bits: int, signed: bool
) -> List[Bit]:
    """Return the product by digits that share one table, but for a truncated one; tables of 2-bit digits are stored

    as {0, W, 3W}, unless the form asks for all four products.
    """
    left_out = form.truncate_bits if isinstance(form, Approximate) else 0
    shared: List[List[Bit]] = []
    sums: List[Bit] = []
    offset = 0
    for index, width in enumerate(digit_widths(DivideConquer(form.digit_bits), len(read))):
        if index == 0 and left_out:
            words = _table(circuit, width, weight_bits, left_out)
        else:
            if not shared:
                size = min(form.digit_bits, len(read))
                compact = size == 2 and (isinstance(form, Approximate) or form.optimised)
                shared = _optimised(circuit, weight_bits, signed) if compact else _table(circuit, size, weight_bits)
            words = [word[: weight_bits + width] for word in shared[: 1 << width]]
        part = circuit.selected(words, read[offset : offset + width])
        if index:
            part = circuit.added(sums[offset:], part, len(part), signed)
        sums = sums[:offset] + part
        offset += width
    return sums


def _array(circuit: Circuit, read: List[Bit], weight_bits: int, signed: bool) -> List[Bit]:
    """Return the product by rows of ANDs and ripples of adders; the weight is held in SRAM cells, as the tables are."""
    weight = [circuit.store(1, bit) for bit in range(weight_bits)]
    sums: List[Bit] = []
    for row, bit in enumerate(read):
        part = [circuit.cell(AND, bit, each)[0] for each in weight]
        sums = sums[:row] + circuit.added(sums[row:], part, weight_bits + (row > 0), signed)
    return sums + [sums[-1] if signed else ZERO] * (weight_bits + len(read) - len(sums))
