# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Size and training of a LUT classifier as plain numbers, and the plans that have a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from lutforge.errors import TrainingError
from lutforge.numerics import MAX_TABLE_INPUTS


@dataclass(frozen=True)
class ClassifierPlan:
    """Size and training of a LUT classifier.

    tables: at the start, a multiple of `tables_per_group`; slots: weights of the head that are not 0.
    thresholds: of every feature; empty: `quantiles` thresholds per feature, taken from its training values.
    window: side of the square of pixels, at a random place, that a group of tables may read; 0: any feature.
    candidates: bits drawn at random for a group where window is 0; 0: all bits.
    temperature: logits are temperature * sum / sqrt(mean slots per class), sums of values -1 and +1.
    first_slots: slots at the start, as a multiple; from there they fall until `prune_until` of the training is done.
    hold_wiring_from: part of the training after which wires stay. shift: pixels by which training images are
    moved until `shift_until` of it: a small network has no room to spare for images that never come.
    """

    tables: int
    slots: int
    epochs: int
    learning_rate: float = 0.025
    thresholds: Tuple[int, ...] = (127,)
    quantiles: int = 0
    inputs: int = MAX_TABLE_INPUTS
    window: int = 9
    candidates: int = 0
    tables_per_group: int = 8
    temperature: float = 1.5
    first_slots: float = 2.0
    prune_until: float = 0.6
    hold_wiring_from: float = 0.6
    shift: int = 0
    shift_until: float = 0.75
    batch_size: int = 256

    def __post_init__(self) -> None:
        if bool(self.thresholds) == bool(self.quantiles):
            raise TrainingError(
                f"plan: thresholds {self.thresholds} and quantiles {self.quantiles}; give one of the two"
            )
        if self.tables_per_group < 1 or self.tables < 1 or self.tables % self.tables_per_group:
            raise TrainingError(
                f"plan: {self.tables} tables in groups of {self.tables_per_group}; use a multiple, for example "
                f"{-(-self.tables // max(1, self.tables_per_group)) * self.tables_per_group}"
            )
        if self.first_slots < 1:
            raise TrainingError(f"plan: first_slots {self.first_slots}; slots only fall, the least is 1")
        settled = max(self.prune_until, self.hold_wiring_from)
        if self.epochs < 1 or (self.epochs - 1) / self.epochs < settled:
            raise TrainingError(
                f"plan: {self.epochs} epochs, and wires or slots change until {settled:g} of the training; no epoch "
                "begins after that. Train longer or lower prune_until and hold_wiring_from"
            )


MNIST = ClassifierPlan(tables=1280, slots=1000, epochs=18, shift=1)
"""About 590 tables stay alive; the bits are the top bits of pixels."""

DIGITS = ClassifierPlan(
    tables=240, slots=240, epochs=16, learning_rate=0.03, thresholds=(3, 7, 11), window=5, batch_size=64
)
"""Small enough for a test."""

NSL_KDD = ClassifierPlan(tables=80, slots=40, epochs=10, thresholds=(31, 63, 127, 191), window=0)
"""Rows of a table; every pin may read every bit. The codes are ranks already, so that all features share thresholds."""
