# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Operations made of truth tables: sums of tables (LUTNet, tiled or not), and tables straight to codes (LogicNets)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from lutforge.errors import NetworkError
from lutforge.numerics import MAX_TABLE_INPUTS, divisors
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
        _check_rows(self, ("tables", "neuron", "weight"))
        _check_sums(self, self.neurons)
        if self.weight.min() < 1:
            raise NetworkError(f"LutNeurons: weight {self.weight.min()} of a table; the least is 1")

    @property
    def inputs(self) -> int:
        """Inputs K of each table."""
        return int(self.wiring.shape[1])


@dataclass(frozen=True, eq=False)
class TiledLutNeurons(Record):
    """Truth tables that all tiles of a layer share; P of their K inputs are weight bits, which each tile has its own.

    The elements are cut into T_in tiles, the neurons into T_out. In every pair of tiles each table reads elements of
    its tile, one level of their codes at a time, and its weight word (tiled LUTNet):
    y[to * tile_neurons + j] = sum over ti, tables t with neuron[t] = j, and levels l of levels[l] * tables[t, address],
    address = sum over k of bit_l(x[ti * tile_elements + wiring[t, k]]) << k | weights[to, ti, t] << (K - P),
    where bit_l is the bit of level l in an element's code, level 0 the top one.

    neurons: outputs; elements: input elements (last axis); levels: integer weights of the levels, 1..65535.
    wiring: int32 [tables, K - P], elements of a tile; neuron: int32 [tables], not decreasing, outputs of a tile;
    tables: uint8 [tables, 2**K], values 0..1; weights: uint8 [T_out, T_in, tables], values 0..2**P-1.
    """

    neurons: int
    elements: int
    levels: Tuple[int, ...]
    wiring: Array
    neuron: Array
    tables: Array
    weights: Array

    def __post_init__(self) -> None:
        for name in ("neurons", "elements", "levels"):
            self._whole(name)
        if not 1 <= len(self.levels) <= 8 or any(not 1 <= level < 1 << 16 for level in self.levels):
            raise NetworkError(f"TiledLutNeurons: levels {self.levels}; 1 to 8 are wanted, each in 1..65535")
        self._freeze("wiring", np.int32, 2)
        self._freeze("neuron", np.int32, 1)
        self._freeze("tables", np.uint8, 2)
        self._freeze("weights", np.uint8, 3)
        _check_tiles(self)
        _check_split_inputs(self)
        _check_range(self, "the elements of a tile", self.tile_elements - 1)
        _check_distinct(self, "element")
        _check_rows(self, ("tables", "neuron"))
        _check_sums(self, self.tile_neurons)

    @property
    def inputs(self) -> int:
        """Inputs K of each table: activations first, then weight bits."""
        return int(self.tables.shape[1]).bit_length() - 1

    @property
    def weight_bits(self) -> int:
        """Inputs P of each table that are weight bits."""
        return self.inputs - int(self.wiring.shape[1])

    @property
    def tiles(self) -> Tuple[int, int]:
        """Tiles of the outputs and of the inputs (T_out, T_in)."""
        return int(self.weights.shape[0]), int(self.weights.shape[1])

    @property
    def tile_neurons(self) -> int:
        """Outputs of a tile."""
        return self.neurons // self.tiles[0]

    @property
    def tile_elements(self) -> int:
        """Input elements of a tile."""
        return self.elements // self.tiles[1]


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
        _check_rows(self, ("tables",))
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


def _check_wiring(op: LutNeurons | TruthTables) -> None:
    name, inputs = type(op).__name__, int(op.wiring.shape[1])
    if inputs > MAX_TABLE_INPUTS:
        raise NetworkError(
            f"{name}: fan_in {inputs} gives 2**{inputs} table entries; the limit is "
            f"2**{MAX_TABLE_INPUTS}. Lower fan_in to {MAX_TABLE_INPUTS}"
        )
    _check_range(op, "the input bits", op.elements * op.bits - 1)
    _check_distinct(op, "bit")


