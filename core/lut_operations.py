# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The operations made of truth tables: sums of tables (LUTNet), and tables straight to codes (LogicNets)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lutforge.errors import NetworkError
from lutforge.numerics import MAX_TABLE_INPUTS
from lutforge.record import Array, Record


@dataclass(frozen=True, eq=False)
class LutNeurons(Record):
    """Truth tables over chosen activation bits, summed with weights per neuron (LUTNet).

    The bits of the input vector are numbered element * bits + bit, bit 0 the least significant.
    y[j] = sum over tables t of neuron j of weight[t] * tables[t, address],
    address = sum over k of bit(wiring[t, k]) << k.

    neurons: outputs; elements: input elements (last axis); bits: code bits of each element.
    wiring: int32 [tables, K]; neuron: int32 [tables], not decreasing; weight: int32 [tables], >= 1;
    tables: uint8 [tables, 2**K], values 0..1.
    """

    neurons: int
    elements: int
    bits: int
    wiring: Array
    neuron: Array
    weight: Array
    tables: Array

    def __post_init__(self) -> None:
        for name in ("neurons", "elements", "bits"):
            self._whole(name)
        self._freeze("wiring", np.int32, 2)
        _check_wiring(self)
        self._freeze("tables", np.uint8, 2)
        self._freeze("neuron", np.int32, 1)
        self._freeze("weight", np.int32, 1)
        _check_entries(self)
        count = self.wiring.shape[0]
        for name in ("tables", "neuron", "weight"):
            if getattr(self, name).shape[0] != count:
                raise NetworkError(f"LutNeurons: {name} has {getattr(self, name).shape[0]} rows, wiring has {count}")
        if self.tables.max() > 1:
            raise NetworkError(f"LutNeurons: a table holds {self.tables.max()}; entries are 0 or 1")
        if self.neuron.min() < 0 or self.neuron.max() >= self.neurons or (np.diff(self.neuron) < 0).any():
            raise NetworkError(
                f"LutNeurons: neuron numbers {self.neuron.min()}..{self.neuron.max()} must rise from table "
                f"to table and lie in 0..{self.neurons - 1}"
            )
        if self.weight.min() < 1:
            raise NetworkError(f"LutNeurons: weight {self.weight.min()} of a table; the least is 1")

    @property
    def inputs(self) -> int:
        """Inputs K of each table."""
        return int(self.wiring.shape[1])


@dataclass(frozen=True, eq=False)
class TruthTables(Record):
    """One truth table per neuron, straight to a code (LogicNets, PolyLUT, DWN): y[j] = tables[j, address].

    The bits of the input vector are numbered element * bits + bit, bit 0 the least significant;
    address = sum over k of bit(wiring[j, k]) << k.

    elements: input elements (last axis); bits: code bits of each. code_bits: bits of an output code, 1..8.
    wiring: int32 [neurons, K]; tables: uint8 [neurons, 2**K], values 0..2**code_bits - 1.
    """

    elements: int
    bits: int
    code_bits: int
    wiring: Array
    tables: Array

    def __post_init__(self) -> None:
        for name in ("elements", "bits", "code_bits"):
            self._whole(name)
        self._freeze("wiring", np.int32, 2)
        _check_wiring(self)
        self._freeze("tables", np.uint8, 2)
        _check_entries(self)
        if self.tables.shape[0] != self.wiring.shape[0]:
            raise NetworkError(
                f"TruthTables: tables has {self.tables.shape[0]} rows, wiring has {self.wiring.shape[0]}"
            )
        if not 1 <= self.code_bits <= 8:
            raise NetworkError(f"TruthTables: codes of {self.code_bits} bits; the limits are 1..8")
        if self.tables.max() >= 1 << self.code_bits:
            raise NetworkError(
                f"TruthTables: a table holds {self.tables.max()}; codes of {self.code_bits} bits end at "
                f"{(1 << self.code_bits) - 1}"
            )

    @property
    def neurons(self) -> int:
        """Outputs: one per table."""
        return int(self.tables.shape[0])

    @property
    def inputs(self) -> int:
        """Inputs K of each table."""
        return int(self.wiring.shape[1])


def as_lut_neurons(op: LutNeurons | TruthTables) -> LutNeurons:
    """Return the same function in tables of one bit, as hardware builds it: bit b of a code has weight 2**b."""
    if isinstance(op, LutNeurons):
        return op
    table, bit = np.divmod(np.arange(op.neurons * op.code_bits), op.code_bits)
    bits = (op.tables[table] >> bit[:, None]) & 1
    return LutNeurons(op.neurons, op.elements, op.bits, op.wiring[table], table, 1 << bit, bits)


def _check_wiring(op: LutNeurons | TruthTables) -> None:
    name, inputs = type(op).__name__, int(op.wiring.shape[1])
    if inputs > MAX_TABLE_INPUTS:
        raise NetworkError(
            f"{name}: fan_in {inputs} gives 2**{inputs} table entries; the limit is "
            f"2**{MAX_TABLE_INPUTS}. Lower fan_in to {MAX_TABLE_INPUTS}"
        )
    highest = op.elements * op.bits - 1
    if op.wiring.min() < 0 or op.wiring.max() > highest:
        raise NetworkError(f"{name}: wiring {op.wiring.min()}..{op.wiring.max()} leaves the input bits 0..{highest}")
    ordered = np.sort(op.wiring, axis=1)
    twice = np.flatnonzero((np.diff(ordered, axis=1) == 0).any(axis=1))
    if twice.size:
        raise NetworkError(
            f"{name}: table {twice[0]} reads the same bit twice: {op.wiring[twice[0]].tolist()}. "
            "Wire each input to another bit"
        )


def _check_entries(op: LutNeurons | TruthTables) -> None:
    inputs = int(op.wiring.shape[1])
    if op.tables.shape[1] != 1 << inputs:
        raise NetworkError(
            f"{type(op).__name__}: tables have {op.tables.shape[1]} entries; {inputs} inputs need "
            f"2**{inputs} = {1 << inputs}"
        )
