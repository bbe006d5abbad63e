# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How a `TableMac` forms one product: by look-up tables, or by an array multiplier as the yardstick.

All members but `Approximate` are exact, so they have one meaning, weight * activation; they differ in what hardware
holds. Divide and conquer splits the activation into digits, looks each digit up in a table of the weight's
products and adds the results with their offsets (LUNA-CIM, arXiv 2311.10581; LUT-NA, arXiv 2406.05282).
What the approximate variant of LUT-NA leaves out is not published in detail: the forms here are ours.
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


@dataclass(frozen=True)
class Approximate:
    """Divide and conquer with less in it; one of three forms, all in steps of the activation's or the table's bits.

    drop_digits: so many low digits have no table; `constant` stands for what they would hold, 0 for nothing.
    round_bits: the activation keeps its so many upper bits, rounded half up, the largest code where that overflows.
    truncate_bits: the lowest digit's table leaves out so many low bits of each product (rounded down).
    What is lost on average goes into the bias, see `lutforge.compensation`.
    """

    digit_bits: int = 4
    drop_digits: int = 0
    constant: int = 0
    round_bits: int = 0
    truncate_bits: int = 0

    def __post_init__(self) -> None:
        if self.digit_bits not in (2, 4):
            raise NetworkError(f"multiplier approximate: digit_bits {self.digit_bits} is not supported; use 2 or 4")
        given = [name for name in ("drop_digits", "round_bits", "truncate_bits") if getattr(self, name)]
        if len(given) != 1:
            raise NetworkError(
                f"multiplier approximate: {' and '.join(given) or 'no form'} given; give one of drop_digits, "
                "round_bits, truncate_bits"
            )
        limits = {
            "drop_digits": (1, 8 // self.digit_bits - 1),
            "round_bits": (1, 7),
            "truncate_bits": (1, MAX_TRUNCATE_BITS),
        }
        low, high = limits[given[0]]
        if not low <= getattr(self, given[0]) <= high:
            raise NetworkError(
                f"multiplier approximate: {given[0]} {getattr(self, given[0])} with digits of {self.digit_bits} bits; "
                f"the limits are {low}..{high}"
            )
        if self.truncate_bits and self.digit_bits != 4:
            raise NetworkError(
                f"multiplier approximate: truncate_bits with digit_bits {self.digit_bits}; a digit of 4 bits is "
                "wanted, whose table belongs to one digit alone"
            )
        if not 0 <= self.constant < 1 << (self.digit_bits * self.drop_digits):
            raise NetworkError(
                f"multiplier approximate: constant {self.constant} for {self.drop_digits} dropped digits of "
                f"{self.digit_bits} bits; the limits are 0..{(1 << (self.digit_bits * self.drop_digits)) - 1}"
            )

    def dropped(self, activation_bits: int) -> int:
        """Return how many low bits of an activation no table reads."""
        if self.drop_digits:
            return min(self.drop_digits * self.digit_bits, activation_bits - 1)
        return max(0, activation_bits - self.round_bits) if self.round_bits else 0


MAX_TRUNCATE_BITS = 7
Multiplier = Union[Conventional, DivideConquer, Digital, Approximate]


def digit_widths(multiplier: Multiplier, activation_bits: int) -> List[int]:
    """Return the width of each table address, lowest digit first; empty for an array multiplier."""
    match multiplier:
        case Conventional():
            return [activation_bits]
        case DivideConquer(digit_bits=width):
            full, rest = divmod(activation_bits, width)
            return [width] * full + ([rest] if rest else [])
        case Approximate() as form:
            return digit_widths(DivideConquer(form.digit_bits), activation_bits - form.dropped(activation_bits))
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


def shaped(
    multiplier: Multiplier, activations: npt.NDArray[Any], activation_bits: int, signed: bool
) -> npt.NDArray[Any]:
    """Return the activations as the tables read them, what was dropped or rounded away 0; exact forms change nothing.

    activations: int, any shape, of activation_bits, two's complement if signed. The result has their dtype.
    """
    shift = multiplier.dropped(activation_bits) if isinstance(multiplier, Approximate) else 0
    if not shift or not isinstance(multiplier, Approximate):
        return activations
    if not multiplier.round_bits:
        return np.asarray((activations >> shift) << shift)
    top = (1 << (activation_bits - shift - signed)) - 1
    kept = (activations >> shift) + ((activations >> (shift - 1)) & 1)  # half up, without a sum that leaves the dtype
    return np.asarray(np.minimum(kept, top).astype(activations.dtype) << shift)


def digit_tables(
    multiplier: Multiplier, weights: npt.NDArray[Any], activation_bits: int, signed: bool
) -> List[npt.NDArray[np.int64]]:
    """Return the table of each digit, lowest first: int64 [*weights.shape, 2**width]; empty for an array multiplier.

    activation_bits, signed: of what the tables read, nothing dropped from it any more.
    """
    widths = digit_widths(exact_form(multiplier), activation_bits)
    tables = [digit_table(weights, width, signed and index == len(widths) - 1) for index, width in enumerate(widths)]
    if isinstance(multiplier, Approximate) and multiplier.truncate_bits:
        tables[0] = (tables[0] >> multiplier.truncate_bits) << multiplier.truncate_bits
    return tables


def exact_form(multiplier: Multiplier) -> Multiplier:
    """Return the exact multiplier whose digits an approximate one has; others are that already."""
    return DivideConquer(multiplier.digit_bits) if isinstance(multiplier, Approximate) else multiplier


def said(multiplier: Multiplier) -> str:
    """Return a multiplier in a few words.

    >>> said(Approximate(2, round_bits=5)), said(DivideConquer(4))
    ('round to 5 bits, digits of 2', 'digits of 4')
    """
    match multiplier:
        case Conventional():
            return "one table"
        case Digital():
            return "array multiplier"
        case DivideConquer(digit_bits=width, optimised=optimised):
            return f"digits of {width}" + (", W and 3W" if optimised else "")
        case Approximate(digit_bits=width, drop_digits=drops, constant=constant, round_bits=kept, truncate_bits=bits):
            what = f"round to {kept} bits" if kept else f"truncate {bits} bits" if bits else f"drop {drops}"
            return f"{what}, digits of {width}" + (f", for it {constant}" if constant else "")
        case _:
            unreachable(multiplier)


def is_truncated(multiplier: Multiplier) -> bool:
    """Whether a table leaves out low bits of its products."""
    return isinstance(multiplier, Approximate) and multiplier.truncate_bits > 0


def products(
    multiplier: Multiplier, weights: npt.NDArray[Any], activation_bits: int, signed: bool
) -> npt.NDArray[np.int64]:
    """Return every product as the tables give it, THE definition of all forms, for proofs and for emitters.

    weights: int [n]. Result: int64 [n, 2**activation_bits], indexed by the activation's code
    (two's complement if signed).
    """
    codes = np.arange(1 << activation_bits)
    if isinstance(multiplier, Digital):
        return digit_table(weights, activation_bits, signed)
    values = np.where(signed & (codes >> (activation_bits - 1) == 1), codes - (1 << activation_bits), codes)
    codes = shaped(multiplier, values, activation_bits, signed) & ((1 << activation_bits) - 1)
    constant = multiplier.constant if isinstance(multiplier, Approximate) else 0
    total = np.zeros((*weights.shape, codes.size), dtype=np.int64) + constant * weights.astype(np.int64)[..., None]
    shift = multiplier.dropped(activation_bits) if isinstance(multiplier, Approximate) else 0
    read = codes >> shift
    for table in digit_tables(multiplier, weights, activation_bits - shift, signed):
        width = table.shape[-1].bit_length() - 1
        total += table[..., read & ((1 << width) - 1)] << shift
        read, shift = read >> width, shift + width
    return total
