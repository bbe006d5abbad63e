# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How a `TableMac` forms one product: by look-up tables, or by an array multiplier as the yardstick.

All members are exact, so they have one meaning, weight * activation; they differ in what hardware holds.
Divide and conquer splits the activation into digits, looks each digit up in a table of the weight's
products and adds the results with their offsets (LUNA-CIM, arXiv 2311.10581; LUT-NA, arXiv 2406.05282).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Union

import numpy as np
import numpy.typing as npt

from lutforge.errors import NetworkError, unreachable


@dataclass(frozen=True)
class Conventional:
    """One table of 2**activation_bits products per weight."""


@dataclass(frozen=True)
class DivideConquer:
    """One table per digit of the activation; all digits but a signed top digit share one table.

    digit_bits: 2 or 4. optimised: store only W and 3W (2W is wiring, 0 is free); needs digit_bits 2.
    """

    digit_bits: int = 4
    optimised: bool = False

    def __post_init__(self) -> None:
        if self.digit_bits not in (2, 4):
            raise NetworkError(
                f"multiplier divide-and-conquer: digit_bits {self.digit_bits} is not supported; use 2 or 4"
            )
        if self.optimised and self.digit_bits != 2:
            raise NetworkError(
                f"multiplier divide-and-conquer: optimised storage holds W and 3W, which is a table of "
                f"2-bit digits; digit_bits is {self.digit_bits}. Set digit_bits=2 or optimised=False"
            )


@dataclass(frozen=True)
class Digital:
    """An array multiplier: no table at all."""


Multiplier = Union[Conventional, DivideConquer, Digital]


def digit_widths(multiplier: Multiplier, activation_bits: int) -> List[int]:
    """Return the width of each table address, lowest digit first; empty for an array multiplier."""
    match multiplier:
        case Conventional():
            return [activation_bits]
        case DivideConquer(digit_bits=width):
            full, rest = divmod(activation_bits, width)
            return [width] * full + ([rest] if rest else [])
        case Digital():
            return []
        case _:
            unreachable(multiplier)


def digit_table(weights: npt.NDArray[Any], width: int, signed: bool) -> npt.NDArray[np.int64]:
    """Return weight * digit for every address of one digit.

    weights: int, any shape. signed: the address is two's complement (the top digit of a signed
    activation). Result: int64 [*weights.shape, 2**width], address order.
    """
    digits = np.arange(1 << width)
    if signed:
        digits = np.where(digits >= 1 << (width - 1), digits - (1 << width), digits)
    return np.asarray(weights.astype(np.int64)[..., None] * digits)


def products(
    multiplier: Multiplier, weights: npt.NDArray[Any], activation_bits: int, signed: bool
) -> npt.NDArray[np.int64]:
    """Return every product as the tables give it, for proofs and for emitters.

    weights: int [n]. Result: int64 [n, 2**activation_bits], indexed by the activation's code
    (two's complement if signed).
    """
    codes = np.arange(1 << activation_bits)
    if isinstance(multiplier, Digital):
        return digit_table(weights, activation_bits, signed)
    total = np.zeros((*weights.shape, codes.size), dtype=np.int64)
    offset = 0
    widths = digit_widths(multiplier, activation_bits)
    for index, width in enumerate(widths):
        table = digit_table(weights, width, signed and index == len(widths) - 1)
        total += table[..., (codes >> offset) & ((1 << width) - 1)] << offset
        offset += width
    return total
