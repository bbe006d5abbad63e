# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Cycles of a program on the programmable array, by the rules of `hls/rtl/array*.v`, exact to the cycle.

The router takes a beat per cycle, the loader grows tables in 16 cycles per group of rows, the engine runs one command
after the other; each waits for the others only at the FIFO of commands and at the two banks of tables. The input is
always offered and the answers are always taken.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Deque, Dict, List

import numpy as np

from lutforge.array_geometry import TABLE_CYCLES, Geometry
from lutforge.array_program import Program
from lutforge.array_tensors import words_of
from lutforge.array_words import FINISH_WORDS, Command, Finish, Layer, Send, Tile, Words, Write, decode

FIFO_DEPTH = 32
"""Words that wait for the engine, DEPTH of `lutforge_array_router`."""

LAYER_WORDS = 4
NEVER = -(1 << 40)


def drain_cycles(geometry: Geometry) -> int:
    """Return the cycles behind the last item of a TILE or FINISH, DRAIN of `lutforge_array_engine`."""
    dots = 3 + (geometry.simd - 1).bit_length()
    return dots - 1 if dots > 7 else 6


@dataclass
class StepCycles:
    """Cycles of a step. total: until the next one; passes: in which a tile is used; waits: for tables to be grown."""

    node: str
    total: int = 0
    passes: int = 0
    waits: int = 0


@dataclass(frozen=True)
class Cycles:
    """latency: from the first beat in to the last answer, both counted. input: of it, images being written."""

    latency: int
    input: int
    steps: List[StepCycles]


def cycles_of(program: Program) -> Cycles:
    """Return the cycles of one run of a program."""
    images = np.zeros((program.images, *program.network.input.shape), dtype=np.int64)
    clock = Clock(program.geometry)
    steps = [StepCycles(step.node) for step in program.steps]
    ends: List[int] = []
    at = 0
    for step in program.steps:
        at += step.words
        ends.append(at)
    pixels = program.images * words_of(program.source, program.geometry.simd) * program.geometry.word_beats
    position = -1 - pixels  # of the words behind the images
    number, before, written = 0, 0, 0
    for command, beats in decode(program.stream(images), program.geometry):
        while position >= 0 and position >= ends[number]:
            number += 1
        passes, waits = clock.passes, clock.waits
        clock.run(command, beats)
        if position < 0:
            written = before = clock.engine
        else:
            steps[number].total += clock.engine - before
            steps[number].passes += clock.passes - passes
            steps[number].waits += clock.waits - waits
            before = clock.engine
        position += _length(command, program.geometry) + len(beats)
    return Cycles(clock.last_out + 1, written, steps)


def _length(command: Command, geometry: Geometry) -> int:
    if isinstance(command, Finish):
        return FINISH_WORDS + geometry.pe
    return LAYER_WORDS if isinstance(command, Layer) else 1


@dataclass
class Clock:
    """When the array does what: cycle 0 takes the first beat. engine: cycle in which the next command may be taken."""

    geometry: Geometry
    engine: int = 0
    last_out: int = 0
    passes: int = 0
    waits: int = 0
    router: int = -1  # cycle of the last beat taken
    started: int = NEVER  # cycle in which the last group of tables was begun
    taken: int = NEVER  # cycle in which the last tile was taken
    full: int = NEVER  # cycle from which on the loaded tile can be taken
    layer: int = 0  # positions of a pass
    popped: Deque[int] = field(default_factory=lambda: deque(maxlen=FIFO_DEPTH))

    def run(self, command: Command, beats: Words) -> None:
        """Route a command with its beats, and let the engine run it."""
        geometry = self.geometry
        words = _length(command, geometry) + (len(beats) if isinstance(command, Write) else 0)
        last = self._word()
        if isinstance(command, Tile) and not command.keep:
            self._weights()
        self.engine = last + (2 if isinstance(command, Write) else 1)
        for _ in range(words - 1):
            last = self._word()
            self.engine = last + 1
        match command:
            case Write():
                pass
            case Layer():
                self.layer = command.images * command.rows * command.columns
            case Tile():
                begins = last + 1
                if not command.keep:
                    self.waits += max(0, self.full - begins)
                    begins = self.taken = max(begins, self.full)
                self.passes += self.layer
                self.engine = begins + self.layer + drain_cycles(geometry) + 1
            case Finish():
                self.engine = last + 1 + _items(command) + drain_cycles(geometry) + 1
            case Send():
                beats_each = geometry.answer_beats
                self.last_out = last + 3 + beats_each + (command.count - 1) * (beats_each + 2)
                self.engine = self.last_out + 1

    def _word(self) -> int:
        """Route one word through the FIFO; return the cycle in which the engine takes it."""
        room = self.popped[0] + 1 if len(self.popped) == FIFO_DEPTH else NEVER
        self.router = max(self.router + 1, room)
        taken = max(self.router + 1, self.engine)
        self.popped.append(taken)
        return taken

    def _weights(self) -> None:
        """Route the weights of a tile: groups of rows, whose tables are grown one group after the other."""
        groups = self.geometry.pe // self.geometry.generators
        beats = self.geometry.tile_beats // groups
        for group in range(groups):
            self.router = max(self.router + 1, self.started) + beats - 1
            free = self.started + TABLE_CYCLES if group else self.taken + 1
            self.started = max(self.router + 1, free)
        self.full = self.started + TABLE_CYCLES + 1


def _items(command: Finish) -> int:
    results = command.images * command.rows * command.columns
    return results * (command.kernel[0] * command.kernel[1] + (command.added is not None))


def totals(cycles: Cycles) -> Dict[str, int]:
    """Return sums over all steps: cycles, those in which a tile is used, those in which tables are waited for."""
    return {
        "latency": cycles.latency,
        "input": cycles.input,
        "passes": sum(step.passes for step in cycles.steps),
        "waits": sum(step.waits for step in cycles.steps),
    }
