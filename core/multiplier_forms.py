# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Every form of multiplier measured: its cells, its LUTs, and its error over all weights and activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

import numpy as np
import numpy.typing as npt

from lutforge.area import Parts
from lutforge.cells import SRAM, TRANSISTORS, multiplier_circuit
from lutforge.multipliers import (
    Approximate,
    Conventional,
    Digital,
    DivideConquer,
    Multiplier,
    exact_form,
    is_truncated,
    products,
)
from lutforge.unrolled_area import product_parts

FORMS: Dict[str, Multiplier] = {
    "conventional": Conventional(),
    "digits of 2 bits": DivideConquer(2),
    "digits of 2 bits, W and 3W": DivideConquer(2, optimised=True),
    "digits of 4 bits": DivideConquer(4),
    "array multiplier": Digital(),
    "drop a digit of 2": Approximate(2, drop_digits=1),
    "drop a digit of 2, for it 1": Approximate(2, drop_digits=1, constant=1),
    "drop two digits of 2": Approximate(2, drop_digits=2),
    "drop a digit of 4": Approximate(4, drop_digits=1),
    "round to 5 bits": Approximate(2, round_bits=5),
    "round to 4 bits": Approximate(2, round_bits=4),
    "round to 4 bits, one digit": Approximate(4, round_bits=4),
    "truncate 4 bits": Approximate(4, truncate_bits=4),
    "truncate 6 bits": Approximate(4, truncate_bits=6),
}
"""Forms that are measured unless others are asked for."""

Errors = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Measured:
    """One form. cells: by kind; lut6: mean over all weights of a constant product, as the cost model prices it;

    largest, mean, mean_absolute: of product less weight * activation, over all weights and unsigned activations.
    """

    name: str
    multiplier: Multiplier
    cells: Dict[str, int]
    lut6: float
    largest: int
    mean: float
    mean_absolute: float

    @property
    def transistors(self) -> int:
        """Transistors in the cell model."""
        return sum(TRANSISTORS[kind] * count for kind, count in self.cells.items())

    @property
    def storage_bits(self) -> int:
        """Bits written for one weight."""
        return self.cells[SRAM]


def weights_of(weight_bits: int) -> npt.NDArray[np.int64]:
    """Return all weights, two's complement."""
    return np.arange(-(1 << (weight_bits - 1)), 1 << (weight_bits - 1), dtype=np.int64)


def errors(multiplier: Multiplier, activation_bits: int, weight_bits: int) -> Errors:
    """Return product less weight * activation: int64 [weights, activations], unsigned activations."""
    weights = weights_of(weight_bits)
    return products(multiplier, weights, activation_bits, False) - weights[:, None] * np.arange(1 << activation_bits)


def measured(name: str, multiplier: Multiplier, activation_bits: int, weight_bits: int, signed: bool) -> Measured:
    """Measure a form. signed: whether the cells hold weights of two's complement, or natural numbers as published."""
    error = errors(multiplier, activation_bits, weight_bits)
    return Measured(
        name,
        multiplier,
        multiplier_circuit(multiplier, activation_bits, weight_bits, signed).counts(),
        _lut6(multiplier, activation_bits, weight_bits),
        int(np.abs(error).max()),
        float(error.mean()),
        float(np.abs(error).mean()),
    )


def _lut6(multiplier: Multiplier, activation_bits: int, weight_bits: int) -> float:
    kept = activation_bits - (multiplier.dropped(activation_bits) if isinstance(multiplier, Approximate) else 0)
    form = multiplier if is_truncated(multiplier) else exact_form(multiplier)
    total = Parts()
    weights = weights_of(weight_bits)
    for weight in weights[weights != 0].tolist():
        total += product_parts(form, weight, kept, False, 2)
    return total.area().lut6 / len(weights)
