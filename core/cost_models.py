# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What a layer of table multiplications costs, by several models, each of which says what its figures are.

A layer has hardware for every weight; a weight of 0 costs nothing. Transistors, standard cells and energy are those of
the multipliers alone, LUT6 those of the unrolled layer with its adder trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Mapping, Optional, Protocol, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.cells import Circuit, multiplier_circuit
from lutforge.errors import SearchError
from lutforge.multipliers import Approximate, DivideConquer, Multiplier, shaped
from lutforge.network import Network
from lutforge.numerics import bits_for
from lutforge.operations import TableMac
from lutforge.standard_cells import Library, synthesised_area
from lutforge.toggles import LayerSample, layer_samples, switched_transistors, toggles
from lutforge.unrolled_area import unrolled_parts

Ints = npt.NDArray[Any]
TRANSISTORS, LUT6, LIBERTY, ENERGY = "transistors", "lut6", "liberty", "energy"
MODELS = (TRANSISTORS, LUT6, LIBERTY, ENERGY)
COUNTED, ESTIMATED, SYNTHESISED = "counted", "estimated", "synthesised"
CMOS_FORMS: Tuple[Multiplier, ...] = (
    DivideConquer(2, optimised=True),
    Approximate(2, drop_digits=1),
    Approximate(2, round_bits=5),
    Approximate(2, round_bits=4),
    Approximate(2, round_bits=3),
)
FPGA_FORMS: Tuple[Multiplier, ...] = (
    DivideConquer(4),
    Approximate(4, truncate_bits=6),
    Approximate(4, round_bits=6),
    Approximate(4, round_bits=5),
    Approximate(4, round_bits=4),
    Approximate(4, round_bits=3),
)
"""Multipliers to choose from, the exact one first, which small means favour: digits of two bits in CMOS, of four in
LUTs (docs/decisions/0010)."""


class CostModel(Protocol):
    """Prices layers."""

    @property
    def name(self) -> str:
        """What commands call it."""
        ...

    @property
    def unit(self) -> str:
        """Unit of a price."""
        ...

    @property
    def kind(self) -> str:
        """How a price is come by: COUNTED, ESTIMATED or SYNTHESISED."""
        ...

    @property
    def label(self) -> str:
        """What a price holds, and what it leaves out."""
        ...

    @property
    def forms(self) -> Tuple[Multiplier, ...]:
        """Multipliers that it favours, to choose from, the exact one first."""
        ...

    def price(self, network: Network, name: str, op: TableMac) -> float:
        """Return the price of `op` in the place of the network's layer `name`."""
        ...


@dataclass(frozen=True)
class Transistors:
    """The transistors of `lutforge.cells`; weights are stored in SRAM cells."""

    name: str = TRANSISTORS
    unit: str = "transistors"
    kind: str = COUNTED
    label: str = "multipliers as circuits of CMOS cells, tables and weights in SRAM; no wires, adder trees, rounding"
    forms: Tuple[Multiplier, ...] = CMOS_FORMS

    def price(self, network: Network, name: str, op: TableMac) -> float:
        """Return transistors."""
        return float(np.count_nonzero(op.weights)) * circuit_of(network, name, op).transistors


@dataclass(frozen=True)
class Lut6:
    """LUT6 of the unrolled layer, as the cost model of schedules estimates it."""

    name: str = LUT6
    unit: str = "LUT6"
    kind: str = ESTIMATED
    label: str = "the layer with a constant multiplier for every weight, adder trees included; fitted to yosys"
    forms: Tuple[Multiplier, ...] = FPGA_FORMS

    def price(self, network: Network, name: str, op: TableMac) -> float:
        """Return LUT6."""
        array, _ = unrolled_parts(op, network.input_type(network.node(name)), network.types[name], 2, "luts")
        return array.area().lut6


