# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Cycles of a scheduled network, exact to the cycle: the rules of `hls/rtl/stream.v` as equations.

For item s of a stage of L registers that stands before a FIFO of depth D:

    enter(s) = max(enter(s - 1) + 1, arrival of the beat it reads, leave(s - L))
    leave(s) = max(enter(s) + L, leave(s - 1) + 1, [it writes beat k] the cycle behind the one that read beat k - D)

Behind a FIFO, the first item of an image waits for the image's first beat even if it reads none (padding of a window).
A beat that leaves into a FIFO can be read in the next cycle, one that leaves into a directly coupled stage enters it
in the same cycle. An item that reads several streams waits for a beat of each, a beat that several stages read for room
in the FIFOs of all. The equations are solved by sweeping over the stages until nothing moves; each sweep is a few
vector operations per stage, so this takes far less than a millisecond per layer. Where shallow streams hold each other
back, a sweep moves only a few beats; then `item_cycles` solves the same equations item by item.

Where streams fork and meet again, a FIFO that is too shallow stops everything: no times solve the equations then, and
`flow` says which FIFO it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.flow import stopped
from lutforge.item_cycles import walk
from lutforge.pipeline import HOST, Link, Stage

Times = npt.NDArray[np.int64]
NEVER = -(1 << 40)
"""Before any event."""

MAX_SWEEPS = 40
"""Sweeps after which item by item is likely to be faster."""


@dataclass(frozen=True)
class Cycles:
    """first_in: cycle in which the first input beat is taken, 0 when it is offered. ends: cycle of the last beat of
    each image's answer. waits: by name of a stream the beats that waited in its FIFO, at most."""

    first_in: int
    ends: Tuple[int, ...]
    waits: Mapping[str, int]

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
    cycle n * period. ScheduleError where streams that fork would stop for ever.
    """
    solver = _Solver(stages, images, deep, period)
    solver.solve()
    last = stages[-1].segment.writes
    written = solver.leave[-1][np.tile(last, images)]
    ends = written[np.arange(1, images + 1) * int(last.sum()) - 1]
    first = solver.enter[0][np.flatnonzero(stages[0].segment.reads[0])[0]]
    return Cycles(int(first), tuple(int(end) for end in ends), solver.waits())


class _Solver:
    """Cycles in which each item of each stage enters and leaves, as far as they are known: never too late.

    readers: by stage the pairs (stage, input) that read its beats.
    """

    def __init__(self, stages: Sequence[Stage], images: int, deep: bool, period: Optional[int]):
        self.stages, self.images, self.deep = stages, images, deep
        segments = [stage.segment for stage in stages]
        self.reads = [[np.flatnonzero(np.tile(each, images)) for each in segment.reads] for segment in segments]
        self.writes = [np.flatnonzero(np.tile(segment.writes, images)) for segment in segments]
        self.order = [np.arange(stage.items * images, dtype=np.int64) for stage in stages]
        self.enter: List[Times] = [np.full(len(order), NEVER) + order for order in self.order]
        self.leave: List[Times] = [times + one.registers for times, one in zip(self.enter, segments, strict=True)]
        self.readers: List[List[Tuple[int, int]]] = [[] for _ in stages]
        for index, stage in enumerate(stages):
            for port, link in enumerate(stage.links):
                if link.source != HOST:
                    self.readers[link.source].append((index, port))
        self.offered = np.zeros(len(self.reads[0][0]), dtype=np.int64)
        if period is not None:
            self.offered = np.repeat(np.arange(images), int(segments[0].reads[0].sum())) * period

    def solve(self) -> None:
        """Sweep forwards, where arrivals travel, and backwards, where full FIFOs do, until nothing changes."""
        count = len(self.stages)
        changed = [True] * count
        for _ in range(MAX_SWEEPS):
            for index in [*range(count), *range(count - 2, 0, -1)]:
                if changed[index]:
                    changed[index] = False
                    if self._update(index):
                        for neighbour in self._around(index):
                            changed[neighbour] = True
            if not any(changed):
                return
        self._walk()

    def _walk(self) -> None:
        pipes = walk(self.stages, self.images, self.offered.tolist(), self.deep)
        if pipes is None:
            raise stopped(self.stages)
        self.enter = [np.array(pipe.enter, dtype=np.int64) for pipe in pipes]
        self.leave = [np.array(pipe.leave, dtype=np.int64) for pipe in pipes]

    def _around(self, index: int) -> List[int]:
        sources = [link.source for link in self.stages[index].links if link.source != HOST]
        return [*sources, index, *(reader for reader, _ in self.readers[index])]

    def _update(self, index: int) -> bool:
        stage, order = self.stages[index], self.order[index]
        length = stage.segment.registers
        ready = np.full(len(order), NEVER)
        for port, link in enumerate(stage.links):
            arrivals, reads = self._arrivals(link), self.reads[index][port]
            ready[reads] = np.maximum(ready[reads], arrivals) if port else arrivals
            if port == 0 and (link.source == HOST or link.fifo is not None):
                ready[:: stage.items] = arrivals[:: int(stage.segment.reads[0].sum())]
        ready[length:] = np.maximum(ready[length:], self.leave[index][:-length])
        enter = _each_later(np.maximum(ready, self.enter[index]), order)
        free = enter + length
        np.maximum(free, self.leave[index], out=free)
        writes = self.writes[index]
        for reader, port in self.readers[index]:
            free[writes] = np.maximum(free[writes], self._room(reader, port))
        leave = _each_later(free, order)
        moved = not (np.array_equal(enter, self.enter[index]) and np.array_equal(leave, self.leave[index]))
        self.enter[index], self.leave[index] = enter, leave
        return moved

    def _arrivals(self, link: Link) -> Times:
        """Cycle from which on each beat can be read."""
        if link.source == HOST:
            return self.offered
        return self.leave[link.source][self.writes[link.source]] + (0 if link.fifo is None else 1)

    def _room(self, reader: int, port: int) -> Times:
        """Cycle from which on each beat can be written for one reader."""
        link, taken = self.stages[reader].links[port], self.enter[reader][self.reads[reader][port]]
        if link.fifo is None:
            return taken
        room = np.full(len(taken), NEVER)
        if not (self.deep and link.stream):
            room[link.fifo :] = taken[: -link.fifo] + 1
        return room

    def waits(self) -> Mapping[str, int]:
        """Return by stream the most beats that its FIFO held at the end of a cycle."""
        result = {}
        for index, stage in enumerate(self.stages):
            for link, reads in zip(stage.links, self.reads[index], strict=True):
                if link.stream:
                    written = self.leave[link.source][self.writes[link.source]]
                    gone = np.searchsorted(self.enter[index][reads], written, side="left")  # read in earlier cycles
                    result[link.stream] = int((np.arange(1, len(written) + 1) - gone).max())
        return result


def _each_later(times: Times, order: npt.NDArray[Any]) -> Times:
    """Return the least times that are no earlier and at least one cycle apart: a running maximum."""
    return np.asarray(np.maximum.accumulate(times - order) + order, dtype=np.int64)
