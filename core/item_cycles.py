# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The equations of `cycles` item by item: each time is computed once, when all that it follows from is known.

Some microseconds per item whatever the depths are, where sweeps over all items at once are some hundred times faster if
few suffice, and need one for every few beats where shallow streams hold each other back.
"""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

import numpy as np

from lutforge.pipeline import HOST, Stage

BEFORE = -(1 << 40)
UNBOUNDED = 1 << 40


class Pipe:
    """One stage: the cycles in which its items enter and leave and its beats are written and taken, as far as known.

    feeds: by input the beats of the source (cycle of each), the cycles until one can be read, and the source itself
    where it is coupled directly. room: by reader the cycles in which it took each beat, the depth of its FIFO, and the
    cycles until a place that it empties can be written; 0 and 0 where it is coupled directly.
    """

    def __init__(self, stage: Stage, images: int):
        self.items, self.total = stage.items, stage.items * images
        self.registers = stage.segment.registers
        self.reads = [flags.tolist() for flags in stage.segment.reads]
        self.writes: List[bool] = stage.segment.writes.tolist()
        self.write_items: List[int] = np.flatnonzero(np.tile(stage.segment.writes, images)).tolist()
        self.enter: List[int] = []
        self.leave: List[int] = []
        self.written: List[int] = []
        self.taken: List[List[int]] = [[] for _ in stage.links]
        self.feeds: List[Tuple[List[int], int, Optional[Pipe]]] = []
        self.room: List[Tuple[List[int], int, int]] = []

    def advance(self) -> bool:
        """Compute what can be; return whether anything was."""
        moved = False
        while self._leave() or self._enter():
            moved = True
        return moved

    def _leave(self) -> bool:
        begun = item = len(self.leave)
        last = self.leave[-1] if item else BEFORE
        while item < len(self.enter):
            time = max(self.enter[item] + self.registers, last + 1)
            if self.writes[item % self.items]:
                for taken, depth, delay in self.room:
                    place = len(self.written) - depth
                    if place >= len(taken):
                        return item > begun
                    if place >= 0 and taken[place] + delay > time:
                        time = taken[place] + delay
                self.written.append(time)
            self.leave.append(time)
            last, item = time, item + 1
        return item > begun

    def _enter(self) -> bool:
        begun = item = len(self.enter)
        while item < self.total:
            behind = item - self.registers
            if behind >= len(self.leave):
                break
            time = max(self.enter[-1] + 1 if item else BEFORE, self.leave[behind] if behind >= 0 else BEFORE)
            place, known = item % self.items, True
            for port, (beats, delay, source) in enumerate(self.feeds):
                if not self.reads[port][place] and (place or port or source):
                    continue  # only behind a FIFO the first item of an image waits for its first beat
                beat = len(self.taken[port])
                arrival = source.offer(beat) if source else beats[beat] + delay if beat < len(beats) else None
                known &= arrival is not None
                time = max(time, arrival or 0)
            if not known:
                break
            for port, reads in enumerate(self.reads):
                if reads[place]:
                    self.taken[port].append(time)
            self.enter.append(time)
            item += 1
        return item > begun

    def offer(self, beat: int) -> Optional[int]:
        """Return the cycle from which on a directly coupled reader can take a beat, if it is known."""
        item = self.write_items[beat]
        if item != len(self.leave) or item >= len(self.enter):
            return None
        return max(self.enter[item] + self.registers, self.leave[-1] + 1 if item else BEFORE)


def walk(stages: Sequence[Stage], images: int, offered: List[int], deep: bool) -> Optional[List[Pipe]]:
    """Return the times of all items, or None if streams stop. offered: cycle of each input beat; deep: as `count`."""
    pipes = [Pipe(stage, images) for stage in stages]
    around: List[List[int]] = [[] for _ in stages]
    for index, stage in enumerate(stages):
        for port, link in enumerate(stage.links):
            if link.source == HOST:
                pipes[index].feeds.append((offered, 0, None))
                continue
            source, direct = pipes[link.source], link.fifo is None
            pipes[index].feeds.append((source.written, 1, source if direct else None))
            depth = UNBOUNDED if deep and link.stream else link.fifo or 0
            source.room.append((pipes[index].taken[port], depth, 0 if direct else 1))
            around[index].append(link.source)
            around[link.source].append(index)
    waiting = list(reversed(range(len(pipes))))
    while waiting:
        index = waiting.pop()
        if pipes[index].advance():
            waiting += [other for other in around[index] if other not in waiting]
    return pipes if all(len(pipe.leave) == pipe.total for pipe in pipes) else None
