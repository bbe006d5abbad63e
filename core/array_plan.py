# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What a program asks of an array, step by step: tiles, multiplications, words, cycles, and the memory it uses."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Dict, Tuple

import numpy as np

from lutforge.array_cycles import cycles_of
from lutforge.array_program import Program
from lutforge.array_words import Finish, Layer, Write, decode


@dataclass(frozen=True)
class PlannedStep:
    """One step; `array_emitter.StepCount` says what the counts are. cycles: of a run, until the next step."""

    node: str
    positions: int
    tiles: int
    skipped: int
    kept: int
    multiplications: int
    words: int
    cycles: int


@dataclass(frozen=True)
class ArrayPlan:
    """A program in figures. cycles: of one run of `images` images, counted as the Verilog takes them.

    input_cycles: of them, images being written. activation_words, sum_words: the highest used, and one.
    """

    network: str
    images: int
    steps: Tuple[PlannedStep, ...]
    cycles: int
    input_cycles: int
    program_bytes: int
    activation_words: int
    sum_words: int

    def images_per_second(self, clock_mhz: float) -> float:
        """Return the images per second of full runs one after the other, if the build meets the clock."""
        return self.images * clock_mhz * 1e6 / self.cycles

    def to_document(self) -> Dict[str, Any]:
        """Return the plan for JSON."""
        return asdict(self)


def plan_of(program: Program) -> ArrayPlan:
    """Return what a program asks of its array."""
    cycles = cycles_of(program)
    steps = tuple(
        PlannedStep(
            one.node, one.positions, one.tiles, one.skipped, one.kept, one.multiplications, one.words, its.total
        )
        for one, its in zip(program.steps, cycles.steps, strict=True)
    )
    activations, sums = _memory(program)
    words = sum(step.words for step in steps)
    return ArrayPlan(
        program.network.name,
        program.images,
        steps,
        cycles.latency,
        cycles.input,
        8 * words,
        activations,
        sums,
    )


def _memory(program: Program) -> Tuple[int, int]:
    """Return the words of activations and of partial sums that a program uses."""
    activations, sums = program.address, 0
    words = program.stream(np.zeros((0, *program.network.input.shape), dtype=np.int64))
    for command, _ in decode(words, program.geometry):
        match command:
            case Write():
                activations = max(activations, command.address + command.count)
            case Layer():
                sums = max(sums, command.sum_base + command.images * command.rows * command.columns)
            case Finish() if not command.in_sums:
                extents = (command.images, command.rows, command.columns)
                last = sum((count - 1) * step for count, step in zip(extents, command.target_steps, strict=True))
                activations = max(activations, command.target + last + 1)
            case _:
                pass
    return activations, sums