def _check_range(op: LutNeurons | TruthTables | TiledLutNeurons, what: str, highest: int) -> None:
    low, high = op.wiring.min(), op.wiring.max()
    if low < 0 or high > highest:
        raise NetworkError(f"{type(op).__name__}: wiring {low}..{high} leaves {what} 0..{highest}")


def _check_distinct(op: LutNeurons | TruthTables | TiledLutNeurons, what: str) -> None:
    ordered = np.sort(op.wiring, axis=1)
    twice = np.flatnonzero((np.diff(ordered, axis=1) == 0).any(axis=1))
    if twice.size:
        raise NetworkError(
            f"{type(op).__name__}: table {twice[0]} reads the same {what} twice: {op.wiring[twice[0]].tolist()}. "
            f"Wire each input to another {what}"
        )


def _check_entries(op: LutNeurons | TruthTables) -> None:
    inputs = int(op.wiring.shape[1])
    if op.tables.shape[1] != 1 << inputs:
        raise NetworkError(
            f"{type(op).__name__}: tables have {op.tables.shape[1]} entries; {inputs} inputs need "
            f"2**{inputs} = {1 << inputs}"
        )


def _check_rows(op: LutNeurons | TruthTables | TiledLutNeurons, names: Tuple[str, ...]) -> None:
    count = op.wiring.shape[0]
    for name in names:
        rows = getattr(op, name).shape[0]
        if rows != count:
            raise NetworkError(f"{type(op).__name__}: {name} has {rows} rows, wiring has {count}")


def _check_sums(op: LutNeurons | TiledLutNeurons, neurons: int) -> None:
    name = type(op).__name__
    if op.tables.max() > 1:
        raise NetworkError(f"{name}: a table holds {op.tables.max()}; entries are 0 or 1")
    if op.neuron.min() < 0 or op.neuron.max() >= neurons or (np.diff(op.neuron) < 0).any():
        raise NetworkError(
            f"{name}: neuron numbers {op.neuron.min()}..{op.neuron.max()} must rise from table "
            f"to table and lie in 0..{neurons - 1}"
        )


def _check_tiles(op: TiledLutNeurons) -> None:
    for what, tiles, extent in zip(("neurons", "elements"), op.tiles, (op.neurons, op.elements), strict=True):
        if extent < 1 or extent % tiles:
            allowed = ", ".join(map(str, divisors(max(1, extent))))
            raise NetworkError(
                f"TiledLutNeurons: tiles that do not divide the layer: {tiles} for {extent} {what}; "
                f"use one of {allowed}"
            )


def _check_split_inputs(op: TiledLutNeurons) -> None:
    """The inputs of a table are activations and weight bits, at least one of each."""
    entries, activations = int(op.tables.shape[1]), int(op.wiring.shape[1])
    if entries != 1 << op.inputs or not 2 <= op.inputs <= MAX_TABLE_INPUTS:
        raise NetworkError(
            f"TiledLutNeurons: tables have {entries} entries; 2**K are wanted, K from 2 to {MAX_TABLE_INPUTS}"
        )
    if activations >= op.inputs:
        raise NetworkError(
            f"TiledLutNeurons: {activations} activations for tables of {op.inputs} inputs leave no weight bit; "
            f"wire 1..{op.inputs - 1}"
        )
    if op.weights.shape[2] != op.wiring.shape[0]:
        raise NetworkError(
            f"TiledLutNeurons: weights hold words of {op.weights.shape[2]} tables, wiring has {op.wiring.shape[0]}"
        )
    if op.weights.max() >> op.weight_bits:
        raise NetworkError(
            f"TiledLutNeurons: a weight word {op.weights.max()} exceeds {op.weight_bits} bits; "
            f"the limit is {(1 << op.weight_bits) - 1}"
        )
