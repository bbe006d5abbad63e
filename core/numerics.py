# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The one statement of bit order, rounding and ties that every executor and emitter follows.

* Address bit k of a table is its input k; input 0 is the least significant bit.
* Bit i of an INIT vector is the table's output at address i.
* A residual-binary code of L bits holds level 0 in its most significant bit; bit 1 is +1, bit 0 is -1.
* sign(0) is -1: a bit is `value > 0`.
* Rounding is half up: `floor(x + 0.5)`, and on integers `(x * m + 2**(s - 1)) >> s`.
* A threshold code counts the thresholds that are exceeded, strictly.
* An argmax tie goes to the lowest index.
* On a stream, element 0 of a beat lies in the lowest bits; a signed element is two's complement.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Tuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[Any]

ACCUMULATOR_BITS = 32
"""Widest signed integer an edge may carry; a logit fills one 32-bit word of the output stream."""

MAX_TABLE_INPUTS = 6
"""Inputs of one LUT6 (UG474, table of 64 bits)."""


def bits_for(low: int, high: int) -> int:
    """Return the bits that hold every integer in low..high, two's complement if low < 0.

    >>> bits_for(0, 255), bits_for(-128, 127), bits_for(0, 0), bits_for(-1, 0)
    (8, 8, 1, 1)
    """
    if low < 0:
        return max((-low - 1).bit_length(), high.bit_length() if high > 0 else 0) + 1
    return max(1, high.bit_length())


@cache
def divisors(value: int) -> Tuple[int, ...]:
    """Return the divisors of a positive number, rising.

    >>> divisors(12)
    (1, 2, 3, 4, 6, 12)
    """
    return tuple(n for n in range(1, value + 1) if value % n == 0)


def sign_bit(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return 1 where values > 0, else 0: sign(0) is -1. values: any shape, integer or float."""
    return np.asarray(values > 0, dtype=np.uint8)


def round_half_up(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return floor(values + 0.5) as int64. values: float, any shape."""
    return np.asarray(np.floor(np.asarray(values, dtype=np.float64) + 0.5), dtype=np.int64)


def shift_round(values: Ints, multiplier: Ints, shift: Ints) -> npt.NDArray[np.int64]:
    """Return `(values * multiplier + 2**(shift-1)) >> shift`, half up; shift 0 gives the bare product.

    values: int [..., channels]; multiplier, shift: int [channels] or [1], shift >= 0.
    """
    product = values.astype(np.int64) * multiplier.astype(np.int64)
    shift = shift.astype(np.int64)
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    return np.asarray((product + half) >> shift, dtype=np.int64)


def argmax(logits: Ints) -> npt.NDArray[np.int64]:
    """Return the index of the largest logit, the lowest index on a tie. logits: int [..., classes]."""
    return np.asarray(np.argmax(logits, axis=-1), dtype=np.int64)


def level_value_table(levels: Tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return the value of each residual-binary code: sum of levels[l] * (2*b_l - 1), b_0 the top bit.

    Result: int64 [2**len(levels)].

    >>> level_value_table((2, 1)).tolist()
    [-3, -1, 1, 3]
    """
    count = len(levels)
    codes = np.arange(1 << count)
    values = np.zeros(1 << count, dtype=np.int64)
    for index, level in enumerate(levels):
        bit = (codes >> (count - 1 - index)) & 1
        values += level * (2 * bit - 1)
    return values


def pack_init(tables: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return the INIT vector of each truth table. tables: uint8 [tables, 2**K], K <= 6, values 0..1."""
    weights = np.uint64(1) << np.arange(tables.shape[1], dtype=np.uint64)
    return np.asarray((tables.astype(np.uint64) * weights).sum(axis=1, dtype=np.uint64))


def unpack_init(init: npt.NDArray[np.uint64], inputs: int) -> npt.NDArray[np.uint8]:
    """Return the truth tables of INIT vectors, the inverse of `pack_init`: uint8 [tables, 2**inputs]."""
    addresses = np.arange(1 << inputs, dtype=np.uint64)
    return ((init.astype(np.uint64)[:, None] >> addresses) & np.uint64(1)).astype(np.uint8)


def code_bits(codes: Ints, bits: int) -> npt.NDArray[np.uint8]:
    """Return the bits of unsigned codes, least significant first, one element's bits side by side.

    codes: int [..., n], values 0..2**bits-1. Result: uint8 [..., n * bits].
    """
    spread = (codes[..., None] >> np.arange(bits)) & 1
    return np.asarray(spread.reshape(*codes.shape[:-1], codes.shape[-1] * bits), dtype=np.uint8)
