# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Cycles of a scheduled network, exact to the cycle: the rules of `hls/rtl/stream.v` as equations.

For item s of a stage of L registers that stands before a FIFO of depth D:

    enter(s) = max(enter(s - 1) + 1, arrival of the beat it reads, leave(s - L))
    leave(s) = max(enter(s) + L, leave(s - 1) + 1, [it writes beat k] the cycle behind the one that read beat k - D)

Behind a FIFO, the first item of an image waits for the image's first beat even if it reads none (padding of a window).
A beat that leaves into a FIFO can be read in the next cycle, one that leaves into a directly coupled stage enters it
in the same cycle. The equations are solved by sweeping over the chain until nothing moves; each sweep is a few
vector operations per stage, so this takes far less than a millisecond per layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import ScheduleError
from lutforge.pipeline import Stage

Times = npt.NDArray[np.int64]
NEVER = -(1 << 40)
"""Before any event."""

MAX_SWEEPS = 20_000


@dataclass(frozen=True)
class Cycles:
    """first_in: cycle in which the first input beat is taken, 0 when it is offered. ends: cycle of the last beat of
    each image's answer. waits: beats that waited in the FIFO behind each stage, at most, or 0."""

    first_in: int
    ends: Tuple[int, ...]
    waits: Tuple[int, ...]

    @property
    def latency(self) -> int:
        """Cycles from the first beat of the first image to the last beat of its answer, both counted."""
        return self.ends[0] - self.first_in + 1

    @property
    def interval(self) -> int:
        """Cycles per image once the pipeline is full: between the last two images counted."""
        return self.ends[-1] - self.ends[-2] if len(self.ends) > 1 else self.latency


def count(stages: Sequence[Stage], images: int = 4, *, deep: bool = False, period: Optional[int] = None) -> Cycles:
    """Return the cycles of a batch whose input is always offered and whose answers are always taken.

    deep: FIFOs without limit where the schedule says their depth. period: with it, image n is not offered before
    cycle n * period.
    """
    solver = _Solver(stages, images, deep, period)
    solver.solve()
    last = stages[-1].writes
    written = solver.leave[-1][np.tile(last, images)]
    ends = written[np.arange(1, images + 1) * int(last.sum()) - 1]
    first = solver.enter[0][np.flatnonzero(stages[0].reads)[0]]
    return Cycles(int(first), tuple(int(end) for end in ends), tuple(solver.waits()))


class _Solver:
    def __init__(self, stages: Sequence[Stage], images: int, deep: bool, period: Optional[int]):
        self.stages, self.images, self.deep = stages, images, deep
        self.reads = [np.flatnonzero(np.tile(stage.reads, images)) for stage in stages]
        self.writes = [np.flatnonzero(np.tile(stage.writes, images)) for stage in stages]
        self.order = [np.arange(len(stage.reads) * images, dtype=np.int64) for stage in stages]
        self.enter: List[Times] = [np.full(len(order), NEVER) + order for order in self.order]
        self.leave: List[Times] = [enter + stage.registers for enter, stage in zip(self.enter, stages, strict=True)]
        self.offered = np.zeros(len(self.reads[0]), dtype=np.int64)
        if period is not None:
            self.offered = np.repeat(np.arange(images), int(stages[0].reads.sum())) * period

    def solve(self) -> None:
        """Sweep forwards, where arrivals travel, and backwards, where full FIFOs do, until nothing changes."""
        count = len(self.stages)
        changed = [True] * count
        for _ in range(MAX_SWEEPS):
            for index in [*range(count), *range(count - 2, 0, -1)]:
                if changed[index]:
                    changed[index] = False
                    if self._update(index):
                        for neighbour in (index - 1, index, index + 1):
                            if 0 <= neighbour < count:
                                changed[neighbour] = True
            if not any(changed):
                return
        raise ScheduleError(f"the cycles of the schedule were not found within {MAX_SWEEPS} sweeps; deepen the streams")

    def _update(self, index: int) -> bool:
        stage, order = self.stages[index], self.order[index]
        length = stage.registers
        ready = np.full(len(order), NEVER)
        arrivals = self._arrivals(index)
        ready[self.reads[index]] = arrivals
        if index == 0 or self.stages[index - 1].fifo is not None:
            ready[:: len(stage.reads)] = arrivals[:: int(stage.reads.sum())]
        ready[length:] = np.maximum(ready[length:], self.leave[index][:-length])
        enter = _each_later(np.maximum(ready, self.enter[index]), order)
        free = enter + length
        np.maximum(free, self.leave[index], out=free)
        if index + 1 < len(self.stages):
            writes = self.writes[index]
            free[writes] = np.maximum(free[writes], self._room(index))
        leave = _each_later(free, order)
        moved = not (np.array_equal(enter, self.enter[index]) and np.array_equal(leave, self.leave[index]))
        self.enter[index], self.leave[index] = enter, leave
        return moved

    def _arrivals(self, index: int) -> Times:
        """Cycle from which on each beat can be read."""
        if index == 0:
            return self.offered
        before = self.stages[index - 1]
        return self.leave[index - 1][self.writes[index - 1]] + (0 if before.fifo is None else 1)

    def _room(self, index: int) -> Times:
        """Cycle from which on each beat can be written."""
        taken = self.enter[index + 1][self.reads[index + 1]]
        depth = self.stages[index].fifo
        if depth is None:
            return taken
        room = np.full(len(taken), NEVER)
        if not (self.deep and self.stages[index].stream):
            room[depth:] = taken[:-depth] + 1
        return room

    def waits(self) -> List[int]:
        """Return the most beats that a FIFO behind each stage held at the end of a cycle."""
        result = []
        for index, stage in enumerate(self.stages[:-1]):
            if stage.fifo is None:
                result.append(0)
                continue
            written = self.leave[index][self.writes[index]]
            taken = self.enter[index + 1][self.reads[index + 1]]
            gone = np.searchsorted(taken, written, side="left")  # read in earlier cycles
            result.append(int((np.arange(1, len(written) + 1) - gone).max()))
        return [*result, 0]


def _each_later(times: Times, order: npt.NDArray[Any]) -> Times:
    """Return the least times that are no earlier and at least one cycle apart: a running maximum."""
    return np.asarray(np.maximum.accumulate(times - order) + order, dtype=np.int64)
