# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Whether streams that fork and meet again ever stop, and how deep they must be.

A node that reads two streams waits for both. If one of them is full, and what must come first on the other lies behind
a stage that cannot write because of the full one, nothing moves for ever. Whether it happens does not depend on times:
every stage reads and writes in an order of its own (a Kahn network of bounded channels), so one image is followed
without a clock. When nothing moves any more, the full stream in front of the node that waits for its other input gets
one place more (T. M. Parks, Bounded Scheduling of Process Networks, 1995), until the image has passed. An image that
passes alone passes in a batch too: the images behind it only add beats that wait.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from lutforge.errors import ScheduleError
from lutforge.pipeline import HOST, Flags, Stage


def needed(stages: Sequence[Stage]) -> Dict[str, int]:
    """Return the depths of the streams that must be deeper than they are, by name; empty if everything flows."""
    if not _forks(stages):
        return {}
    tokens = _Tokens(stages)
    deeper: Dict[str, int] = {}
    while not tokens.run():
        reader, port = tokens.full()
        tokens.depths[reader][port] += 1
        deeper[stages[reader].links[port].stream] = tokens.depths[reader][port]
    return deeper


def require_flow(stages: Sequence[Stage]) -> None:
    """Raise ScheduleError if the streams would stop (`stopped`)."""
    if needed(stages):
        raise stopped(stages)


def stopped(stages: Sequence[Stage]) -> ScheduleError:
    """Return what is wrong with streams that stop: each that is too shallow, and the depth it needs."""
    links = {link.stream: (stage.node, link.fifo) for stage in stages for link in stage.links}
    told = [
        f"stream {name} into {links[name][0]} has depth {links[name][1]} and needs {depth}"
        for name, depth in needed(stages).items()
    ]
    return ScheduleError(
        f"branches that meet again would stop for ever: {'; '.join(told)}. Give the streams these depths in the "
        "schedule, or let folding.flowing do it, as auto and PExSIMD do"
    )


def _forks(stages: Sequence[Stage]) -> bool:
    sources = [link.source for stage in stages for link in stage.links]
    return len(sources) > len(set(sources))


class _Tokens:
    """How many items of one image have entered and left each stage."""

    def __init__(self, stages: Sequence[Stage]):
        self.stages = stages
        self.entered, self.left = [0] * len(stages), [0] * len(stages)
        self.depths: List[List[int]] = [[link.fifo or 0 for link in stage.links] for stage in stages]
        self.taken = [[_running(flags) for flags in stage.segment.reads] for stage in stages]
        self.written = [_running(stage.segment.writes) for stage in stages]
        self.read_at = [[_places(flags) for flags in stage.segment.reads] for stage in stages]
        self.write_at = [_places(stage.segment.writes) for stage in stages]
        self.readers: List[List[Tuple[int, int]]] = [[] for _ in stages]
        for index, stage in enumerate(stages):
            for port, link in enumerate(stage.links):
                if link.source != HOST:
                    self.readers[link.source].append((index, port))

    def run(self) -> bool:
        """Move items while one can; return whether the image is through."""
        waiting = list(range(len(self.stages)))
        while waiting:
            index = waiting.pop()
            if self._move(index):
                waiting += [link.source for link in self.stages[index].links if link.source != HOST]
                waiting += [reader for reader, _ in self.readers[index]]
        return all(left == stage.items for left, stage in zip(self.left, self.stages, strict=True))

    def full(self) -> Tuple[int, int]:
        """Return (stage, input) of a full stream whose reader waits for a beat of another input.

        Who waits for whom ends in a circle. It goes with the beats at least once, from a writer to the reader that it
        has no room for, and against them at least once; where it turns, the reader has two inputs.
        """
        index = next(place for place, stage in enumerate(self.stages) if self.left[place] < stage.items)
        path: List[int] = []
        full: List[Optional[Tuple[int, int]]] = []  # by step the stream that it goes along with the beats
        while index not in path:
            path.append(index)
            index, stream = self._waits_for(index)
            full.append(stream)
        circle = full[path.index(index) :]
        return next(here for here, behind in zip(circle, circle[1:] + circle[:1], strict=True) if here and not behind)

    def _waits_for(self, index: int) -> Tuple[int, Optional[Tuple[int, int]]]:
        """Return the stage that a stage waits for, and (stage, input) of the full stream if it waits for room."""
        for pair in self.readers[index]:
            if self._leaving(index, pair) == self.left[index] < self.entered[index]:
                return pair[0], pair
        links = self.stages[index].links
        return next(
            link.source for port, link in enumerate(links) if self._entering(index, port) == self.left[index]
        ), None

    def _move(self, index: int) -> bool:
        """Let as many items of a stage leave and enter as can."""
        arrived = min(self._entering(index, port) for port in range(len(self.stages[index].links)))
        left = min([arrived, *(self._leaving(index, pair) for pair in self.readers[index])])
        entered = min(arrived, left + self.stages[index].segment.registers)
        moved = (entered, left) != (self.entered[index], self.left[index])
        self.entered[index], self.left[index] = entered, left
        return moved

    def _entering(self, index: int, port: int) -> int:
        """Items that can enter before one needs a beat of this input that is not there."""
        stage = self.stages[index]
        link = stage.links[port]
        if link.source == HOST:
            return stage.items
        # a directly coupled stage takes a beat out of the last register
        beats = self.written[link.source][(self.left if link.fifo is not None else self.entered)[link.source]]
        if port == 0 and link.fifo is not None and beats == 0:
            return 0  # padding waits for the image
        return self.read_at[index][port][beats]  # a source writes no more than is read

    def _leaving(self, index: int, reader: Tuple[int, int]) -> int:
        """Items that can leave before one finds the stream to a reader full."""
        other, port = reader
        places, room = self.write_at[index], self.depths[other][port] + self.taken[other][port][self.entered[other]]
        return places[min(room, len(places) - 1)]


def _running(flags: Flags) -> List[int]:
    """Return how many of the first n items are set, for n of 0..items."""
    return [0, *np.cumsum(flags).tolist()]


def _places(flags: Flags) -> List[int]:
    """Return the item of each set flag, and behind them the number of items."""
    return [*np.flatnonzero(flags).tolist(), len(flags)]