@dataclass(frozen=True)
class StandardCells:
    """Area in the standard cells of a Liberty file; what is stored is flip-flops."""

    library: Library
    name: str = LIBERTY
    unit: str = "the library's area"
    kind: str = SYNTHESISED
    forms: Tuple[Multiplier, ...] = CMOS_FORMS

    @property
    def label(self) -> str:
        """What the figures are."""
        return f"multipliers in the cells of {self.library.path.name} by yosys, not placed; tables in flip-flops"

    def price(self, network: Network, name: str, op: TableMac) -> float:
        """Return an area in the library's unit."""
        bits = network.input_type(network.node(name)).bits
        each = _area(self.library, op.multiplier, bits, weight_bits(op))
        return float(np.count_nonzero(op.weights)) * each


@dataclass(frozen=True)
class Energy:
    """Switched transistors per image, from activations that pass weights in order (`lutforge.toggles`).

    samples: of each layer; activations are those of the network that they were taken from, whatever is priced.
    """

    samples: Mapping[str, LayerSample]
    name: str = ENERGY
    unit: str = "switched transistors per image"
    kind: str = ESTIMATED
    forms: Tuple[Multiplier, ...] = CMOS_FORMS

    @property
    def label(self) -> str:
        """What the figures are."""
        weights = sum(len(sample.weights) for sample in self.samples.values())
        live = sum(sample.live for sample in self.samples.values())
        steps = max((sample.steps for sample in self.samples.values()), default=0)
        return (
            f"switching outputs of multiplier cells, unit delays, weighted by transistors; {weights:,} of {live:,} "
            f"weights, up to {steps:,} activations each; no wires, clock, rounding"
        )

    def price(self, network: Network, name: str, op: TableMac) -> float:
        """Return switched transistors per image."""
        sample, source = self.samples[name], network.input_type(network.node(name))
        if not sample.live:
            return 0.0
        circuit, mask = circuit_of(network, name, op), (1 << source.bits) - 1
        switched = 0.0
        for window in sample.windows:
            codes = shaped(op.multiplier, window, source.bits, source.signed) & mask
            switched += switched_transistors(circuit, toggles(circuit, sample.weights, codes))
        each = switched / (len(sample.weights) * sample.steps)
        return each * np.count_nonzero(op.weights) * sample.vectors


def cost_model(
    name: str, network: Network, images: Optional[Ints] = None, library: Optional[Library] = None, seed: int = 0
) -> CostModel:
    """Return a model by its name. images: whose activations `energy` wants; library: for `liberty`."""
    if name == TRANSISTORS:
        return Transistors()
    if name == LUT6:
        return Lut6()
    if name == LIBERTY:
        if library is None:
            raise SearchError("cost model 'liberty' wants standard cells; name their file with --liberty")
        return StandardCells(library)
    if name == ENERGY:
        if images is None:
            raise SearchError("cost model 'energy' wants activations; name images with --images or --dataset")
        return Energy(layer_samples(network, images, seed))
    raise SearchError(f"cost model {name!r} is unknown; use one of {', '.join(MODELS)}")


def weight_bits(op: TableMac) -> int:
    """Return the bits of a layer's widest weight, two's complement."""
    return max(2, bits_for(min(int(op.weights.min()), -1), int(op.weights.max())))


def circuit_of(network: Network, name: str, op: TableMac) -> Circuit:
    """Return the circuit of one multiplier of a layer; a signed activation is taken for an unsigned one of its bits."""
    return _circuit(op.multiplier, network.input_type(network.node(name)).bits, weight_bits(op))


@lru_cache(maxsize=256)
def _circuit(multiplier: Multiplier, activation_bits: int, bits: int) -> Circuit:
    return multiplier_circuit(multiplier, activation_bits, bits, True)


@lru_cache(maxsize=256)
def _area(library: Library, multiplier: Multiplier, activation_bits: int, bits: int) -> float:
    return synthesised_area(_circuit(multiplier, activation_bits, bits), library).area
