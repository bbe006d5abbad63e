# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Sizes of the programmable array: PE x SIMD table multipliers, and the memories behind them.

A network is no part of the array: it is a program (`array_program`), and any network that fits the memories runs on
the same bitstream.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Dict

from lutforge.errors import ScheduleError
from lutforge.numerics import divisors

BEAT_BITS = 64
"""Beats of the program and of the answers, whatever the board's port is wide."""

SUM_BITS = 32
ACTIVATION_BITS = 8
TABLE_CYCLES = 16
"""Cycles in which the tables of a weight are grown: one entry of 16 per cycle."""

MAX_WORDS = 1 << 16
"""Addresses of the memories have 16 bits."""


@dataclass(frozen=True)
class Geometry:
    """An array. pe: outputs of a tile of weights; simd: inputs of a tile, a multiple of pe and of 8.

    weight_bits: 2..9. generators: rows of a tile whose tables grow at the same time, a divisor of pe.
    activation_words: of `simd` activations of 8 bits each; sum_words: of `pe` partial sums of 32 bits each.
    """

    pe: int = 8
    simd: int = 8
    weight_bits: int = 8
    generators: int = 4
    activation_words: int = 8192
    sum_words: int = 1024

    def __post_init__(self) -> None:
        for name, low, high in (
            ("pe", 2, 64),
            ("simd", 8, 64),
            ("weight_bits", 2, 9),
            ("activation_words", 2, MAX_WORDS),
            ("sum_words", 2, MAX_WORDS),
        ):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ScheduleError(f"array: {name} {value!r}; a whole number in {low}..{high} is wanted")
        if self.simd % 8 or self.simd % self.pe or self.pe % 2:
            raise ScheduleError(
                f"array: simd {self.simd} with pe {self.pe}; simd must be a multiple of 8 and of pe, and pe be even"
            )
        if self.generators < 1 or self.pe % self.generators:
            choices = ", ".join(map(str, divisors(self.pe)))
            raise ScheduleError(f"array: generators {self.generators} do not divide pe {self.pe}; use one of {choices}")

    @property
    def weight_lane_bits(self) -> int:
        """Bits that a weight takes in a beat of the program: 8, or 16 for weights of 9 bits."""
        return 8 if self.weight_bits <= 8 else 16

    @property
    def tile_beats(self) -> int:
        """Beats of the weights of one tile, row by row."""
        return self.pe * self.simd * self.weight_lane_bits // BEAT_BITS

    @property
    def word_beats(self) -> int:
        """Beats of one word of activations."""
        return self.simd * ACTIVATION_BITS // BEAT_BITS

    @property
    def banks(self) -> int:
        """Parts of a word of activations that are written one at a time, `pe` activations each."""
        return self.simd // self.pe

    @property
    def answer_beats(self) -> int:
        """Beats of one word of partial sums."""
        return self.pe * SUM_BITS // BEAT_BITS

    @property
    def activation_bytes(self) -> int:
        """Bytes of the memory of activations."""
        return self.activation_words * self.simd * ACTIVATION_BITS // 8

    @property
    def sum_bytes(self) -> int:
        """Bytes of the memory of partial sums."""
        return self.sum_words * self.pe * SUM_BITS // 8

    def to_document(self) -> Dict[str, Any]:
        """Return the sizes for JSON."""
        return asdict(self)
